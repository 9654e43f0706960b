"""What users import: verifying, and reading a run. The page about it does what it says."""

import re
from pathlib import Path

import polars as pl
import pytest

import goldilocks
from goldilocks import InputError, Rewarder, Run, verify, verify_many, write_label
from goldilocks._run import DTYPES, Table
from pipeline.run.layout import part_name, rejected_name, shard_of
from pipeline.run.storage import RunFolder
from schemas.sample import SAMPLE_ROWS
from tests.conftest import ROOT
from tests.pipeline.publish.export.runs import PROGRAM, RIGHT, WRONG, lay_mixed

SNIPPETS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "python.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Sums of every pass rate, and code, in two shards."""
    return lay_mixed(tmp_path_factory.mktemp("project") / "runs" / "quickstart")


def test_the_page_has_a_snippet_for_every_part() -> None:
    assert len(SNIPPETS) == 4
    for name in ("verify", "verify_many", "Rewarder", "TrlReward", "Run"):
        assert any(f"{name}(" in snippet or f"{name}." in snippet for snippet in SNIPPETS)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[0])
def test_every_snippet_of_the_page_runs(snippet: str, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(folder.root).parents[1])
    names: dict[str, object] = {}
    exec(compile(snippet, "docs/python.md", "exec"), names)
    assert names.keys() - {"__builtins__"}


def test_everything_that_is_announced_is_there() -> None:
    assert goldilocks.__all__ == sorted(goldilocks.__all__)
    for name in goldilocks.__all__:
        assert getattr(goldilocks, name).__doc__


def test_many_are_judged_as_one_is_and_as_the_rewarder_does() -> None:
    completions, labels = [r"\boxed{4}", r"\boxed{5}", "no box", r"\boxed{2/4}"], ["4", "4", "4", "0.5"]
    several = verify_many(completions, labels)
    assert several == [verify(*pair) for pair in zip(completions, labels, strict=True)]
    assert [graded.verdict.value for graded in several] == ["correct", "wrong", "wrong", "correct"]
    with Rewarder() as rewarder:
        assert [rewarder.verify] == [goldilocks.VerifyConfig()]


def test_lists_of_different_length_are_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="2 completions and 1 labels"):
        verify_many(["a", "b"], ["4"])


def test_a_row_of_a_code_problem_is_a_label(folder: RunFolder) -> None:
    run = Run(folder.root)
    row = run.problems().filter(pl.col("statement") == "Write add.").row(0, named=True)
    graded = verify_many([PROGRAM.format(code) for code in (RIGHT[0], WRONG[0])], [row] * 2, run.config.verify)
    assert [one.verdict.value for one in graded] == ["correct", "wrong"], [one.detail for one in graded]
    assert '"domain": "code"' in write_label(row)


@pytest.mark.parametrize("table", DTYPES)
def test_each_table_has_its_columns_and_all_rows_of_its_files(folder: RunFolder, table: Table) -> None:
    read: pl.DataFrame = getattr(Run(folder.root), table)()
    assert set(DTYPES[table]) <= set(read.columns)
    assert read.height == sum(folder.count_rows(name) for name in folder.list(table))
    # The run is as one of a version before labels had witnesses.
    assert (read.height > 0) == (table not in ("labels", "rates"))
    assert read.height == sum(shard.height for shard in Run(folder.root).shards(table))


def test_no_problem_is_lost_between_curated_and_rejected(folder: RunFolder) -> None:
    run = Run(folder.root)
    curated, rejected = set(run.curated()["id"]), set(run.rejected()["id"])
    assert curated.isdisjoint(rejected)
    assert set(run.problems()["id"]) <= curated | rejected


def test_a_sample_that_was_verified_again_is_read_once_as_it_is_now(tmp_path: Path) -> None:
    folder = lay_mixed(tmp_path / "run")
    before = Run(folder.root).samples()
    first = folder.list("samples")[0]
    again = folder.read_table(first).with_columns(pl.lit("unknown").alias("verdict"))
    folder.write_table(part_name(shard_of(first), 1), again)
    after = Run(folder.root).samples()
    assert after.height == before.height
    assert (after["verdict"] == "unknown").sum() >= again.height


def test_rejected_samples_are_no_problems_and_older_runs_lack_columns(tmp_path: Path) -> None:
    folder = lay_mixed(tmp_path / "run")
    before = Run(folder.root).rejected()
    name = next(name for name in folder.list("rejected"))
    folder.write_table(rejected_name(SAMPLE_ROWS, "00000"), folder.read_table(name))
    assert Run(folder.root).rejected().equals(before)
    [curated, *_] = folder.list("curated")
    folder.write_table(curated, folder.read_table(curated).drop("pass_rate_high"))
    assert Run(folder.root).curated()["pass_rate_high"].null_count() > 0


def test_decisions_are_those_of_the_last_pass(tmp_path: Path) -> None:
    folder = lay_mixed(tmp_path / "run")
    for name in folder.list("decisions"):
        second = folder.read_table(name).with_columns(pl.lit(2, pl.Int8).alias("grading_pass"))
        folder.write_table(name.replace("pass-1-", "pass-2-"), second)
    assert Run(folder.root).decisions()["grading_pass"].unique().to_list() == [2]


def test_a_folder_that_is_no_run_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json.*curated or graded"):
        Run(tmp_path)
