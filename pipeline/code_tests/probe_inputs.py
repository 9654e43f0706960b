"""Inputs for a problem that shows none: forms that inputs commonly have, tried on the programs themselves.

A program that reads another form ends badly or prints the same whatever comes in; the form on which programs run
well, agree and give the most different outputs is taken for the problem's. Only a last resort: nothing here reads the
statement.
"""

import ast
import itertools
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pipeline.code_tests.generate import SEED
from pipeline.code_tests.matrix import Outcome, run_matrix
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.programs import Solution

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

PROBES = 6
"""Inputs tried of each form."""
ASKED = 8
"""Programs asked which form they read."""

_ALPHABETS = ("abc", "01", ".#", "AB")
_KINDS: tuple[Callable[[random.Random], object], ...] = (
    lambda rng: rng.randint(0, 12),
    lambda rng: [rng.randint(-9, 20) for _ in range(rng.randint(1, 6))],
    lambda rng: "".join(rng.choice("abcab") for _ in range(rng.randint(1, 6))),
    lambda rng: ["".join(rng.choice("abc") for _ in range(rng.randint(1, 3))) for _ in range(rng.randint(1, 4))],
    lambda rng: [[rng.randint(0, 9) for _ in range(3)] for _ in range(3)],
    lambda rng: round(rng.uniform(0, 10), 2),
)


def guess_inputs(sandbox: "Sandbox", solutions: Sequence[Solution], entry_point: str | None, judge: Judge) -> list[str]:
    """Inputs of the form that suits the programs best; empty where no form suits."""
    rng = random.Random(SEED)
    forms = _text_forms(rng) if entry_point is None else _call_forms(rng, entry_point, solutions)
    asked = _few(solutions)
    # Most forms fail at their first input, so the others are run only where that one goes well.
    first = run_matrix(sandbox, asked, [form[0] for form in forms], entry_point)
    forms = [form for k, form in enumerate(forms) if _agrees([row[k] for row in first], judge)]
    outcomes = run_matrix(sandbox, asked, [text for form in forms for text in form], entry_point)
    best: tuple[float, list[str]] = (0.0, [])
    for k, form in enumerate(forms):
        columns = [[row[k * PROBES + i] for row in outcomes] for i in range(PROBES)]
        good = [text for text, column in zip(form, columns, strict=True) if _agrees(column, judge)]
        varied = len({next(o.output for o in c if o.output) for c in columns if _agrees(c, judge)})
        # Who takes negative numbers is told more by them, though they give some outputs twice.
        score = varied + len(good) / 10 + (len(good) == PROBES and any("(-" in text or ", -" in text for text in form))
        # One output for every input means that the program reads something else than what is varied.
        if varied >= 2 and score > best[0]:
            best = (score, good)
    return best[1]


def _few(solutions: Sequence[Solution]) -> list[Solution]:
    """Python programs first: reading past the end is an error there, while C++ goes on with zeros."""
    distinct = list({s.fingerprint: s for s in solutions}.values())
    return sorted(distinct, key=lambda s: s.language != "python")[:ASKED]


def _agrees(column: Sequence[Outcome], judge: Judge) -> bool:
    """Whether most programs end well, and a good part of them with one output that says something."""
    texts = [o.output for o in column if o.output]
    if 2 * len(texts) <= len(column) or not texts:
        return False
    agreed = max(sum(judge.same(a, b) for b in texts) for a in texts)
    return 3 * agreed >= len(column)


def _text_forms(rng: random.Random) -> list[list[str]]:
    def number() -> int:
        return rng.choice((rng.randint(1, 6), rng.randint(1, 30)))

    def line(count: int) -> str:
        return " ".join(str(number()) for _ in range(count))

    def block(count: int, width: int) -> str:
        return "\n".join(line(width) for _ in range(count))

    def word(count: int, letters: str) -> str:
        return "".join(rng.choice(letters) for _ in range(count))

    def edges(nodes: int, count: int, weight: bool) -> str:
        pairs = [rng.sample(range(1, nodes + 1), 2) for _ in range(count)]
        return "\n".join(" ".join(map(str, [*pair, *([number()] if weight else [])])) for pair in pairs)

    def rows(count: int, width: int, letters: str) -> str:
        return "\n".join(word(width, letters) for _ in range(count))

    sizes = [rng.randint(2, 6) for _ in range(PROBES)]
    forms = [[block(lines, width) for _ in sizes] for lines, width in itertools.product((1, 2, 3, 4), repeat=2)]
    for more in range(3):
        heads = [" ".join([str(n), *(str(number()) for _ in range(more))]) for n in sizes]
        headed = list(zip(sizes, heads, strict=True))
        forms.append([f"{head}\n{line(n)}" for n, head in headed])
        forms += [[f"{head}\n{block(n, width)}" for n, head in headed] for width in (1, 2, 3)]
    forms.append([f"{n}\n{line(n)}\n{line(n)}" for n in sizes])
    forms.append([f"{n} {n}\n{block(n, n)}" for n in sizes])
    forms.append([f"{n}\n{block(n, n)}" for n in sizes])
    for weight in (False, True):
        forms.append([f"{n} {n + 1}\n{edges(n, n + 1, weight)}" for n in sizes])
        forms.append([f"{n}\n{edges(n, n - 1, weight)}" for n in sizes])
    for letters in _ALPHABETS:
        forms.append([word(n, letters) for n in sizes])
        forms.append([f"{n}\n{word(n, letters)}" for n in sizes])
        forms.append([rows(2, n, letters) for n in sizes])
        forms.append([f"{n}\n{rows(n, n, letters)}" for n in sizes])
        forms.append([f"{n} {n + 1}\n{rows(n, n + 1, letters)}" for n in sizes])
    return [[text + "\n" for text in form] for form in forms]


def _call_forms(rng: random.Random, entry_point: str, solutions: Sequence[Solution]) -> list[list[str]]:
    arity = _arity(entry_point, solutions)
    if arity is None or arity == 0:
        return []
    signed = random.Random(SEED)
    forms = [[f"{entry_point}({', '.join(str(signed.randint(-12, 12)) for _ in range(arity))})" for _ in range(PROBES)]]
    for kinds in itertools.product(_KINDS, repeat=min(arity, 3)):
        kinds += (kinds[-1],) * (arity - len(kinds))
        forms.append([f"{entry_point}({', '.join(repr(k(rng)) for k in kinds)})" for _ in range(PROBES)])
    return forms[:217]


def _arity(entry_point: str, solutions: Sequence[Solution]) -> int | None:
    """How many arguments most programs give the function."""
    lengths: list[int] = []
    for solution in solutions:
        try:
            nodes = list(ast.walk(ast.parse(solution.code)))
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in nodes:
            if isinstance(node, ast.FunctionDef) and node.name == entry_point.rpartition(".")[2]:
                names = [a.arg for a in node.args.args if a.arg != "self"]
                lengths.append(len(names) - len(node.args.defaults))
                break
    return max(lengths, key=lengths.count) if lengths else None
