"""Multiple choice becomes an open problem, or says why it cannot."""

import json
from typing import Any

import pytest

from pipeline.screen.rules import Screened, screen_problem
from schemas.config import ScreenConfig


def put(statement: str, answer: str, extra: Any = None, **knobs: Any) -> tuple[str, str | None]:
    """The open problem, or what it is rejected or suspected for."""
    row = {"statement": statement, "answer": answer, "extra": None if extra is None else json.dumps(extra)}
    outcome = screen_problem(row, ScreenConfig(**knobs))
    if isinstance(outcome, Screened) and not outcome.suspicions:
        return outcome.statement, outcome.answer
    return (outcome[1] if isinstance(outcome, tuple) else outcome.suspicions[0].reason).value, None


@pytest.mark.parametrize(
    "options",
    [
        "\nA) 3 B) 4 C) 5 D) 6",
        "\n(A) 3\n(B) 4\n(C) 5",
        "  (a) 3  (b) 4  (c) 5",
        "\nA. 3\nB. 4\nC. 5",
        "\na) 3\nb) 4\nc) 5",
        "\nA)3  B)4  C)5",
        " $\\textbf{(A)}\\ 3\\qquad\\textbf{(B)}\\ 4\\qquad\\textbf{(C)}\\ 5$",
        " $\\mathrm{(A) \\ } 3\\qquad \\mathrm{(B) \\ } 4 \\qquad \\mathrm{(C) \\ } 5$",
        " Choose the correct option: A. 3, B. 4, C. 5",
        "\nOptions:\nA: 3\nB: 4\nC: 5",
        "\n**A)** 3\n**B)** 4\n**C)** 5",
    ],
)
@pytest.mark.parametrize("label", ["B", "b", "(B)", "B)", "\\boxed{B}", "\\text{(B)}", "4", "The answer is B"])
def test_layouts_and_labels(options: str, label: str) -> None:
    assert put(f"What is $2 + 2$?{options}", label) == ("What is $2 + 2$?", "4")


@pytest.mark.parametrize(
    ("extra", "label"),
    [
        ({"options": ["A)3", "B)4", "C)5"]}, "B"),
        ({"options": "a ) 3 , b ) 4 , c ) 5 , d ) none of these"}, "b"),
        ({"choices": ["3", "4", "5"]}, "B"),
        ({"choices": ["30", "4", "50"]}, "1"),
        ({"choices": {"label": ["A", "B"], "text": ["3", "4"]}}, "B"),
        ({"options": {"A": "3", "B": "4"}}, "B) 4"),
        ({"A": "3", "B": "4", "C": "5"}, "B"),
    ],
)
def test_options_of_the_source(extra: dict[str, Any], label: str) -> None:
    assert put("What is $2 + 2$?", label, extra) == ("What is $2 + 2$?", "4")


def test_a_sentence_to_complete_gets_a_blank() -> None:
    assert put("The inverse of -i in the group {1, -1, i, -i} is\nA. 1\nB. -1\nC. i\nD. -i", "C") == (
        "The inverse of -i in the group {1, -1, i, -i} is ____.",
        "i",
    )


def test_a_definite_which_becomes_what() -> None:
    statement, answer = put("Which of the following is the value of $2 + 2$?\nA) 3 B) 4 C) 5", "B")
    assert (statement, answer) == ("What is the value of $2 + 2$?", "4")


@pytest.mark.parametrize(
    ("statement", "label"),
    [
        ("Which is the closest to 2/7?  (a) -0.3  (b) 4  (c) -5", "a"),
        ("Which is the second smallest value?  (a) 3  (b) -0.3  (c) 2", "c"),
        ("Which of the following is equivalent to $(x+1)^2$?\nA) $x$ B) $x^2+2x+1$ C) $1$", "B"),
        (
            "The graph of $f$ has $x$-intercepts $(-6,0)$ and $(6,0)$. Which of the following must be true?\nA)"
            " $f(-6)=0$ B) $f(6)=-6$",
            "A",
        ),
        ("What is $2 + 2$?\nA) 3 B) 5 C) 6 D) None of these", "D"),
        ("What is $2 + 2$?", "C"),
        ("What is $2 + 2$?", "(C)"),
        ("Which of the following is a prime number?", "7"),
        ("What is $2 + 2$?\nA) 3 B) 4 C) 5", "E"),
    ],
)
def test_what_cannot_stand_without_options(statement: str, label: str) -> None:
    assert put(statement, label) == ("choice_dependent", None)


def test_true_or_false_options_are_guessable() -> None:
    statement = (
        "Statement 1 | Every field is a ring. Statement 2 | Z is a field.\nA. True, True\nB. False, False\nC."
        " True, False"
    )
    assert put(statement, "C")[0] == "guessable"
    assert put("Is 7 prime?\nA. Yes\nB. No", "A")[0] == "guessable"


def test_multiple_choice_can_be_rejected() -> None:
    assert put("What is $2 + 2$?\nA) 3 B) 4 C) 5", "B", choice="reject") == ("choice_dependent", None)


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("Simplify $a^2 / a$.", "a"),
        ("Find the letter $A$ for which $A7$ is the name of the road.", "A"),
        ("Find $f(3)$ if (a) $f(0)=0$ (b) $f(x+1)=f(x)+2$.", "6"),
        (
            "Find the projection of $\\mathbf{a}$ onto $\\mathbf{b}$ if $\\mathbf{a} \\cdot \\mathbf{b} = 8$ and"
            " $|\\mathbf{b}| = 2$.",
            "4",
        ),
        ("What is the limit of $(1 + 1/n)^n$?", "e"),
    ],
)
def test_letters_that_are_no_options(statement: str, answer: str) -> None:
    assert put(statement, answer) == (statement, answer)


def test_full_width_options_are_read_and_a_question_about_them_is_suspected() -> None:
    options = "\n（A）$218$　（B）$345$　（C）$522$　（D）$607$"
    stem = "若 $x$ 的 $9$ 倍为 $4698$，则 $x=$（　　）"
    assert put(stem + options, "C") == (stem, "$522$")
    asked = "下列各数中，能被 $9$ 整除的是（　　）"
    assert put(asked + options, "C") == ("choice_dependent", None)
    assert put(asked, "522") == ("choice_dependent", None)
    assert put(asked, "C") == ("choice_dependent", None)
