"""A stream of hostile answers: each is decided or unknown in its limit, the stream goes on, nothing is left behind."""

import os
import resource
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.verify.decide import decide
from pipeline.verify.math import MathVerifier
from schemas.reasons import Verdict

HOSTILE = [
    "10^{10^{10}}",
    "9^{9^{9^{9}}}",
    "2^{2^{2^{2^{2^{2}}}}}",
    "9**9**9**9",
    "((9^9)^9)^9",
    "(9^{99})^{9999}",
    "7^{9^{9}}",
    "99999999999!",
    "9!!!!!!!",
    "(((9!)!)!)!",
    "(1000!)^{1000!}",
    r"\binom{10^{9}}{10^{8}}",
    r"\binom{99999}{49999}",
    r"\prod_{n=1}^{100000} n!",
    r"\sum_{n=1}^{\infty} \frac{\sin(n^n)}{n!}",
    r"\sum_{n=1}^{1000000000} n^{n}",
    r"\int_0^{\infty} e^{-x^{x^{x}}} dx",
    r"\int \sin(\cos(\tan(x^{5}+e^{x}))) dx",
    r"\lim_{x \to 0} \frac{\sin(x^{x^{x}})}{x^{x}}",
    r"\int_0^1 \sin(x^{x^{x}}) \log(1+x^{\sin x})^{\cos x} dx",
    r"(x+y+z+w)^{999}",
    r"(a+b+c+d+e+f+g+h)^{99}",
    r"\sqrt[99999]{2}^{99999}",
    r"\frac{1}{0}",
    "1/0",
    "0/0",
    "0^0",
    "0^{-1}",
    "nan",
    "inf",
    "-inf",
    r"\infty - \infty",
    r"\log 0",
    r"\tan \frac{\pi}{2}",
    r"\frac{0}{0}",
    "1e999999999",
    "1e-999999999",
    "9" * 100_000,
    "0." + "3" * 100_000,
    "x" * 100_000,
    "(" * 100_000,
    "{" * 1_900,
    "(" * 900 + "5" + ")" * 900,
    r"\frac{1}{" * 150 + "2" + "}" * 150,
    r"\sqrt{" * 120 + "2" + "}" * 120,
    r"\left(" * 200 + "5" + r"\right)" * 200,
    "1+" * 90_000 + "1",
    "1+" * 120 + "1",
    "-" * 1_000 + "5",
    "x^" * 200 + "2",
    ",".join("1" * 1_500),
    "1 or " * 300 + "2",
    r"\{1, 2",
    r"1, 2\}",
    r"\{\{\{1\}, 2\}, \{3",
    "(1, 2, 3",
    "[1, 2}",
    r"\{,\}",
    ",,,,",
    "=" * 100,
    "5=6=5=6=5=6=5=6",
    "\x00",
    "5\x00",
    "\x1b[31m5",
    "\ud7ff\uffff",
    "\u202e5",
    "\u200b\u200b",
    "🙂" * 50,
    "५६७",
    "Ⅴ",
    "五",
    "__import__('os').system('sleep 99')",
    r"\text{__import__('os').abort()}",
    "exec('while True: pass')",
    "(lambda: 5)()",
    "Symbol('x')",
    "sympy.factorial(10**9)",
    "os.fork()",
    r"\input{/etc/passwd}",
    r"\def\a{\a\a}\a",
    r"\newcommand{\b}{\b\b}\b",
    r"\begin{pmatrix} 1 & 2 \\ 3 \end{pmatrix}",
    r"\begin{pmatrix}" * 40,
    r"\begin{pmatrix} 2 & 1 \\ 1 & 1 \end{pmatrix}^{99999999}",
    r"\unknown{\commands}{here}",
    r"\boxed{\boxed{\boxed{",
    "%" * 500,
    "$" * 501,
    "\\" * 999,
    "^" * 50 + "_" * 50,
    r"\text{" * 100,
    "-" + r"\pm" * 50 + "5",
    "0.\\overline{" + "7" * 2_000 + "}",
]
LABELS = ["5", r"\sin x", r"\{1, 2\}", r"x^{5}+e^{x}"]
TIMEOUT = 1.0


def alive_children() -> int:
    me, count = str(os.getpid()), 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            count += fields[1] == me and fields[0] != "Z"
    return count


@pytest.mark.slow
def test_a_hostile_stream_goes_on() -> None:
    assert len(HOSTILE) >= 60
    children = alive_children()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with MathVerifier(timeout=TIMEOUT, workers=2, memory_mb=512) as verifier:
        assert verifier.compare(r"\sin x", r"\sin(x)").verdict is Verdict.CORRECT
        futures = []
        for number, answer in enumerate(HOSTILE):
            futures.append((answer, verifier.submit(LABELS[number % len(LABELS)], f"\\boxed{{{answer}}}")))
            futures.append((r"\cos", verifier.submit(r"\cos x", rf"\boxed{{\cos(x) + {number} - {number}}}")))
        for answer, future in futures:
            judgement = future.result(120)
            assert (judgement.verdict is Verdict.CORRECT) == (answer == r"\cos"), answer[:80]
            assert judgement.verdict is Verdict.CORRECT or judgement.detail
        assert verifier.compare(r"\sin x", r"\sin(x)").verdict is Verdict.CORRECT
    assert alive_children() == children
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 512 * 1024


@pytest.mark.slow
def test_hostile_labels_never_score() -> None:
    with MathVerifier(timeout=TIMEOUT, workers=2, memory_mb=512) as verifier:
        futures = [(label, verifier.submit(label, r"\boxed{5 + x}")) for label in HOSTILE if len(label) < 3_000]
        assert len(futures) >= 50
        for label, future in futures:
            assert future.result(120).verdict is not Verdict.CORRECT, label[:80]


def test_long_answers_cost_nothing() -> None:
    """100 kB strings are told from their length alone: 200 of them, before any process is started."""
    with MathVerifier() as verifier:
        began = time.process_time()
        for _ in range(50):
            for text in ("9" * 100_000, "(" * 100_000, "1+" * 50_000, "a " * 50_000):
                assert verifier.compare("5", text).verdict is Verdict.WRONG
        assert not verifier.pool.started
        assert time.process_time() - began < 60


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=r"\{}()[]^_!.,;=<>$%&0123456789abcxyz+-*/ ", max_size=300))
def test_noise_never_equals_an_odd_label(noise: str) -> None:
    assume("98765.4321" not in noise)
    assert decide("98765.4321", noise) == "differ"
