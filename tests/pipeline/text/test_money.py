"""Dollar signs: one rule says which are money, for the masker and for the reader of prose alike."""

import pytest

from pipeline.text.masking import mask
from pipeline.text.prose import separate

PRICES = (
    "She has $5 and $7 in cash.",
    "It costs $12.50, and $3 more.",
    "Tickets are $5-$10 each.",
    "Save $20 (or $15) on $100 orders.",
    "$0.5 per kg, $1.5 per lb",
    "Il paie 5 $ et reçoit 8 $ de plus.",
    "He pays $1,200 to the man who owes him $300.",
    "It costs $40.",
    "他有$5,她有$7。",
)
FORMULAS = {
    "He had $x$ dollars and $y$ cents.": ("x", "y"),
    "$2$ apples and $3$ pears": ("2", "3"),
    "The price is $5x + 3$ and $7$ apples": ("5x + 3", "7"),
    "$3 < x$ and $y > 2$": ("3 < x", "y > 2"),
    "Pay $3 for $n$ apples, and find $n$.": ("n", "n"),
    "A pen costs $2, a book costs $3. How many pens are as much as $n$ books?": ("n",),
    "Each of the $3$ boys has $4.": ("3",),
    r"He paid \$5 for $x$ pens.": ("x",),
}


@pytest.mark.parametrize("text", PRICES)
def test_prices_open_no_formula(text: str) -> None:
    assert mask(text).prose == text
    assert mask(text).formulas == separate(text).formulas == ()


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_among_prices_are_taken_out(text: str) -> None:
    assert mask(text).formulas == separate(text).formulas == FORMULAS[text]
