"""The check of one code problem: from its solutions and tests as they came to what is kept of them."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.agree import Ruling, choose_trusted, rule_tests
from pipeline.code_tests.audit import Target, audit_tests, choose_killers, keep_telling, say_audit, say_vacuous
from pipeline.code_tests.authored import Authored
from pipeline.code_tests.empty_checks import find_empty
from pipeline.code_tests.generate import Generated, generate_tests
from pipeline.code_tests.makers import find_makers
from pipeline.code_tests.matrix import ABSENT, Matrix, Outcome, build_matrix, run_matrix
from pipeline.code_tests.minimise import find_catches, measure_kill, order_tests
from pipeline.code_tests.missing import count_missing, find_missing, never_ran, say_missing
from pipeline.code_tests.multiple_answers import find_several, read_hint
from pipeline.code_tests.order import Shown, count_orders, find_free_order
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.overrule import count_contradicted, overrule_given
from pipeline.code_tests.programs import Solution, read_solutions
from pipeline.code_tests.read_tests import ask_for_changes, read_tests
from pipeline.code_tests.speed import Runs, Speed, judge_speed, start_limits
from pipeline.code_tests.steady import UNSTEADY, FirstRun, Outcomes, find_steady, run_again, silence_unsteady
from pipeline.code_tests.tolerance import fit_tolerance
from pipeline.code_tests.truth_discovery import Weights, weigh_solutions
from pipeline.text.letter_case import read_checker
from schemas.audit import AUDIT
from schemas.config import CodeTestsConfig
from schemas.reasons import Reason

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

Row = Mapping[str, Any]

REFERENCE_TESTS = 3
"""Given tests that fewer solutions than it takes to agree must pass before they set outputs: as many as MBPP has."""
IN_PLACE = "its tests expect nothing of a function that changes its arguments"


@dataclass(frozen=True)
class Case:
    """A problem whose solutions and tests are checked."""

    row: Row
    solutions: tuple[Solution, ...]
    tests: tuple[dict[str, Any], ...]
    judge: Judge
    extra: dict[str, Any] = field(default_factory=dict)
    in_place: bool = False
    """Its tests ask for what a call changes in its arguments, and say nothing of what that is."""

    @property
    def entry_point(self) -> str | None:
        point: str | None = self.row.get("entry_point") or None
        return point

    @property
    def jury(self) -> Mapping[str, str]:
        """Solution -> the verdict that its source gives it, where it gives any."""
        verdicts = self.extra.get("verdicts")
        return verdicts if isinstance(verdicts, Mapping) else {}

    @property
    def fingerprints(self) -> list[str]:
        return [s.fingerprint for s in self.solutions]


@dataclass(frozen=True)
class Finding:
    """The outcome of a check: the tests as they are to be, or a reason to reject; and the words for history.

    `solutions` are the places of those to keep, None for all. `lacks_tests` says that the problem needs tests that
    could not be made without a model, `lacks_checker` that a program is missing which judges its outputs; `checker` is
    one that was written for it.
    """

    tests: tuple[dict[str, Any], ...] = ()
    solutions: tuple[int, ...] | None = None
    judge: Judge = field(default_factory=Judge)
    reason: Reason | None = None
    detail: str = ""
    history: tuple[tuple[str, str], ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    lacks_tests: bool = False
    lacks_checker: bool = False
    checker: Mapping[str, Any] | None = None


def open_case(row: Row) -> Case:
    """Read a code problem: programs that can run, tests with an input (ids made up where missing), how to compare."""
    extra = json.loads(row["extra"]) if row.get("extra") else {}
    entry_point = row.get("entry_point") or None
    tests = read_tests(row.get("tests") or [], entry_point)
    changes = ask_for_changes(tests, entry_point) if entry_point else []
    call = entry_point is not None
    prelude = extra.get("prelude") if isinstance(extra.get("prelude"), str) else None
    solutions = read_solutions(row.get("solutions") or [])
    if any(s.language == "python" for s in solutions):
        from pipeline.sandbox import put_prelude

        solutions = [
            replace(s, code=put_prelude(prelude or "", s.code)) if s.language == "python" else s for s in solutions
        ]
    judge = Judge.of(read_checker(row.get("checker"), row.get("statement")), call, [test["input"] for test in tests])
    return Case(row, start_limits(solutions, row), tuple(changes or tests), judge, extra, in_place=bool(changes))


def check_case(case: Case, config: CodeTestsConfig, sandbox: "Sandbox", authored: Authored | None = None) -> Finding:
    """Judge one code problem. `authored` are a model's programs for it; without them a case that lacks tests may be
    `lacks_tests`."""
    given = [t for t in case.tests if t["expected"] is not None]
    if not case.solutions:
        if len(given) >= config.min_tests:
            audit = audit_tests(sandbox, aim(case, case.judge, given))
            if audit.passing:
                return Finding(reason=Reason.VACUOUS_TESTS, detail=say_vacuous(audit, len(given)), judge=case.judge)
            return Finding(
                tuple(given),
                None,
                case.judge,
                history=(("unverified", "no solution to check by; tests left as they were"), say_audit(audit)),
                report={AUDIT: audit.report(0, 0)},
            )
        detail = (
            f"no solution that can be run, and {len(given)} tests with an expected output (at least {config.min_tests})"
        )
        return Finding(reason=Reason.NO_SOLUTION, detail=detail)
    if case.extra.get("checker") == "custom":
        detail = "the source judges it by a checker of its own"
        return Finding(reason=Reason.NEEDS_CHECKER, detail=detail, lacks_checker=not interactive(case))
    inputs = [t["input"] for t in case.tests]
    expected = [t["expected"] for t in case.tests]
    outcomes = run_matrix(sandbox, case.solutions, inputs, case.entry_point)
    missing = count_missing(case.solutions, outcomes)
    if (lacking := find_none(case, outcomes, sandbox)) is not None:
        return lacking
    heard = [s for s, row in enumerate(outcomes) if not never_ran(row)]
    case = replace(case, solutions=tuple(case.solutions[s] for s in heard))
    outcomes = [outcomes[s] for s in heard]
    distinct = len(set(case.fingerprints))
    first = FirstRun(case.solutions, inputs, expected, case.entry_point, outcomes)
    again = run_again(sandbox, first, case.judge, config.min_solutions)
    judge, learned = fit_judge(case, outcomes, again, config, sandbox)
    outcomes, unstable = silence_unsteady(judge, outcomes, again, distinct < config.min_solutions)
    matrix = build_matrix(outcomes, expected, judge)
    weights = weigh_solutions(matrix, case.fingerprints)
    trusted = choose_trusted(matrix, weights)
    most = max(2, config.max_repair * max(1, len(given)))
    overruling = None
    if not trusted or count_contradicted(matrix, trusted) > most:
        overruling = overrule_given(matrix, case.fingerprints, config)
    if overruling is not None:
        weights, trusted = overruling
    hint = read_hint(case.row.get("statement"))
    if case.tests and distinct >= config.min_solutions:
        evidence = find_several(matrix, weights, trusted, case.fingerprints, hint, config)
        if evidence is not None:
            return Finding(reason=Reason.NEEDS_CHECKER, detail=evidence, judge=judge, lacks_checker=True)
        if not trusted:
            detail = f"no group of its {distinct} distinct solutions agrees well enough to be trusted"
            return Finding(reason=Reason.TESTS_DISAGREE, detail=detail, judge=judge)
    unique = hint is None or judge.ignore_order is not None
    rulings = rule_tests(matrix, weights, trusted, case.fingerprints, config, repair=unique)
    rulings = [
        Ruling("drop", None, r.share, r.agreeing, UNSTEADY) if t in unstable else r for t, r in enumerate(rulings)
    ]
    against = sum(r.action != "keep" and matrix.given[t] != ABSENT for t, r in enumerate(rulings))
    if overruling is None and against > most and distinct >= config.min_solutions:
        detail = f"solutions contradict {against} of {len(given)} expected outputs; {_commonest(rulings)}"
        return Finding(reason=Reason.TESTS_DISAGREE, detail=detail, judge=judge)
    finding = conclude(case, config, sandbox, authored, outcomes, judge, matrix, weights, trusted, rulings)
    learned += say_missing(missing)
    report = finding.report | ({"missing": missing} if missing else {})
    return replace(finding, history=(*learned, *finding.history), report=report)


def find_none(case: Case, outcomes: Outcomes, sandbox: "Sandbox") -> Finding | None:
    """The finding of a problem of which no program runs here for the lack of a library; else None."""
    if any(o.output is not None for row in outcomes for o in row):
        return None
    missing = count_missing(case.solutions, outcomes)
    names = find_missing(sandbox, case.solutions) or sorted(missing if all(map(never_ran, outcomes)) else {})
    if not names:
        return None
    detail = f"none of its solutions runs here; they import what the sandbox does not have: {', '.join(names)}"
    return Finding(reason=Reason.NO_SOLUTION, detail=detail, report={"missing": dict.fromkeys(names, ())})


def interactive(case: Case) -> bool:
    """Whether programs talk with the judge, so that no output stands by itself."""
    return bool(case.extra.get("interactive") or case.extra.get("interaction_format"))


def fit_judge(
    case: Case, outcomes: Outcomes, again: Outcomes, config: CodeTestsConfig, sandbox: "Sandbox"
) -> tuple[Judge, tuple[tuple[str, str], ...]]:
    """How outputs are compared, by what the two runs of the programs show, and the words for history."""
    expected = [t["expected"] for t in case.tests]
    judge, _ = fit_tolerance(case.judge, case.row.get("statement"), outcomes, expected, case.fingerprints)

    def ask(programs: Sequence[int], tests: Sequence[int], seed: int) -> Outcomes:
        asked, inputs = [case.solutions[s] for s in programs], [case.tests[t]["input"] for t in tests]
        return run_matrix(sandbox, asked, inputs, case.entry_point, hash_seed=seed)

    hint = read_hint(case.row.get("statement"))
    shown = Shown(ask, outcomes, again, case.fingerprints, aim(case, judge, case.tests), hint)
    order = find_free_order(shown, judge, config)
    if order is None:
        return judge, ()
    judge = replace(judge, ignore_order=order)
    by = f"{count_orders(outcomes, again, judge)} programs print the same in two orders"
    return judge, (("order", f"it does not matter ({order}): {by}"),)


def conclude(
    case: Case,
    config: CodeTestsConfig,
    sandbox: "Sandbox",
    authored: Authored | None,
    outcomes: list[list[Outcome]],
    judge: Judge,
    matrix: Matrix,
    weights: Weights,
    trusted: Sequence[int],
    rulings: Sequence[Ruling],
) -> Finding:
    """Put the rulings into effect, make tests where they are lacking, and say how well they tell wrong programs."""
    done: Counter[str] = Counter()
    tests: list[dict[str, Any]] = []
    asked = [ABSENT] * matrix.tests
    for t, (test, ruling) in enumerate(zip(case.tests, rulings, strict=True)):
        done[ruling.action if test["expected"] is not None or ruling.action != "repair" else "set"] += 1
        if ruling.action == "drop" or ruling.expected is None:
            continue
        asked[t] = matrix.texts[t].index(ruling.expected)
        if ruling.action == "repair":
            origin = "repaired" if test["expected"] is not None else "generated"
            test = {**test, "expected": ruling.expected, "origin": origin, "previous": test["expected"]}
        tests.append(test)
    history = [("judged", _say(case, done, trusted, rulings))]
    report: dict[str, Any] = {"trusted": [case.solutions[s].id for s in trusted]}
    passing = _passing(matrix, asked)
    speed = measure_speed(sandbox, case, trusted, passing, outcomes, [t for t, c in enumerate(asked) if c != ABSENT])
    case, passing = replace(case, solutions=speed.solutions), passing - speed.slow
    history += speed.history()
    report |= speed.report()
    wrong = [s for s in range(len(case.solutions)) if s not in passing and s not in speed.slow]
    catches = find_catches(matrix, asked, wrong)
    order = order_tests(catches, [t for t in range(matrix.tests) if asked[t] != ABSENT])
    named = {test["id"]: test for test in tests}
    tests = [named[case.tests[t]["id"]] for t in order]
    kill = measure_kill(catches, order, wrong)
    empty = find_empty(sandbox, tests, case.entry_point, [case.solutions[s] for s in sorted(passing)])
    if empty.tests:
        history.append(("dropped", f"{len(empty.tests)} tests that pass whatever a right program's values become"))
        tests = [test for t, test in enumerate(tests) if t not in empty.tests]
    generating = set_outputs(case, config, passing, len(tests))
    lacks_tests = authored is None and config.generate
    made: Generated | None = None
    if len(tests) < config.min_tests and generating is not None:
        made = extend_tests(case, generating, sandbox, authored, outcomes, judge)
        if made is not None:
            most = config.max_tests if generating is config else config.min_tests
            more = made.tests[: max(0, most - len(tests))]
            tests = add_made(tests, more)
            passing, kill = set(made.trusted) - speed.slow, made.kill_rate
            report["trusted"] = [case.solutions[s].id for s in made.trusted]
            history.append(("generated", f"{len(more)} tests out of {made.made} inputs"))
    if len(tests) < config.min_tests:
        detail = f"{len(tests)} trusted tests, at least {config.min_tests} needed; {_commonest(rulings)}"
        most_go = done["drop"] > max(len(tests), 2)
        reason = Reason.TESTS_DISAGREE if most_go and len(case.tests) >= config.min_tests else Reason.TOO_FEW_TESTS
        if empty.tests:
            reason, detail = Reason.VACUOUS_TESTS, f"{len(empty.tests)} tests pass whatever comes; {detail}"
        if case.in_place:
            reason, detail = Reason.VACUOUS_TESTS, f"{IN_PLACE}; {detail}"
        return Finding(reason=reason, detail=detail, judge=judge, lacks_tests=lacks_tests)
    if empty.whole and not any(test["origin"] == "generated" for test in tests):
        detail = f"a right program passes all {len(tests)} tests though each of its values is changed"
        return Finding(reason=Reason.VACUOUS_TESTS, detail=detail, judge=judge, lacks_tests=lacks_tests)
    audit = audit_tests(sandbox, aim(case, judge, tests), [case.solutions[s] for s in sorted(passing)])
    if audit.passing and generating is not None:
        made = made or extend_tests(case, generating, sandbox, authored, outcomes, judge)
        killers = choose_killers(aim(case, judge, tests), audit.passing, made.as_tests()) if made is not None else []
        if made is not None and killers:
            tests = add_made(tests, [made.sound[at] for at in killers])
            passing &= set(made.trusted)
            history.append(("generated", f"for the audit: {len(killers)} that programs without work fail"))
            audit = audit_tests(sandbox, aim(case, judge, tests), [case.solutions[s] for s in sorted(passing)])
    if audit.passing:
        detail = say_vacuous(audit, len(tests))
        return Finding(reason=Reason.VACUOUS_TESTS, detail=detail, judge=judge, lacks_tests=lacks_tests)
    if (telling := keep_telling(aim(case, judge, tests), audit, config.max_tests)) is not None:
        history.append(
            ("cut", f"to {len(telling)} of {len(tests)} tests: a draw of as many could miss the telling ones")
        )
        tests = [tests[at] for at in telling]
    losing = len(case.solutions) - len(passing | speed.slow)
    report[AUDIT] = audit.report(losing, 0 if kill is None else round(kill * losing))
    if kill is not None:
        history.append(("kill_rate", f"{kill:.2f} of {losing} programs that are not right"))
    history.append(say_audit(audit))
    report |= {"kill_rate": kill, "failed": [s.id for i, s in enumerate(case.solutions) if i not in passing]}
    kept = tuple(s.row for i, s in enumerate(case.solutions) if i in passing)
    return Finding(tuple(tests), kept, judge, history=tuple(history), report=report)


def measure_speed(
    sandbox: "Sandbox",
    case: Case,
    right: Sequence[int],
    passing: Collection[int],
    outcomes: Sequence[Sequence[Outcome]],
    tests: Sequence[int],
) -> Speed:
    """The speed of a case's programs on those of its tests that are kept."""
    inputs = [case.tests[t]["input"] for t in tests]
    cells = [[row[t] for t in tests] for row in outcomes]
    runs = Runs(case.solutions, inputs, cells, case.entry_point, case.row.get("time_limit"), case.jury)
    return judge_speed(sandbox, runs, right, passing)


def aim(case: Case, judge: Judge, tests: Sequence[dict[str, Any]]) -> Target:
    """What the audit attacks: `tests`, with what the problem shows and how it is judged."""
    samples, prelude = case.extra.get("samples"), case.extra.get("prelude")
    return Target(
        tests,
        judge,
        case.entry_point,
        case.row.get("statement") or "",
        tuple(samples) if isinstance(samples, list) else (),
        prelude if isinstance(prelude, str) else "",
    )


def set_outputs(case: Case, config: CodeTestsConfig, passing: set[int], tests: int) -> CodeTestsConfig | None:
    """The settings under which solutions set the outputs of new tests; None where they cannot.

    Where there are fewer solutions than it takes to agree, as in sets with one reference each, they all have to pass
    at least `REFERENCE_TESTS` given tests, and to agree on every new one.
    """
    distinct = len(set(case.fingerprints))
    if not config.generate:
        return None
    if distinct >= config.min_solutions:
        return config
    if len(passing) < len(case.solutions) or tests < REFERENCE_TESTS:
        return None
    return config.model_copy(update={"min_solutions": distinct})


def add_made(tests: Sequence[dict[str, Any]], made: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """`tests` and behind them the `made` ones (input, expected), under ids of their own; inputs that are there stay
    once."""
    taken, known = {test["id"] for test in tests}, {test["input"] for test in tests}
    more = [
        {"id": _free(f"g{number}", taken), "input": text, "expected": out, "origin": "generated", "previous": None}
        for number, (text, out) in enumerate(made)
        if text not in known
    ]
    return [*tests, *more]


def extend_tests(
    case: Case,
    config: CodeTestsConfig,
    sandbox: "Sandbox",
    authored: Authored | None,
    outcomes: list[list[Outcome]],
    judge: Judge,
) -> Generated | None:
    """Generated tests from all makers that this problem has; None where it has none, or where answers are not
    unique."""
    if read_hint(case.row.get("statement")) is not None and not judge.ignore_order:
        return None
    made = find_makers(case, sandbox, authored, judge)
    if made is None:
        return None
    generated = generate_tests(
        sandbox,
        case.solutions,
        made.makers,
        made.known,
        outcomes,
        [t["input"] for t in case.tests],
        [t["expected"] for t in case.tests],
        judge,
        case.entry_point,
        choose_trusted,
        made.accept,
        config,
    )
    distinct = {case.solutions[s].fingerprint: case.solutions[s] for s in generated.trusted}
    steady = find_steady(
        sandbox, list(distinct.values())[: config.min_solutions], generated.sound, case.entry_point, judge
    )
    sound = tuple(pair for pair, good in zip(generated.sound, steady, strict=True) if good)
    return replace(generated, tests=sound[: config.max_tests], sound=sound)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def _passing(matrix: Matrix, asked: Sequence[int]) -> set[int]:
    """Programs that pass every kept test; trouble of ours is not held against them."""
    kept = [t for t, right in enumerate(asked) if right != ABSENT]
    return {
        s
        for s, row in enumerate(matrix.cells)
        if all(not matrix.failed[s][t] and row[t] in (ABSENT, asked[t]) for t in kept)
        and (not kept or any(row[t] != ABSENT for t in kept))
    }


def _say(case: Case, done: Counter[str], trusted: Sequence[int], rulings: Sequence[Ruling]) -> str:
    parts = [f"{done[action]} tests {words}" for action, words in _ACTION_WORDS.items() if done[action]]
    parts.append(f"{len(trusted)} of {len(case.solutions)} solutions trusted")
    dropped = Counter(r.why.split(":")[0].split(",")[0] for r in rulings if r.action == "drop")
    parts += [f"dropped {count}: {why}" for why, count in dropped.most_common(3)]
    return "; ".join(parts)


_ACTION_WORDS = {"keep": "kept", "repair": "repaired", "set": "given an expected output", "drop": "dropped"}


def _commonest(rulings: Sequence[Ruling]) -> str:
    why = Counter(r.why for r in rulings if r.action != "keep")
    return f"most often: {why.most_common(1)[0][0]}" if why else "none was dropped"
