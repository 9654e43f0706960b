"""A file of problems in the place of a run config: what is assumed, and what goes over it."""

from pathlib import Path

import pytest

from flows.cli.data import build_settings, choose_source, is_config, read_columns
from schemas.errors import InputError
from schemas.load import build_config


def test_yaml_with_sources_or_a_run_is_a_config_and_all_else_is_data(tmp_path: Path) -> None:
    for name, text, config in (
        ("a.yaml", "run: r\n", True),
        ("b.yml", "sources: []\n", True),
        ("c.yaml", "broken: [", True),
        ("d.yaml", "name: Two Baskets\n", False),
        ("e.json", '{"sources": []}', False),
        ("f.jsonl", "{}", False),
    ):
        file = tmp_path / name
        file.write_text(text)
        assert is_config(str(file)) == config, name
    assert is_config(str(tmp_path / "missing.yaml"))
    assert not is_config(str(tmp_path))


def test_a_file_alone_is_a_run_beside_it_graded_by_the_embedded_model(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    settings = build_settings(str(file), None, ["answer=final, statement=q"], [])
    assert settings.run == str(tmp_path / "mine-run")
    [source] = settings.sources
    assert (source.name, source.files) == ("mine", str(file))
    assert source.columns == {"answer": "final", "statement": "q"}
    assert (settings.model.name, settings.prompt.chat, settings.verify.extract) == ("embedded", False, "last")


def test_overrides_go_over_what_is_assumed() -> None:
    settings = build_settings("mine.jsonl", "gsm8k", [], ["run=elsewhere", "model.name=other", "sampling.max_tokens=9"])
    assert (settings.run, settings.model.name, settings.sampling.max_tokens) == ("elsewhere", "other", 9)
    assert settings.sources[0].preset == "gsm8k"
    assert settings.prompt == type(settings.prompt)()
    assert build_settings("s3://bucket/mine.parquet", None, [], []).run == "runs/mine"


def test_columns_are_pairs_or_yaml() -> None:
    assert read_columns(["{statement: Aufgabe, answer: Ergebnis}", "language=lang"]) == {
        "statement": "Aufgabe",
        "answer": "Ergebnis",
        "language": "lang",
    }
    with pytest.raises(InputError, match="NAME=COLUMN"):
        read_columns(["statement"])


def test_a_stage_takes_the_source_of_its_config_and_the_options_over_it() -> None:
    files = {"name": "mine", "files": "a.jsonl", "columns": {"statement": "q"}, "language": "de"}
    config = build_config({"run": "r", "sources": [{"name": "other", "files": "b.jsonl"}, files]})
    source = choose_source("a.jsonl", config, None, ["answer=x"])
    assert (source.name, source.columns, source.language) == ("mine", {"statement": "q", "answer": "x"}, "de")
    assert choose_source("c.jsonl", config, "math", []).preset == "math"
