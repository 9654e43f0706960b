"""A run audited by its own stages, its stored samples and the real sandbox."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audit import audit_run, describe_audit
from pipeline.audit.run import bound_share
from pipeline.decide.run import decide_run
from pipeline.publish.run import publish_run
from pipeline.run.storage import RunFolder
from pipeline.sandbox import describe_sandbox
from schemas.config import Config
from schemas.conform import conform_rows
from schemas.errors import InputError
from schemas.sample import SAMPLE_DTYPES

needs_sandbox = pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
DOUBLES = ["return 2 * n", "return n + n", "return n << 1"]


def make_samples(problem: str, completions: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "problem_id": problem,
            "prompt": "p",
            "model": "a/model",
            "revision": "main",
            "params": "q",
            "index": index,
            "completion": completion,
            "tokens": 9,
            "finish_reason": "stop",
            "answer": completion,
            "answer_key": None if "def" in completion else completion,
            "verdict": verdict,
            "verifier": "v",
        }
        for index, (completion, verdict) in enumerate(completions)
    ]


def make_run(root: Path) -> RunFolder:
    """Twelve sums, a translation of one, and a function: all kept, with 8 right samples of 16."""
    sums = [
        {
            "domain": "math",
            "source_id": f"s{n}",
            "statement": f"Anna has {n} red and {n + 9} green balls and gives none away. How many balls does she have?",
            "answer": str(2 * n + 9),
        }
        for n in range(20, 32)
    ]
    tests = [{"id": f"t{n}", "input": f"double({n})", "expected": str(2 * n)} for n in range(-3, 4)]
    code = {
        "domain": "code",
        "source_id": "double",
        "statement": "Write a function double(n) that returns the number n times two.",
        "entry_point": "double",
        "code_language": "python",
        "tests": tests,
        "solutions": [{"language": "python", "code": f"def double(n):\n    {line}"} for line in DOUBLES],
    }
    problems, invalid = conform_rows([*sums, code], "a")
    assert invalid.is_empty()
    translation = {
        **sums[0],
        "language": "it",
        "parent_id": problems["id"][0],
        "history": [{"stage": "translate", "action": "translated", "detail": "from en"}],
        "statement": "Anna ha 20 palline rosse e 29 palline verdi e non ne regala nessuna. Quante palline ha?",
    }
    translated, _ = conform_rows([translation], "a")
    graded = pl.concat([problems, translated])
    folder = RunFolder(str(root))
    config = Config.model_validate(
        {"run": str(root), "sources": [{"name": "a", "files": "a.jsonl"}], "verify": {"extract": "last"}}
    )
    folder.write_table("problems/00000.parquet", problems)
    for stage in ("screen", "code_tests"):
        folder.write_table(f"stages/{stage}/00000.parquet", problems)
    folder.write_table("stages/translate/00000.parquet", graded)
    samples: list[dict[str, Any]] = []
    for row in graded.iter_rows(named=True):
        right, wrong = row["answer"], [str(900 + n) for n in range(8)]
        if row["domain"] == "code":
            right, wrong = "def double(n):\n    return n * 2\n", ["def double(n):\n    return n\n"] * 8
        samples += make_samples(row["id"], [(right, "correct")] * 8 + [(text, "wrong") for text in wrong])
    folder.write_table("samples/00000.parquet", pl.DataFrame(samples, schema=SAMPLE_DTYPES))
    decide_run(folder, config)
    publish_run(folder, config, {})
    return folder


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, dict[str, Any]]]:
    folder = make_run(tmp_path_factory.mktemp("audit") / "run")
    report = audit_run(folder.root)
    assert folder.read_json("audit.json") == report
    assert report["problems"] == 14
    return folder, {row["kind"]: row for row in report["kinds"]}


Audited = tuple[RunFolder, dict[str, dict[str, Any]]]


@needs_sandbox
def test_every_defect_is_caught_missed_or_needs_a_model(audited: Audited) -> None:
    for row in audited[1].values():
        assert row["planted"] == row["caught"] + row["missed"] + row["needs_model"]
        assert row["caught"] == sum(row["by"].values())


@needs_sandbox
def test_changed_labels_are_caught_by_the_stored_samples(audited: Audited) -> None:
    row = audited[1]["label changed"]
    assert (row["planted"], row["by"], row["missed"]) == (13, {"samples": 13}, 0)


@needs_sandbox
def test_a_corrupted_test_is_caught_by_the_solutions_and_a_broken_translation_by_its_check(audited: Audited) -> None:
    assert audited[1]["test corrupted"]["by"] == {"code_tests": 1}
    assert audited[1]["translation broken"]["by"] == {"translate": 1}


@needs_sandbox
def test_changed_numbers_need_a_model_and_sound_problems_are_not_lost(audited: Audited) -> None:
    assert audited[1]["number changed"]["needs_model"] == audited[1]["number changed"]["planted"] > 0
    control = audited[1]["none (control)"]
    assert (control["caught"], control["missed"]) == (0, 14)
    assert audited[1]["options dropped"]["planted"] == 0


@needs_sandbox
def test_the_run_is_as_it_was_and_its_card_has_the_table(audited: Audited) -> None:
    folder, kinds = audited
    card = folder.read_bytes("README.md").decode()
    assert (
        f"| label changed | 13 | 13 ({100 * kinds['label changed']['low']:.0f} to 100%) | samples 13 | 0 | 0 |" in card
    )
    assert folder.read_table("decisions/pass-1-00000.parquet")["decision"].to_list() == ["keep"] * 14
    lines = describe_audit(folder.read_json("audit.json"))
    assert any(line.startswith("label changed") and "100%" in line for line in lines)
    config = Config.model_validate(folder.read_json("manifest.json")["config"])
    manifest = publish_run(folder, config, {})
    folder.write_json("manifest.json", manifest | {"created": "later"})
    from pipeline.publish.card import render_card

    assert "How far it can be trusted" not in render_card(folder, config, manifest | {"created": "later"})


def test_a_folder_that_is_no_decided_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not decided"):
        audit_run(str(tmp_path))


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_holds_the_share(hits: int, others: int) -> None:
    low, high = bound_share(hits, hits + others)
    if hits + others == 0:
        assert (low, high) == (None, None)
    else:
        assert low is not None
        assert high is not None
        assert 0 <= low <= round(hits / (hits + others), 4) <= high <= 1
