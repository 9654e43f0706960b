"""Answers in the seven languages: decimal commas, thousands, joining words, units, full-width signs, phrases."""

import pytest

from pipeline.text.decimal_commas import write_english
from pipeline.verify.decide import decide
from pipeline.verify.phrase import strip_phrase

SAME = [
    ("3.5", "3,5"),
    ("3.5 kg", "3,5 кг"),
    ("2.5 h", "2,5 Stunden"),
    ("14916.5", "14.916,5"),
    ("14916.5", "14 916,5"),
    ("1234567", "1.234.567"),
    ("40000", "40.000 Euro"),
    ("1.5,2.5", "1,5; 2,5"),
    ("1.5 and 2.5", "1,5 und 2,5"),
    ("(0.5,1.5)", "(0,5; 1,5)"),
    ("2, 3", "2 и 3"),
    ("2 or 3", "2 или 3"),
    ("2 or 3", "2或3"),
    ("5 m", r"5\text{米}"),
    ("6", r"6\text{ способов}"),
    ("5 hours", "5 heures"),
    ("5 years", r"5\text{ años}"),
    ("(0,1)", "]0;1["),
    ("3.5", "３．５"),
    ("(1,2)", "（1，2）"),
    ("7", "答案是7"),
    ("7", r"\text{Es gibt } 7 \text{ Möglichkeiten}"),
    ("7", r"\textbf{7}\ \checkmark"),
]
OTHER = [
    ("5 m", r"5\text{厘米}"),
    ("5", r"5\text{万}"),
    ("5", "не менее 5"),
    ("5", "5 или 6"),
    ("35", "3,5"),
    ("40", "40.000 Euro"),
    ("5", "至少5个"),
    ("5", r"\text{höchstens } 5"),
    ("5", r"\text{La respuesta no es } 5"),
]


@pytest.mark.parametrize(("label", "answer"), SAME)
def test_another_writing_is_the_same(label: str, answer: str) -> None:
    assert decide(label, answer) == "same"


@pytest.mark.parametrize(("label", "answer"), OTHER)
def test_another_meaning_is_not(label: str, answer: str) -> None:
    assert decide(label, answer) != "same"


@pytest.mark.parametrize(
    "text", ["1,234.5", "14.916", "(1, 2); (3, 4)", "(0,0); (1,2)", "1,234; 2,345", "2 y (x+1)", "3.142", "1,2,3"]
)
def test_english_writing_is_left_alone(text: str) -> None:
    assert write_english(text) == text


@pytest.mark.parametrize(
    ("phrase", "value"),
    [
        ("The area is 12", "12"),
        ("There are 12 ways", "12 ways"),
        ("x is 5", "5"),
        ("5 (correct)", "5"),
        ("Ответ: 5", "5"),
        ("共有5个", "5个"),
        ("not 5", None),
        ("half the number is 5", None),
        ("答案不是5", None),
        ("the number of ways is more than 5", None),
        ("the set of all numbers that are not prime", None),
    ],
)
def test_words_that_change_nothing_are_taken_off(phrase: str, value: str | None) -> None:
    assert strip_phrase(phrase) == value
