"""New test inputs: mutations of known ones, and what the problem's own generator makes; then the same check judges
them."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.matrix import ABSENT, FAILED, Matrix, Outcome, build_matrix, run_matrix
from pipeline.code_tests.minimise import find_catches, measure_kill, order_tests
from pipeline.code_tests.mutate_calls import Call, find_calls, learn_domains, mutate_call, read_call
from pipeline.code_tests.mutate_lines import learn_profile, mutate_text, read_limits
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.programs import Solution
from pipeline.code_tests.truth_discovery import Weights, weigh_solutions
from schemas.config import CodeTestsConfig

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

Maker = Callable[[random.Random, int], list[str]]
"""(source of randomness, how many) -> at most so many inputs, maybe known ones among them."""

CRASHES = 0.2
"""An input that made here crashes more than this share of all programs is taken to break the problem's limits."""
ENOUGH_KILLED = 0.8
"""Share of the known-wrong programs that generated tests must catch; below it another round is made."""
QUICK = 1.0
"""Seconds at least for a run on an input that was made here: a time-out costs as much as a thousand runs, and most made
inputs are small."""
INPUTS_A_ROUND = 40
"""Inputs made in one round."""
ROUNDS = 4
"""Rounds of inputs at most; it stops once every solution that can be shown to be wrong is."""
SEED = 0
"""Of everything that is drawn here: the same tests on every run."""
MAX_INPUT = 20_000
"""Characters; what is longer grew by accident."""

_HARNESS = """
import sys as _sys
from random import Random
{code}
print(repr(generate_inputs(Random(int(_sys.stdin.read())))))
"""


@dataclass(frozen=True)
class Generated:
    """Inputs with the outputs that the trusted solutions agree on, and how well they tell wrong programs.

    `tests` are the most telling of `sound`, the first ones there.
    """

    tests: tuple[tuple[str, str], ...]
    made: int
    kill_rate: float | None
    trusted: tuple[int, ...]
    sound: tuple[tuple[str, str], ...] = ()

    def as_tests(self) -> list[dict[str, Any]]:
        """All sound ones as rows of tests."""
        return [
            {"id": f"g{number}", "input": text, "expected": out, "origin": "generated", "previous": None}
            for number, (text, out) in enumerate(self.sound)
        ]


def find_seeds(statement: str, tests: Iterable[str], entry_point: str | None) -> list[str]:
    """Known inputs to start from: those of the tests, else examples in the statement."""
    known = [text for text in dict.fromkeys(tests) if len(text) <= MAX_INPUT]
    if known:
        return known
    return find_calls(statement, entry_point) if entry_point else find_samples(statement)


def find_samples(statement: str) -> list[str]:
    """Sample inputs that stand in a statement between words like `Sample Input 1` and `Sample Output 1`."""
    examples: list[str] = []
    lines = statement.split("\n")
    taking: list[str] | None = None
    for line in lines:
        words = line.strip().strip("#*`:-= ").lower().rstrip(":")
        head = words.rstrip("0123456789 #")
        if head in ("sample input", "example input", "input example", "sample", "examples input", "input") and (
            head != "input" or words[-1:].isdigit() or line.strip().endswith(":")
        ):
            taking = []
        elif head in ("sample output", "example output", "output example", "output", "explanation", "note"):
            if taking is not None and any(t.strip() for t in taking):
                examples.append("\n".join(taking).strip("\n") + "\n")
            taking = None
        elif taking is not None and not line.strip().startswith("```"):
            taking.append(line.rstrip())
    return [text for text in dict.fromkeys(examples) if len(text) <= 2000]


def make_mutations(known: Sequence[str], entry_point: str | None, statement: str = "") -> Maker | None:
    """Mutations of `known` inputs by type; None where none of them can be read."""
    if entry_point is None:
        if not any(text.strip() for text in known):
            return None
        profile = learn_profile([text for text in known if text.strip()], read_limits(statement))
        return lambda rng, count: [mutate_text(rng, profile) for _ in range(count)]
    calls = [call for text in known if (call := read_call(text, entry_point)) is not None]
    if not calls:
        return None
    domains = learn_domains(calls)
    return lambda rng, count: [str(mutate_call(rng, calls, domains)) for _ in range(count)]


def make_generated(
    sandbox: "Sandbox", code: str, entry_point: str | None, prelude: str = "", loose: bool = False
) -> Maker:
    """What the problem's own `generate_inputs(random)` gives, run in the sandbox once a seed; as JSON if `loose`.

    It may return a dict of keyword arguments, a list of arguments, or for stdin problems a string. `prelude` is code
    that it may rely on. A seed on which it fails gives nothing.
    """
    from pipeline.sandbox import Case, Program

    program = Program("python", _HARNESS.format(code=f"{prelude}\n\n{code}"), None)

    def make(rng: random.Random, count: int) -> list[str]:
        cases = [Case(str(rng.randrange(2**31)), None) for _ in range(count)]
        runs = sandbox.run(program, cases)
        outputs = [run.output for run in runs if run.status == "passed"]
        inputs = [write_input(output, entry_point, loose) for output in outputs if output]
        return [text for text in inputs if text is not None]

    return make


def write_input(printed: str, entry_point: str | None, loose: bool = False) -> str | None:
    """The `repr` of what a generator returned, as the input of a test; None where it can be none."""
    from pipeline.sandbox.calls import NoLiteral, read_literal

    try:
        value = read_literal(printed.strip().splitlines()[-1])
    except (NoLiteral, IndexError):
        return None
    if entry_point is None:
        return value if isinstance(value, str) else None
    named = isinstance(value, dict) and all(isinstance(k, str) and k.isidentifier() for k in value)
    args, kwargs = ((), tuple(value.items())) if named else (value if isinstance(value, list | tuple) else [value], ())
    try:
        return str(Call(entry_point, tuple(args), kwargs, loose))
    except (TypeError, ValueError):
        return None


def generate_tests(
    sandbox: "Sandbox",
    solutions: Sequence[Solution],
    makers: Sequence[Maker],
    known: Sequence[str],
    before: Sequence[Sequence[Outcome]],
    before_inputs: Sequence[str],
    before_expected: Sequence[str | None],
    judge: Judge,
    entry_point: str | None,
    choose: Callable[[Matrix, Weights], list[int]],
    accept: Callable[[Sequence[str]], list[bool]] | None,
    config: CodeTestsConfig,
) -> Generated:
    """Rounds of inputs from `makers`, run on all solutions and judged together with what was known `before`.

    A generated test stays only if every trusted solution that finished gives one answer, at least `min_solutions`
    distinct ones do, and `accept` (a validator) takes its input; at most `max_tests` are kept, the most telling ones.
    `choose` says whom to trust.
    """
    rng = random.Random(SEED)
    inputs, expected = list(before_inputs), list(before_expected)
    outcomes = [list(row) for row in before]
    old = len(inputs)
    seen = {*inputs, *known}
    fingerprints = [s.fingerprint for s in solutions]
    kept: list[int] = []
    ordered: list[int] = []
    kill: float | None = None
    catches: list[frozenset[int]] = []
    trusted: list[int] = []
    matrix = build_matrix(outcomes, expected, judge)
    asked: list[int] = []
    # Without tests the known inputs are the surest ones there are.
    ready = [text for text in known if text not in set(inputs)]
    for turn in range(ROUNDS):
        drawn = draw_inputs(rng, makers, seen, INPUTS_A_ROUND)
        if accept is not None and drawn:
            drawn = [text for text, good in zip(drawn, accept(drawn), strict=True) if good]
        fresh = ready + drawn
        if not fresh:
            break
        if ready:
            # First alone: they say how much time the others get.
            for row, more in zip(outcomes, run_matrix(sandbox, solutions, ready, entry_point), strict=True):
                row.extend(more)
        ready = []
        slow = [s for s, row in enumerate(outcomes) if sum(o.status == "time" for o in row) >= 2]
        walls = [limit_seconds(row) for row in outcomes]
        for row, more in zip(outcomes, run_matrix(sandbox, solutions, drawn, entry_point, slow, walls), strict=True):
            row.extend(more)
        inputs += fresh
        expected += [None] * len(fresh)
        matrix = build_matrix(outcomes, expected, judge)
        weights = weigh_solutions(_without_doubtful(matrix, fingerprints), fingerprints)
        trusted = choose(matrix, weights)
        asked = [ABSENT] * old + [_unanimous(matrix, t, trusted, fingerprints, config) for t in range(old, len(inputs))]
        wrong = [s for s in range(len(solutions)) if s not in trusted]
        catches = find_catches(matrix, asked, wrong)
        sound = [t for t in range(old, len(inputs)) if asked[t] != ABSENT]
        ordered = order_tests(catches, sound)
        kept = ordered[: config.max_tests]
        kill = measure_kill(catches, kept, wrong)
        enough = len(kept) >= config.max_tests and (kill is None or kill >= ENOUGH_KILLED)
        if enough and turn > 0:
            break
    pairs = tuple((inputs[t], matrix.texts[t][asked[t]]) for t in ordered)
    return Generated(pairs[: config.max_tests], len(inputs) - old, kill, tuple(trusted), pairs)


def limit_seconds(outcomes: Sequence[Outcome]) -> float | None:
    """Seconds a run of one program on new inputs: what it took so far and to spare; None, no other limit, where nothing
    is known of it. An input on which a trusted program takes longer is not taken."""
    good = [o.seconds for o in outcomes if o.output is not None]
    return max(QUICK, 3 * max(good)) if good else None


def draw_inputs(rng: random.Random, makers: Sequence[Maker], seen: set[str], count: int) -> list[str]:
    """`count` inputs that were not `seen` (or fewer, where makers repeat themselves), from all makers in turn."""
    inputs: list[str] = []
    for _ in range(4):
        for index, maker in enumerate(makers):
            wanted = (count - len(inputs)) // (len(makers) - index)
            for text in maker(rng, wanted) if wanted > 0 else []:
                if text not in seen and len(text) <= MAX_INPUT:
                    seen.add(text)
                    inputs.append(text)
        if len(inputs) >= count:
            break
    return inputs


def _without_doubtful(matrix: Matrix, fingerprints: Sequence[str]) -> Matrix:
    """`matrix` with the new tests blanked on which good programs scatter: such inputs are outside the problem, and
    disagreement there says nothing against a program.
    """
    weights = weigh_solutions(matrix, fingerprints)
    doubtful = set()
    for t in range(matrix.tests):
        if matrix.given[t] != ABSENT:
            continue
        power = {s: weights.power[s] for s, row in enumerate(matrix.cells) if row[t] != ABSENT}
        agreed = sum(p for s, p in power.items() if matrix.cells[s][t] == weights.consensus[t])
        crashed = sum(matrix.cells[s][t] == FAILED for s in power)
        if agreed < 0.6 * sum(power.values()) or not agreed or crashed > CRASHES * len(power):
            doubtful.add(t)
    if not doubtful or len(doubtful) == matrix.tests:
        return matrix
    cells = tuple(tuple(ABSENT if t in doubtful else c for t, c in enumerate(row)) for row in matrix.cells)
    return Matrix(cells, matrix.given, matrix.texts, matrix.failed)


def _unanimous(
    matrix: Matrix, test: int, trusted: Sequence[int], fingerprints: Sequence[str], config: CodeTestsConfig
) -> int:
    if any(matrix.failed[s][test] for s in trusted):
        return ABSENT
    voting = [s for s in trusted if matrix.cells[s][test] != ABSENT]
    classes = {matrix.cells[s][test] for s in voting}
    if len(classes) != 1 or len({fingerprints[s] for s in voting}) < config.min_solutions:
        return ABSENT
    return classes.pop()
