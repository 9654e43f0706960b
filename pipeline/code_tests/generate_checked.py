"""New tests for a problem whose outputs a program judges: inputs as for any problem, a trusted program's output for the
answer."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.code_tests.case import Case
from pipeline.code_tests.generate import INPUTS_A_ROUND, SEED, draw_inputs, limit_seconds
from pipeline.code_tests.makers import Makers
from pipeline.code_tests.matrix import Outcome, run_matrix
from pipeline.code_tests.trial import Ask
from pipeline.sandbox.check import Asked
from schemas.config import CodeTestsConfig

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

ROUNDS = 2
"""Rounds of inputs: each output costs a run of the checker beside that of the program."""


def make_checked_tests(
    case: Case,
    makers: Makers,
    config: CodeTestsConfig,
    sandbox: "Sandbox",
    ask: Ask,
    right: Sequence[int],
    outcomes: Sequence[Sequence[Outcome]],
) -> list[tuple[str, str]]:
    """(input, answer) of at most `max_tests` tests. On each all programs that are `right` ended well, and the checker
    takes all of their outputs beside the answer, which is the first one's. `outcomes` say how long programs took so
    far."""
    rng = random.Random(SEED)
    seen = {*makers.known, *(test["input"] for test in case.tests)}
    programs = [case.solutions[s] for s in right]
    walls = [limit_seconds(outcomes[s]) for s in right]
    tests: list[tuple[str, str]] = []
    for _ in range(ROUNDS):
        inputs = draw_inputs(rng, makers.makers, seen, INPUTS_A_ROUND)
        if makers.accept is not None and inputs:
            inputs = [text for text, good in zip(inputs, makers.accept(inputs), strict=True) if good]
        runs = run_matrix(sandbox, programs, inputs, None, walls=walls)
        for text, outputs in zip(inputs, zip(*([o.output for o in row] for row in runs), strict=True), strict=True):
            printed = [output for output in outputs if output is not None]
            answered = len(printed) == len(outputs)
            if answered and all(checked.accepted for checked in ask([Asked(text, printed[0], o) for o in printed])):
                tests.append((text, printed[0]))
        if len(tests) >= config.max_tests or not inputs:
            break
    return tests[: config.max_tests]
