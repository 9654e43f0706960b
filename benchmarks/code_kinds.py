"""How many code problems of many shapes the stage code_tests judges right, problem by problem.

    python -m benchmarks.code_kinds [WORDS]

Fifty problems of our own (code_kinds.yaml, from none of the truth sets), each with right and wrong programs and tests
of which some are wrong or check nothing. A problem is judged right where it is kept with every sound test, no wrong or
empty one, tests that all right programs pass and all wrong ones fail; or where it is rejected and should be. WORDS:
only problems whose kind contains these.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.stage import check_tests
from pipeline.sandbox import Case, Program, Sandbox, all_passed, put_prelude
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows

DATA = Path(__file__).with_suffix(".yaml")

Problem = Mapping[str, Any]


def shape(problem: Problem) -> dict[str, Any]:
    """A problem as a source would give it."""
    tests = []
    for at, (given, expected) in enumerate(problem["tests"]):
        wrong = problem.get("corrupt", {}).get(at)
        if wrong is not None:
            given, expected = (given, wrong) if expected is not None else (wrong, None)
        tests.append({"id": f"t{at}", "input": given, "expected": expected})
    codes = [*problem["right"], *problem["wrong"]]
    return {
        "domain": "code",
        "statement": problem.get("says", f"Do what the tests ask for: {problem['kind']}."),
        "entry_point": problem.get("entry"),
        "tests": tests,
        "solutions": [
            {"id": f"s{at}", "language": "cpp" if "#include" in code else "python", "code": code}
            for at, code in enumerate(codes)
        ],
    }


def find_faults(problem: Problem, sandbox: Sandbox, config: CodeTestsConfig) -> list[str]:
    """What the stage did to a problem that it should not have done; nothing where it was judged right."""
    frame, invalid = conform_rows([shape(problem)], source="code_kinds")
    if invalid.height:
        return [f"invalid: {invalid['detail'][0]}"]
    kept, rejected = check_tests(frame, config, sandbox)
    wanted = problem.get("want", ["kept"])
    if rejected.height:
        reason = rejected["reason"][0]
        return [] if reason in wanted else [f"{reason}: {rejected['detail'][0]}"]
    if "kept" not in wanted:
        return ["kept"]
    row = kept.row(0, named=True)
    return [*_judge_tests(problem, row), *_judge_programs(problem, row, sandbox)] if "want" not in problem else []


def _judge_tests(problem: Problem, row: Mapping[str, Any]) -> list[str]:
    faults = []
    judge = Judge.of(row["checker"], row["entry_point"] is not None, [test["input"] for test in row["tests"]])
    left: dict[str, list[Mapping[str, Any]]] = {}
    for test in row["tests"]:
        left.setdefault(test["id"].split(".")[0], []).append(test)
    for at, (_, expected) in enumerate(problem["tests"]):
        now = left.get(f"t{at}", [])
        if at in problem.get("vacuous", ()):
            faults += [f"t{at} checks nothing and stays"] if now else []
        elif at in problem.get("corrupt", {}):
            repaired = expected is not None and all(judge.same(expected, test["expected"]) for test in now)
            faults += [f"t{at} is wrong and stays"] if now and not repaired else []
        elif not now:
            faults.append(f"t{at} is sound and goes")
    return faults


def _judge_programs(problem: Problem, row: Mapping[str, Any], sandbox: Sandbox) -> list[str]:
    faults = []
    cases = [Case(test["input"], test["expected"]) for test in row["tests"]]
    for right, codes in ((True, problem["right"]), (False, problem["wrong"])):
        for at, code in enumerate(codes):
            if right and at in problem.get("unheard", ()):
                continue
            language = "cpp" if "#include" in code else "python"
            program = Program(language, code if language == "cpp" else put_prelude("", code), row["entry_point"])  # type: ignore[arg-type]
            runs = sandbox.run(program, cases, row["checker"])
            if all_passed(runs, len(cases)) != right:
                details = next((f"{run.status}: {run.detail[-80:]}" for run in runs if run.status != "passed"), "")
                faults.append(
                    f"{'right' if right else 'wrong'} program {at} {'fails' if right else 'passes'} {details}"
                )
    return faults


def main(out: str | Path | None = None, words: str = "") -> dict[str, Any]:
    """Print how many problems are judged right, and the faults of the others; write both to `out` as JSON."""
    problems = [p for p in yaml.safe_load(DATA.read_text(encoding="utf-8")) if words in p["kind"]]
    faulty: dict[str, list[str]] = {}
    with Sandbox() as sandbox:
        for problem in problems:
            faults = find_faults(problem, sandbox, CodeTestsConfig())
            if faults:
                faulty[problem["kind"]] = faults
                print(f"  {problem['kind']}: {'; '.join(faults)}", flush=True)
    print(f"code_kinds: {len(problems) - len(faulty)} of {len(problems)} judged right")
    report = {"problems": len(problems), "right": len(problems) - len(faulty), "faults": faulty}
    if out is not None:
        Path(out).write_text(json.dumps(report, indent=2), encoding="utf-8")
    return report


if __name__ == "__main__":
    main(words=" ".join(sys.argv[1:]))
