"""Which labels a rule can verify against."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.verify.label import check_label, screen_label
from pipeline.verify.pool import MathPool


@pytest.fixture(scope="module")
def pool() -> Iterator[MathPool]:
    with MathPool(workers=1, timeout=20.0) as running:
        yield running


GOOD = [
    "5",
    "-3/4",
    "50%",
    "$1,234.50",
    "(1,2)",
    r"\{1,2\}",
    "1, 2",
    "blue",
    "Monday",
    "A",
    r"\text{no solution}",
    "x=5",
]
GOOD += [
    "$(-1,1)$",
    r"1\frac{9}{10}",
    r"100\text{ square units}",
    r"50,\!625",
    "yes",
    "3:4",
    "Dana",
    r"\sqrt{2}",
    r"2^{25} \cdot 26!",
]
SLOW = [r"\int_0^1 x^2 \, dx", r"\lim_{x \to 0} \frac{\sin x}{x}"]
BAD = [
    (None, "empty"),
    ("", "empty"),
    ("   ", "empty"),
    ("$$", "no answer"),
    ("N/A", "no answer"),
    ("None", "no answer"),
    ("?", "no answer"),
    ("see solution", "no answer"),
    ("Prove that x is prime", "a proof"),
    ("Proof omitted", "no answer"),
    (r"Show that the minimum value of $T$ is $29$.", "a proof"),
    ("(a) 12; (b) 3", "several parts"),
    ("(i) 12 (ii) 3", "several parts"),
    ("a) 12, b) 3", "several parts"),
    ("1) 12; 2) 3", "several parts"),
    ("Part A: 5", "several parts"),
    ("the set of all numbers that are not prime and larger than two", "a sentence"),
    ("9" * 3000, "longer than 2000 characters"),
    ("5 6", "numbers side by side at '6'"),
    (r"\frac{1}{", "the text ends too early"),
    ("1, 2, 3, ...", "open-ended"),
]


@pytest.mark.parametrize("label", GOOD)
def test_common_labels_need_no_process(label: str) -> None:
    assert screen_label(label) is True
    assert check_label(label) is True


@pytest.mark.parametrize("label", SLOW)
def test_hard_labels_are_parsed(label: str, pool: MathPool) -> None:
    assert screen_label(label) == "slow"
    assert check_label(label, pool) is True


@pytest.mark.parametrize(("label", "detail"), BAD, ids=lambda text: str(text)[:14])
def test_what_cannot_be_verified_is_named(label: str | None, detail: str) -> None:
    assert check_label(label) == (False, detail)


@pytest.mark.parametrize("label", [r"\sin x +", r"\frac{1}{0}+\sin 0", r"\frac{}{}", r"\unknowncommand{x}{", r"x \in"])
def test_what_the_parser_refuses_is_not_verifiable(label: str, pool: MathPool) -> None:
    assert check_label(label, pool) is not True


def test_a_pool_of_its_own_when_none_is_given() -> None:
    assert check_label(r"\sin x") is True


def test_labels_of_real_sets(shared_data: Path, pool: MathPool) -> None:
    """Proofs and several parts in the truth set are refused, open problems are not."""
    truth = {
        row["id"]: row for row in map(json.loads, (shared_data / "math_format.truth.jsonl").read_text().splitlines())
    }
    wrong: list[tuple[str, str, object]] = []
    for row in map(json.loads, (shared_data / "math_format.jsonl").read_text().splitlines()):
        kind, checked = truth[row["id"]]["label"], check_label(row["answer"], pool)
        if kind in ("good_open", "multi_value_answer") and checked is not True:
            wrong.append((kind, row["answer"], checked))
        if kind in ("missing_answer", "multi_part") and checked is True:
            wrong.append((kind, row["answer"], checked))
    assert wrong == []
