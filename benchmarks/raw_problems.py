"""Raw problems as they come before any curation, small enough for the embedded model, with their faults planted.

Arithmetic of reasoning_gym from one-digit sums to products that the model never solves; copies of some of them, partly
under another label; labels that are wrong by a slip; and the quickstart's own file (proofs, multiple choice, missing
figures, unverifiable answers). The shares below are chosen, not measured: they stand for no real set. Magistral's raw
sets were further from what was kept of them, 38,000 of 700,000 math problems (section 4.1).
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.ingest.gym import read_gym

PLANTED = Path(__file__).resolve().parents[1] / "configs" / "problems.jsonl"
WRONG_LABELS = 0.12
"""Share of the generated problems."""
COPIES = 0.2
"""Copies over generated problems."""
WRONG_COPIES = 0.3
"""Share of the copies that have another label than their original."""
EXPRESSION = re.compile(r"-?\d+(?: [-+*] -?\d+)+")
OTHER_WORDS = (
    "Problem {number}. {statement}",
    "{statement} (Show only the number.)",
    "What is the value of {expression}?",
)


@dataclass(frozen=True)
class Kind:
    """A task of reasoning_gym with its parameters, and how many problems of it there are."""

    name: str
    task: str
    params: dict[str, int]
    size: int


def _sums(name: str, terms: int, digits: int, size: int) -> Kind:
    params = {"min_terms": terms, "max_terms": terms, "min_digits": digits, "max_digits": digits}
    return Kind(name, "chain_sum", params, size)


def _products(name: str, digits: int, size: int) -> Kind:
    return Kind(name, "products", {"min_terms": 2, "max_terms": 2, "min_digits": digits, "max_digits": digits}, size)


KINDS = (
    _sums("sums-of-one-digit", 2, 1, 32),
    _sums("sums-of-two-digits", 2, 2, 40),
    _sums("sums-of-three-terms", 3, 1, 20),
    _products("products", 1, 28),
    Kind("equations", "simple_equations", {"min_terms": 2, "max_terms": 2, "min_value": 1, "max_value": 9}, 16),
    _sums("long-sums", 4, 4, 24),
    _products("long-products", 3, 20),
)
"""The quickstart's kinds, and two that the model never solves."""
HELD_OUT = ("sums-of-one-digit", "sums-of-two-digits", "products")
"""As in the quickstart: the kinds that the model can learn."""
HELD_OUT_SEED = 1000


def make_raw(seed: int = 0) -> list[dict[str, Any]]:
    """The raw problems, with `wrong` and `copy`: whether the label is wrong, and whether it is a copy."""
    draw = random.Random(seed)
    rows = [
        {"source_id": f"{kind.name}-{number}", "domain": "math", "truth": problem["answer"], "copy": False} | problem
        for kind in KINDS
        for number, problem in enumerate(_generate(kind, kind.size, seed))
    ]
    for row in draw.sample(rows, round(WRONG_LABELS * len(rows))):
        row["answer"] = _slip(row["answer"], draw)
    rows += [_copy(row, draw) for row in draw.sample(rows, round(COPIES * len(rows)))]
    raw = [row | {"wrong": row.pop("truth") != row["answer"]} for row in rows]
    with PLANTED.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            planted = row.get("planted", "")
            marks = {"wrong": "wrong" in planted or "another label" in planted, "copy": "duplicate" in planted}
            raw.append(row | marks)
    draw.shuffle(raw)
    return raw


def make_held_out(known: set[str], each: int = 32) -> list[dict[str, Any]]:
    """Problems of the kinds `HELD_OUT`, at most `each` of one, without statements that are `known`."""
    rows = [
        {"source_id": f"held-out-{kind.name}-{number}", "domain": "math"} | problem
        for kind in KINDS
        if kind.name in HELD_OUT
        for number, problem in enumerate(_generate(kind, each, HELD_OUT_SEED))
    ]
    return list({row["statement"]: row for row in rows if row["statement"] not in known}.values())


def _generate(kind: Kind, size: int, seed: int) -> Iterator[dict[str, Any]]:
    for row in read_gym(kind.task, size, seed, kind.params):
        assert isinstance(row, dict)
        yield {"statement": row["statement"], "answer": row["answer"]}


def _slip(answer: str, draw: random.Random) -> str:
    """A label as somebody who slipped wrote it: one or ten off, or with the other sign."""
    value = int(answer)
    return str(draw.choice([value + step for step in (-10, -1, 1, 10)] + ([-value] if value else [])))


def _copy(row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    expression = EXPRESSION.search(row["statement"])
    ways = OTHER_WORDS if expression and not row["source_id"].startswith("equations") else OTHER_WORDS[:-1]
    statement = draw.choice(ways).format(
        number=draw.randint(2, 90), statement=row["statement"], expression=expression and expression[0]
    )
    answer = _slip(row["answer"], draw) if draw.random() < WRONG_COPIES else row["answer"]
    return row | {"source_id": f"copy-{row['source_id']}", "statement": statement, "answer": answer, "copy": True}
