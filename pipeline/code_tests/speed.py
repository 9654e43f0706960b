"""What a problem's own time limit means here: the speed of its trusted programs is a floor, and who is over it is slow.

All programs first run with no less than the usual limit, so that a limit that is too short for this machine costs no
test. Samples are judged by the limit that comes out of this (`pipeline.sandbox.program.Limits.fit`).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.matrix import Outcome, run_matrix
from pipeline.code_tests.programs import Solution

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

SPARE = 2.0
"""Times the trusted programs' time: the factor that packages take between their slowest accepted program and the limit
(Problem Package Format 2023-07, `ac_to_time_limit`)."""
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Runs:
    """How a problem's programs did on its tests. `stated` is its own limit, `jury` what its source says of programs."""

    solutions: Sequence[Solution]
    inputs: Sequence[str]
    outcomes: Sequence[Sequence[Outcome]]
    entry_point: str | None = None
    stated: float | None = None
    jury: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Speed:
    """`seconds` by language that programs need at least, where that is more than the problem's own limit gives; the
    programs that are `slow`; and all programs with the limit that samples get."""

    solutions: tuple[Solution, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    slow: frozenset[int] = frozenset()

    def report(self) -> dict[str, Any]:
        return {"seconds": dict(self.seconds)} if self.seconds else {}

    def history(self) -> list[tuple[str, str]]:
        """What is said of it in a row, if anything."""
        said = [f"{seconds:g} s for {name}, as its trusted programs need" for name, seconds in self.seconds.items()]
        said += [f"{len(self.slow)} solutions are over it"] if self.slow else []
        return [("time_limit", "; ".join(said))] if said else []


def start_limits(solutions: Sequence[Solution], row: Mapping[str, Any]) -> tuple[Solution, ...]:
    """The programs with their problem's own limit, but no less time than usual."""
    stated = row.get("time_limit")
    if stated is None:
        return tuple(solutions)
    from pipeline.sandbox import TimeLimit

    return tuple(replace(s, time_limit=TimeLimit(stated, lengthens=True)) for s in solutions)


def judge_speed(sandbox: "Sandbox", runs: Runs, right: Collection[int], passing: Collection[int]) -> Speed:
    """The speed of a problem's programs on its tests; `right` are trusted, `passing` pass every test.

    What they need is that of the slowest one that a jury accepted; without a jury that of the median of the trusted,
    since programs that are right, but too slow, are among those.
    """
    from pipeline.sandbox import TimeLimit

    solutions, outcomes, stated = runs.solutions, runs.outcomes, runs.stated
    usual = TimeLimit(stated)
    seconds: dict[str, float] = {}
    for language in sorted({solutions[s].language for s in right}):
        named = [s for s in right if solutions[s].language == language]
        accepted = [s for s in named if runs.jury.get(solutions[s].id) == ACCEPTED]
        times = sorted(_longest(outcomes[s]) for s in accepted or named)
        needed = times[-1] if accepted else times[(len(times) - 1) // 2]
        if math.isfinite(needed) and SPARE * needed > sandbox.limits.fit(language, usual).wall:
            seconds[language] = float(math.ceil(SPARE * needed))
    limit = TimeLimit(stated, tuple(seconds.items()))
    if stated is None and not seconds:
        return Speed(tuple(solutions))
    limited = tuple(replace(s, time_limit=limit) for s in solutions)
    walls = {language: sandbox.limits.fit(language, limit).wall for language in ("python", "cpp")}
    over = [s for s in passing if _longest(outcomes[s]) > walls[solutions[s].language]]
    slow = frozenset(s for s in over if _runs_out(sandbox, limited[s], runs, outcomes[s]))
    return Speed(limited, seconds, slow)


def _longest(outcomes: Sequence[Outcome]) -> float:
    return max((math.inf if o.status == "time" else o.seconds for o in outcomes), default=0.0)


def _runs_out(sandbox: "Sandbox", solution: Solution, runs: Runs, outcomes: Sequence[Outcome]) -> bool:
    """Whether a program runs out of time on the test that took it longest: what was measured first counts the seconds
    too in which the machine was busy."""
    slowest = max(range(len(runs.inputs)), key=lambda t: outcomes[t].seconds)
    [[outcome]] = run_matrix(sandbox, [solution], [runs.inputs[slowest]], runs.entry_point)
    return outcome.status == "time"
