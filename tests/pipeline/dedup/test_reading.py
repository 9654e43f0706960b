"""Reading: one line of tokens for every formatting of a statement, another one for every other problem."""

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


@pytest.mark.parametrize(("text", "formatted"), SAME)
def test_formatting_and_wrapping_change_nothing(text: str, formatted: str) -> None:
    plain = [[token for token in read_tokens(said) if token != END] for said in (text, formatted)]
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


SQUARE = "Find the smallest $n$ with $n^2 > 300$."


@pytest.mark.parametrize(
    "wrapped",
    [
        f"8.3. (10 points) {SQUARE}",
        f"10.4. {SQUARE}",
        f"Example 5 {SQUARE}",
        f"Three, (25 points) {SQUARE}",
        f"5. (20 points, two parts) {SQUARE}",
        f"{SQUARE} (AIME 1998)",
        f"{SQUARE} (Moscow, 1994)",
        f"{SQUARE} (2003, National High School Mathematics Competition)",
        f"{SQUARE}\n\n*2020 CCA Math Bonanza Lightning Round #4.1*",
        f"{SQUARE}\n\n*Proposed by Anna Person and Lee B. Other*",
        f"{SQUARE} [i]Author: Alex Zhu[/i]",
        f"Problem 7 {SQUARE} [HMMT February 2024]",
        f"{SQUARE}\n\n*Proposed by **Euler1707***",
        f"{SQUARE}\n\n[i]Ada Lovelace[/i]",
        f"{SQUARE} *Ada Lovelace*",
        f"{SQUARE}\n\t\n\tAda Lovelace",
    ],
)
def test_headings_and_sources_are_no_part_of_a_problem(wrapped: str) -> None:
    assert read_statement(wrapped) == read_statement(SQUARE)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("What day of the week was 1 May? (It was a Monday in the year 2000)", "2000"),
        ("How many seconds has a year? (Take the year 2000.)", "2000"),
        ("Let $f(x) = 3x$. Find f(1998)", "1998"),
        ("2.5 liters of water fill 5 glasses. How much does one hold?", "2.5"),
        ("How old was Ada in 1840? She was born in December 1815.", "1815"),
        ("Calculate the sum:\n\\[\\sum_{N = 1}^{2048} \\lfloor \\log_3 N \\rfloor.\\]", "2048"),
        ("Name the capital.\n\n*Hint: it is called Paris*", "paris"),
        ("Evaluate $f(2) + f(1998)$ for $f(x) = x (x + 1)$ and $x = 3 (1998)$", "1998"),
    ],
)
def test_what_only_looks_like_a_source_stays(text: str, part: str) -> None:
    assert part in read_statement(text).split()


def test_points_are_read_alike_whichever_way_they_are_spaced() -> None:
    spaced = "In $\\triangle A B C$ let $A B = 3$ and $\\angle B A C = 60^{\\circ}$. Find $B C$ if $A C = 5$."
    assert read_statement(spaced) == read_statement(
        "In triangle $ABC$ let $AB=3$ and angle $BAC=60$ degrees. Find $BC$ if $AC=5$."
    )


@pytest.mark.parametrize("piece", ["A-", "A.", "1999 ", "(1999 A ", "1.1.", "Author: A b ", "*2001 A", "[i]Ab-"])
def test_hostile_ends_are_read_at_once(piece: str) -> None:
    """A pattern that goes back and forth over one of these would not end within the life of a test run."""
    for text in (piece * 4000, f"Find x. (1999 {piece * 60}!)", f"Find x. Source: {piece * 60}$"):
        assert isinstance(read_statement(text), str)


@pytest.mark.parametrize("number", ["7" * 5000, "007", "²"])
def test_an_ordinal_of_any_digits_is_read(number: str) -> None:
    assert read_tokens(f"the {number}th term")[-1] == "term"
