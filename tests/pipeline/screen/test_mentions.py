"""Pictures, graphs, steps and choices mentioned in problems that need nothing beside their text, or that do."""

import pytest

from pipeline.screen import screen_problem
from pipeline.screen.rules import Screened
from schemas.config import ScreenConfig
from schemas.reasons import Reason

WHOLE = [
    "Maria laid 12 photographs on the table in 3 equal rows. How many pictures are in each row?",
    "Shift the graph of $y=x^2$ three units to the left. What is the constant term of the new equation?",
    "Consider the complete bipartite graph $K_{3,4}$. In this graph, how many edges are there?",
    "In the graph $G$ with 7 vertices every vertex has degree 4. How many edges does $G$ have?",
    "A cube is painted, then cut into 27 small cubes as described. How many of them have exactly two painted faces?",
    "A map has a scale of 1:50000. Two towns are 8 cm apart on the map. What is the distance in kilometres?",
    "| Day | Visitors |\n|---|---|\n| Mon | 20 |\n| Tue | 35 |\n\nUse the table above. How many came in total?",
    "Consider the following procedure: Step 1. Start with $n=5$. Step 2. Multiply by 3. Step 3. Add 1. Step 4. Repeat "
    "steps 2 and 3 once more. What number results?",
    "Do the following: 1. Take any number. 2. Double it. 3. Add 10. 4. Halve it. 5. Subtract the first number. What is "
    "the result?",
    "Which of these two numbers is larger, $2^{100}$ or $3^{60}$? Give the exponent of the larger one.",
    "The cells of a $5 \\times 7$ table are filled with ones. What is the sum of all the numbers in the table?",
    "A photographer takes a picture of 7 men and 8 women. How many people are in the picture?",
    "Let $a$ be the slope of the graph of $y = 3x + 1$. How often does the graph meet the axes in the graph paper's "
    "first quadrant, if in the graph $x > 0$?",
    "The number of litres is shown in the table: Tank A: 3600 L, Tank B: 1600 L. How many litres are there?",
    "Semicircles lie on the sides of a square of side 4. Find the area of the shaded region, which is the area inside "
    "the square but outside all of them.",
    "A shop offers a choice of 3 soups or 4 salads, and 5 main courses. In how many ways can one choose two courses?",
]
LACKING = [
    ("What is the area of the shaded region in the figure?", Reason.FIGURE_DEPENDENT),
    ("Find the volume of the solid as described in the diagram.", Reason.FIGURE_DEPENDENT),
    ("In this graph, how many students chose apples?", Reason.FIGURE_DEPENDENT),
    ("Which graph shows the function $y=2x$?", Reason.CHOICE_DEPENDENT),
    ("Which of the following is a prime number?", Reason.CHOICE_DEPENDENT),
    ("Step 1: Find $f(2)$. Step 2: Find $f(3)$ where $f(x)=x^2$.", Reason.MULTI_PART),
]


def screen(statement: str) -> list[Reason]:
    outcome = screen_problem({"statement": statement, "answer": "7", "domain": "math"}, ScreenConfig())
    return [suspicion.reason for suspicion in outcome.suspicions] if isinstance(outcome, Screened) else [outcome[1]]


@pytest.mark.parametrize("statement", WHOLE)
def test_a_mention_is_no_reference(statement: str) -> None:
    assert screen(statement) == []


@pytest.mark.parametrize(("statement", "reason"), LACKING)
def test_what_is_not_there_is_missed(statement: str, reason: Reason) -> None:
    assert reason in screen(statement)
