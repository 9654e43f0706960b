"""Reading: one line of tokens for every dress of a statement, another one for every other problem."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.reading import END, is_hard, read_statement, read_tokens

SAME = [
    ("Find $\\frac{1}{2}$ of $x$.", "find \\(\\dfrac12\\) of \\(x\\)"),
    ("Let $a \\leq b$ and $2 \\cdot 3$.", "Let a ≤ b and 2 × 3."),
    ("It costs $1,250.00 a day.", "it   costs $1250\na day"),
    ("She has twenty-five apples.", "She has 25 apples ."),
    ("He walks 3/4 of a mile.", "He walks three-fourths of a mile."),
    ("It takes half an hour.", "It takes 1/2 an hour."),
    ("She bought two dozen eggs.", "She bought 24 eggs."),
    ("Jan’s three–eyed lizard", "Jan's three-eyed lizard"),
    ("The angle is $30^\\circ$.", "The angle is 30°."),
    ("On the 5th day", "On the fifth day"),
    ("Five hundred and twenty people", "520 people"),
    ("2 million people", "2,000,000 people"),
    ("x² + 1 = 10", "$x^2+1=10$"),
    ("What is $\\left(3,4\\right)$?", "What is $(3, 4)$?"),
    ("Compute 1,\\!000 minus 1", "Compute 1000 minus 1"),
    ("Question: How many cats are there?", "How many cats are there?"),
    ("### Problem 12:\nHow many cats are there?", "How many cats are there?"),
    ("[source: contest]\nHow many cats are there?", "How many cats are there?"),
    ("(5 points) How many cats are there?", "12. How many cats are there?"),
    ("How many cats are there? Show your work.", "Please reason step by step. How many cats are there?"),
    ("How many cats are there? Put your final answer in \\boxed{}.", "How many cats are there?"),
]
OTHER = [
    ("What is 2 + 3?", "What is 2 - 3?"),
    ("What is 3 + 4?", "What is 4 + 3?"),
    ("Find $x$ if $x > 2$", "Find $x$ if $x \\geq 2$"),
    ("Find $f(1)$.", "Find $f(11)$."),
    ("Find the value of $n$", "Find the value of $m$"),
    ("He lost a third of them", "He lost a fourth of them"),
    ("Find $\\sin x$", "Find $\\cos x$"),
    ("Convert 0010 from binary", "Convert 10 from binary"),
    ("on $[0,1)$", "on $(0,1)$"),
    ("$-5 + x$", "$5 + x$"),
    ("What is 5!", "What is 5"),
    ("What does it cost? Give your answer in dollars.", "What does it cost? Give your answer in cents."),
]


@pytest.mark.parametrize(("text", "dressed"), SAME)
def test_dress_and_wrapping_change_nothing(text: str, dressed: str) -> None:
    plain = [[token for token in read_tokens(said) if token != END] for said in (text, dressed)]
    assert plain[0] == plain[1]


@pytest.mark.parametrize(("text", "other"), OTHER)
def test_another_problem_reads_otherwise(text: str, other: str) -> None:
    assert read_statement(text) != read_statement(other)


def test_a_misspelt_number_is_that_number() -> None:
    assert read_statement("trhee numbers") == read_statement("three numbers")
    assert "3" not in read_statement("there are numbers").split()


def test_a_problem_is_never_taken_for_its_wrapping() -> None:
    assert read_statement("Solve the following problem.")
    assert read_statement("Question:")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120))
def test_any_text_reads_and_reads_again_the_same(text: str) -> None:
    tokens = read_tokens(text)
    assert all(token and " " not in token for token in tokens)
    assert tokens == read_tokens(text)
    assert [is_hard(token) for token in tokens] == [is_hard(token) for token in " ".join(tokens).split(" ") if token]
