"""Supervised traces are correct ones, more of them where they are rare; pairs are of one problem and alike in
length."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish.export import export_run
from pipeline.publish.export.traces import Trace, count_rows, pair_traces
from pipeline.run.evidence import record_evidence
from pipeline.run.storage import RunFolder
from schemas.config import ExportConfig
from tests.pipeline.publish.export.runs import lay_mixed
from tests.pipeline.publish.export.test_export import read_rows
from tests.pipeline.publish.report_runs import Told, lay_run

configs = st.builds(
    ExportConfig,
    traces=st.integers(1, 9),
    repeats=st.integers(1, 5),
    pairs=st.integers(1, 9),
    length_ratio=st.floats(1, 4),
)
traces = st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=20).map(
    lambda drawn: [Trace(n, n, length, correct) for n, (length, correct) in enumerate(drawn)]
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_mixed(tmp_path_factory.mktemp("mixed") / "run")


@pytest.fixture(scope="module")
def samples(run: RunFolder) -> dict[tuple[str, str], set[str]]:
    """(Problem, completion) -> its verdicts."""
    found: dict[tuple[str, str], set[str]] = {}
    for _, table in run.read_tables("samples", ["problem_id", "completion", "verdict"]):
        for id, completion, verdict in table.iter_rows():
            found.setdefault((id, completion), set()).add(verdict)
    return found


@given(st.integers(1, 16), st.floats(0, 1), st.floats(0, 1), configs)
def test_a_harder_problem_has_no_fewer_rows(correct: int, one: float, other: float, config: ExportConfig) -> None:
    hard, easy = (count_rows(correct, rate, config) for rate in sorted((one, other)))
    assert hard[1] >= easy[1] >= 1
    for distinct, rows in (hard, easy):
        assert 1 <= distinct <= min(correct, config.traces)
        assert distinct <= rows <= min(2 * config.traces, distinct * config.repeats)


def test_rows_by_pass_rate_with_the_defaults() -> None:
    rows = {correct: count_rows(correct, correct / 16, ExportConfig()) for correct in (1, 2, 4, 8, 12)}
    assert rows == {1: (1, 2), 2: (2, 4), 4: (4, 6), 8: (4, 4), 12: (2, 2)}


@given(traces, configs)
def test_pairs_are_alike_in_length_and_use_no_trace_twice(drawn: list[Trace], config: ExportConfig) -> None:
    pairs = pair_traces(drawn, config)
    used = [trace.number for pair in pairs for trace in pair]
    assert len(used) == len(set(used))
    assert len(pairs) <= config.pairs
    for right, wrong in pairs:
        assert right.correct
        assert not wrong.correct
        low, high = sorted((right.length, wrong.length))
        assert max(high, 1) <= config.length_ratio * max(low, 1)


def test_the_nearest_lengths_are_paired_first() -> None:
    drawn = [Trace(n, n, length, n < 2) for n, length in enumerate((100, 200, 140, 205, 900))]
    pairs = pair_traces(drawn, ExportConfig(pairs=1))
    assert [(right.length, wrong.length) for right, wrong in pairs] == [(200, 205)]


def test_every_trace_is_a_stored_correct_one(
    run: RunFolder, samples: dict[tuple[str, str], set[str]], tmp_path: Path
) -> None:
    export_run("sft", run.root, str(tmp_path / "sft"))
    rows = read_rows(tmp_path / "sft")
    assert {row["domain"] for row in rows} == {"math", "code"}
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        [said] = row["completion"]
        assert said["role"] == "assistant"
        assert "correct" in samples[row["id"], said["content"]]
        counts.setdefault(row["id"], Counter())[said["content"]] += 1
        assert row["model"] == "embedded"
    for per in counts.values():
        assert len(per) <= 4
        assert max(per.values()) <= 2
    export_run("sft-messages", run.root, str(tmp_path / "messages"))
    whole = [row["messages"] for row in read_rows(tmp_path / "messages")]
    assert whole == [[*row["prompt"], *row["completion"]] for row in rows]


def test_every_pair_is_a_stored_correct_and_a_stored_wrong_one(
    run: RunFolder, samples: dict[tuple[str, str], set[str]], tmp_path: Path
) -> None:
    export_run("dpo", run.root, str(tmp_path))
    rows = read_rows(tmp_path)
    assert {row["domain"] for row in rows} == {"math", "code"}
    for row in rows:
        for column, verdict in (("chosen", "correct"), ("rejected", "wrong")):
            [said] = row[column]
            assert verdict in samples[row["id"], said["content"]]


def lay(tmp_path: Path, verdicts: str, finish: str = "stop") -> RunFolder:
    """A run of one kept problem, a sample a letter (`c`orrect, `w`rong, `u`nknown), all of them as long as each
    other."""
    words = {"c": "correct", "w": "wrong", "u": "unknown"}
    said = [(f"it is \\boxed{{{n:02d}}}", f"{n:02d}", words[v]) for n, v in enumerate(verdicts)]
    folder = lay_run(tmp_path / "run", [Told("How much?", "1", samples=said)])
    [name] = folder.list("samples")
    table = folder.read_table(name).with_columns(pl.lit(finish).alias("finish_reason"))
    folder.write_table(name, table)
    return folder


def test_an_unknown_sample_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    run = lay(tmp_path, "cuu" + "w" * 5)
    export_run("dpo", run.root, str(tmp_path / "dpo"), ["export.pairs=9"])
    [row] = read_rows(tmp_path / "dpo")
    assert row["chosen"][0]["content"] == "it is \\boxed{00}"
    assert "w" in "cuuwwwww"[int(row["rejected"][0]["content"][-3:-1])]


def test_what_was_cut_off_is_no_example(tmp_path: Path) -> None:
    run = lay(tmp_path, "ccww", finish="length")
    for name in ("sft", "dpo"):
        with pytest.raises(ValueError, match="nothing to export"):
            export_run(name, run.root, str(tmp_path / name))


def test_samples_that_do_not_count_are_not_taken(tmp_path: Path) -> None:
    run = lay(tmp_path, "cc" + "w" * 6)
    [name] = run.list("samples")
    table = run.read_table(name)
    record_evidence(run, "00000", table.filter(pl.col("index") != 0).select("problem_id", "index"))
    export_run("sft", run.root, str(tmp_path / "out"))
    assert {row["completion"][0]["content"] for row in read_rows(tmp_path / "out")} == {"it is \\boxed{01}"}


def test_a_sample_in_two_files_counts_once(tmp_path: Path) -> None:
    run = lay(tmp_path, "ccww")
    [name] = run.list("samples")
    run.write_table(name.replace("00000.parquet", "00001.parquet"), run.read_table(name))
    export_run("sft", run.root, str(tmp_path / "out"), ["export.repeats=1"])
    assert len(read_rows(tmp_path / "out")) == 2
