"""The run that faults are done to: a small set with every way in and out, and the tape that its model plays."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

N = 8
SHARD = 6
Row = dict[str, Any]

STORIES = (
    "A farmer has {a} hens and buys {b} more at the market. How many hens does the farmer have now?",
    "Mia reads {a} pages on Monday and {b} pages on Tuesday. How many pages does she read on the two days?",
    "A train of {a} wagons takes on {b} more wagons in the yard. How many wagons does the train have?",
    "There are {a} red and {b} blue marbles in a bag. How many marbles are in the bag altogether?",
    "Tom pays {a} dollars for a lamp and {b} dollars for its bulb. How many dollars does he pay in total?",
    "What is the sum of ${a}$ and ${b}$?",
)


def make_rows() -> list[Row]:
    """Good problems, a copy, a reformatted copy, a proof, one without an answer, a benchmark's, an invalid row."""
    rows: list[Row] = []
    for at in range(18):
        a, b = 12 + 7 * at, 5 + 3 * at
        text = STORIES[at % len(STORIES)].format(a=a, b=b)
        rows.append({"source_id": f"p{at}", "domain": "math", "statement": text, "answer": str(a + b)})
    copy = {**rows[1], "source_id": "copy"}
    dressed = {**rows[2], "source_id": "dressed", "statement": "Problem 7. " + rows[2]["statement"].replace("?", " ?")}
    rows.insert(5, copy)
    rows.insert(9, dressed)
    rows.insert(3, {"source_id": "proof", "domain": "math", "statement": "Prove that 2 is prime.", "answer": ""})
    rows.insert(8, {"source_id": "bare", "domain": "math", "statement": "What is 91 - 17?", "answer": ""})
    rows.insert(12, {"source_id": "test", "domain": "math", "statement": BENCHMARK, "answer": "23"})
    rows.insert(14, {"source_id": "odd", "domain": "music", "statement": "Which note follows A?", "answer": "B"})
    return rows


BENCHMARK = (
    "A baker fills 4 trays with 9 rolls each, sells 17 of them before noon, gives 2 to a friend and bakes 6 more. "
    "How many rolls are left in the shop?"
)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def play(statement: str, label: str, index: int) -> str:
    """Completion `index` of a problem: its share of right answers, and its favourite wrong one, hang on its text."""
    share = _draw(statement) % (N + 3) - 1
    right = _draw(f"{statement} {index}") % N < share
    favourite = _draw(f"{statement} wrong") % 3
    wrong = int(label) + 1 + (favourite if index % 3 else _draw(f"{statement} {index} wrong") % 5)
    return f"So it is {label if right else wrong}."


def _draw(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def configure(folder: Path, problems_file: Path, url: str, **changes: Any) -> Path:
    """Write folder/run.yaml over the file `problems_file`; `changes` go into its sections."""
    benchmark = problems_file.with_name("benchmark.jsonl")
    benchmark.write_text(json.dumps({"id": "1", "text": BENCHMARK}) + "\n")
    ours = {"name": "ours", "files": str(benchmark), "id": "id", "text": "text"}
    config: dict[str, Any] = {
        "run": str(folder / "run"),
        "sources": [{"name": "problems", "files": str(problems_file)}],
        "decontaminate": {"benchmarks": [ours]},
        "model": {"name": "tape", "url": url, "timeout": 20},
        "prompt": {"template": "plain", "chat": False},
        "sampling": {"n": N, "stop": "full", "max_tokens": 64},
        "verify": {"extract": "last"},
        "flow": {"shard_rows": SHARD, "retries": 1, "retry_delay": 0, "flush_seconds": 0.05},
    }
    for section, value in changes.items():
        config[section] = {**config.get(section, {}), **value} if isinstance(value, dict) else value
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
