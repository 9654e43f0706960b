"""Dedup in the flow: over all shards at once, the same on every run, and nothing that was kept is dropped later."""

from pathlib import Path

import polars as pl
import pytest

from flows.tasks import run_stage_on_set
from pipeline.run.storage import RunFolder
from schemas.config import Config, Source
from schemas.conform import conform_rows

TEXTS = (
    ("A box holds 6 eggs. How many eggs are in 2 boxes?", "A farmer has 12 cows and buys 7 more. How many has he now?"),
    ("Problem 4. A box holds 6 eggs. How many eggs are in 2 boxes ?", "What is 17 + 25?"),
    ("What is 17 + 26?", "A farmer has 12 cows and buys 7 more. How many has he now ?"),
)


def put(folder: RunFolder, shard: int, texts: tuple[str, ...]) -> None:
    rows = [{"domain": "math", "statement": text, "answer": "1"} for text in texts]
    folder.write_table(f"problems/{shard:05d}.parquet", conform_rows(rows, "s")[0])


def run(folder: RunFolder, shards: int) -> dict[str, list[str]]:
    config = Config(run=folder.root, sources=(Source(name="s", files="-"),))
    names = [f"{n:05d}" for n in range(shards)]
    run_stage_on_set.fn(config, folder, "dedup", names, "problems")
    kept = pl.concat([folder.read_table(f"stages/dedup/{name}.parquet") for name in names])
    rejected = pl.concat([folder.read_table(f"rejected/dedup-{name}.parquet") for name in names])
    assert kept.height + rejected.height == sum(folder.count_rows(f"problems/{name}.parquet") for name in names)
    ids = set(kept["id"])
    assert all(any(id in detail for id in ids) for detail in rejected["detail"])
    return {"kept": sorted(kept["statement"]), "rejected": sorted(rejected["statement"])}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(str(tmp_path / "run"))
    for shard, texts in enumerate(TEXTS):
        put(made, shard, texts)
    return made


def test_copies_in_other_shards_are_found_and_other_numbers_are_not(folder: RunFolder) -> None:
    outcome = run(folder, 3)
    assert len(outcome["kept"]) == 4
    assert {"What is 17 + 25?", "What is 17 + 26?"} <= set(outcome["kept"])


def test_a_second_run_writes_nothing(folder: RunFolder) -> None:
    run(folder, 3)
    files = sorted(Path(folder.path).rglob("*"))
    before = {path: path.stat().st_mtime_ns for path in files}
    run(folder, 3)
    assert {path: path.stat().st_mtime_ns for path in sorted(Path(folder.path).rglob("*"))} == before


def test_what_was_kept_yesterday_is_kept_today(folder: RunFolder) -> None:
    """Whichever copy would win among all three shards, the one that was graded first stays."""
    first = run(folder, 1)["kept"]
    assert set(first) <= set(run(folder, 3)["kept"])


def test_untouched_shards_are_not_written_again(folder: RunFolder) -> None:
    run(folder, 2)
    path = Path(folder.path) / "stages/dedup/00000.parquet"
    before = path.stat().st_mtime_ns
    # A duplicate of a kept problem would hand its label to it, in its shard.
    put(folder, 2, ("What is 17 + 26?",))
    run(folder, 3)
    assert path.stat().st_mtime_ns == before
