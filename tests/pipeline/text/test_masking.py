"""Masking: formulas, tables and drawings leave one mark each; dollar signs that are money stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.masking import CODE, DISPLAY, MATH, TABLE, mask


@pytest.mark.parametrize(
    ("text", "prose", "formulas"),
    [
        ("Let $x$ and $y$ be odd.", f"Let {MATH} and {MATH} be odd.", ("x", "y")),
        ("It costs $5 and then $7.", "It costs $5 and then $7.", ()),
        ("Pay $5 for each of $n$ cats.", f"Pay $5 for each of {MATH} cats.", ("n",)),
        (r"Find \(x\) if $$x = 1$$.", f"Find {MATH} if {DISPLAY}.", ("x", "x = 1")),
        (r"It is \$5 a day.", r"It is \$5 a day.", ()),
    ],
)
def test_formulas_leave_marks_and_prices_stay(text: str, prose: str, formulas: tuple[str, ...]) -> None:
    masked = mask(text)
    assert (masked.prose, masked.formulas, masked.unclosed) == (prose, formulas, None)


def test_tables_and_drawings_are_named() -> None:
    table = mask(r"See \begin{tabular}{c} 1 \end{tabular} there.")
    assert (table.prose, table.tabled, table.drawn) == (f"See {TABLE} there.", True, False)
    drawing = mask("See [asy] draw((0,0)); [/asy] there.")
    assert (drawing.prose, drawing.tabled, drawing.drawn) == (f"See {CODE} there.", False, True)


def test_an_opener_without_its_closer_is_named_and_stays() -> None:
    masked = mask(r"Find \(x + 1")
    assert (masked.prose, masked.unclosed) == (r"Find \(x + 1", r"\(")


@given(st.text(alphabet="abc .,!?123", max_size=80))
def test_text_without_an_opener_is_its_own_prose(text: str) -> None:
    assert mask(text).prose == text
