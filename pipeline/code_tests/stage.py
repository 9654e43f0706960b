"""The stage: a table of problems in, kept and rejected out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.code_tests.authored import Authored, Generate, author_checkers, author_programs
from pipeline.code_tests.case import Case, Finding, check_case, open_case
from pipeline.code_tests.checked import check_by_program
from pipeline.code_tests.generate import find_seeds
from pipeline.code_tests.missing import tell_missing
from pipeline.code_tests.multiple_answers import read_hint
from pipeline.code_tests.read_tests import restore_expected
from pipeline.progress import advance, track
from pipeline.sandbox.program import read_program
from schemas.config import CodeTestsConfig
from schemas.problem import REJECT_DTYPES
from schemas.reasons import Reason

if TYPE_CHECKING:
    from pipeline.sandbox import CheckerProgram, Sandbox

STAGE = "code_tests"


def check_tests(
    problems: pl.DataFrame, config: CodeTestsConfig, sandbox: "Sandbox", generate: Generate | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split problems into kept and rejected (no_solution, too_few_tests, tests_disagree, vacuous_tests,
    needs_checker); math passes by.

    Kept code problems have only tests to trust, the most telling ones first (`origin` says source, repaired or
    generated, `previous` the old expected output), only the solutions that pass them all, a `checker` with the
    tolerance that the tests call for, `history`, and in `extra` under `code_tests` the ids of trusted and failed
    solutions, the kill rate and the audit (`schemas.audit`). `id` stays. `generate` takes prompts to completions: with
    it, problems that still lack tests get generators and validators from a model, and those with several right
    answers a checker.
    """
    rows = list(problems.iter_rows(named=True))
    findings: dict[int, Finding] = {}
    cases: dict[int, Case] = {}
    for index, row in enumerate(rows):
        if row["domain"] == "code":
            cases[index] = open_case(row)
            findings[index] = _check(cases[index], config, sandbox)
        advance()
    if generate is not None:
        _ask_model(rows, cases, findings, config, sandbox, generate)
    tell_missing(finding.report.get("missing", {}) for finding in findings.values())
    kept: list[Mapping[str, Any]] = []
    rejected: list[Mapping[str, Any]] = []
    for index, row in enumerate(rows):
        finding = findings.get(index)
        if finding is None:
            kept.append(row)
        elif finding.reason is not None:
            rejected.append(row | {"stage": STAGE, "reason": finding.reason.value, "detail": finding.detail})
        else:
            kept.append(settle(row, finding))
    return (
        pl.DataFrame(kept, schema=problems.schema),
        pl.DataFrame(rejected, schema={**problems.schema, **REJECT_DTYPES}),
    )


def _check(case: Case, config: CodeTestsConfig, sandbox: "Sandbox", authored: Authored | None = None) -> Finding:
    program = read_program(case.row.get("checker"))
    if program is None:
        return check_case(case, config, sandbox, authored)
    return check_by_program(case, program, config, sandbox, authored)


def _ask_model(
    rows: Sequence[Mapping[str, Any]],
    cases: Mapping[int, Case],
    findings: dict[int, Finding],
    config: CodeTestsConfig,
    sandbox: "Sandbox",
    generate: Generate,
) -> None:
    """Check again, with what a model writes for them, the problems that lack tests or a checker."""
    lacking = [i for i, f in findings.items() if f.lacks_tests and _can_extend(rows[i])]
    authored_programs = _author(lacking, cases, generate)
    with track("code_tests: run the model's generators", len(lacking), part=True) as work:
        for index, authored in zip(lacking, authored_programs, strict=True):
            findings[index] = _check(cases[index], config, sandbox, authored)
            work.advance()
    unjudged = [i for i, f in findings.items() if f.lacks_checker and cases[i].entry_point is None and cases[i].tests]
    if not unjudged:
        return
    asked = [(cases[i].row.get("statement") or "", cases[i].tests) for i in unjudged]
    checkers = author_checkers(asked, generate)
    with track("code_tests: try the model's checkers", len(unjudged), part=True) as work:
        for index, checker in zip(unjudged, checkers, strict=True):
            if (program := read_program(checker)) is not None:
                findings[index] = _use_written(cases[index], findings[index], program, checker, config, sandbox)
            work.advance()


def _use_written(
    case: Case,
    before: Finding,
    program: "CheckerProgram",
    checker: Mapping[str, Any] | None,
    config: CodeTestsConfig,
    sandbox: "Sandbox",
) -> Finding:
    """The finding with a checker that a model wrote; where that is not trusted, the one from `before` and why."""
    finding = check_by_program(case, program, config, sandbox, written=True)
    if finding.reason is Reason.NEEDS_CHECKER:
        return replace(before, detail=f"{before.detail}; a model's checker was tried: {finding.detail}")
    history = (("checker", "a model wrote it"), *finding.history)
    return replace(finding, checker=checker, history=history)


def _can_extend(row: Mapping[str, Any]) -> bool:
    """Whether more tests would help: not where several answers are right and nothing judges them."""
    return read_program(row.get("checker")) is not None or read_hint(row["statement"]) is None


def _author(lacking: list[int], cases: Mapping[int, Case], generate: Generate) -> list[Authored]:
    asked = []
    for index in lacking:
        case = cases[index]
        statement = case.row.get("statement") or ""
        asked.append(
            (statement, find_seeds(statement, [t["input"] for t in case.tests], case.entry_point), case.entry_point)
        )
    return author_programs(asked, generate) if asked else []


def settle(row: Mapping[str, Any], finding: Finding) -> dict[str, Any]:
    """A kept row with its finding written into it."""
    extra = json.loads(row["extra"]) if row.get("extra") else {}
    if finding.report:
        extra["code_tests"] = finding.report
    solutions = list(row["solutions"] or [])
    if finding.solutions is not None:
        solutions = [solutions[place] for place in finding.solutions]
    history = [{"stage": STAGE, "action": action, "detail": detail} for action, detail in finding.history]
    columns = ("id", "input", "expected", "origin", "previous")
    tests = [
        {name: test.get(name) for name in columns} | {"expected": restore_expected(test, row["entry_point"])}
        for test in finding.tests
    ]
    judge = finding.judge
    plain = not any(judge.checker.values())
    return {
        **row,
        "tests": tests,
        "solutions": solutions,
        "checker": finding.checker or (row.get("checker") if plain else judge.checker),
        "history": [*(row["history"] or []), *history],
        "extra": json.dumps(extra, ensure_ascii=False) if extra else None,
    }
