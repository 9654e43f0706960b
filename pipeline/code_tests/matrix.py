"""Every solution on every test, once: what came out, in classes of equal answers.

The running is apart from the judging: `run_matrix` asks the sandbox, `build_matrix` is pure.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.code_tests.outputs import Judge, choose_text
from pipeline.code_tests.programs import Solution

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pipeline.sandbox import Run, Sandbox

FAILED = -1
"""The program ended badly: an answer that is certainly not right, and that agrees with none."""
ABSENT = -2
"""It says nothing about right or wrong: too slow, not run, or trouble of ours (`infra`)."""

CHUNK = 20
"""Tests a program runs in one go, which ends at the first failure."""
PATIENCE = 2
"""Time-outs after which a program is not run on further tests: each costs as much as a thousand good runs."""


@dataclass(frozen=True)
class Outcome:
    """What one program did on one test. `status` is the sandbox's word, `skipped`, or `missing` where a `module` that
    it imports is not there; `output` only where it ended well."""

    status: str
    output: str | None = None
    seconds: float = 0.0
    module: str = ""

    @property
    def failed(self) -> bool:
        """Whether it did not pass whatever is expected: nothing is held against a program that we could not run."""
        return self.output is None and self.status not in _NOT_RUN


SKIPPED = Outcome("skipped")
_NOT_RUN = frozenset({"infra", "skipped", "missing"})
_SILENT = _NOT_RUN | {"time"}
_ABSENT_MODULE = re.compile(r"ModuleNotFoundError: No module named '(\w+)[\w.]*'(?:; [^\n]*)?\s*\Z")
"""Python's last words where an import finds nothing."""


@dataclass(frozen=True)
class Matrix:
    """`cells[s][t]` is the class of program s's output on test t (0, 1, ... within the test), FAILED or ABSENT.

    `given[t]` is the class of the test's expected output, ABSENT where it has none. `texts[t][c]` is the text to ask
    for in class c. `failed[s][t]` says that the program did not pass whatever is expected, so time-outs too.
    """

    cells: tuple[tuple[int, ...], ...]
    given: tuple[int, ...]
    texts: tuple[tuple[str, ...], ...]
    failed: tuple[tuple[bool, ...], ...]

    @property
    def tests(self) -> int:
        return len(self.given)

    def column(self, test: int) -> list[int]:
        """The classes of all programs on one test."""
        return [row[test] for row in self.cells]


def build_matrix(outcomes: Sequence[Sequence[Outcome]], expected: Sequence[str | None], judge: Judge) -> Matrix:
    """Classes from outcomes[solution][test]. Outputs are compared pairwise, representative by representative."""
    cells: list[list[int]] = [[] for _ in outcomes]
    given: list[int] = []
    texts: list[tuple[str, ...]] = []
    for test, wanted in enumerate(expected):
        column = [row[test] for row in outcomes]
        classes, names = group_texts([o.output for o in column], wanted, judge)
        given.append(ABSENT if wanted is None else classes[wanted])
        texts.append(names)
        for row, outcome in zip(cells, column, strict=True):
            row.append(_cell(outcome, classes))
    failed = tuple(tuple(o.failed for o in row) for row in outcomes)
    return Matrix(tuple(map(tuple, cells)), tuple(given), tuple(texts), failed)


def _cell(outcome: Outcome, classes: Mapping[str, int]) -> int:
    if outcome.output is not None:
        return classes[outcome.output]
    return ABSENT if outcome.status in _SILENT else FAILED


def group_texts(
    outputs: Sequence[str | None], wanted: str | None, judge: Judge
) -> tuple[dict[str, int], tuple[str, ...]]:
    """(text -> class, the text to ask for in each class): the expected one keeps its own words in its class."""
    counts = Counter(text for text in outputs if text is not None)
    leaders: list[str] = []
    members: list[Counter[str]] = []
    classes: dict[str, int] = {}
    first = [wanted] if wanted is not None else []
    for text in (*first, *(text for text, _ in counts.most_common() if text != wanted)):
        index = next((i for i, leader in enumerate(leaders) if judge.same(leader, text)), len(leaders))
        if index == len(leaders):
            leaders.append(text)
            members.append(Counter())
        members[index][text] += counts[text]
        classes[text] = index
    names = tuple(
        leader if leader == wanted else choose_text(texts, judge)
        for leader, texts in zip(leaders, members, strict=True)
    )
    return classes, names


def run_matrix(
    sandbox: "Sandbox",
    solutions: Sequence[Solution],
    inputs: Sequence[str],
    entry_point: str | None,
    without: Sequence[int] = (),
    walls: Sequence[float | None] | None = None,
    hash_seed: int = 0,
) -> list[list[Outcome]]:
    """Outcomes[solution][test] of running each program on each input, in parallel over programs as the sandbox allows.

    The solutions `without` are not run: known to be too slow. `walls`: seconds a test for each solution, where
    that is less than the limit. `hash_seed` is Python's. A program that imports what is not there is run no further.
    """
    outcomes: list[list[Outcome]] = [[SKIPPED] * len(inputs) for _ in solutions]
    order = sorted(range(len(inputs)), key=lambda t: len(inputs[t]))
    left = {s: order for s in range(len(solutions)) if s not in without and order}
    while left:
        waiting = {
            s: submit_program(
                sandbox,
                solutions[s],
                [inputs[t] for t in left[s][:CHUNK]],
                entry_point,
                walls[s] if walls else None,
                hash_seed,
            )
            for s in left
        }
        for s, future in waiting.items():
            # A run of failing tests ends at the first of them, so that time-outs are not paid for all at once.
            runs = future.result()
            if not runs:
                raise RuntimeError(f"the sandbox gave no run of solution {solutions[s].id}")
            for t, run in zip(left[s], runs, strict=False):
                outcomes[s][t] = read_run(run)
            ended = runs[-1].status == "compile" or sum(o.status == "time" for o in outcomes[s]) >= PATIENCE
            if runs[-1].status == "compile":
                outcomes[s] = [Outcome("compile")] * len(inputs)
            last = outcomes[s][left[s][len(runs) - 1]]
            if last.status == "missing":
                for t in left[s][len(runs) :]:
                    outcomes[s][t] = last
                ended = True
            left[s] = [] if ended else left[s][len(runs) :]
        left = {s: tests for s, tests in left.items() if tests}
    return outcomes


def submit_program(
    sandbox: "Sandbox",
    solution: Solution,
    inputs: Sequence[str],
    entry_point: str | None,
    wall: float | None = None,
    hash_seed: int = 0,
) -> "Future[list[Run]]":
    """A future of the sandbox's runs of one program over `inputs` up to the first failure, none of them judged."""
    from pipeline.sandbox import Case, Program

    program = Program(solution.language, solution.code, entry_point, solution.time_limit, hash_seed)
    return sandbox.submit(program, [Case(text, None) for text in inputs], stop_at_first=True, wall=wall)


def read_run(run: "Run") -> Outcome:
    """The sandbox's `Run` as an outcome."""
    if run.status == "runtime" and (absent := _ABSENT_MODULE.search(run.detail)):
        return Outcome("missing", module=absent.group(1))
    if run.status != "passed":
        return Outcome(run.status.value)
    # What was cut off cannot be compared.
    return Outcome("passed", run.output, run.seconds) if run.complete else SKIPPED
