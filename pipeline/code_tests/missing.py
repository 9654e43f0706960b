"""Libraries that programs import and the sandbox does not have: no fault of theirs, and no evidence against tests."""

import ast
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.code_tests.matrix import Outcome
from pipeline.code_tests.programs import Solution

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

log = logging.getLogger(__name__)

Missing = Mapping[str, Sequence[str]]
"""Library -> the ids of the solutions that ended for the lack of it."""


def count_missing(solutions: Sequence[Solution], outcomes: Sequence[Sequence[Outcome]]) -> dict[str, list[str]]:
    """Which solutions lack which library, by how they ended."""
    missing: dict[str, list[str]] = {}
    for solution, row in zip(solutions, outcomes, strict=True):
        for module in sorted({o.module for o in row if o.status == "missing"}):
            missing.setdefault(module, []).append(solution.id)
    return missing


def never_ran(row: Sequence[Outcome]) -> bool:
    """Whether a program ended on each of its tests for the lack of a library."""
    return bool(row) and all(o.status == "missing" for o in row)


def say_missing(missing: Missing) -> tuple[tuple[str, str], ...]:
    """The entry in history, if there is something to say."""
    if not missing:
        return ()
    parts = [f"{name} ({len(ids)})" for name, ids in sorted(missing.items())]
    return (("missing", f"not heard, for the sandbox does not have what they import: {', '.join(parts)}"),)


def tell_missing(problems: Iterable[Missing]) -> None:
    """One line for whoever runs it, where programs lacked something: each library with the problems that ask for it."""
    counts = Counter(name for missing in problems for name in missing)
    if counts:
        listed = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
        log.warning(
            "solutions import libraries that the sandbox does not have (problems of each): %s. "
            "They say nothing for or against tests. `make science` installs scipy and sympy.",
            listed,
        )


def find_missing(sandbox: "Sandbox", solutions: Iterable[Solution]) -> list[str]:
    """Modules that Python solutions import and the sandbox does not have, by name; it has the standard library and what
    stands beside /usr/bin/python3."""
    from pipeline.sandbox import Case, Program

    wanted = sorted({name for s in solutions if s.language == "python" for name in _imported(s.code)})
    asked = [name for name in wanted if name not in sys.stdlib_module_names]
    if not asked:
        return []
    look = "import importlib.util as u\nfor name in input().split():\n    print(name, u.find_spec(name) is None)"
    (run,) = sandbox.run(Program("python", look), [Case(" ".join(asked) + "\n", None)])
    return [line.split()[0] for line in run.output.splitlines() if line.endswith("True")]


def _imported(code: str) -> set[str]:
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | parts}
