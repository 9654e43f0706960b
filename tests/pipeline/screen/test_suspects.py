"""Fifty statements in the ways of other countries' examinations, written for this test: whole ones go on, however they
ask, and what is lacking is suspected or known.
"""

import pytest

from pipeline.screen.rules import screen_problem
from schemas.config import ScreenConfig

WHOLE = {
    "France, brevet: stem of a sentence": (
        "A right triangle has legs of 9 cm and 12 cm. The length of its hypotenuse, in centimetres, is",
        "15",
    ),
    "France, baccalauréat: order at the end": (
        "An urn holds 5 white and 3 black balls. Two are drawn at once. Calculate the probability that both are white.",
        "\\frac{5}{14}",
    ),
    "France, olympiades: 'one seeks'": (
        "We consider the integers from 1 to 2024. One seeks the number of those that are multiples of 3 and not of 5.",
        "540",
    ),
    "France: formula at the end": (
        "Let $u_0 = 2$ and, for each natural number $n$, $u_{n+1} = 3u_n - 1$. Determine $u_4$",
        "122",
    ),
    "France: notation of an open interval": (
        "Solve in $\\mathbb{R}$ the inequation $x^2 - 3x < 0$, giving the set of solutions as an interval.",
        "]0, 3[",
    ),
    "Germany, Abitur: 'it holds'": (
        "For the function $f$ it holds that $f(x) = x^3 - 6x^2 + 9x$. State the coordinates of its local maximum.",
        "(1, 4)",
    ),
    "Germany, Mathematik-Olympiade: 'Find out'": (
        "Jana has as many brothers as sisters; her brother Uwe has twice as many sisters as brothers. Find out how many"
        " children there are",
        "7",
    ),
    "Germany: decimal comma explained": (
        "A train leaves Kassel at 8.15 and reaches Fulda, 93 km away, at 9.00. What is its mean speed in km/h?",
        "124",
    ),
    "Germany: colon and formula": ("Simplify completely: $\\frac{a^2 - b^2}{a - b} - b$", "a"),
    "Germany: noun phrase": ("The last two digits of the power $7^{2023}$.", "43"),
    "Germany, Känguru: blank": (
        "If 3 cats catch 3 mice in 3 minutes, then 100 cats catch 100 mice in ____ minutes.",
        "3",
    ),
    "Russia: two sentences, question first": (
        "How many rectangles are there? A sheet of squared paper of 4 by 6 squares is looked at, and sides run along"
        " the lines of the squares.",
        "210",
    ),
    "Russia, school olympiad: heading and points": (
        "8.3. (7 points) Petya wrote down all three-digit numbers with the sum of digits 5. How many did he write?",
        "15",
    ),
    "Russia: Vasya's remark": (
        'Vasya says: "I thought of a number, added 15, divided by 4 and got 9." What number did he think of?',
        "21",
    ),
    "Russia, USE: 'Find the value'": ("Find the value of the expression $\\log_2 48 - \\log_2 3$.", "4"),
    "Russia: author at the end": (
        "On an island live 99 people, knights and liars. Each said: 'There are more liars than knights here.' How many"
        " knights can there be at most?\n\n(A. Shapovalov)",
        "49",
    ),
    "Russia: two pipes": (
        "One pipe fills a pool in 6 hours, another empties the full pool in 9 hours. Both are opened. In how many hours"
        " will the empty pool be full?",
        "18",
    ),
    "Russia: indirect question": (
        "It is known that $a + b = 7$ and $ab = 10$. It is required to learn the value of $a^2 + b^2$.",
        "29",
    ),
    "India, JEE: 'is equal to'": (
        "If the roots of $x^2 - px + 12 = 0$ differ by 1, then the positive value of $p$ is equal to",
        "7",
    ),
    "India, JEE: 'then'": ("If $\\sin\\theta + \\cos\\theta = \\sqrt{2}$, then $\\sin 2\\theta =$", "1"),
    "India, CBSE: 'Find the'": (
        "A shopkeeper marks his goods 40% above cost price and allows 25% discount. Find his gain per cent.",
        "5",
    ),
    "India: lakh and crore": (
        "A town of 2 lakh people grows by 10% each year. What is its population after two years, in lakh?",
        "2.42",
    ),
    "India, NTSE: colon stem": ("The number of diagonals of a convex polygon of 12 sides is:", "54"),
    "India, RMO: set notation": (
        "Let $S = \\{1, 2, \\ldots, 10\\}$. Find the number of subsets of $S$ that have no two consecutive integers.",
        "144",
    ),
    "India: ages": (
        "Ravi's father is three times as old as Ravi. After 15 years he will be twice as old as Ravi then. Ravi's"
        " present age (in years) is",
        "15",
    ),
    "Brazil, OBMEP: school class": (
        "In the class of Professor Ana there are 30 students, of whom 18 like soccer and 15 like volleyball. Everybody"
        " likes at least one of the two. How many students like both?",
        "3",
    ),
    "Brazil, ENEM: reais": (
        "A cell phone costs R$ 1200 and is paid in ten equal instalments with a total surcharge of 5%. What is an"
        " instalment, in reais?",
        "126",
    ),
    "Brazil, OBM: 'Determine'": ("Determine all natural numbers $n$ for which $n^2 + 19n + 92$ is a square.", "8"),
    "Brazil: level in brackets": (
        "(Level 2) The sides of a rectangle are in the ratio 3:4 and its diagonal measures 25. What is its perimeter?",
        "70",
    ),
    "China: blank at the end": (
        "Given the arithmetic sequence $\\{a_n\\}$ with $a_3 = 7$ and $a_7 = 19$, then $a_{10} =$ ______.",
        "28",
    ),
    "China: fill in the bracket": (
        "The number of different ways to write $10$ as a sum of two primes is $(\\quad)$.",
        "2",
    ),
    "China: known and seek": (
        "It is known that $f(x)$ is an odd function on $\\mathbb{R}$, and $f(x) = x^2 - 2x$ for $x \\geqslant 0$. Seek"
        " the value of $f(-3)$.",
        "-3",
    ),
    "China: full width": ("If $|x - 2| + (y + 3)^2 = 0$，then $xy$ equals：", "-6"),
    "China, Gaokao: ellipse": (
        "An ellipse $\\frac{x^2}{a^2} + \\frac{y^2}{b^2} = 1$ $(a > b > 0)$ has eccentricity $\\frac{1}{2}$ and"
        " $a = 4$. Its minor semi-axis is",
        "2\\sqrt{3}",
    ),
    "China: competition heading": (
        "Example 4. (2005, National Junior High School Mathematics Competition) The sum of all divisors of 28 is",
        "56",
    ),
    "China: 'try to find'": ("Positive integers $x, y$ satisfy $xy + x + y = 34$. Try to find $x + y$.", "10"),
}
BROKEN = {
    "France: the figure is elsewhere": (
        "On the figure opposite, $ABCD$ is a square and $E$ lies on $[BC]$. Give the measure of angle $AED$.",
        "68",
    ),
    "France: read on the graph": (
        "The graph below shows the height of a plant. From the graph, how tall is it after 5 weeks?",
        "12",
    ),
    "Germany: cut within a word": (
        "A cuboid has edges of 3 cm, 4 cm and 12 cm. Calculate the length of its space dia",
        "13",
    ),
    "Germany: an image that is asked about": (
        "![](bild1.png) How large is the shaded area in the picture, if a square of the grid is 1 cm²?",
        "9",
    ),
    "Germany: nothing but a letter": ("Which of the sketches is the net of a cube?", "C"),
    "Russia: the condition breaks off": (
        "Masha bought 5 pencils and 3 notebooks for 78 roubles. A notebook costs 2 roubles more than",
        "8",
    ),
    "Russia: the end of a story": ("How many kilometres did they have left?", "18"),
    "Russia: a proof": (
        "Prove that among any 52 integers there are two whose sum or difference is divisible by 100.",
        "",
    ),
    "Russia: no answer": ("Find all pairs of primes $p, q$ with $p^2 - 2q^2 = 1$.", "see solution"),
    "India: two parts": (
        "(i) Find the sum of the first 20 even numbers. (ii) Find the sum of the first 20 odd numbers.",
        "400",
    ),
    "India: the options are gone": ("Which of the following is an irrational number?", "\\sqrt{7}"),
    "Brazil: the table is gone": (
        "The table below shows the sales of a store in four months. What was the mean of monthly sales?",
        "250",
    ),
    "China: an open formula": ("Given the set $A = \\{x | x^2 - 3x + 2 = 0\\}$ and $B = \\{x | ax - 2 = 0", "1"),
    "China: yes or no": ("Is $2^{11} - 1$ a prime number?", "No"),
}


def test_there_are_fifty() -> None:
    assert len(WHOLE) + len(BROKEN) == 50


@pytest.mark.parametrize(("statement", "answer"), WHOLE.values(), ids=list(WHOLE))
def test_a_whole_statement_goes_on(statement: str, answer: str) -> None:
    outcome = screen_problem({"statement": statement, "answer": answer}, ScreenConfig())
    assert not isinstance(outcome, tuple), outcome


def test_hardly_any_whole_statement_is_suspected() -> None:
    suspected = {}
    for name, (statement, answer) in WHOLE.items():
        outcome = screen_problem({"statement": statement, "answer": answer}, ScreenConfig())
        assert not isinstance(outcome, tuple)
        if outcome.suspicions:
            suspected[name] = outcome.suspicions
    assert len(suspected) <= 0.15 * len(WHOLE), suspected


@pytest.mark.parametrize(("statement", "answer"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_lacking_is_suspected_or_known(statement: str, answer: str) -> None:
    outcome = screen_problem({"statement": statement, "answer": answer}, ScreenConfig())
    assert isinstance(outcome, tuple) or outcome.suspicions


@pytest.mark.parametrize(
    "statement",
    [
        "Refer to the data in Table 4. What is the median?",
        "(See Exercise 12.) Find the variance of $X$.",
        "Let $A$ be as in problem 33. Find the sum of all divisors of $A$.",
        "Based on the pattern in the previous question, find $102 + 104 + \\dots + 212$.",
        "利用上一题的结论,求 $S_{10}$ 的值。",
        "Berechne mit dem Ergebnis aus Aufgabe 3 den Flächeninhalt.",
        "Используя результат предыдущей задачи, найдите $x$.",
    ],
)
def test_a_reference_to_another_text_is_suspected(statement: str) -> None:
    outcome = screen_problem({"statement": statement, "answer": "4"}, ScreenConfig())
    assert not isinstance(outcome, tuple)
    assert outcome.suspicions


@pytest.mark.parametrize(
    "statement",
    [
        "Tom answered the last question in 3 minutes, each of the other 9 in 2 minutes. How long did the quiz take?",
        "There are 320 spaces in section 1 and 200 more in section 2. How many spaces are there in both?",
        "A table has 4 legs and a chair has 4. How many legs do 3 tables and 12 chairs have?",
    ],
)
def test_questions_and_tables_of_a_story_are_no_reference(statement: str) -> None:
    outcome = screen_problem({"statement": statement, "answer": "21"}, ScreenConfig())
    assert not isinstance(outcome, tuple)
    assert not outcome.suspicions
