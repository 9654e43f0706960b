"""What reads statements, rows and programs looks at each place of a text a bounded number of times: each of these runs
of one piece took patterns that tried every way to cut it minutes and more."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.code_tests.authored import find_program
from pipeline.code_tests.mutate_lines import read_limits
from pipeline.code_tests.programs import fingerprint_program
from pipeline.code_tests.tolerance import read_tolerance
from pipeline.decontaminate.items import read_core
from pipeline.ingest.recognize.answers import read_label
from pipeline.ingest.recognize.instructions import strip_instructions
from pipeline.ingest.recognize.programs import is_code
from pipeline.screen.rules import screen_problem
from pipeline.text.wrapping import strip_labels, strip_source
from pipeline.translate.check import check_translation
from schemas.config import ScreenConfig

LENGTH = 16_000


def screen(statement: str) -> object:
    problem = {"id": "0" * 16, "domain": "math", "statement": statement, "answer": "5", "language": "en"}
    return screen_problem(problem, ScreenConfig())


READERS: list[tuple[Callable[[str], Any], str, str]] = [
    (read_tolerance, "", "accura"),
    (read_tolerance, "", "error "),
    (read_limits, "\\le", " "),
    (read_core, 'def f():\n """', "\n"),
    (read_core, 'def f():\n """example', " "),
    (strip_labels, "", "\n"),
    (strip_labels, "", "> "),
    (strip_labels, "problem", " "),
    (strip_source, "", "\n"),
    (strip_source, "(5", " "),
    (strip_instructions, "```", "\n"),
    (strip_instructions, "", "#"),
    (lambda text: read_label(text, "phrase"), "", "the "),
    (lambda text: read_label(text, "phrase"), "answer", " "),
    (is_code, "if ", "\n"),
    (lambda text: fingerprint_program("cpp", text), "", '\\"'),
    (find_program, "", "```\t\t\t\t"),
    (screen, "What is ", "\n"),
    (screen, "What is ", "\r\n"),
    (lambda text: check_translation(text, text, "fr"), "What is ", "\n"),
]


@pytest.mark.parametrize(("read", "start", "piece"), READERS)
def test_a_long_run_of_one_piece_is_read_to_its_end(read: Callable[[str], Any], start: str, piece: str) -> None:
    for end in ("", "x", "\x00"):
        read(start + piece * (LENGTH // len(piece)) + end)


def test_what_the_patterns_are_for_is_still_read() -> None:
    assert read_tolerance("An absolute or relative error of at most 10^{-6} is accepted.") == 1e-6
    assert read_limits(r"$1 \le n \le  $ 100 and a \leq 10^9") == (100, 10**9)
    assert (
        read_core('def f(a):\n """Add one to each of the numbers.\n\n  >>> f(1)\n 2"""')
        == "Add one to each of the numbers."
    )
    assert strip_labels("\n\n## Problem 5\nFind x.") == "Find x."
    assert strip_labels("> Question 12: Find x.") == "Find x."
    assert strip_source("Find x.  (5 points)") == "Find x."
    assert is_code("\n\n  def f(a):\n    return a")
    assert find_program("```python\nprint(1)\n```") == "print(1)\n"
