"""Whether a package's validator that works is kept and one that is broken is not, and how fast outputs are checked.

    python -m benchmarks.checkers [OUT.json]

Reads ../shared/data/court-checkers.jsonl (skips where absent): problems with several right answers, their own
validators, accepted and wrong submissions. A validator whose brokenness is known has to fail its trial. Of the others
all have to be kept, and by them right submissions accepted and wrong ones rejected; comparing tokens is the naive peer.
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pipeline.code_tests.matrix import Outcome, run_matrix
from pipeline.code_tests.programs import read_solutions
from pipeline.code_tests.stage import check_tests
from pipeline.ingest.code_rows import shape_problem
from pipeline.ingest.files.validators import inline_files
from pipeline.sandbox import Asked, Case, CheckerProgram, Program, Sandbox, all_passed, compare_output, read_program
from pipeline.verify.code import read_code_label
from schemas.config import CodeTestsConfig, VerifyConfig
from schemas.conform import conform_rows

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "court-checkers.jsonl"
AIMS = {
    "problems with a sound validator kept": 0.9,
    "problems with a broken validator kept": 0.0,
    "right submissions accepted": 0.99,
    "wrong submissions rejected": 0.95,
    "checked outputs a second of CPU": 100.0,
}
RUN_HERE = ("python", "cpp", "c")
SPEED = 200
"""Outputs checked for the speed."""


def shape(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the set as the reader of packages gives it."""
    validator = row["validator"]
    texts = {file["name"]: file["text"] for file in validator["files"]}
    code = inline_files(validator["entry"], texts) if validator["language"] == "cpp" else texts[validator["entry"]]
    programs = [s for s in row["submissions"] if s["language"] in RUN_HERE]
    names = [f"{s['verdict']}/{s['file']}" for s in programs]
    return shape_problem(
        row["statement"],
        [(test["input"], test["answer"]) for test in row["tests"]],
        [("python" if s["language"] == "python" else "cpp", s["code"]) for s in programs],
        source_id=row["id"],
        checker={"language": validator["language"], "code": code, "protocol": "kattis", "flags": None},
        test_ids=[test["name"] for test in row["tests"]],
        solution_ids=names,
        extra={"verdicts": dict(zip(names, (s["verdict"] for s in programs), strict=True))},
    )


def judge_submissions(row: Mapping[str, Any], kept: Mapping[str, Any], sandbox: Sandbox) -> dict[str, list[bool]]:
    """Whether each submission passes the kept problem as a sample of it would: `right` and `wrong` by the jury's
    validator on these tests, which knows nothing of those that were made."""
    label = read_code_label(kept, VerifyConfig().tests)
    cases = [Case(test.input, test.expected) for test in label.tests]
    places = [test["name"] for test in row["tests"]]
    drawn = [places.index(test.id) for test in label.tests if test.id in places]
    passes: dict[str, list[bool]] = {"right": [], "wrong": []}
    for submission in row["submissions"]:
        if submission["language"] not in RUN_HERE or submission["result"] is None:
            continue
        results = [submission["result"][at] for at in drawn if at < len(submission["result"])]
        language: Literal["python", "cpp"] = "python" if submission["language"] == "python" else "cpp"
        if submission["verdict"] == "accepted" and set(results) == {"."}:
            kind = "right"
        elif submission["verdict"] == "wrong_answer" and "W" in results:
            kind = "wrong"
        else:
            continue
        runs = sandbox.run(Program(language, submission["code"]), cases, label.checker, stop_at_first=True)
        passes[kind].append(all_passed(runs, len(cases)))
        if passes[kind][-1] != (kind == "right"):
            last = runs[-1]
            print(f"    {kind}: {submission['file']}: {last.status} {last.detail[:120]}")
    return passes


def compare_tokens(row: Mapping[str, Any], outcomes: list[list[Outcome]]) -> tuple[int, int]:
    """(right outputs that equal the answer token for token, right outputs)."""
    pairs = [
        (test["answer"], outcome.output)
        for runs in outcomes
        for test, outcome in zip(row["tests"], runs, strict=True)
        if outcome.output is not None
    ]
    return sum(compare_output(answer, output) for answer, output in pairs), len(pairs)


def measure_speed(checker: CheckerProgram, row: Mapping[str, Any]) -> float:
    """Checked outputs a second of CPU, of this process and of all that the sandbox starts; each output differs, so that
    none is answered from memory."""
    drawn = [row["tests"][at % len(row["tests"])] for at in range(SPEED)]
    asked = [Asked(test["input"], test["answer"], f"{test['answer']}{' ' * at}\n") for at, test in enumerate(drawn)]
    started = _read_cpu()
    with Sandbox(1) as sandbox:
        sandbox.submit_checks(checker, asked[:1]).result()
    checked = _read_cpu()
    with Sandbox(1) as sandbox:
        sandbox.submit_checks(checker, asked).result()
    return (SPEED - 1) / max(1e-6, _read_cpu() - checked - (checked - started))


def _read_cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(out: str | None = None) -> dict[str, Any]:
    """Print every aim's figure; write them to `out` as JSON."""
    if not DATA.exists():
        print(f"{DATA.name}: not there, skipped")
        return {}
    rows = [json.loads(line) for line in DATA.open(encoding="utf-8")]
    kept_of: dict[bool, list[bool]] = {True: [], False: []}
    passes: dict[str, list[bool]] = {"right": [], "wrong": []}
    equal = outputs = 0
    speeds: list[float] = []
    started = time.perf_counter()
    with Sandbox() as sandbox:
        for row in rows:
            problems, _ = conform_rows([shape(row)], source=row["id"])
            kept, rejected = check_tests(problems, CodeTestsConfig(), sandbox)
            sound = row["validator"]["sound"]
            kept_of[sound].append(kept.height == 1)
            print(f"{row['title']} ({'sound' if sound else 'broken'}): ", end="")
            if rejected.height:
                print(f"{rejected['reason'][0]}: {rejected['detail'][0]}", flush=True)
                continue
            after = kept.row(0, named=True)
            print(f"kept; {json.loads(after['extra'])['code_tests']['checker']}", flush=True)
            for kind, values in judge_submissions(row, after, sandbox).items():
                passes[kind] += values
            accepted = [s for s in problems["solutions"][0] if s["id"].startswith("accepted/")]
            runs = run_matrix(sandbox, read_solutions(accepted), [t["input"] for t in row["tests"]], None)
            same, total = compare_tokens(row, runs)
            equal, outputs = equal + same, outputs + total
            program = read_program(after["checker"])
            assert program is not None
            speeds.append(measure_speed(program, row))
    figures = {
        "problems with a sound validator kept": _share(kept_of[True]),
        "problems with a broken validator kept": _share(kept_of[False]),
        "right submissions accepted": _share(passes["right"]),
        "wrong submissions rejected": _share([not passed for passed in passes["wrong"]]),
        "checked outputs a second of CPU": min(speeds, default=None),
    }
    print(f"{len(rows)} problems in {time.perf_counter() - started:.0f} s")
    for name, value in figures.items():
        print(f"  {name}: {'none' if value is None else f'{value:.3f}'} (aim {AIMS[name]})")
    print(f"  right outputs that equal the answer token for token: {equal} of {outputs}")
    if out is not None:
        Path(out).write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return figures


def _share(values: list[bool]) -> float | None:
    return sum(values) / len(values) if values else None


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
