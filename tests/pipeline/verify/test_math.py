"""The one verifier, as curation and training use it: verdicts, classes, and what a model would try."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.verify.extract import extract_answer
from pipeline.verify.label import check_label
from pipeline.verify.math import Judgement, MathVerifier, _then
from schemas.reasons import Verdict


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    with MathVerifier(timeout=20.0) as running:
        yield running


def box(answer: str) -> str:
    return rf"So the answer is $\boxed{{{answer}}}$."


def test_a_judgement_says_everything(verifier: MathVerifier) -> None:
    assert verifier.judge("1/2", box("0.5")) == Judgement(Verdict.CORRECT, "0.5", "1/2", "equal", True)
    assert verifier.judge("5", box("6")) == Judgement(Verdict.WRONG, "6", "6", "not equal", True)
    assert verifier.judge("5", "It is 5.") == Judgement(Verdict.WRONG, None, None, "no boxed answer", True)
    assert verifier.judge("5", r"\boxed{}") == Judgement(Verdict.WRONG, None, None, "no boxed answer", True)


def test_an_error_in_the_thread_that_brings_a_comparison_reaches_whoever_waits() -> None:
    """Else a run waits for ever: the standard library only logs what a callback raises."""
    comparison, judgement = Future[int](), Future[str]()
    _then(comparison, lambda outcome: judgement.set_result(str(1 // outcome)), judgement)
    comparison.set_result(0)
    with pytest.raises(ZeroDivisionError):
        judgement.result(timeout=0)


def test_common_answers_are_there_at_once_and_start_nothing() -> None:
    with MathVerifier() as fresh:
        future = fresh.submit("5", box(r"\frac{10}{2}"))
        assert future.done()
        assert future.result().verdict is Verdict.CORRECT
        assert fresh.judge("5", box("10^{10^{10}}")).verdict is Verdict.WRONG
        assert fresh.group(["5", "5.0", "6", "blue"]) == ["5", "5", "6", r"\text{blue}"]
        assert not fresh.pool.started


HARD = [
    (r"y=c e^{1/x}", r"y = ce^{\frac1x}", Verdict.CORRECT),
    (r"y=c e^{1/x}", r"y = ce^{\frac2x}", Verdict.WRONG),
    (r"\begin{pmatrix} -1 \\ -8 \\ 2 \end{pmatrix}", r"\begin{bmatrix}-1\\-8\\2\end{bmatrix}", Verdict.CORRECT),
    (r"0 < \lambda < 1", r"1 > \lambda > 0", Verdict.CORRECT),
    (r"2\sqrt{1+\sqrt{2}}", r"\sqrt{4+4\sqrt{2}}", Verdict.CORRECT),
    (r"\frac{\sqrt{\pi}}{2}", r"\frac12\sqrt{\pi}", Verdict.CORRECT),
    (r"\frac{\pi^2}{6}", r"\sum_{n=1}^{\infty} \frac{1}{n^2}", Verdict.CORRECT),
    (r"\ln 2", r"\frac{\ln 4}{2}", Verdict.CORRECT),
    ("5", r"\int_0^5 1 dx", Verdict.CORRECT),
    ("5", r"\frac{1}{0}", Verdict.WRONG),
    ("0", r"\sqrt[3]{2}-\sqrt[3]{2}", Verdict.CORRECT),
    (r"\sin x", "Prove that it is so", Verdict.WRONG),
    (r"\sin x", "5", Verdict.WRONG),
]


@pytest.mark.parametrize(("label", "answer", "verdict"), HARD)
def test_hard_answers(verifier: MathVerifier, label: str, answer: str, verdict: Verdict) -> None:
    assert verifier.judge(label, box(answer)).verdict is verdict


@pytest.mark.parametrize(
    "label",
    [
        None,
        "",
        "  ",
        "Prove that $S$ is closed.",
        "(a) 12; (b) 3",
        "N/A",
        r"\frac{1}{",
        r"\sin x +",
        "x" * 5000,
    ],
    ids=lambda label: str(label)[:12],
)
def test_an_unverifiable_label_never_scores(verifier: MathVerifier, label: str | None) -> None:
    for answer in (label or "", "5", "", r"\frac{1}{", "0", r"\text{}", r"\emptyset"):
        assert verifier.compare(label, answer).verdict is not Verdict.CORRECT
    assert verifier.compare(label, "5").verdict is Verdict.UNKNOWN


EXPLOITS = [
    ("5", "5 or 6"),
    ("5", "5, 6"),
    ("5", "4, 5, 6"),
    ("5", r"\{5, 6\}"),
    ("5", "[5, 6]"),
    ("5", "5-6"),
    ("5", "4 < 5 < 6"),
    ("5", r"4 \le x \le 6"),
    ("5", "(4, 6)"),
    ("5", r"\pm 5"),
    ("5", "x"),
    ("5", "x = x"),
    ("5", "x = y"),
    ("5", "5 6"),
    ("5", "2 3"),
    ("5", "5 is the answer, or 6"),
    ("5", "any number"),
    ("5", r"\mathbb{R}"),
    ("5", r"\infty"),
    ("5", "6 = 5 = 6"),
    ("5", "the label"),
    ("5", "answer"),
    ("5", "1/0"),
    ("5", "0/0"),
    ("5", "nan"),
    ("5", r"\text{5 or 6}"),
    ("5", r"5 \vee 6"),
    ("5", r"5\text{ or }6"),
    ("5", "5?6"),
    ("5", "5..6"),
    ("5", r"5 \ldots 9"),
    ("5", r"\boxed{6}"),
    ("1728", "1331 and 1728"),
    ("1331 and 1728", "1728"),
    ("1331 and 1728", "1331"),
    ("1331, 1728", "1331, 1728, 5"),
    ("blue", "blue or red"),
    ("blue", "red, blue, green"),
    ("A", "A, B, C, D"),
    ("A", "ABCD"),
    ("A", "A or B"),
    ("yes", "yes or no"),
    ("yes", "yes/no"),
    ("(1,2)", "(x,y)"),
    ("(1,2)", "1<2"),
    ("x^2", "x^2 + C"),
    (r"\sin x", "x"),
    (r"\sin x", r"\sin x, \cos x"),
    (r"\sin x", r"\sin x \text{ or } \cos x"),
    (r"\sin x", r"\pm\sin x"),
    ("x = 5", "x"),
    ("[0, 1)", "[0, 1]"),
    (r"e^{-50}", "0"),
    ("123456789012345678", "123456789012345679"),
    (r"\sqrt[3]{2}", "1.26"),
]


@pytest.mark.parametrize(("label", "answer"), EXPLOITS)
def test_what_a_model_would_try_does_not_pay(verifier: MathVerifier, label: str, answer: str) -> None:
    assert verifier.compare(label, answer).verdict is Verdict.WRONG


def test_formats(verifier: MathVerifier) -> None:
    with MathVerifier(format="think") as strict:
        assert strict.judge("5", r"<think>a</think>\boxed{5}").verdict is Verdict.CORRECT
        broken = strict.judge("5", r"\boxed{5}")
        assert (broken.verdict, broken.format_ok) == (Verdict.WRONG, False)
        assert broken.detail.startswith("format: ")
    with MathVerifier(extract="last") as last:
        assert last.judge("5", "2 + 3 is 5").verdict is Verdict.CORRECT
        assert last.judge("5", "so it is").detail == "no answer"


def test_wrong_answers_join_the_classes_that_are_known(verifier: MathVerifier) -> None:
    known: list[str] = []
    for answer, key in [
        ("6", "6"),
        ("6.0", "6"),
        ("6 cm", "6"),
        (r"\sin x", r"\sin x"),
        (r"\sin(x)", r"\sin x"),
        (r"\cos(x)", r"\cos(x)"),
        ("0.333333", "0.333333"),
        ("1/3", "0.333333"),
        ("5.0", "5"),
        ("Blue", r"\text{blue}"),
    ]:
        judgement = verifier.compare("5", answer, known)
        assert judgement.answer_key == key
        if key not in known:
            known.append(key)


@pytest.mark.parametrize(("label", "answer"), [("x=5", "y=5"), ("5 cm", "5 m"), (r"\sin x", "10^{10^{10}}")])
def test_a_wrong_answer_never_has_the_key_of_the_label(verifier: MathVerifier, label: str, answer: str) -> None:
    right, wrong = verifier.compare(label, label), verifier.compare(label, answer)
    assert (right.verdict, wrong.verdict) == (Verdict.CORRECT, Verdict.WRONG)
    assert right.answer_key != wrong.answer_key


NUMBERS = ["5", "5.0", "10/2", "5 cm", "5 m", "5 apples", "1/3", "0.333333", "0.3333334", "0.333", "50%", "0.5", "x=5"]
OTHERS = ["1, 2", "2, 1", "(1, 2)", "(2, 1)", "blue", "Blue", "A", "a", r"\infty", r"\sqrt{2}", "1.414214", "what?"]
HARDER = ["10^{10^{10}}", r"\sin x", r"\sin(x)", r"\cos x"]
UNLIKE_ALONE = {"5", "5.0", "10/2", "x=5", "5 apples"}
"""What each of these is called depends on which others are there."""
pieces = st.sampled_from(NUMBERS + OTHERS + HARDER)


@settings(max_examples=60, deadline=None)
@given(st.lists(pieces, max_size=9), st.randoms())
def test_classes_are_classes_in_any_order(verifier: MathVerifier, answers: list[str], draw: object) -> None:
    keys = dict(zip(answers, verifier.group(answers), strict=True))
    shuffled = list(answers)
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    again = dict(zip(shuffled, verifier.group(shuffled), strict=True))
    assert keys == again
    assert keys.keys() == set(answers)
    alone = {answer: verifier.group([answer])[0] for answer in keys.keys() - UNLIKE_ALONE}
    assert len({(key, keys[answer]) for answer, key in alone.items()}) == len(set(alone.values()))


def test_units_in_classes(verifier: MathVerifier) -> None:
    one, two, three = verifier.group(["5", "5 cm", "5.0"])
    assert one == two == three
    assert len(set(verifier.group(["5", "5 cm", "5 m"]))) == 3
    assert len(set(verifier.group(["5 cm", "6"]))) == 2


def test_threads_share_a_verifier(verifier: MathVerifier) -> None:
    verdicts: list[Verdict] = []

    def work(number: int) -> None:
        for right in (True, False):
            answer = rf"\cos({number if right else number + 50} x)"
            verdicts.append(verifier.judge(rf"\cos {number} x", box(answer), known=[r"\sin x"]).verdict)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(verdicts) == sorted([Verdict.CORRECT, Verdict.WRONG] * 6)


SOURCE_IS_WRONG = {("460", "460"), ("80", "80")}
"""Labels and answers that the source calls wrong although they are the same."""


def test_real_completions_get_their_known_verdicts(shared_data: Path, verifier: MathVerifier) -> None:
    judged = differences = missed = 0
    with MathVerifier(extract="last") as last:
        for line in (shared_data / "gsm8k_multi-samples.jsonl").read_text().splitlines():
            row = json.loads(line)
            for sample in row["samples"]:
                if sample.get("answer") is None:
                    continue
                verdict = verifier.compare(row["answer"], sample["answer"]).verdict
                assert (verdict is Verdict.CORRECT) == sample["match_gold"]
                judged += 1
                if sample.get("text"):
                    found = extract_answer(sample["text"], "last")
                    missed += found is None
                    right = last.judge(row["answer"], sample["text"]).verdict is Verdict.CORRECT
                    if right != sample["match_gold"] and (row["answer"], sample["answer"]) not in SOURCE_IS_WRONG:
                        differences += 1
        assert not last.pool.started
    assert judged > 1300
    assert missed == 0
    assert differences <= 0.002 * judged


def test_real_labels_accept_themselves(shared_data: Path, verifier: MathVerifier) -> None:
    broken = []
    for name in ("matharena-problems", "polymath", "math_labels", "mgsm-mgsm"):
        rows = [json.loads(line) for line in (shared_data / f"{name}.jsonl").read_text().splitlines()]
        for label in sorted({str(row["answer"]) for row in rows if row.get("answer") is not None}):
            checked = check_label(label, verifier.pool)
            verdict = verifier.compare(label, label).verdict
            assert (verdict is Verdict.CORRECT) == (checked is True), (label, checked)
            if checked is not True:
                broken.append(label)
    assert len(broken) <= 2, broken
