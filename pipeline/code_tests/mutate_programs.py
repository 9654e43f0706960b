"""Programs that are nearly right: a trusted Python solution with one operator or constant changed.

Loops with `while` stay as they are: what is changed there often never ends, and a time-out costs as much as a thousand
runs. Some mutants are right all the same, so that a problem is never rejected for one that survives.
"""

import ast
import copy
from collections.abc import Iterator

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
}


def mutate_program(code: str, limit: int) -> list[str]:
    """Up to `limit` mutants of a Python program, spread over it; none of one that does not parse."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    places = [place for place, node in enumerate(_walk(tree)) if _can_change(node)]
    count = min(limit, len(places))
    mutants: list[str] = []
    for k in range(count):
        mutant = copy.deepcopy(tree)
        node = next(node for place, node in enumerate(_walk(mutant)) if place == places[len(places) * k // count])
        _change(node)
        mutants.append(ast.unparse(mutant))
    return mutants


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node outside of `while` loops, in a fixed order."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.While):
            yield child
            yield from _walk(child)


def _can_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in _COMPARISONS
    if isinstance(node, ast.BinOp):
        return type(node.op) in _OPERATORS
    return isinstance(node, ast.BoolOp) or (isinstance(node, ast.Constant) and type(node.value) is int)


def _change(node: ast.AST) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = _COMPARISONS[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp):
        node.op = _OPERATORS[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.Constant):
        node.value = int(str(node.value)) + 1
