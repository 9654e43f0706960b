"""What a translator may not touch is hidden from it, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.translate.placeholders import MOST, bare, hide

PIECES = (
    "Tom",
    "pays",
    "$12.50",
    "$x^2$",
    "\\[y\\]",
    "`f(1)`",
    "3x",
    "+",
    "12",
    "1,000",
    "%",
    "(A)",
    "P",
    "\n",
    "max_sum(",
    "5%.",
)


@given(st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_what_was_hidden_comes_back_letter_for_letter(text: str) -> None:
    hidden = hide(text)
    assert hidden.restore(hidden.text) == text


@given(st.text(alphabet="aB $\\{}()12,.+=%\n`_*[]é", max_size=60))
def test_so_does_what_stands_between_letters(text: str) -> None:
    hidden = hide(text)
    assert hidden.restore(hidden.text) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Find $x$ if $2x = 6$.", ["$x$", "$2x = 6$"]),
        ("Solve 3x + 4 = 10 for x.", ["3x + 4 = 10", "x"]),
        ("A pen costs $1.50, which is 20% more.", ["$1.50", "20%"]),
        ("Call `f(x)` and max_sum on it.", ["`f(x)`", "max_sum"]),
        ("The point P lies on \\[y = 2\\] (A) above (B) below", ["P", "\\[y = 2\\]", "(A)", "(B)"]),
        ("A, B and C are points. A ball has the letter A on it.", ["A", "B", "C", "A"]),
        ("The sum of a and b is a part of the whole.", ["a", "b"]),
        ("See https://a.org/b now.", ["https://a.org/b"]),
        ("She gave Natalia a pen. Natalia has 4 of the 12 pens.", ["Natalia", "Natalia"]),
    ],
)
def test_formulas_code_and_names_are_hidden(text: str, parts: list[str]) -> None:
    assert list(hide(text).parts) == parts


def test_plain_numbers_days_and_first_words_are_not_hidden() -> None:
    """A number rules the grammar of what it counts, and days are translated."""
    text = "Anna reads 12 pages on Monday. She reads 1 page in May."
    assert hide(text).text == text


def test_a_part_that_is_lost_or_doubled_is_noticed() -> None:
    hidden = hide("Find $x$ if $y$ is 3.")
    first, second = (word.strip(".") for word in hidden.text.split() if word.startswith("zq"))
    assert hidden.restore(f"{second} {first} {first.upper()}") is None
    assert hidden.restore(f"{first}") is None
    assert hidden.restore(f"Si {second} es 3, di {first.upper()}.") == "Si $y$ es 3, di $x$."


def test_no_mark_is_left_on_a_placeholder_and_each_on_a_word() -> None:
    hidden = hide("Find $x$ loaves.")
    assert bare("Halla *zqaa *loaves.") == "Halla zqaa *loaves."
    assert hidden.parts == ("$x$",)


def test_a_text_of_nothing_but_formulas_has_an_end() -> None:
    text = "$a$ " * (MOST + 5)
    hidden = hide(text)
    assert len(hidden.parts) == MOST
    assert hidden.restore(hidden.text) == text
