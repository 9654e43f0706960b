"""Throughput of the math verifier against `math_verify.verify(parse(label), parse(answer))`, kind by kind.

Both judge the same pairs in the same run, chunk by chunk in turn, so that what the machine does meanwhile falls on
both. No pair comes twice, so no cache of verdicts helps; a label has several answers, as in sampling, so parsed labels
may be kept. math-verify gets LaTeX between dollars, which is how it wants it. Times are CPU time of this process: none
of these kinds is left to SymPy's own processes.
Run: `python -m benchmarks.verify_math [OUT.json]`.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.verify.math import MathVerifier

CHUNK = 16
ANSWERS = 8
Pair = tuple[str, str]


def make_kinds(pairs: int = 240, seed: int = 0) -> dict[str, list[Pair]]:
    """Pairs of label and answer for each kind, about a third of them equal in another writing."""
    draw = random.Random(seed)

    def integer() -> int:
        return draw.randint(2, 99_999)

    def money(n: int) -> str:
        return f"${n:,}.{draw.randint(10, 99)}"

    def rational() -> tuple[int, int]:
        return draw.randint(1, 99), draw.randint(2, 99)

    makers: dict[str, Callable[[int], tuple[str, Callable[[bool], str]]]] = {}

    def kind(name: str) -> Callable[[Callable[[int], tuple[str, Callable[[bool], str]]]], None]:
        def register(maker: Callable[[int], tuple[str, Callable[[bool], str]]]) -> None:
            makers[name] = maker

        return register

    @kind("integers (GSM8K)")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        n = integer()
        return str(n), lambda right: draw.choice([f"{n:,}", f"{n}.0", f"{n}."]) if right else str(integer())

    @kind("decimals")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        n = f"{integer()}.{draw.randint(1, 999):03d}5"
        return n, lambda right: n + "0" * draw.randint(1, 5) if right else f"{integer()}.{draw.randint(1, 99)}5"

    @kind("fractions")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        a, b = rational()

        def answer(right: bool) -> str:
            k = draw.randint(2, 50)
            c, d = (a * k, b * k) if right else rational()
            return draw.choice([f"{c}/{d}", rf"\frac{{{c}}}{{{d}}}", rf"\dfrac{{{c}}}{{{d}}}"])

        return rf"\frac{{{a}}}{{{b}}}", answer

    @kind("percentages")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        n = draw.randint(1, 9999)
        return rf"{n}\%", lambda right: draw.choice([f"{n}%", f"{n}.0%"]) if right else f"{integer()}%"

    @kind("money")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        n = integer()
        return f"{n}.50", lambda right: draw.choice([f"${n:,}.50", f"\\${n}.5"]) if right else money(integer())

    @kind("units")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        n = integer()
        unit = draw.choice(["cm", "km", "minutes", "degrees"])
        return rf"{n} \text{{ {unit}}}", lambda right: rf"{n if right else integer()}\text{{ {unit}}}"

    @kind("simple LaTeX")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        n, r = draw.randint(2, 99), draw.choice([2, 3, 5, 6, 7, 10, 11])

        def answer(right: bool) -> str:
            k = draw.randint(2, 30)
            return rf"\frac{{{n * k}\sqrt{{{r}}}}}{{{k}}}" if right else rf"{integer()}\sqrt{{{r}}}"

        return rf"{n}\sqrt{{{r}}}", answer

    @kind("tuples")
    def _(_: int) -> tuple[str, Callable[[bool], str]]:
        a, b, c = integer(), integer(), draw.randint(2, 9)
        return (
            f"({a}, {b}, {c})",
            lambda right: rf"\left({a},{b},\frac{{{c * 2}}}{{2}}\right)" if right else f"({a},{integer()},{c})",
        )

    @kind("sets and intervals")
    def _(i: int) -> tuple[str, Callable[[bool], str]]:
        a = draw.randint(-50, 50)
        if i % 2:
            return rf"[{a}, \infty)", lambda right: rf"[{a if right else integer()},+\infty)"
        b, c = a + draw.randint(1, 9), a + draw.randint(10, 99)
        return rf"\{{{a}, {b}, {c}\}}", lambda right: rf"\{{{c},{a},{b if right else integer()}\}}"

    @kind("hard LaTeX")
    def _(i: int) -> tuple[str, Callable[[bool], str]]:
        n, k = draw.randint(2, 99), draw.randint(2, 9)
        forms: list[tuple[str, Callable[[bool], str]]] = [
            (
                rf"{n}\sin x+e^{{x/{k}}}",
                lambda right: rf"e^{{\frac{{x}}{{{k}}}}}+{n if right else integer()}\sin(x)",
            ),
            (
                rf"\frac{{x+{n}}}{{x^2-{k}}}",
                lambda right: rf"\frac{{{n if right else integer()}+x}}{{x^2-{k}}}",
            ),
            (
                rf"\begin{{pmatrix}} {n} \\ {k} \end{{pmatrix}}",
                lambda right: rf"\begin{{bmatrix}} {n if right else integer()} \\ {k} \end{{bmatrix}}",
            ),
            (
                rf"{k} < x \le {n + 10}",
                lambda right: rf"{n + 10 if right else integer()} \ge x > {k}",
            ),
        ]
        return forms[i % len(forms)]

    kinds: dict[str, list[Pair]] = {}
    for name, maker in makers.items():
        seen: dict[Pair, None] = {}
        group = 0
        while len(seen) < pairs:
            label, answer = maker(group)
            for _attempt in range(ANSWERS):
                seen.setdefault((label, answer(draw.random() < 0.35)))
            group += 1
        kinds[name] = list(seen)[:pairs]
    return kinds


def judge_peer(pairs: list[Pair]) -> list[bool]:
    """math-verify as its own page shows it, with its own time limits."""
    from math_verify import parse, verify

    def wrap(text: str) -> str:
        return f"${text}$" if "\\" in text or text[0] in "([" or "<" in text else text

    return [bool(verify(parse(wrap(label)), parse(wrap(answer)))) for label, answer in pairs]


def judge_ours(verifier: MathVerifier, pairs: list[Pair]) -> list[bool]:
    """The verifier as the sampler calls it: everything handed in, then collected."""
    futures = [verifier.submit(label, f"\\boxed{{{answer}}}") for label, answer in pairs]
    return [future.result().verdict == "correct" for future in futures]


def main(out: Path | None = None, pairs: int = 240) -> dict[str, Any]:
    """Measures each kind, prints a table, writes the figures to `out` as JSON when it is given, and returns them."""
    logging.disable(logging.WARNING)
    warm, measured = make_kinds(2 * CHUNK, seed=1), make_kinds(pairs, seed=2)
    rows: list[dict[str, Any]] = []
    with MathVerifier(workers=1) as verifier:
        for name, kind in measured.items():
            judge_ours(verifier, warm[name])
            judge_peer(warm[name])
            ours = peer = 0.0
            agree = 0
            for start in range(0, len(kind), CHUNK):
                chunk = kind[start : start + CHUNK]
                began = time.process_time()
                mine = judge_ours(verifier, chunk)
                between = time.process_time()
                theirs = judge_peer(chunk)
                ours += between - began
                peer += time.process_time() - between
                agree += sum(a == b for a, b in zip(mine, theirs, strict=True))
            rows.append(
                {
                    "kind": name,
                    "pairs": len(kind),
                    "ours_per_s": round(len(kind) / ours, 1),
                    "math_verify_per_s": round(len(kind) / peer, 1),
                    "ratio": round(peer / ours, 2),
                    "same_verdict": agree / len(kind),
                }
            )
    print(f"{'kind':26} {'ours/s':>10} {'math-verify/s':>14} {'ratio':>8} {'same verdict':>13}")
    for row in rows:
        print(
            f"{row['kind']:26} {row['ours_per_s']:>10,.0f} {row['math_verify_per_s']:>14,.0f} "
            f"{row['ratio']:>8.1f} {row['same_verdict']:>13.1%}"
        )
    result = {"benchmark": "verify_math", "chunk": CHUNK, "rows": rows}
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
