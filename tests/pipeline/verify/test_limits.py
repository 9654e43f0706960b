"""Why a verdict is unknown: an answer over a fixed limit, which a policy can write at will, or trouble of ours."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sandbox import SandboxUnavailable
from pipeline.verify.code import CodeLabel, CodeVerifier, DrawnTest
from pipeline.verify.decide import is_over_limit
from pipeline.verify.math import MathVerifier
from schemas.reasons import Cause, Verdict

TOWER = "9^{9^{9^{9}}}"
NO_VALUE = (
    TOWER,
    f"x = {TOWER}",
    f"5 + \\frac{{1}}{{{TOWER}}}",
    f"\\sqrt{{{TOWER}}}",
    f"\\lfloor {TOWER} \\rfloor",
    f"{TOWER} - {TOWER}",
    f"{TOWER} + \\int_0^1 x dx",
    "10^{10^{10}}!",
    "e^{e^{e^{e^{e}}}}",
)
TOO_LARGE = (
    "9" * 20_000,
    "9" * 2001,
    "(" * 3000 + "1" + ")" * 3000,
    "\\sqrt{1+" * 100 + "1" + "}" * 100,
    "+".join(f"x_{{{n}}}" for n in range(300)),
    "\\{" + ",".join(map(str, range(400))) + "\\}",
)


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    with MathVerifier() as running:
        yield running


@pytest.mark.parametrize("label", ["5", "\\frac{\\pi^2}{6}", "x^2 + 1"])
@pytest.mark.parametrize("answer", NO_VALUE)
def test_an_answer_without_a_value_is_unknown_by_its_own_limit(verifier: MathVerifier, label: str, answer: str) -> None:
    judged = verifier.judge(label, f"\\boxed{{{answer}}}")
    assert (judged.verdict, judged.cause) == (Verdict.UNKNOWN, Cause.ANSWER_LIMIT)


def test_a_value_that_no_precision_tells_is_over_the_limit_only_where_it_would_matter(verifier: MathVerifier) -> None:
    answer = f"\\boxed{{\\sin({TOWER})}}"
    assert verifier.judge("0.5", answer).cause is Cause.ANSWER_LIMIT
    judged = verifier.judge("5", answer)
    assert (judged.verdict, judged.cause) == (Verdict.WRONG, None)


@pytest.mark.parametrize("answer", TOO_LARGE)
def test_an_answer_too_large_to_be_read_is_wrong_by_its_own_limit(verifier: MathVerifier, answer: str) -> None:
    judged = verifier.judge("5", f"\\boxed{{{answer}}}")
    assert (judged.verdict, judged.cause) == (Verdict.WRONG, Cause.ANSWER_LIMIT)


@pytest.mark.parametrize(
    "answer", ["6", "2^{5000}", "\\frac{1}{10^{300}}", "9" * 1900, "x^{x^{x^{x}}}", "(x+y)^{200}", "word"]
)
def test_a_large_answer_with_a_value_is_just_wrong(verifier: MathVerifier, answer: str) -> None:
    judged = verifier.judge("5", f"\\boxed{{{answer}}}")
    assert (judged.verdict, judged.cause) == (Verdict.WRONG, None)


def test_a_right_answer_that_cannot_be_decided_is_not_blamed(verifier: MathVerifier) -> None:
    judged = verifier.judge("0", "\\boxed{(\\sqrt{2} - \\sqrt{2})^{1/3}}")
    assert (judged.verdict, judged.cause) == (Verdict.UNKNOWN, Cause.UNDECIDED)


def test_a_label_over_the_limit_is_not_the_answer_s_fault(verifier: MathVerifier) -> None:
    for answer in ("5", "9^{9^{9^{8}}}"):
        assert verifier.judge(TOWER, f"\\boxed{{{answer}}}").cause is not Cause.ANSWER_LIMIT
    assert verifier.judge("we prove it", "\\boxed{5}").cause is Cause.UNDECIDED


@settings(max_examples=60)
@given(st.integers(-99, 99), st.integers(1, 99), st.sampled_from(["\\frac{%d}{%d}", "%d+\\sqrt{%d}", "x^{%d}-%d"]))
def test_no_answer_of_common_size_is_over_a_limit(first: int, second: int, form: str) -> None:
    assert not is_over_limit("5", form % (first, second))


@pytest.mark.slow
def test_time_and_closing_are_infrastructure() -> None:
    slow = "\\boxed{\\sum_{n=1}^{\\infty} \\frac{1}{n^2+\\sqrt{n}}}"
    with MathVerifier(timeout=0.001) as hurried:
        judged = hurried.judge("5", slow)
    assert (judged.verdict, judged.cause) == (Verdict.UNKNOWN, Cause.INFRASTRUCTURE)


def test_a_sandbox_that_does_not_start_is_infrastructure() -> None:
    def refuse() -> None:
        raise SandboxUnavailable("no namespaces")

    label = CodeLabel(None, None, (DrawnTest("t1", "1\n", "1"),))
    with CodeVerifier(refuse, "last") as verifier:  # type: ignore[arg-type]
        judged = verifier.judge(label, "```python\nprint(input())\n```")
    assert (judged.verdict, judged.cause) == (Verdict.UNKNOWN, Cause.INFRASTRUCTURE)
