"""The check of a code problem whose outputs a program judges: the checker's trial, then what it says of every program.

Nothing is repaired here: another output may be right too. Where no checker stands the trial the problem goes as one
without a checker.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.ask_checker import ask_in_parallel
from pipeline.code_tests.audit import Audit, say_audit, say_vacuous
from pipeline.code_tests.authored import Authored
from pipeline.code_tests.case import REFERENCE_TESTS, Case, Finding, add_made, aim, find_none
from pipeline.code_tests.generate_checked import make_checked_tests
from pipeline.code_tests.makers import find_makers
from pipeline.code_tests.matrix import Outcome, run_matrix
from pipeline.code_tests.minimise import order_tests
from pipeline.code_tests.speed import ACCEPTED, Runs, judge_speed
from pipeline.code_tests.trial import Ask, Trial, Tried, try_changed_outputs, try_programs
from pipeline.sandbox.check import Asked, Checked
from schemas.audit import AUDIT
from schemas.config import CodeTestsConfig
from schemas.reasons import Reason

if TYPE_CHECKING:
    from pipeline.sandbox import CheckerProgram, Sandbox

WRONG = "wrong_answer"
"""A jury's verdict, as packages name their folders: others (too slow, a crash) say nothing of the outputs."""


@dataclass(frozen=True)
class Judged:
    """What the checker says of every program's output: `verdicts[s][t]`, None where there is none to judge."""

    outcomes: Sequence[Sequence[Outcome]]
    verdicts: Sequence[Sequence[Checked | None]]

    def accepts(self, program: int) -> bool:
        """Whether a program ended well on every test that was run, and the checker took each output."""
        pairs = list(zip(self.outcomes[program], self.verdicts[program], strict=True))
        judged = [c for _, c in pairs if c is not None]
        return bool(judged) and all(c.accepted for c in judged) and not any(o.failed for o, _ in pairs)


@dataclass(frozen=True)
class JudgedTests:
    """A checker's verdicts on all programs over `tests`, who is trusted, and how it stood its trial on these."""

    tests: Sequence[dict[str, Any]]
    judged: Judged
    right: Sequence[int]
    trial: Trial


def check_by_program(
    case: Case,
    program: "CheckerProgram",
    config: CodeTestsConfig,
    sandbox: "Sandbox",
    authored: Authored | None = None,
    written: bool = False,
) -> Finding:
    """Judge one code problem with a checker of its own, or one that a model has `written` for it.

    `authored` are a model's programs that make inputs; without them a case that lacks tests is `lacks_tests`.
    """
    if case.entry_point is not None:
        detail = "its checker judges text, and its tests call a function"
        return Finding(reason=Reason.NEEDS_CHECKER, detail=detail)
    tests = [test for test in case.tests if test["expected"] is not None]
    outcomes = run_matrix(sandbox, case.solutions, [t["input"] for t in tests], None)
    if outcomes and (unheard := find_none(case, outcomes, sandbox)) is not None:
        return unheard
    ask = ask_in_parallel(sandbox, program)
    current = _judge_tests(case, ask, tests, outcomes, config, written)
    made = False
    while current.trial.fault is None:
        lacking = len(current.tests) < config.min_tests
        audit = None if lacking else audit_by_checker(case, ask, current.tests)
        if audit is not None and not audit.passing:
            return conclude(case, current, audit, sandbox)
        more = [] if made else _make_tests(case, current, config, sandbox, ask, authored)
        made = True
        if not more:
            reason = Reason.TOO_FEW_TESTS if audit is None else Reason.VACUOUS_TESTS
            detail = f"{len(current.tests)} tests with an answer for its checker, at least {config.min_tests} needed"
            detail = detail if audit is None else say_vacuous(audit, len(current.tests))
            return Finding(reason=reason, detail=detail, lacks_tests=authored is None and config.generate)
        wider = run_matrix(sandbox, case.solutions, [text for text, _ in more], None)
        outcomes = [[*row, *new] for row, new in zip(outcomes, wider, strict=True)]
        current = _judge_tests(case, ask, add_made(current.tests, more), outcomes, config, written)
    detail = f"its checker failed the trial: {current.trial.fault}"
    report = {"checker": current.trial.describe()}
    return Finding(reason=Reason.NEEDS_CHECKER, detail=detail, report=report, lacks_checker=not written)


def _judge_tests(
    case: Case,
    ask: Ask,
    tests: Sequence[dict[str, Any]],
    outcomes: Sequence[Sequence[Outcome]],
    config: CodeTestsConfig,
    written: bool,
) -> JudgedTests:
    judged = judge_outputs(ask, tests, outcomes)
    right = find_right(case, judged, config)
    return JudgedTests(tests, judged, right, try_checker(case, ask, tests, judged, right, written))


def _make_tests(
    case: Case, current: JudgedTests, config: CodeTestsConfig, sandbox: "Sandbox", ask: Ask, authored: Authored | None
) -> list[tuple[str, str]]:
    """New tests, where the programs that are trusted may say what is right: as many distinct ones as it takes to agree,
    or those that a jury accepted, beside a few given tests."""
    distinct = len({case.fingerprints[s] for s in current.right})
    known_right = bool(case.jury) and len(current.tests) >= REFERENCE_TESTS
    if not config.generate or not distinct or (distinct < config.min_solutions and not known_right):
        return []
    makers = find_makers(case, sandbox, authored, case.judge)
    if makers is None:
        return []
    return make_checked_tests(case, makers, config, sandbox, ask, current.right, current.judged.outcomes)


def judge_outputs(ask: Ask, tests: Sequence[Mapping[str, Any]], outcomes: Sequence[Sequence[Outcome]]) -> Judged:
    """What the checker says of what every program printed."""
    places = [(s, t, o.output) for s, row in enumerate(outcomes) for t, o in enumerate(row) if o.output is not None]
    checked = ask([Asked(tests[t]["input"], tests[t]["expected"], output) for _, t, output in places])
    verdicts: list[list[Checked | None]] = [[None] * len(tests) for _ in outcomes]
    for (s, t, _), one in zip(places, checked, strict=True):
        verdicts[s][t] = one
    return Judged(outcomes, verdicts)


def find_right(case: Case, judged: Judged, config: CodeTestsConfig) -> list[int]:
    """The programs that are trusted to print right outputs: those that the jury accepted and that run well here.

    Without a jury's word, those that the checker accepts on every test, where there are `min_solutions` distinct ones.
    """
    jury = case.jury
    if ACCEPTED in jury.values():
        return [
            s
            for s, row in enumerate(judged.outcomes)
            if jury.get(case.solutions[s].id) == ACCEPTED and not any(o.failed for o in row) and any(map(_ended, row))
        ]
    accepted = [s for s in range(len(case.solutions)) if judged.accepts(s)]
    enough = len({case.fingerprints[s] for s in accepted}) >= config.min_solutions
    return accepted if enough else []


def try_checker(
    case: Case,
    ask: Ask,
    tests: Sequence[Mapping[str, Any]],
    judged: Judged,
    right: Sequence[int],
    written: bool = False,
) -> Trial:
    """The whole trial: programs first, then the jury's answers and what is made of right outputs.

    A checker that a model has `written` has to accept all answers of the tests too, and is not believed without
    programs that are right: it may take the jury's own answer alone.
    """
    names = [test["id"] for test in tests]
    jury = case.jury
    wrong = [s for s, solution in enumerate(case.solutions) if jury.get(solution.id) == WRONG]
    verdicts = {s: judged.verdicts[s] for s in (*right, *wrong)}
    by_name = [{case.solutions[s].id: verdicts[s] for s in group} for group in (right, wrong)]
    if (fault := try_programs(by_name[0], by_name[1], names)) is not None:
        return Trial(fault)
    answers = ask([Asked(test["input"], test["expected"], test["expected"]) for test in tests])
    if (written or not right) and not all(checked.accepted for checked in answers):
        known = "it was written by a model" if written else "no program is known to be right"
        return Trial(f"{known}, and it does not accept the answers of the tests as outputs")
    if written and not right:
        return Trial("it was written by a model, and no program is right that could speak for it")
    tried = []
    for t, test in enumerate(tests):
        taken = [test["expected"]] if answers[t].accepted else []
        taken += [output for s in right if (output := judged.outcomes[s][t].output) is not None]
        tried.append(Tried(test["id"], test["input"], test["expected"], tuple(dict.fromkeys(taken))))
    return try_changed_outputs(ask, tried)


def audit_by_checker(case: Case, ask: Ask, tests: Sequence[Mapping[str, Any]]) -> Audit:
    """The attacks without work whose outputs are known beforehand, judged by the checker."""
    attacks = aim(case, case.judge, [dict(test) for test in tests]).attacks()
    places = [(a, t, output) for a, attack in enumerate(attacks) for t, output in enumerate(attack.outputs)]
    known = [(a, t, output) for a, t, output in places if output is not None]
    checked = ask([Asked(tests[t]["input"], tests[t]["expected"], output) for _, t, output in known])
    passed = Counter(a for (a, _, _), one in zip(known, checked, strict=True) if one.accepted)
    shares = {attack.name: passed[a] / len(tests) for a, attack in enumerate(attacks)}
    return Audit.of(shares, [name for name, share in shares.items() if share == 1])


def conclude(case: Case, current: JudgedTests, audit: Audit, sandbox: "Sandbox") -> Finding:
    """Keep all tests, the most telling first, and the programs that the checker accepts on each of them."""
    tests, judged, right = current.tests, current.judged, current.right
    count = len(case.solutions)
    inputs = [test["input"] for test in tests]
    accepted = [s for s in range(count) if judged.accepts(s)]
    runs = Runs(case.solutions, inputs, judged.outcomes, None, case.row.get("time_limit"), case.jury)
    speed = judge_speed(sandbox, runs, right, accepted)
    passing = [s for s in accepted if s not in speed.slow]
    wrong = [s for s in range(count) if s not in accepted]
    catches = [
        frozenset(s for s in wrong if judged.outcomes[s][t].failed or _rejected(judged.verdicts[s][t]))
        for t in range(len(tests))
    ]
    ordered = [dict(tests[t]) for t in order_tests(catches, range(len(tests)))]
    caught = frozenset[int]().union(*catches)
    kill = len(caught) / len(wrong) if wrong else None
    trusted = f"{len(right)} of {count} solutions trusted"
    made = sum(test["origin"] == "generated" for test in tests)
    history = [("judged", f"{len(tests) - made} tests kept; its checker stood the trial; {trusted}")]
    if made:
        history.append(("generated", f"{made} tests, answered by a trusted solution, whose outputs its checker takes"))
    if kill is not None:
        history.append(("kill_rate", f"{kill:.2f} of {len(wrong)} programs that are not right"))
    report = {
        "trusted": [case.solutions[s].id for s in right],
        "checker": current.trial.describe(),
        "kill_rate": kill,
        "failed": [case.solutions[s].id for s in wrong],
        AUDIT: audit.report(len(wrong), len(caught)),
    }
    report |= speed.report()
    history += [*speed.history(), say_audit(audit)]
    kept = tuple(case.solutions[s].row for s in passing)
    return Finding(tuple(ordered), kept, case.judge, history=tuple(history), report=report)


def _ended(outcome: Outcome) -> bool:
    return outcome.output is not None


def _rejected(checked: Checked | None) -> bool:
    return checked is not None and checked.accepted is False
