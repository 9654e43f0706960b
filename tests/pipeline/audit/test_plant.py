"""Planted defects: each changes what it says and nothing else, under an id of its own."""

import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.audit.plant import CONTROL, PLANTS, Planted
from schemas.conform import conform_rows


def row(**columns: Any) -> dict[str, Any]:
    problems, invalid = conform_rows([{"domain": "math", "statement": "Add.", **columns}], "a")
    assert invalid.is_empty()
    return problems.row(0, named=True)


SUM = row(statement="Tom has 12 apples and eats 5 of them, then he buys some more, 7 in all. How many?", answer="14")
CHOICE = row(statement="What is 2 + 2?\n(A) 3\n(B) 4\n(C) 5\n(D) 6", answer="B")
CODE = row(
    domain="code",
    entry_point="f",
    statement="Double.",
    tests=[{"id": f"t{n}", "input": f"f({n})", "expected": str(2 * n)} for n in range(4)],
)


def plant(kind: str, problem: dict[str, Any], seed: int = 0) -> Planted | None:
    return PLANTS[kind](random.Random(seed), problem, ["14", "x + 1"])


@given(st.integers(0, 10_000), st.sampled_from(sorted(PLANTS)), st.sampled_from([SUM, CHOICE, CODE]))
def test_a_defect_changes_one_thing_and_the_id(seed: int, kind: str, problem: dict[str, Any]) -> None:
    planted = plant(kind, problem, seed)
    assume(planted is not None)
    assert planted is not None
    assert (planted.kind, planted.original) == (kind, problem["id"])
    changed = {name for name in problem if planted.row[name] != problem[name]}
    assert ("id" in changed) == (kind != CONTROL)
    assert len(changed - {"id", "extra"}) == (kind != CONTROL)


@pytest.mark.parametrize("seed", range(20))
def test_what_each_defect_is(seed: int) -> None:
    changed, cut = plant("number changed", SUM, seed), plant("statement cut", SUM, seed)
    assert changed is not None
    assert cut is not None
    assert changed.row["answer"] == "14"
    assert SUM["statement"].startswith(cut.row["statement"])
    assert "How many?" not in cut.row["statement"]
    label, test = plant("label changed", SUM, seed), plant("test corrupted", CODE, seed)
    assert label is not None
    assert label.row["answer"] != "14"
    assert test is not None
    differ = [t["id"] for t, old in zip(test.row["tests"], CODE["tests"], strict=True) if t != old]
    assert differ == [test.test]


def test_options_are_dropped_with_their_letters() -> None:
    planted = plant("options dropped", CHOICE)
    assert planted is not None
    assert (planted.row["statement"].strip(), planted.row["answer"]) == ("What is 2 + 2?", "B")


def test_problems_that_cannot_have_a_defect_are_left_out() -> None:
    assert plant("number changed", row(statement="How many days has a week?", answer="7")) is None
    assert plant("options dropped", SUM) is None
    assert plant("statement cut", row(statement="1 + 1?", answer="2")) is None
    assert plant("test corrupted", SUM) is None
    assert plant("label changed", CODE) is None


@given(st.integers(0, 1000), st.sampled_from(["True", "NO\n", "[]", "'abc'", "1 2 3\n", "None", "word", "[1.5]"]))
def test_a_corrupted_output_is_another_one(seed: int, expected: str) -> None:
    one = row(domain="code", statement="Do.", tests=[{"id": "t0", "input": "1\n", "expected": expected}])
    planted = plant("test corrupted", one, seed)
    assert planted is not None
    assert planted.expected is not None
    assert planted.expected.split() != expected.split()
