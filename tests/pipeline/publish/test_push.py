"""What goes to the Hub loads there as it does here: by config, by split, nothing lost between."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.cli.errors import Exit
from pipeline.publish import push
from pipeline.publish.held_out import is_held_out
from pipeline.publish.push import describe_configs, write_tree
from pipeline.run.storage import RunFolder
from schemas.errors import InputError
from tests.conftest import Run
from tests.pipeline.publish.export.runs import lay_mixed, tell_code
from tests.pipeline.publish.hub import TOKEN, serve_hub
from tests.pipeline.publish.report_runs import Told, lay_run, tell_small_run

FRENCH = [
    Told(
        f"Combien font {n} fois 7 ?",
        str(7 * n),
        samples=[("\\boxed{1}", "1", "wrong")] * 8 + [("x", "y", "correct")] * 8,
    )
    for n in range(12)
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Math in two languages, and code; a fifth held out."""
    french = [Told(t.statement, t.answer, samples=t.samples, extra={"language": "fr"}) for t in FRENCH]
    told = [*tell_small_run(), *french, *tell_code()]
    return lay_run(tmp_path_factory.mktemp("run") / "run", told, train={"evaluation": {"share": 0.2}})


@pytest.fixture(scope="module")
def curated(run: RunFolder) -> pl.DataFrame:
    return pl.concat(table for _, table in run.read_tables("curated")).sort("id")


def load(place: Path, cache: Path, *name: str) -> Any:
    from datasets import load_dataset

    return load_dataset(str(place), *name, cache_dir=str(cache))


def ids(data: Any) -> list[str]:
    return sorted(id for split in data.values() for id in split["id"])


def test_every_config_loads_and_nothing_is_lost(run: RunFolder, curated: pl.DataFrame, tmp_path: Path) -> None:
    place, cache = tmp_path / "hub", tmp_path / "cache"
    write_tree(run.root, RunFolder(str(place)))
    assert ids(load(place, cache)) == curated["id"].to_list()
    for name, language, domain in (
        ("math-en", "en", "math"),
        ("math-fr", "fr", "math"),
        ("code-en", "en", "code"),
        ("math", None, "math"),
    ):
        wanted = curated.filter(pl.col("domain") == domain, pl.col("language") == (language or pl.col("language")))
        data = load(place, cache, name)
        assert ids(data) == wanted["id"].to_list()
        held = {split: {is_held_out(id, 0.2) for id in rows["id"]} for split, rows in data.items()}
        assert held == {split: {split == "test"} for split in data}
    first = curated.row(0, named=True)
    found = next(row for split in load(place, cache).values() for row in split if row["id"] == first["id"])
    assert found["history"] == first["history"]
    assert found["tests"] == first["tests"]


def test_the_card_names_what_is_there_and_nothing_that_is_not(run: RunFolder, tmp_path: Path) -> None:
    pushed = write_tree(run.root, RunFolder(str(tmp_path)), "someone/problems")
    text = (tmp_path / "README.md").read_text()
    metadata = yaml.safe_load(text.split("---")[1])
    assert [each["config_name"] for each in metadata["configs"]] == ["default", "math", "code-en", "math-en", "math-fr"]
    assert 'load_dataset("someone/problems", "math-fr")' in text
    assert "rejected/" not in text
    assert pushed.warnings
    for each in metadata["configs"]:
        for part in each["data_files"]:
            assert list(tmp_path.glob(part["path"]))


def test_only_a_domain_with_several_languages_has_a_config_of_its_own() -> None:
    from collections import Counter

    names = [
        each["config_name"] for each in describe_configs({"math-en": Counter(train=1), "code-en": Counter(train=1)})
    ]
    assert names == ["default", "code-en", "math-en"]


def test_files_are_cut_and_a_smaller_set_leaves_none_behind(
    run: RunFolder, curated: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "hub"
    monkeypatch.setattr(push, "ROWS", 5)
    write_tree(run.root, RunFolder(str(place)))
    assert len(list(place.glob("data/math-en/train-*.parquet"))) > 1
    assert ids(load(place, tmp_path / "cache")) == curated["id"].to_list()
    monkeypatch.setattr(push, "ROWS", 1000)
    write_tree(run.root, RunFolder(str(place)))
    assert len(list(place.glob("data/math-en/train-*.parquet"))) == 1
    assert ids(load(place, tmp_path / "again")) == curated["id"].to_list()


def test_something_else_is_left_alone(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("my notes")
    with pytest.raises(InputError, match=r"something else is here"):
        write_tree(run.root, RunFolder(str(tmp_path)))
    assert (tmp_path / "README.md").read_text() == "my notes"


def test_a_run_that_kept_nothing_is_refused(tmp_path: Path) -> None:
    nothing = lay_run(tmp_path / "run", tell_small_run()[-4:])
    with pytest.raises(InputError, match="nothing to push"):
        write_tree(nothing.root, RunFolder(str(tmp_path / "out")))


@pytest.mark.server
def test_a_push_is_one_commit_and_a_second_replaces_the_first(
    goldilocks: Run, prefect_home: dict[str, str], tmp_path: Path
) -> None:
    run = lay_mixed(tmp_path / "run")
    with serve_hub() as hub:
        prefect_home |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        try:
            told = goldilocks("push", run.root, "someone/problems").stdout
            assert f"{hub.url}/datasets/someone/problems" in told
            assert "no licence is stated" in told
            assert (hub.private, len(hub.commits)) == ({"someone/problems": True}, 1)
            hub.files["someone/problems"]["data/math-xx/train-00000.parquet"] = b"of an older run"
            goldilocks("push", run.root, "someone/problems")
            assert len(hub.commits) == 2
            place = hub.lay("someone/problems", tmp_path / "downloaded")
            data = load(place, tmp_path / "cache", "code-en")
            assert len(ids(data)) == len(tell_code())
            assert not (place / "data" / "math-xx").exists()
            prefect_home["HF_TOKEN"] = "hf_other"
            refused = goldilocks("push", run.root, "someone/problems", check=Exit.BAD_INPUT).stderr
            assert "the Hub says 401; set HF_TOKEN" in refused
        finally:
            for name in ("HF_ENDPOINT", "HF_TOKEN", "HF_HUB_DISABLE_XET"):
                prefect_home.pop(name, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("no/run", "a/b"), "no/run"),
        (("no/run",), "one place"),
        (("no/run", "a/b", "--to-folder", "c"), "one place"),
        (("no/run", "not a name"), "not a name"),
    ],
)
def test_bad_input_is_told(goldilocks: Run, arguments: tuple[str, ...], told: str) -> None:
    assert told in goldilocks("push", *arguments, check=Exit.BAD_INPUT).stderr
