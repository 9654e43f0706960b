"""One verifier for a run: each problem is judged by its own label, and nothing is started that no problem needs."""

from typing import Any

import pytest

from pipeline.sample.store import verifier_hash
from pipeline.sandbox import describe_sandbox
from pipeline.verify.code import CodeLabel
from pipeline.verify.problem import ProblemVerifier, read_label
from schemas.config import SandboxConfig, VerifyConfig
from schemas.reasons import Verdict

needs_sandbox = pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
MATH = {"id": "1" * 16, "domain": "math", "answer": "5"}
CODE: dict[str, Any] = {
    "id": "2" * 16,
    "domain": "code",
    "statement": "Double.",
    "answer": None,
    "tests": [{"id": "a", "input": "2\n", "expected": "4\n"}],
    "entry_point": None,
    "checker": None,
    "code_language": None,
    "extra": None,
}
DOUBLE = "```python\nprint(2 * int(input()))\n```"


@needs_sandbox
def test_math_and_code_are_judged_beside_each_other() -> None:
    verify = VerifyConfig()
    with ProblemVerifier(verify, SandboxConfig(workers=1)) as one:
        math, code = read_label(MATH, verify), read_label(CODE, verify)
        assert one.judge(math, r"\boxed{5}").verdict is Verdict.CORRECT
        assert one.judge(code, DOUBLE).verdict is Verdict.CORRECT
        assert one.judge(code, r"\boxed{5}").verdict is Verdict.WRONG
        assert one.judge(math, DOUBLE).verdict is Verdict.WRONG


def test_no_sandbox_is_opened_for_math() -> None:
    with ProblemVerifier(VerifyConfig(), SandboxConfig()) as one:
        assert one.judge("5", r"\boxed{5}").verdict is Verdict.CORRECT
        assert one.code._sandbox is None


def test_the_hash_covers_what_a_verdict_on_code_rests_on_and_nothing_else() -> None:
    def named(verify: VerifyConfig | None = None, sandbox: SandboxConfig | None = None, **more: Any) -> str:
        rules = verify or VerifyConfig()
        return verifier_hash(rules, read_label(CODE | more, rules), sandbox)

    base = named()
    others = [
        named(tests=[{"id": "a", "input": "2\n", "expected": "5\n"}]),
        named(tests=[{"id": "a", "input": "3\n", "expected": "4\n"}]),
        named(tests=[*CODE["tests"], {"id": "b", "input": "3\n", "expected": "6\n"}]),
        named(checker={"float_tolerance": 1e-3, "ignore_case": None, "strict_whitespace": None}),
        named(code_language="cpp"),
        named(entry_point="f"),
        named(extra='{"prelude": "import math"}'),
        named(VerifyConfig(extract="last")),
        named(sandbox=SandboxConfig(wall=2.0)),
    ]
    assert len({base, *others}) == len(others) + 1
    same = [
        named(sandbox=SandboxConfig(workers=3, mode="landlock")),
        named(VerifyConfig(timeout=9, workers=7)),
        named(extra='{"url": "x"}'),
        named(checker={"float_tolerance": None, "ignore_case": None, "strict_whitespace": None}),
    ]
    assert set(same) == {base}


def test_a_row_without_a_domain_is_math() -> None:
    assert read_label({"id": "x", "answer": "7"}, VerifyConfig()) == "7"
    assert isinstance(read_label(CODE, VerifyConfig()), CodeLabel)


PERCENTAGE = [
    ("What percentage of the liquid in the jug is powder?", "4", r"4\%"),
    ("What is the probability, expressed as a percentage, that he wins?", "12.5", r"12.5\%"),
    ("Quel pourcentage des fleurs sont rouges ?", "30", r"30\%"),
    ("红花占百分之几？", "30", r"30\%"),
    ("What is 20 percent of 50?", "10", "10"),
    ("His salary has increased by 40 percent. What is it now?", "15400", "15400"),
    ("What percentage is it?", "0.5", "0.5"),
    ("What percentage is it?", r"\frac{1}{2}", r"\frac{1}{2}"),
]


@pytest.mark.parametrize(("statement", "answer", "label"), PERCENTAGE)
def test_a_number_that_is_asked_for_as_a_percentage_is_one(statement: str, answer: str, label: str) -> None:
    assert read_label({"statement": statement, "answer": answer}, VerifyConfig()) == label


def test_an_asked_for_percentage_takes_its_sign_and_no_other_label_below_ten_does() -> None:
    row = {"statement": "What percentage of the liquid in the jug is powder?", "answer": "4"}
    with ProblemVerifier(VerifyConfig(), SandboxConfig()) as one:
        for text in (r"\boxed{4\%}", r"\boxed{4}", r"\boxed{0.04}"):
            assert one.judge(read_label(row, VerifyConfig()), text).verdict is Verdict.CORRECT
        assert one.judge("4", r"\boxed{4\%}").verdict is Verdict.WRONG
        assert one.judge("40", r"\boxed{40\%}").verdict is Verdict.CORRECT


@pytest.mark.parametrize(
    ("language", "parent", "label"),
    [("fr", None, "1{,}5"), ("de", None, "1{,}5"), ("en", None, "1,5"), (None, None, "1,5"), ("fr", "p" * 16, "1,5")],
)
def test_a_comma_is_decimal_where_the_language_has_it_so(language: str | None, parent: str | None, label: str) -> None:
    row = {"statement": "Combien ?", "answer": "1,5", "language": language, "parent_id": parent}
    assert read_label(row, VerifyConfig()) == label
