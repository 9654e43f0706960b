"""Ingest takes each row once: across sources, across runs, and however often it is killed."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipeline.ingest import ingest as module
from pipeline.ingest.ingest import ingest
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.conform import REJECT_SCHEMA
from schemas.errors import InputError
from schemas.problem import PROBLEM, PROBLEM_DTYPES

SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def balance(lines: list[str]) -> list[str]:
    """The lines with as many readable ones added as keep a source from being refused."""
    bad = sum('"math"' not in line for line in lines)
    return [*lines, *(row(n) for n in range(2 * bad - len(lines)))]


LINES = st.lists(
    st.integers(0, 12).map(lambda n: json.dumps({"domain": "math", "statement": f"What is {n}?", "answer": str(n)}))
    | st.integers(0, 2).map(lambda n: f"torn {n}")
    | st.integers(0, 2).map(lambda n: json.dumps({"domain": "sports", "statement": f"What is {n}?"})),
    min_size=1,
    max_size=40,
).map(balance)


def config(tmp_path: Path, *files: str, shard_rows: int = 2048) -> Config:
    sources = [{"name": f"s{n}", "files": str(tmp_path / file)} for n, file in enumerate(files)]
    return Config.model_validate({"run": str(tmp_path / "run"), "sources": sources, "flow": {"shard_rows": shard_rows}})


def write(tmp_path: Path, name: str, lines: list[str]) -> None:
    (tmp_path / name).write_text("".join(line + "\n" for line in lines))


def row(n: int) -> str:
    return json.dumps({"domain": "math", "statement": f"What is {n}?", "answer": str(n)})


def problems_of(folder: RunFolder) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=PROBLEM_DTYPES), *(table for _, table in folder.read_tables("problems"))])


def rejects_of(folder: RunFolder) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=REJECT_SCHEMA), *(table for _, table in folder.read_tables("rejected"))])


def recorded(folder: RunFolder) -> Counter[tuple[str, str]]:
    kept = [(id, "problem") for id in problems_of(folder)["id"]]
    return Counter(kept + list(rejects_of(folder).select("id", "reason").iter_rows()))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


class Dying(RunFolder):
    """A folder whose process is killed at the given write: before it, or after its temporary file was written."""

    def __init__(self, root: str, at: int, torn: bool) -> None:
        super().__init__(root)
        self.left = at
        self.torn = torn

    def write_bytes(self, name: str, data: bytes) -> None:
        if self.left == 0:
            if self.torn:
                place = self.at(name)
                self.fs.makedirs(place.rpartition("/")[0], exist_ok=True)
                self.fs.pipe(place.replace(name.rpartition("/")[2], ".x.tmp"), data[: len(data) // 2])
            raise Killed
        self.left -= 1
        super().write_bytes(name, data)


def test_a_run_says_what_it_took(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [row(1), row(2), "{torn", row(1)])
    write(tmp_path, "b.jsonl", [row(2), row(3)])
    folder = RunFolder(str(tmp_path / "run"))
    counts = ingest(config(tmp_path, "a.jsonl", "b.jsonl"), folder)
    assert counts == {"read": 6, "seen": 0, "problems": 3, "duplicate": 2, "invalid_row": 1}
    assert folder.list("problems") == ["problems/00000.parquet"]
    assert folder.list("rejected") == ["rejected/ingest-00000.parquet"]
    problems, rejects = problems_of(folder), rejects_of(folder)
    PROBLEM.validate(problems)
    assert problems["history"].to_list()[0] == [
        {"stage": "ingest", "action": "read", "detail": f"s0: {tmp_path / 'a.jsonl'}:1"}
    ]
    by_reason = dict(zip(rejects["reason"], rejects["detail"], strict=False))
    assert by_reason["invalid_row"].startswith(f"{tmp_path / 'a.jsonl'}:3: not JSON")
    details = rejects.filter(reason="duplicate")["detail"].to_list()
    assert details == [f"the same as s0: {tmp_path / 'a.jsonl'}:1", f"the same as s0: {tmp_path / 'a.jsonl'}:2"]
    assert json.loads(rejects.filter(reason="invalid_row")["extra"][0])["raw"] == "{torn"


def test_a_duplicate_names_its_first_by_source_and_id(tmp_path: Path) -> None:
    line = json.dumps({"statement": "What is 1?", "answer": "1", "source_id": "q-7"})
    write(tmp_path, "a.jsonl", [line, line])
    folder = RunFolder(str(tmp_path / "run"))
    ingest(config(tmp_path, "a.jsonl"), folder)
    assert rejects_of(folder)["detail"].to_list() == ["the same as s0 q-7"]


def test_a_second_run_takes_nothing_and_a_grown_source_only_what_is_new(tmp_path: Path) -> None:
    lines = [row(1), "torn", row(2), row(1)]
    write(tmp_path, "a.jsonl", lines)
    folder = RunFolder(str(tmp_path / "run"))
    ingest(config(tmp_path, "a.jsonl"), folder)
    before = recorded(folder)
    counts = ingest(config(tmp_path, "a.jsonl"), folder)
    assert counts == {"read": 4, "seen": 4, "problems": 0, "duplicate": 0, "invalid_row": 0}
    assert recorded(folder) == before
    write(tmp_path, "a.jsonl", [row(0), *lines, row(2), "torn too"])
    counts = ingest(config(tmp_path, "a.jsonl"), folder)
    assert counts == {"read": 7, "seen": 4, "problems": 1, "duplicate": 1, "invalid_row": 1}
    assert folder.list("problems") == ["problems/00000.parquet", "problems/00001.parquet"]


@pytest.mark.slow
@given(
    lines=LINES,
    more=LINES,
    rows=st.integers(1, 7),
    batch=st.integers(1, 9),
    kills=st.lists(st.integers(0, 6)),
    torn=st.booleans(),
)
@SLOW
def test_killed_anywhere_and_run_again_it_is_as_if_it_had_run_once(
    lines: list[str], more: list[str], rows: int, batch: int, kills: list[int], torn: bool, tmp_path_factory: Any
) -> None:
    tmp_path = tmp_path_factory.mktemp("kill")
    write(tmp_path, "a.jsonl", lines)
    write(tmp_path, "b.jsonl", more)
    chosen = config(tmp_path, "a.jsonl", "b.jsonl", shard_rows=rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH_ROWS", batch)
        whole = RunFolder(str(tmp_path / "whole"))
        counts = ingest(chosen, whole)
        for at in kills:
            try:
                ingest(chosen, Dying(str(tmp_path / "killed"), at, torn))
            except Killed:
                continue
        killed = RunFolder(str(tmp_path / "killed"))
        ingest(chosen, killed)
    assert recorded(killed) == recorded(whole)
    assert sum(recorded(whole).values()) == counts["read"] == len(lines) + len(more)
    assert problems_of(killed)["id"].is_unique().all()
    assert all(table.height <= rows for _, table in killed.read_tables("problems"))


@given(lines=LINES, rows=st.integers(1, 7))
@SLOW
def test_a_duplicate_never_stands_before_its_first(lines: list[str], rows: int, tmp_path_factory: Any) -> None:
    tmp_path = tmp_path_factory.mktemp("order")
    write(tmp_path, "a.jsonl", lines)
    folder = RunFolder(str(tmp_path / "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH_ROWS", 5)
        ingest(config(tmp_path, "a.jsonl", shard_rows=rows), folder)
    shard_of = {id: name[-13:] for name, table in folder.read_tables("problems") for id in table["id"]}
    duplicates = [
        (id, name[-13:])
        for name, table in folder.read_tables("rejected")
        for id in table.filter(reason="duplicate")["id"]
    ]
    assert sum(recorded(folder).values()) == len(lines)
    assert [id for id, shard in duplicates if shard < shard_of[id]] == []


@SLOW
@given(lines=LINES, rows=st.integers(1, 5), chosen=st.integers(0, 100))
def test_a_shard_that_was_damaged_comes_again_under_its_number(
    lines: list[str], rows: int, chosen: int, tmp_path_factory: Any
) -> None:
    """Its samples lie under that number; and no row is lost or doubled, with its duplicates' records still there."""
    tmp_path = tmp_path_factory.mktemp("case")
    write(tmp_path, "a.jsonl", lines)
    settings, folder = config(tmp_path, "a.jsonl", shard_rows=rows), RunFolder(str(tmp_path / "run"))
    ingest(settings, folder)
    before = {name: folder.read_table(name) for room in ("problems", "rejected") for name in folder.list(room)}
    shards = folder.list("problems")
    assume(shards)
    gone = shards[chosen % len(shards)]
    folder.fs.mv(folder.at(gone), folder.at(f"{gone}.damaged"))
    ingest(settings, folder)
    after = {name: folder.read_table(name) for room in ("problems", "rejected") for name in folder.list(room)}
    assert after.keys() == before.keys()
    assert all(table.equals(before[name]) for name, table in after.items())


def test_many_copies_fill_no_memory_and_few_files(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [row(n % 20) for n in range(4000)])
    folder = RunFolder(str(tmp_path / "run"))
    counts = ingest(config(tmp_path, "a.jsonl", shard_rows=100), folder)
    assert counts == {"read": 4000, "seen": 0, "problems": 20, "duplicate": 3980, "invalid_row": 0}
    assert [folder.count_rows(name) for name in folder.list("problems")] == [20]


def test_every_source_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [row(1)])
    write(tmp_path, "b.jsonl", ['{"question": "q"}'])
    folder = RunFolder(str(tmp_path / "run"))
    with pytest.raises(InputError, match="source 's1' has no column 'statement'"):
        ingest(config(tmp_path, "a.jsonl", "b.jsonl"), folder)
    assert folder.list("problems") == []


def test_the_rejects_of_other_stages_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [row(1)])
    folder = RunFolder(str(tmp_path / "run"))
    ingest(config(tmp_path, "a.jsonl"), folder)
    screened = problems_of(folder).with_columns(stage=pl.lit("screen"), reason=pl.lit("proof"), detail=pl.lit("x"))
    folder.write_table("rejected/screen-00000.parquet", screened)
    write(tmp_path, "a.jsonl", [row(1), row(1)])
    assert ingest(config(tmp_path, "a.jsonl"), folder)["duplicate"] == 1


def test_real_problems_keep_their_statements_and_labels(tmp_path: Path, shared_data: Path) -> None:
    files = {"gsm": "gsm8k-train.jsonl", "arena": "matharena-problems.jsonl", "mgsm": "mgsm-mgsm.jsonl"}
    columns = {"statement": "problem", "answer": "answer"}
    sources = [
        {
            "name": name,
            "files": str(shared_data / file),
            "columns": columns | ({"language": "lang"} if name == "mgsm" else {}),
        }
        for name, file in files.items()
    ]
    folder = RunFolder(str(tmp_path / "run"))
    counts = ingest(Config.model_validate({"run": "x", "sources": sources}), folder)
    assert counts["invalid_row"] == 0
    assert counts["problems"] + counts["duplicate"] == counts["read"] == 3000 + 156 + 2750
    assert counts["duplicate"] < 20
    by_id = {row["source_id"]: row for row in problems_of(folder).iter_rows(named=True)}
    assert by_id["gsm8k-train-0"]["answer"] == "72"
    assert len(set(problems_of(folder)["language"])) == 11
