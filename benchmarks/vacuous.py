"""Whether the audit of the reward finds vacuous tests, and loses no sound ones.

    python -m benchmarks.vacuous [VARIANTS]

Plants VARIANTS (1,000) vacuous variants and as many sound ones into the real problems of
../shared/data/code_tests.jsonl and code_func.jsonl (skips where absent). A vacuous variant keeps a problem's statement
and has tests that a program without work passes; a sound one is the problem with some of its true tests and some of its
submissions. Generation is off, so that a vacuous variant can only be rejected; every tenth one is judged with it on as
well, and what is kept then must fail the attack that was planted.
"""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.code_tests import DATA, SETS, Truth, read_set
from pipeline.code_tests.attacks import write_function
from pipeline.code_tests.case import check_case, open_case
from pipeline.code_tests.outputs import Judge
from pipeline.sandbox import Case, Checker, Program, Run, Sandbox, all_passed
from schemas.config import CodeTestsConfig
from schemas.reasons import Reason

VARIANTS = 1000
TESTS = 6
"""Tests of a variant."""
PROGRAMS = 3
"""Right submissions of a variant at most: few, for time."""
LOST = 0.005
"""Aim: at most this share of the sound variants."""
EVERY = 10
"""Every so many a vacuous variant is judged with generation on too."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """A problem with planted tests. `attack` is the program without work that they reward."""

    kind: str
    row: Row
    attack: str


class Remembering(Sandbox):
    """A sandbox that runs a program on a case once: the variants of a problem share its submissions and tests."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[tuple[Program, Case, str], Run] = {}

    def submit(
        self,
        program: Program,
        cases: Sequence[Case],
        checker: Checker | None = None,
        stop_at_first: bool = False,
        wall: float | None = None,
    ) -> "Future[list[Run]]":
        keys = [(program, case, f"{checker} {wall}") for case in cases]
        known = [self.known.get(key) for key in keys]
        future: Future[list[Run]] = Future()
        first_failed = next((at for at, run in enumerate(known) if run is None or run.status != "passed"), len(known))
        end = min(first_failed + 1, len(known)) if stop_at_first else len(known)
        runs = [run for run in known[:end] if run is not None]
        if len(runs) == end:
            future.set_result(runs)
            return future

        def remember(done: "Future[list[Run]]") -> None:
            self.known.update(zip(keys, done.result(), strict=False))

        future = super().submit(program, cases, checker, stop_at_first, wall)
        future.add_done_callback(remember)
        return future


def true_tests(row: Row, truth: Truth) -> list[Row]:
    return [{**test, "expected": truth.expected[test["id"]]} for test in row["tests"]]


def make_sound(rng: random.Random, row: Row, truth: Truth) -> Row | None:
    """Some true tests that do not all expect the same, with right submissions; None where there are none."""
    tests, right = true_tests(row, truth), [s for s in row["solutions"] if s["id"] in truth.right]
    distinct = {test["input"] for test in tests}
    if len(distinct) < TESTS or not right:
        return None
    judge = Judge.of(row.get("checker"), bool(row["entry_point"]), [test["input"] for test in tests])
    chosen = rng.sample(tests, min(len(tests), rng.randint(TESTS, 2 * TESTS)))
    if all(judge.same(chosen[0]["expected"], test["expected"]) for test in chosen):
        return None
    return {**row, "tests": chosen, "solutions": rng.sample(right, min(PROGRAMS, len(right)))}


def plant_constant(rng: random.Random, row: Row) -> Variant:
    """Every test expects one of the problem's outputs, and the submissions print it."""
    expected = rng.choice(row["tests"])["expected"]
    name = row["entry_point"]
    code = write_function(name, f"({expected})") if name else f"print({expected!r}, end='')"
    return Variant("one output", _replace(row, [expected] * len(row["tests"]), code), code)


def plant_repeated(rng: random.Random, row: Row) -> Variant:
    """One test, several times."""
    test = rng.choice(row["tests"])
    tests = [{**test, "id": f"t{n}", "input": test["input"] + "\n" * n} for n in range(TESTS)]
    name, expected = row["entry_point"], test["expected"]
    code = write_function(name, f"({expected})") if name else f"print({expected!r}, end='')"
    return Variant("one test", {**row, "tests": tests}, code)


def plant_echo(rng: random.Random, row: Row) -> Variant:
    """Every test expects what comes in: the input, or the first argument."""
    from pipeline.sandbox.calls import read_call

    name = row["entry_point"]
    if name is None:
        code = "import sys\nsys.stdout.write(sys.stdin.read())"
        return Variant("echo", _replace(row, [test["input"] for test in row["tests"]], code), code)
    calls = [read_call(test["input"], name) for test in row["tests"]]
    tests = [
        {**test, "expected": repr(call.args[0])}
        for test, call in zip(row["tests"], calls, strict=True)
        if call is not None and call.args
    ]
    if len(tests) < TESTS:
        return plant_constant(rng, row)
    code = write_function(name, "args[0]")
    return Variant("echo", _solve({**row, "tests": tests}, code), code)


def plant_nothing(rng: random.Random, row: Row) -> Variant:
    """The submissions compute, but give nothing back, and nothing is expected."""
    name = row["entry_point"]
    if name is None:
        code = "import sys\nx = sys.stdin.read()"
        return Variant("nothing", _replace(row, [""] * len(row["tests"]), code), "")
    changed = [
        {**s, "code": f"{s['code']}\n_inner = {name}\ndef {name}(*args, **kwargs):\n    _inner(*args, **kwargs)\n"}
        for s in row["solutions"]
    ]
    tests = [{**test, "expected": "None"} for test in row["tests"]]
    return Variant("nothing", {**row, "tests": tests, "solutions": changed}, write_function(name, "None"))


def plant_shown(rng: random.Random, row: Row) -> Variant:
    """All tests stand in the statement."""
    name, tests = row["entry_point"], row["tests"]
    if name is None:
        shown = "".join(f"\nSample Input\n{t['input']}\nSample Output\n{t['expected']}\n" for t in tests)
        table = {" ".join(t["input"].split()): t["expected"] for t in tests}
        code = f"import sys\nprint({table!r}[' '.join(sys.stdin.read().split())], end='')"
    else:
        shown = "".join(f"\n>>> {t['input']}\n{t['expected']}" for t in tests)
        entries = ", ".join(f"{_key(t['input'], name)!r}: ({t['expected']})" for t in tests)
        code = write_function(name, f"{{{entries}}}[repr((args, kwargs))]")
    return Variant("all shown", {**row, "statement": row["statement"] + "\n" + shown}, code)


def _key(text: str, name: str) -> str:
    from pipeline.sandbox.calls import read_call

    call = read_call(text, name)
    return "" if call is None else repr((call.args, dict(call.kwargs or {})))


def plant_tolerance(rng: random.Random, row: Row) -> Variant:
    """Whole numbers are expected, and the checker takes any number."""
    name = row["entry_point"]
    expected = [str(rng.randint(0, 9)) for _ in row["tests"]]
    checker = {"float_tolerance": 1e9, "ignore_case": None, "strict_whitespace": None}
    code = write_function(name, "0") if name else "print(0)"
    return Variant("any number", {**_replace(row, expected, code), "checker": checker}, code)


def plant_evaluated(rng: random.Random, row: Row) -> Variant:
    """Test programs that call the function and demand nothing; of text problems their one output."""
    name = row["entry_point"]
    if name is None:
        return plant_constant(rng, row)
    tests = [{**test, "input": f"value = {test['input']}", "expected": None} for test in row["tests"]]
    return Variant("no assert", {**row, "tests": tests}, write_function(name, "None"))


PLANTS: tuple[Callable[[random.Random, Row], Variant], ...] = (
    plant_constant,
    plant_repeated,
    plant_echo,
    plant_nothing,
    plant_shown,
    plant_tolerance,
    plant_evaluated,
)


def _replace(row: Row, expected: list[str], code: str) -> Row:
    tests = [{**test, "expected": text} for test, text in zip(row["tests"], expected, strict=True)]
    return _solve({**row, "tests": tests}, code)


def _solve(row: Row, code: str) -> Row:
    """The problem with three programs that behave like `code`."""
    codes = [code, f"{code}\nunused = 1\n", f"{code}\nunused = [2]\n"]
    return {**row, "solutions": [{"id": f"s{n}", "language": "python", "code": text} for n, text in enumerate(codes)]}


def judge_row(sandbox: Sandbox, row: Row, generate: bool) -> tuple[str, list[Row], Judge]:
    """(`kept` or the reason, the tests that are left, how they compare)."""
    written = {**row, "extra": json.dumps(row["extra"]) if row.get("extra") else None}
    finding = check_case(open_case(written), CodeTestsConfig(generate=generate), sandbox)
    return (finding.reason.value if finding.reason else "kept"), list(finding.tests), finding.judge


def passes(sandbox: Sandbox, row: Row, tests: list[Row], judge: Judge, attack: str) -> bool:
    """Whether the planted program without work passes the tests that were kept."""
    cases = [Case(test["input"], test["expected"]) for test in tests]
    runs = sandbox.run(Program("python", attack, row["entry_point"]), cases, judge.checker)
    return all_passed(runs, len(cases))


def main(out: str | Path | None = None, variants: int = VARIANTS) -> dict[str, Any]:
    """Print what became of each kind, and the shares that the aims are about; write them to `out` as JSON."""
    problems = [pair for name in SETS if (DATA / f"{name}.jsonl").exists() for pair in read_set(name)]
    if not problems:
        print("../shared/data has no code problems, skipped")
        return {}
    rng = random.Random(0)
    started = time.perf_counter()
    planted: Counter[tuple[str, str]] = Counter()
    sound: Counter[str] = Counter()
    rewarded = 0
    strengthened: Counter[str] = Counter()
    with Remembering() as sandbox:
        for number in range(variants):
            print(f"{number} of {variants}", end="\r", file=sys.stderr, flush=True)
            base = None
            while base is None:
                base = make_sound(rng, *rng.choice(problems))
            word, _, _ = judge_row(sandbox, base, generate=False)
            sound[word] += 1
            variant = PLANTS[number % len(PLANTS)](rng, base)
            word, tests, judge = judge_row(sandbox, variant.row, generate=False)
            planted[variant.kind, word] += 1
            rewarded += word == "kept" and passes(sandbox, variant.row, tests, judge, variant.attack)
            if number % EVERY == 0:
                word, tests, judge = judge_row(sandbox, variant.row, generate=True)
                still = word == "kept" and passes(sandbox, variant.row, tests, judge, variant.attack)
                strengthened["rewards it still" if still else "kept with more tests" if word == "kept" else word] += 1
    kept = sum(count for (_, word), count in planted.items() if word == "kept")
    lost = sound[Reason.VACUOUS_TESTS.value]
    print(f"{variants} vacuous variants, {time.perf_counter() - started:.0f} s")
    for (kind, word), count in sorted(planted.items()):
        print(f"  {kind}: {count} {word}")
    print(f"  kept: {kept}, of which {rewarded} reward the program without work (aim 0)")
    print(f"  with generation on, every {EVERY}th: {dict(strengthened)}")
    print(f"{variants} sound variants: {dict(sound)}")
    print(f"  lost as vacuous: {lost} ({lost / variants:.2%}, aim at most {LOST:.1%})")
    report = {"kept": kept, "rewarded": rewarded, "lost": lost / variants, "strengthened": dict(strengthened)}
    if out is not None:
        Path(out).write_text(json.dumps(report, indent=2), encoding="utf-8")
    return report


if __name__ == "__main__":
    main(variants=int(sys.argv[1]) if len(sys.argv) > 1 else VARIANTS)
