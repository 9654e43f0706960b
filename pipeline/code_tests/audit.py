"""The audit of the reward: a kept problem's tests are attacked by programs that do no work, and by mutants.

What an attack gives on a test that is data is known beforehand (`attacks.py`), so that only those that may pass all
tests run in the sandbox, which has the last word: it judges them as it judges a sample.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.attacks import Attack, list_attacks
from pipeline.code_tests.mutate_programs import mutate_program
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.programs import Solution

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pipeline.sandbox import Run, Sandbox

CONFIRMED = 2
"""Attacks, beside those that may pass every test, that run in the sandbox: a prediction that is wrong shows."""
MUTANTS = 5
"""Mutants of one trusted solution: enough to tell tests that catch most from tests that catch few, in five runs."""
KILLERS = 3
"""Tests that are added against an attack that passes all others, where as many are there."""
MISSED = 0.05
"""The chance, at most, that the tests which the reward draws are passed by an attack that all of them catch."""
QUICK = 1.0
"""Seconds a test for a mutant: most end at the first test."""

Tests = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Audit:
    """How a set of tests withstood its attacks. `passing` are the attacks without work that pass every test."""

    attacks: int
    passing: tuple[str, ...]
    strongest: str | None
    share: float
    mutants: int = 0
    mutants_killed: int = 0

    @classmethod
    def of(
        cls, shares: Mapping[str, float], passing: Sequence[str], mutants: int = 0, mutants_killed: int = 0
    ) -> "Audit":
        """From the share of the tests that each attack passes."""
        strongest = max(shares, key=lambda name: shares[name], default=None)
        share = 0.0 if strongest is None else round(shares[strongest], 4)
        return cls(len(shares), tuple(passing), strongest, share, mutants, mutants_killed)

    def report(self, wrong: int, wrong_killed: int) -> dict[str, Any]:
        """As `schemas.audit.TEST_AUDIT` has it, with the submissions that are known to be `wrong`."""
        return {
            "attacks": self.attacks,
            "attacks_killed": self.attacks - len(self.passing),
            "strongest_attack": self.strongest,
            "strongest_share": self.share,
            "mutants": self.mutants,
            "mutants_killed": self.mutants_killed,
            "wrong": wrong,
            "wrong_killed": wrong_killed,
        }


@dataclass(frozen=True)
class Target:
    """What is attacked: a problem's tests, and how its programs are judged."""

    tests: Tests
    judge: Judge
    entry_point: str | None
    statement: str = ""
    samples: tuple[str, ...] = ()
    prelude: str = ""

    def attacks(self) -> list[Attack]:
        return list_attacks(self.tests, self.entry_point, self.statement, self.samples)


def audit_tests(sandbox: "Sandbox", target: Target, trusted: Sequence[Solution] = ()) -> Audit:
    """Attack the tests of a problem; mutants are made of the first program of `trusted` that has some."""
    attacks = target.attacks()
    shares = {attack.name: predict_share(attack, target) for attack in attacks}
    ranked = sorted(attacks, key=lambda attack: -shares[attack.name])
    chosen = [attack for at, attack in enumerate(ranked) if shares[attack.name] == 1 or at < CONFIRMED]
    runs = {attack.name: _run(sandbox, target, attack.code) for attack in chosen}
    passing: list[str] = []
    for name, future in runs.items():
        passed, whole = _count_passed(future.result(), len(target.tests))
        if whole:
            passing.append(name)
        elif shares[name] == 1:
            shares[name] = passed / len(target.tests)
    mutants, killed = _attack_by_mutants(sandbox, target, trusted)
    return Audit.of(shares, passing, mutants, killed)


def predict_share(attack: Attack, target: Target) -> float:
    """The share of the tests that an attack passes, as far as it is known beforehand: 1 where it is not."""
    return sum(_may_pass(target.judge, t, o) for t, o in zip(target.tests, attack.outputs, strict=True)) / max(
        1, len(target.tests)
    )


def _may_pass(judge: Judge, test: Mapping[str, Any], output: str | None) -> bool:
    return output is None or test["expected"] is None or judge.accepts(test["expected"], output)


def choose_killers(target: Target, passing: Sequence[str], spare: Tests) -> list[int]:
    """The places of a few tests of `spare` that every attack named in `passing` fails, where there are such: the first
    ones, until `KILLERS` of them catch each."""
    wider = replace(target, tests=[*target.tests, *spare])
    outputs = {attack.name: attack.outputs for attack in wider.attacks()}
    left = {name: KILLERS for name in outputs if name in passing}
    chosen: list[int] = []
    for at, test in enumerate(spare):
        failing = [
            name
            for name, missing in left.items()
            if missing and not _may_pass(target.judge, test, outputs[name][len(target.tests) + at])
        ]
        if failing:
            chosen.append(at)
            left.update({name: left[name] - 1 for name in failing})
    return chosen


def keep_telling(target: Target, audit: Audit, drawn: int) -> list[int] | None:
    """The places of the `drawn` tests to keep where the reward, which draws so many, may well miss those that the
    strongest attack fails: these and the first others. None where it hardly does.
    """
    count = len(target.tests)
    passed = round(audit.share * count)
    if count <= drawn or audit.strongest is None or math.comb(passed, drawn) <= MISSED * math.comb(count, drawn):
        return None
    killers = choose_killers(replace(target, tests=()), [audit.strongest], target.tests)
    others = [at for at in range(count) if at not in killers]
    return sorted([*killers, *others][:drawn]) if killers else None


def say_vacuous(audit: Audit, tests: int) -> str:
    """Why tests are vacuous: the first attack that passes, and how many others do."""
    first, *others = audit.passing
    also = f" (and so do {len(others)} others)" if others else ""
    return f"a program that {first} passes all {tests} tests{also}"


def say_audit(audit: Audit) -> tuple[str, str]:
    """The entry in history of tests that withstood the audit."""
    mutants = f"; {audit.mutants_killed} of {audit.mutants} mutants caught" if audit.mutants else ""
    share = f"{audit.share:.0%} of the tests" if audit.share else "no test"
    return "audited", f"of {audit.attacks} programs without work the strongest {audit.strongest}: {share}{mutants}"


def _run(sandbox: "Sandbox", target: Target, code: str, wall: float | None = None) -> "Future[list[Run]]":
    from pipeline.sandbox import Case, Program, put_prelude

    cases = [Case(test["input"], test["expected"]) for test in target.tests]
    program = Program("python", put_prelude(target.prelude, code), target.entry_point)
    return sandbox.submit(program, cases, target.judge.checker, stop_at_first=True, wall=wall)


def _count_passed(runs: "Sequence[Run]", tests: int) -> tuple[int, bool]:
    from pipeline.sandbox import Status, all_passed

    return sum(run.status is Status.PASSED for run in runs), all_passed(runs, tests)


def _attack_by_mutants(sandbox: "Sandbox", target: Target, trusted: Sequence[Solution]) -> tuple[int, int]:
    """(mutants that ran, how many of them a test catches); trouble of the sandbox counts for nothing."""
    from pipeline.sandbox import Status

    made = (mutate_program(solution.code, MUTANTS) for solution in trusted if solution.language == "python")
    codes = next((mutants for mutants in made if mutants), [])
    # What stands before a program is in a solution's code already.
    bare = replace(target, prelude="")
    futures = [_run(sandbox, bare, code, QUICK) for code in codes]
    ran = killed = 0
    for future in futures:
        runs = future.result()
        if any(run.status is Status.INFRA for run in runs):
            continue
        ran += 1
        killed += not _count_passed(runs, len(target.tests))[1]
    return ran, killed
