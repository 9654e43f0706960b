"""Where a completion's answer is found."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.text.thoughts import answer_section
from pipeline.verify.extract import How, extract, extract_answer
from pipeline.verify.extract.statements import MARKED
from pipeline.verify.math import MathVerifier
from pipeline.verify.problem import ProblemVerifier
from schemas.config import SandboxConfig, VerifyConfig
from schemas.reasons import Verdict
from tests.pipeline.verify.completions import WRITTEN, Written

BOXED = [
    (r"so \boxed{5}", "5"),
    (r"\boxed{4} no, \boxed{5}", "5"),
    (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
    (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    (r"\boxed{\text{Monday}}", r"\text{Monday}"),
    (r"\fbox{7}", "7"),
    (r"\boxed {7}", "7"),
    (r"\boxed{\boxed{7}}", "7"),
    (r"\boxed{1 + \boxed{7}}", r"1 + \boxed{7}"),
    (r"\boxed 7", "7"),
    (r"$\boxed{x = 5}$.", "x = 5"),
    (r"<think>\boxed{4}</think>\boxed{5}", "5"),
    (r"a</think>\boxed{5}", "5"),
    (r"\boxed{5", None),
    (r"\boxed{4} and \boxed{5", None),
    (r"\boxed{}", None),
    (r"\boxed{5} then \boxed{}", None),
    (r"\boxed{ }", None),
    (r"<think>\boxed{4}</think> the answer is 4", None),
    (r"<think>\boxed{4}", None),
    (r"\boxedness{4}", None),
    ("the answer is 5", None),
    ("", None),
]


@pytest.mark.parametrize(("completion", "answer"), BOXED)
def test_last_box_of_the_answer_section(completion: str, answer: str | None) -> None:
    assert extract_answer(completion, "boxed") == answer


LAST = [
    ("3 + 4 = 7", "7"),
    ("3 + 4 = 7.", "7"),
    ("It costs $1,234.50 in all.", "$1,234.50"),
    ("a rise of 12.5%", "12.5%"),
    ("It is -3", "-3"),
    ("x = −3", "−3"),
    ("from 5-3", "3"),
    ("so 3/4 of it", "3/4"),
    ("it takes 1 1/2 hours", "1 1/2"),
    (r"gives \frac{3}{4} of it", r"\frac{3}{4}"),
    (r"that is -\frac{3}{4}", r"-\frac{3}{4}"),
    ("#### 42", "42"),
    ("#### $42\n\nQuestion: what is 7 + 7?", "$42"),
    ("The answer is 42. Is it 43?", "42"),
    ("The answer is: 42 apples", "42 apples"),
    ("The final answer is $x = 5$. I hope it is correct.", "x = 5"),
    ("**Answer:** 42", "42"),
    ("Answer: blue", "blue"),
    (r"so \boxed{42}, not 43", "42"),
    (r"so \boxed{}, or 43", None),
    ("<think>9</think> it is 8", "8"),
    ("in 2024 there were 1,000,000", "1,000,000"),
    ("take .5 of it", ".5"),
    ("nothing here", None),
    ("", None),
]


@pytest.mark.parametrize(("completion", "answer"), LAST)
def test_last_number_or_what_is_marked(completion: str, answer: str | None) -> None:
    assert extract_answer(completion, "last") == answer


@given(st.integers(-(10**12), 10**12), st.sampled_from(["", " apples", ".", "\n", " dollars in all.", "!"]))
def test_any_number_at_the_end_is_found(number: int, rest: str) -> None:
    assert extract_answer(f"First 3 and then 4 make {number}{rest}", "last") == str(number)
    assert extract_answer(f"First 3 and then 4 make {number:,}{rest}", "last") == f"{number:,}"


@given(st.text(alphabet=r"\{}boxedfrac12 ,$<think>/", max_size=80), st.sampled_from(["boxed", "last"]))
def test_anything_is_taken(completion: str, how: str) -> None:
    answer = extract_answer(completion, how)  # type: ignore[arg-type]
    assert answer is None or answer.strip()
    assert (answer or "") in answer_section(completion)


BALANCED = st.recursive(
    st.text(alphabet="abc 12", min_size=1, max_size=8),
    lambda inner: st.lists(inner | inner.map("{{{}}}".format), min_size=1, max_size=3).map("".join),
    max_leaves=8,
)


@given(BALANCED)
def test_a_box_gives_back_what_is_in_it(inside: str) -> None:
    assume(inside.strip())
    assert extract_answer(f"so \\boxed{{{inside}}} .", "boxed") == inside.strip()


HOSTILE = [
    "\\boxed{",
    "\\boxed{x}",
    "\\boxed{ \n\n",
    "{",
    "{}",
    "\\{",
    "answer is ",
    "Answer:\n",
    "#### ",
    "1/",
    "1,",
    "$",
    "\\(",
    "**1** ",
    "<think>",
    "</think>",
    "<|channel|>",
    " ",
    "\\frac{",
    "(1,",
]


def count_lines(completion: str, how: How) -> int:
    """The lines of Python that an extraction executes."""
    executed = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal executed
        executed += event == "line"
        return trace

    sys.settrace(trace)
    try:
        extract(completion, how)
    finally:
        sys.settrace(None)
    return executed


@pytest.mark.parametrize("how", ["boxed", "last"])
@pytest.mark.parametrize("piece", [*HOSTILE, "nested"])
def test_work_grows_with_the_length_and_no_faster(piece: str, how: How) -> None:
    def build(times: int) -> str:
        return "\\boxed{" * times + "5" + "}" * times if piece == "nested" else piece * times

    extract(build(2), how)
    once, twice = (count_lines(build(times), how) for times in (2_000, 4_000))
    assert twice <= 2.2 * once + 100
    assert once <= 60 * 2_000


@given(st.text(alphabet="12 ,./$*\n", max_size=300))
def test_values_are_looked_for_in_a_window_at_the_end(text: str) -> None:
    far = "x" * (MARKED + 1)
    assert extract(f"answer is 7. {far}\n\n{text}", "last") == extract(f"{far}\n\n{text}", "last")


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.completion[-24:])
def test_completions_in_the_style_of_many_models(written: Written, verifiers: dict[str, MathVerifier]) -> None:
    judged = verifiers[written.how].judge(written.label, written.completion, (), "length" if written.cut else "stop")
    assert (judged.verdict is Verdict.CORRECT) == written.right, judged


@pytest.fixture(scope="module")
def verifiers() -> Iterator[dict[str, MathVerifier]]:
    with MathVerifier("boxed") as boxed, MathVerifier("last") as last:
        yield {"boxed": boxed, "last": last}


def test_thoughts_that_the_prompt_opened_must_be_closed() -> None:
    config = VerifyConfig(thoughts="opened")
    with ProblemVerifier(config, SandboxConfig()) as verifier:
        assert verifier.judge("5", "so \\boxed{5}. Wait").detail == "no boxed answer"
        assert verifier.judge("5", "so \\boxed{4}?</think>\\boxed{5}").verdict is Verdict.CORRECT
