"""What a text denies is not its answer, and what it denies beside its answer costs it nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.extract import extract_answer
from pipeline.verify.math import MathVerifier
from schemas.reasons import Verdict

TEXTS = Path(__file__).parents[2] / "data" / "answer_texts.jsonl"
"""A hundred wrong answers that look right (the label among others, hedged, denied, in another unit, rounded, without
its end or constant), and fifty right ones with denials in them. Written before the verifier was asked about them."""


def read_texts(right: bool) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    return [(row["label"], row["completion"]) for row in rows if row["right"] is right]


@pytest.mark.parametrize("extract", ["boxed", "last"])
def test_wrong_answers_that_look_right_are_never_accepted(extract: str) -> None:
    with MathVerifier(extract) as verifier:  # type: ignore[arg-type]
        accepted = [row for row in read_texts(False) if verifier.judge(*row).verdict is Verdict.CORRECT]
    assert accepted == []


def test_right_answers_with_denials_are_accepted() -> None:
    with MathVerifier("last") as verifier:
        lost = [row for row in read_texts(True) if verifier.judge(*row).verdict is not Verdict.CORRECT]
    assert lost == []


DENIALS = ["x is not {0}.", "It cannot be {0}.", "{0} is wrong.", "Suppose that x = {0}.", "It isn't {0}, I think."]


@given(st.lists(st.integers(2, 10**6), min_size=2, max_size=2, unique=True), st.sampled_from(DENIALS))
def test_a_denied_value_is_passed_over_for_the_one_before(values: list[int], denial: str) -> None:
    first, second = values
    said = denial.format(second)
    assert extract_answer(said, "last") not in (str(second), f"x = {second}")
    assert extract_answer(f"So we get {first}. {said}", "last") == str(first)
    assert extract_answer(f"{said} So we get {first}.", "last") == str(first)


def test_what_a_text_ends_with_may_be_that_something_is_unequal() -> None:
    assert extract_answer("The domain is x \\ne 3.", "last") == "x \\ne 3"
    assert extract_answer("So x = 4, since $x \\ne 3$.", "last") == "4"


def test_a_box_that_is_denied_is_none() -> None:
    assert extract_answer("The answer is not \\boxed{5}.", "boxed") is None
    assert extract_answer("\\boxed{4}. \\boxed{5} is wrong.", "boxed") == "4"


@pytest.mark.parametrize(
    "text",
    [
        "If we add these we get \\boxed{12}.",
        "If 20 of 32 are gone then \\boxed{12} are left.",
        "Assuming that the die is fair the answer is \\boxed{12}.",
        "If he reads 60/5 = \\boxed{12} books",
        "Пусть их было 20, тогда осталось \\boxed{12}.",
        "Если сложить то будет \\boxed{12}",
    ],
)
def test_what_follows_from_a_supposition_is_not_what_is_supposed(text: str) -> None:
    assert extract_answer(text, "boxed") == "12"
    assert extract_answer(text.replace("\\boxed{12}", "12"), "last") in ("12", "60/5 = 12")


@pytest.mark.parametrize(
    "text",
    [
        "Now suppose the value of the sum is {}.",
        "If x = {} then it is odd.",
        "But if it were {} it would be odd.",
        "Assume the answer equals {}.",
        "假设 x = {}。",
        "Angenommen, die Antwort wäre {}.",
    ],
)
def test_what_is_supposed_is_no_answer(text: str) -> None:
    assert extract_answer(text.format("\\boxed{12}"), "boxed") is None
    assert extract_answer("So we get 7. " + text.format("12"), "last") == "7"


def test_ni_denies_only_beside_another_negation() -> None:
    assert extract_answer("Jibu ni \\boxed{12}.", "boxed") == "12"
    assert extract_answer("Ce n'est ni 7 ni \\boxed{12}.", "boxed") is None
    assert extract_answer("No es ni \\boxed{12}.", "boxed") is None
