"""Whole runs whose samples are the same every time: a stand-in model server that answers by the prompt alone.

What two such runs leave can be compared row for row, wherever they ran.
"""

import re
from typing import Any

import polars as pl

from pipeline.run.storage import RunFolder
from schemas.sample import SAMPLE_KEY
from tests.pipeline.inference.unruly import Unruly, answer

FOLDERS = ("problems", "stages", "rejected", "samples", "evidence", "decisions", "curated")


def start_scripted_model() -> Unruly:
    """A stand-in model that adds, now and then rightly."""
    return Unruly(add)


def add(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
    status, headers, value = answer(body["n"])
    found = re.search(r"(\d+) \+ (\d+)", body["prompt"])
    first, second = (int(part) for part in found.groups()) if found else (0, 0)
    for choice in value["choices"]:
        wrong = (first * 7 + choice["index"] * 3) % 5 < first % 4
        choice["text"] = f"It is {first + second + wrong}."
    return status, headers, value


def read_content(run: str) -> dict[str, pl.DataFrame]:
    """Every table of a run by its name, without what depends on the clock, in an order of its own."""
    folder = RunFolder(run)
    found = {}
    for below in FOLDERS:
        for name, table in folder.read_tables(below):
            ordered = table.sort(SAMPLE_KEY).drop("seconds") if below == "samples" else table
            found[name] = ordered
    return found


def assert_same_content(run: str, other: str) -> None:
    """Row for row, table for table, count for count."""
    ours, theirs = read_content(run), read_content(other)
    assert ours.keys() == theirs.keys()
    for name, table in ours.items():
        assert table.equals(theirs[name]), name
    mine, yours = (RunFolder(at).read_json("manifest.json") for at in (run, other))
    assert mine["stages"] == yours["stages"]


def mixed_problems(count: int) -> list[dict[str, str]]:
    """`count` sums, and behind them what the screen and dedup reject: a proof, a yes-or-no question, a duplicate."""
    rows = [
        {
            "source_id": f"sum-{i}",
            "domain": "math",
            "statement": f"What is {i} + {3 + i % 7}?",
            "answer": str(i + 3 + i % 7),
        }
        for i in range(1, count + 1)
    ]
    rows.append({"source_id": "proof", "domain": "math", "statement": "Prove that 2 is even.", "answer": ""})
    rows.append({"source_id": "odd", "domain": "math", "statement": "Is 7 + 4 odd?", "answer": "yes"})
    return [*rows, {**rows[0], "source_id": "again"}]
