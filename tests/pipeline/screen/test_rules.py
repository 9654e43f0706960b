"""What each rule says of statements that were, or could have been, judged wrongly."""

from typing import Any

import pytest

from pipeline.screen.rules import screen_problem
from schemas.config import ScreenConfig


def judge(statement: str, answer: str | None = "7", **knobs: Any) -> str:
    """What a statement is rejected or suspected for, else `keep`."""
    outcome = screen_problem({"statement": statement, "answer": answer}, ScreenConfig(**knobs))
    if isinstance(outcome, tuple):
        return outcome[1].value
    return outcome.suspicions[0].reason.value if outcome.suspicions else "keep"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("Prove that $G$ is abelian.", ""),
        ("If $r$ is rational and $x$ is irrational, prove that $r + x$ is irrational.", None),
        ("Let $a > 0$. Show that $a + 1/a \\ge 2$.", "Proof omitted"),
        ("Prove or disprove: every group of order 6 is cyclic.", "disprove"),
        ("Must $S$ contain all rational numbers?", "Prove that $S$ need not contain all rationals."),
        ("设 $a>0$, 证明 $a+1/a\\ge 2$.", "略"),
        ("Montrer que $\\sqrt{2}$ est irrationnel.", "1"),
    ],
)
def test_proofs(statement: str, answer: str | None) -> None:
    assert judge(statement, answer) == "proof"


@pytest.mark.parametrize(
    "statement",
    [
        "Find $x$ and prove that it is unique, given that $2x = 14$.",
        "Determine, with proof, the largest prime below 10.",
        "What is $3 + 4$? Show your work.",
        "It can be shown that $f$ is constant. Find $f(3)$ if $f(1) = 7$.",
        "The detective wants to prove that 5 of 12 suspects lied. How many told the truth?",
    ],
)
def test_a_value_beside_a_proof_stays(statement: str) -> None:
    assert judge(statement) == "keep"


LAYOUTS = [
    "({a}) ",
    "{a}) ",
    "Part {a}: ",
    "Part ({A}) ",
    "{n}. ",
    "({n}) ",
    "({r}) ",
    "{r}) ",
    "Q{n}: ",
    "Question {n}: ",
    "**{a})** ",
    "\\item[({a})] ",
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("separator", ["\n", " "])
def test_parts_in_every_layout(layout: str, separator: str) -> None:
    asked = ["How many cats are there?", "Find the number of dogs.", "What is the total?"]
    labels = [layout.format(a="abc"[n], A="ABC"[n], n=n + 1, r=["i", "ii", "iii"][n]) for n in range(3)]
    parts = separator.join(label + question for label, question in zip(labels, asked, strict=True))
    assert judge(f"There are 5 cats and twice as many dogs.{separator}{parts}") == "multi_part"


@pytest.mark.parametrize("label", ["$({n})$ ", "\\(({n})\\) ", "（{n}）", "({great}) ", "$({great})$ "])
@pytest.mark.parametrize("separator", ["\n", "<br/>", "; "])
def test_parts_whose_labels_are_formulas_or_single_signs(label: str, separator: str) -> None:
    labels = [label.format(n=n + 1, great="ⅠⅡ"[n]) for n in range(2)]
    asked = ["Find the value of $f(1)$", "If $x > 0$, find the least value of $f(x)$."]
    parts = separator.join(label + question for label, question in zip(labels, asked, strict=True))
    assert judge(f"Given $f(x) = x + \\frac{{1}}{{x}}$.{separator.removeprefix(';')}{parts}") == "multi_part"


def test_a_label_for_each_part_tells_parts() -> None:
    assert judge("Find the sum and the product of 3 and 4.", "(a) 7; (b) 12") == "multi_part"


@pytest.mark.parametrize(
    "statement",
    [
        "Remember the following:\n(a) Find the sum of 3 and 4.\n(b) Find the product of 3 and 4.",
        "(a) Round 3.456 to 2 decimal places.\n(b) Round 7.123 to 2 decimal places.",
        "(a) Write $x^2 + 2x$ in the form $(x+a)^2 + b$.\n(b) Solve $x^2 + 2x = 3$.",
    ],
)
def test_parts_that_look_like_instructions(statement: str) -> None:
    assert judge(statement) == "multi_part"


@pytest.mark.parametrize(
    "statement",
    [
        "Find the distance between the points $(1,2)$ and (a, b) if a = 1 and b = 9.",
        "The points (1,2) and (2,3) lie on a line. What is its slope?",
        "Find $f(a) + f(b)$ if f(a) = 3 and f(b) = 4.",
        "I am thinking of a number. If i is the imaginary unit and the number is $|3 + 4i| + 2$, what is it?",
        "Let $f$ satisfy: (a) $f$ is continuous; (b) $f(0) = 7$; (c) $f'$ is zero. What is the least possible"
        " value of $f(1)$?",
        "Two conditions hold:\n1. Every row has 3 apples.\n2. There are 4 rows more than columns.\nHow many"
        " apples are there in 2 rows and 1 apple?",
        "Find the orthocenter of (8, -8), (-2, -7), (5, 4). For all geometry problems:\n1. Give coordinates in the"
        " form (x, y)\n2. Round decimal answers to 3 decimal places\n3. Use the degree symbol for angles\n"
        "4. Return only the angle, coordinates, or radius as your answer.",
        "Simplify this: 64*x*(x + 56)\nPlease follow these guidelines:\n1. Use ** to represent exponents. For example,"
        " write 7*X**2.\n2. Always include the * symbol. For example, write 3*x.",
        "As in parts (a) and (b) of the previous theorem, let $x = 7$. Find $x$.",
        "Given the conditions\n$(1)$ $f(0) = 7$,\n$(2)$ $f$ is constant,\nfind $f(1)$.",
    ],
)
def test_no_parts(statement: str) -> None:
    assert judge(statement) == "keep"


@pytest.mark.parametrize(
    "statement",
    [
        "In the diagram, $AB = 3$. Find $BC$.",
        "Two circles of radius 10 overlap, as shown. How long is the common chord?",
        "What is the area of the shaded region, in square units, if the side is 4?",
        "The graph of $y = f(x)$ is shown below. What is $f(3)$?",
        "Each of the boxes in the figure is a square. How many squares are there?",
        "According to the bar graph, how many games did the Tigers win in 5 weeks?",
        "The table below gives the speed of 5 cars. What is the mean speed?",
        "![](images/fig1.png) Find the angle $x$ if $y = 3$.",
        "Which angle in the figure below is right?\n(A) 1\n(B) 2\n(C) 3\n(D) 4",
        "In the diagram below, find $x$ if $y = 3$.\n\n---------\n\nRound to 2 places.",
        "如图, $AB=3$, 求 $BC$.",
    ],
)
def test_missing_figures(statement: str) -> None:
    assert judge(statement) == "figure_dependent"


@pytest.mark.parametrize(
    "statement",
    [
        "Draw the graph of $y = x^2$ in your mind. What is its minimum plus 7?",
        "How many four-digit figures can be formed from the digits 1 and 2?",
        "Anna practises figure skating 3 hours a day. How many hours does she practise in 5 days?",
        "The figures of the company show a loss of 3 million and a gain of 10 million. What is the sum in millions?",
        "Consider the function shown: \\[f(x) = x + 4.\\] Find $f(3)$.",
        "A $3 \\times 3$ grid has 2 squares shaded at random. How many squares are not shaded?",
        "Find the number of steps from * to # in the following grid:\nX O O # O\nX X O O O\nX * O X O\n",
        "Use the table below to find $f(3)$.\n\\begin{tabular}{c|c} x & f \\\\ 3 & 7 \\end{tabular}",
    ],
)
def test_figures_that_are_none(statement: str) -> None:
    assert judge(statement) == "keep"


def test_asymptote_code_is_a_figure_that_is_there() -> None:
    statement = 'In the figure below, what is $BC$?\n[asy]\ndraw((0,0)--(7,0)); label("A", (0,0));\n[/asy]'
    assert judge(statement) == "keep"
    assert judge(statement, asymptote="reject") == "figure_dependent"


@pytest.mark.parametrize(
    "statement",
    [
        "",
        " \n",
        "Richard is building a rectangular playground from 200 feet o",
        "Anna has 7 peaches and Dana has 9 peaches. Both of them divide their peaches up into meals. ",
        "In triangle $ABC$, $\\angle ABC = 90^\\circ$, and point $D$ lies on $BC$ such that $AD$",
        "Find the sum of the reci",
        "Find the greatest integer less than $",
        "Compute \\[\\sum_{n=1}^\\infty \\frac{1}{n",
        "Let \\begin{align*} x &= 1",
        "If $f(x) = 2x$, where $c \\neq 3,$ ",
        "Evaluate:",
        "How many shirts did machine make today?",
        "How many boxes of trefoils does she need to deliver if each case has 14 boxes?",
        "How much did they pay in all?",
        "How many students are in the class?",
        "How many apples are there?",
        "How much is the total cost?",
        "Anna has 7 peaches. She buys 3 more, so she has 7 + 3 =",
        "Calculate the total cost if he buys 3",
        "Find the number of integers n such that the product of n and",
        "Round 3.456 to the nearest",
        "The radian measure of an angle of $60^\\circ$ is $\\frac{\\pi}{3}$.",
        "Let $f$ be the function that is given by:",
        "The numbers $x$ and $y$ have the following properties:",
        "Find the value of:",
        "The base of an isosceles triangle is 30 units and its area is 60 square units.",
    ],
)
def test_incomplete(statement: str) -> None:
    assert judge(statement) == "incomplete"


@pytest.mark.parametrize(
    "statement",
    [
        "Evaluate: $3 + 4$",
        "Solve for $x$: $2x = 14$",
        "Find the general solution: $x^{2} y^{\\prime}+y=0$",
        "Compute \\[\\frac{14}{2}\\]",
        "Compute 12 - 5",
        "曲线 $y=(a x+1) e^{x}$ 在点 $(0,1)$ 处的切线的斜率为 -2 , 则 $a=(\\quad)$.",
        "Trova $\\int_0^7 dx$",
        "If $x = 3$ and $y = 4$, then $x + y = $ ____",
        "What is it in cups, if it is 2 quarts less 1 cup? (There are 4 cups in a quart)",
        "Gas sells for $3 a gallon, and $.20 are paid back. What do 10 gallons cost at $5 less?",
        "The smallest prime number and the number of days in a week have which sum?",
        "How many diagonals does a hexagon have?",
        "Determine the number of ways to arrange the letters of the word ELLIPSE.",
        "ジョンは$15のおもちゃを2つ買い、$40を払いました。おつりはいくらですか？",
        "Combien font 3 et 4 ?",
        "Comupte the vaule of $3 + 4$.",
        "State the final answer to the following arithmetic problem: 4 - 1 - 7 =",
        "Solve for e: 56 - 98*e = -1218",
        "The product of the roots of $x^2 - 9x + 7 = 0$ is given by:",
        "If $a + b = 9$ and $b = 2$, then $a$ equals",
        "Given $S_2 = 3$ and $S_4 = 10$, then the value of $S_4 - S_2$ is.",
        "The number of ways to seat 5 people in a row, where the oldest sits in the middle.",
        "The total cost of 3 pens and 4 books at 1 dollar each is to be determined.",
        "Completely factor the following expression: \\[49x^2 - 7x\\]",
        "Compute the definite integral:\n\n$$\n\\int_0^7 dx\n$$",
        "What is the sum of the possible values of $a?",
        "Find $m+n.\\,$",
        "Given  $2x = 14$ , ﬁnd  $x$ .",
        "If $x_1 = 1$ and $x_2 = 8$, then $x_2 - x_1 = \\ $.",
        "Find the sum of 3 and 4.\n\n*Proposed by **Euler1707***",
        "Find the sum of 3 and 4.\n\n[i]Ada Lovelace[/i]",
        "Find the sum of 3 and 4. *Ada Lovelace*",
        "Find the sum of 3 and 4.\n\t\n\tAda Lovelace",
        "Add the complex numbers: (-8.0 - 2.0i) + (-7.0 + 5.0i)",
        "Use lowercase letters.\n\nNow, convert the base-11 number 115 to base-15\n",
        "Reply only with the final value.\n((0xc3ce << 0x3) + (0x1907 - 0x7de4))",
        "Pick the smallest number of the following candidates: 569204305.618000 569,204,311.663",
        "Find the greatest common divisor of 84 and 126",
        "What is the list of elements in spiral order?\n4 6 7\n0 7 6\n7 1 1",
        "Specify your move in coordinates (e.g. 'C4' for column C, row 4)",
        'How many times does the letter "c" appear in the text: "constitution is taxed to the"?',
        "How many legs does a spider have?",
        "How many days are in a week?",
        "How many planets are in the solar system?",
        "The number of lucky arrays \\((a, b, c)\\) with \\(a<b<c\\) is \\(\\qquad\\).",
    ],
)
def test_complete_though_it_looks_cut(statement: str) -> None:
    assert judge(statement) == "keep"


@pytest.mark.parametrize(
    "answer", [None, "", "  ", "N/A", "n/a", "None", "-", "\\boxed{}", "see solution", "Answers may vary"]
)
def test_missing_answers(answer: str | None) -> None:
    assert judge("What is $3 + 4$?", answer) == "no_answer"


@pytest.mark.parametrize("answer", ["Yes", "no", "True", "\\text{False}", "$\\text{Yes}$", "no."])
def test_guessable(answer: str) -> None:
    assert judge("Is 1815083 prime?", answer) == "guessable"
    assert judge("Is 1815083 prime?", answer, reject_guessable=False) == "keep"


@pytest.mark.parametrize("size", [100_000])
@pytest.mark.parametrize(
    "piece",
    [
        "$",
        "$x ",
        "(",
        "(a) (b) ",
        "A) x B) y ",
        "\\begin{a}",
        "\\begin{enumerate}\\item[(a)] ",
        "1. ",
        "the figure ",
        "show by ",
        "---|",
        "_",
        "\\",
        "x\n",
        "a-",
        "\\textbf{(",
    ],
)
def test_hostile_statements_end(piece: str, size: int) -> None:
    statement = piece * (size // len(piece))
    for answer in ("B", statement[:5000]):
        assert judge(statement + "?", answer)
