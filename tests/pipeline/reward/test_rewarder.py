"""The reward that travels is the reward at home: same verdicts, same parts, and no number where nothing is known."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reward import Rewarder
from pipeline.reward.rewarder import Answered
from pipeline.sandbox import describe_sandbox
from pipeline.verify.code import CodeLabel, DrawnTest
from pipeline.verify.label_codec import write_truth
from pipeline.verify.math import MathVerifier
from schemas.config import VerifyConfig
from schemas.errors import InputError
from schemas.reasons import Verdict

HOURS = "How many hours does the train need for the whole way to the sea?"
WORK = "The train needs two hours for the first half of the way, and two more for the second. So \\boxed{4}"
sandboxed = pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")


@pytest.fixture(scope="module")
def rewarder() -> Iterator[Rewarder]:
    with Rewarder() as made:
        yield made


@pytest.fixture(scope="module")
def home() -> Iterator[MathVerifier]:
    with MathVerifier() as made:
        yield made


@given(st.sampled_from(["4", "1/2", "", "x^2", "{1, 2}"]), st.sampled_from(["4", "0.5", "1/3", "", "x*x", "2, 1"]))
def test_the_verdict_is_the_verifier_s(rewarder: Rewarder, home: MathVerifier, label: str, answer: str) -> None:
    completion = f"so \\boxed{{{answer}}}"
    [graded] = rewarder.grade([Answered(label, completion)])
    judged = home.judge(label, completion)
    assert (graded.verdict, graded.detail, graded.answer) == (judged.verdict, judged.detail, judged.answer)
    assert (graded.reward is None) == (graded.verdict is Verdict.UNKNOWN)


def test_the_parts_are_the_paper_s(rewarder: Rewarder) -> None:
    asked = [
        Answered("4", WORK),
        Answered("5", WORK),
        Answered("4", WORK, HOURS),
        Answered("4", WORK, tokens=95, l_max=100, l_cache=10),
        Answered("4", WORK, tokens=101, l_max=100, l_cache=10),
        Answered("4", WORK, "Quelle est la durée totale du trajet en train jusqu'à la mer ?"),
    ]
    assert [graded.reward for graded in rewarder.grade(asked)] == pytest.approx([1.0, 0.1, 1.1, 0.95, 0.9, 1.0])


def test_a_broken_format_is_worth_nothing_and_an_unknown_verdict_is_not_worth_nothing() -> None:
    with Rewarder(VerifyConfig(format="think")) as strict:
        broken, unknown = strict.grade([Answered("4", WORK, HOURS), Answered("", f"<think>hm</think>{WORK}", HOURS)])
    assert (broken.reward, broken.format_ok) == (0.0, False)
    assert (unknown.reward, unknown.parts, unknown.verdict) == (None, None, Verdict.UNKNOWN)


@sandboxed
def test_a_program_is_judged_by_the_tests_that_travelled(rewarder: Rewarder) -> None:
    label = CodeLabel("python", "add", (DrawnTest("t0", "[1, 2]", "3"), DrawnTest("t1", "[-1, 1]", "0")))
    truth = write_truth(label)
    codes = ("def add(a, b):\n    return a + b", "def add(a, b):\n    return 3", "def add(a, b):\n    while True: pass")
    graded = rewarder.grade([Answered(truth, f"```python\n{code}\n```") for code in codes])
    assert [one.verdict for one in graded] == [Verdict.CORRECT, Verdict.WRONG, Verdict.WRONG]
    assert graded[0].answer is None


def test_a_label_that_cannot_be_read_is_told(rewarder: Rewarder) -> None:
    with pytest.raises(InputError, match="tests"):
        rewarder.submit(Answered('{"domain": "code"}', "x"))


def test_what_is_asked_after_the_end_is_refused() -> None:
    with Rewarder() as made:
        pass
    hard: Any = Answered("\\int_0^x t \\, dt", "\\boxed{\\frac{x^2}{2}}")
    with pytest.raises(RuntimeError, match="closed"):
        made.submit(hard)


def test_an_answer_over_a_limit_is_unknown_and_worth_nothing(rewarder: Rewarder) -> None:
    tower, long, prose = rewarder.grade(
        [
            Answered("5", "\\boxed{9^{9^{9^{9}}}}", statement=HOURS, tokens=9, l_max=9, l_cache=3),
            Answered("5", f"\\boxed{{{'9' * 20_000}}}"),
            Answered("we prove it", "\\boxed{5}"),
        ]
    )
    assert (tower.verdict, tower.reward) == (Verdict.UNKNOWN, 0)
    assert (long.verdict, long.reward) == (Verdict.WRONG, 0)
    assert (prose.verdict, prose.reward) == (Verdict.UNKNOWN, None)
