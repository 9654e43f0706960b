"""Prose: what is left of a text without its formulas and code, and its sentences."""

from pipeline.text.prose import remove_formulas, separate, split_sentences


def test_money_opens_no_formula() -> None:
    text = "Tiene 13 juegos que vende a $15 cada uno. He ends up buying 8 video games for $20 each."
    assert "ends up buying" in remove_formulas(text)
    assert remove_formulas("It costs $5 and $x$ is odd").split() == ["It", "costs", "$5", "and", "is", "odd"]


def test_a_formula_that_is_never_closed_ends_with_its_paragraph() -> None:
    assert "Pomme" in remove_formulas("Soit $$x = 1\n\nPomme")


def test_sentences_split_at_their_ends_and_not_in_numbers() -> None:
    assert split_sentences("It is 1.5 m. How long? 三个。四个。") == ["It is 1.5 m.", "How long?", "三个。", "四个。"]
    assert split_sentences("for 10. 00 dollars") == ["for 10. 00 dollars"]


def test_formulas_and_code_are_set_apart() -> None:
    parts = separate("Let $x$ be odd.\n\\[ x = 1. \\] Run `f(x)` on it.")
    assert parts.prose.split() == ["Let", "be", "odd.", ".", "Run", "on", "it."]
    assert sorted(formula.strip() for formula in parts.formulas) == ["x", "x = 1."]
    assert parts.code == ("`f(x)`",)
