"""How well the stage code_tests tells wrong tests from wrong solutions, against truth and against a plain majority.

    python -m benchmarks.code_tests [OUT.json]

Reads ../shared/data/code_tests.jsonl and code_func.jsonl with their truth (skips where absent): real problems whose
submissions come unlabelled and a tenth of whose expected outputs were corrupted. Each problem is judged as it is, and
where it has wrong submissions once more with its tests taken away, so that all tests are made.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.code_tests.case import check_case, open_case
from pipeline.code_tests.matrix import Outcome, read_run, run_matrix
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.stage import check_tests
from pipeline.ingest.code_rows import convert_judged
from pipeline.sandbox import Case, Checker, Program, Run, Sandbox, Status
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("code_tests", "code_func")
AIMS = {
    "corrupted tests repaired to the true value or dropped": 0.98,
    "sound tests untouched": 0.99,
    "wrong submissions that the true tests catch still caught": 0.95,
    "right submissions passing": 1.0,
    "without tests: wrong submissions caught by generated ones": 0.8,
}
ENOUGH = 3
"""The aims are over problems with so many right submissions."""


@dataclass(frozen=True)
class Truth:
    """What is known of one problem: the true expected output of each test, which are corrupted, which submissions are
    right.

    `wrong` are those that the true tests catch.
    """

    group: str
    expected: dict[str, str]
    corrupted: frozenset[str]
    right: frozenset[str]
    wrong: frozenset[str]


@dataclass
class Tally:
    """Counts over problems."""

    repaired: int = 0
    dropped: int = 0
    corrupted: int = 0
    untouched: int = 0
    sound: int = 0
    caught: int = 0
    wrong: int = 0
    passing: int = 0
    right: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, float | None]:
        """The shares that the aims are about."""
        pairs = (
            (self.repaired + self.dropped, self.corrupted),
            (self.untouched, self.sound),
            (self.caught, self.wrong),
            (self.passing, self.right),
        )
        return {name: (a / b if b else None) for name, (a, b) in zip(AIMS, pairs, strict=False)}


def read_set(name: str) -> list[tuple[dict[str, Any], Truth]]:
    """Problems of a truth set in the contract's names, with their truth."""
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").open(encoding="utf-8")]
    truths = {t["id"]: t for t in map(json.loads, (DATA / f"{name}.truth.jsonl").open(encoding="utf-8"))}
    return [(convert_judged(row), read_truth(row, truths[row["id"]])) for row in rows]


def read_truth(row: Mapping[str, Any], truth: Mapping[str, Any]) -> Truth:
    """Truth of one problem; `true_output` of a text test, `true_expected` of a call."""
    truths = {t["tid"]: t for t in truth["tests"]}
    expected: dict[str, str] = {}
    for test in row["tests"]:
        correction = truths[test["tid"]]
        if "output" in test:
            expected[test["tid"]] = correction.get("true_output", test["output"])
        else:
            value = correction.get("true_expected", test["expected"])
            expected[test["tid"]] = value if "call" in test else repr(value)
    subs = truth["submissions"]
    right = {s["sid"] for s in subs if s.get("passes_true_tests", s.get("verdict") in ("correct", "reference"))}
    wrong = {s["sid"] for s in subs if s["sid"] not in right and s.get("n_fail", 1) > 0}
    # Accepted-looking slow programs that the small tests do not catch are neither: nothing can be said of them.
    right -= {s["sid"] for s in subs if s.get("jury_verdict", "accepted") != "accepted"}
    corrupted = frozenset(t["tid"] for t in truth["tests"] if t["corrupted"])
    return Truth(truth.get("group", "functions"), expected, corrupted, frozenset(right), frozenset(wrong))


def score_problem(
    tally: Tally,
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None,
    truth: Truth,
    outcomes: Mapping[str, Mapping[str, Outcome]],
) -> None:
    """Count one problem. `outcomes[submission][input]` decides who passes `after`'s tests; None: the problem was
    rejected."""
    kept = {t["id"]: t for t in after["tests"]} if after else {}
    inputs = [test["input"] for test in before["tests"]]
    judge = Judge.of((after or before).get("checker"), bool(before["entry_point"]), inputs)
    for test in before["tests"]:
        now = kept.get(test["id"])
        broken = test["id"] in truth.corrupted
        if broken:
            tally.corrupted += 1
            if now is None:
                tally.dropped += 1
            elif judge.same(truth.expected[test["id"]], now["expected"]):
                tally.repaired += 1
            else:
                tally.odd.append(
                    f"{before['source_id']} {test['id']}: corrupted test asks for {now['expected'][:60]!r}"
                )
        else:
            tally.sound += 1
            if now is not None and now["expected"] == test["expected"]:
                tally.untouched += 1
            else:
                what = "dropped" if now is None else f"changed to {now['expected'][:60]!r}"
                tally.odd.append(f"{before['source_id']} {test['id']}: sound test {what}")
    if after is None:
        return
    for name, runs in outcomes.items():
        passes = all(_passes(judge, runs[t["input"]], t["expected"]) for t in after["tests"])
        if name in truth.right:
            tally.right += 1
            tally.passing += passes
            if not passes:
                tally.odd.append(f"{before['source_id']} {name}: right submission fails")
        elif name in truth.wrong:
            tally.wrong += 1
            tally.caught += not passes
            if passes:
                tally.odd.append(f"{before['source_id']} {name}: wrong submission passes")


def _passes(judge: Judge, outcome: Outcome, expected: str) -> bool:
    return outcome.output is not None and judge.accepts(expected, outcome.output)


class Recording(Sandbox):
    """A sandbox that remembers how each program ended on each input, so that scoring runs nothing twice."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[tuple[str, str], Outcome] = {}

    def submit(
        self,
        program: Program,
        cases: Sequence[Case],
        checker: Checker | None = None,
        stop_at_first: bool = False,
        wall: float | None = None,
    ) -> "Future[list[Run]]":
        def keep(done: "Future[list[Run]]") -> None:
            for case, run in zip(cases, done.result(), strict=False):
                if program.hash_seed == 0 and (wall is None or run.status is Status.PASSED):
                    self.known[program.code, case.input] = read_run(run)

        future = super().submit(program, cases, checker, stop_at_first, wall)
        future.add_done_callback(keep)
        return future


def run_all(sandbox: Recording, row: Mapping[str, Any], inputs: Sequence[str]) -> dict[str, dict[str, Outcome]]:
    """Every submission on every input."""
    case = open_case(row)
    for solution in case.solutions:
        left = [text for text in inputs if (solution.code, text) not in sandbox.known]
        [outcomes] = run_matrix(sandbox, [solution], left, case.entry_point)
        sandbox.known.update({(solution.code, text): outcome for text, outcome in zip(left, outcomes, strict=True)})
    return {s.id: {text: sandbox.known[s.code, text] for text in inputs} for s in case.solutions}


def take_majority(row: Mapping[str, Any], outcomes: Mapping[str, Mapping[str, Outcome]]) -> dict[str, Any]:
    """The naive peer: every solution has one vote, the commonest output is right where at least half of them print
    it."""
    judge = Judge.of(row.get("checker"), bool(row["entry_point"]), [test["input"] for test in row["tests"]])
    tests = []
    for test in row["tests"]:
        texts = [o.output for runs in outcomes.values() if (o := runs[test["input"]]).output is not None]
        best = max(texts, key=lambda text: sum(judge.same(text, other) for other in texts), default=None)
        if best is None or 2 * sum(judge.same(best, other) for other in texts) < len(outcomes):
            continue
        tests.append(test if judge.same(best, test["expected"]) else {**test, "expected": best})
    return {**row, "tests": tests}


def measure(name: str, sandbox: Recording, config: CodeTestsConfig, full: bool = True) -> dict[str, Any]:
    """All figures over one truth set."""
    ours, naive, bare, rest = Tally(), Tally(), Tally(), Tally()
    kills: list[float] = []
    started = time.perf_counter()
    rows = read_set(name)
    for number, (shaped, truth) in enumerate(rows, 1):
        print(f"{name}: {number} of {len(rows)}", end="\r", file=sys.stderr, flush=True)
        problems, _ = conform_rows([shaped], source=name)
        row = problems.row(0, named=True)
        kept, rejected = check_tests(problems, config, sandbox)
        after = kept.row(0, named=True) if kept.height else None
        enough = len(truth.right) >= ENOUGH
        tally = ours if enough else rest
        tally.reasons[rejected["reason"][0] if rejected.height else "kept"] += 1
        inputs = [t["input"] for t in (*row["tests"], *(after["tests"] if after else ()))]
        outcomes = run_all(sandbox, row, list(dict.fromkeys(inputs)))
        score_problem(tally, row, after, truth, outcomes)
        if not enough:
            continue
        score_problem(naive, row, take_majority(row, outcomes), truth, outcomes)
        if full and truth.wrong:
            bare_row = {**row, "tests": []}
            finding = check_case(open_case({**bare_row, "statement": _with_example(row, truth)}), config, sandbox)
            bare.reasons[finding.reason.value if finding.reason else "kept"] += 1
            made = {**bare_row, "tests": list(finding.tests), "checker": finding.judge.checker}
            runs = run_all(sandbox, row, [t["input"] for t in finding.tests])
            before = bare.caught
            score_problem(bare, bare_row, made, truth, runs)
            kills.append((bare.caught - before) / len(truth.wrong))
    return {
        "code_tests": ours,
        "majority": naive,
        "fewer than three right": rest,
        "without tests": bare,
        "kills": kills,
        "seconds": time.perf_counter() - started,
    }


def _with_example(row: Mapping[str, Any], truth: Truth) -> str:
    """The statement with the samples that contest statements have beside the text, or one call."""
    if row["entry_point"]:
        example = min(row["tests"], key=lambda t: len(t["input"]))
        return f"{row['statement']}\nFor example, {example['input']} returns {truth.expected[example['id']]}.\n"
    samples = set(json.loads(row["extra"] or "{}").get("samples") or [])
    shown = [t for t in row["tests"] if t["id"] in samples] or row["tests"][:1]
    parts = [f"Sample Input\n{t['input']}\nSample Output\n{truth.expected[t['id']]}\n" for t in shown]
    return "\n".join([row["statement"], "", *parts])


def show(figures: Mapping[str, float | None]) -> Iterable[str]:
    for name, value in figures.items():
        aim = AIMS[name]
        text = "none" if value is None else f"{value:.4f} {'meets' if value >= aim else 'MISSES'} {aim}"
        yield f"    {name}: {text}"


def main(out: str | None = None) -> dict[str, Any]:
    """Print every aim's figure beside the naive peer's; write them to `out` as JSON."""
    report: dict[str, Any] = {}
    config = CodeTestsConfig()
    for name in SETS:
        if not (DATA / f"{name}.jsonl").exists():
            print(f"{name}: not there, skipped")
            continue
        with closing(Recording()) as sandbox:
            result = measure(name, sandbox, config)
        print(f"{name}: {result['seconds']:.0f} s", flush=True)
        report[name] = {"seconds": result["seconds"]}
        for part in ("code_tests", "majority", "fewer than three right", "without tests"):
            tally: Tally = result[part]
            if not tally.sound and not tally.right:
                continue
            figures = tally.figures()
            print(f"  {part}: {dict(tally.reasons)}; {tally.corrupted} corrupted, {tally.sound} sound, ", end="")
            print(f"{tally.right} right, {tally.wrong} wrong; {tally.repaired} repaired, {tally.dropped} dropped")
            print("\n".join(show(figures)))
            if part != "majority":
                print("\n".join(f"      {line}" for line in tally.odd[:40]))
            report[name][part] = {**figures, "reasons": dict(tally.reasons), "repaired": tally.repaired}
        bare: Tally = result["without tests"]
        if bare.wrong:
            last = list(AIMS)[-1]
            print("\n".join(show({last: bare.caught / bare.wrong})))
            print(f"      a problem: {', '.join(f'{k:.2f}' for k in result['kills'])}")
            report[name][last] = bare.caught / bare.wrong
    if out is not None:
        Path(out).write_text(json.dumps(report, indent=2), encoding="utf-8")
    return report


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
