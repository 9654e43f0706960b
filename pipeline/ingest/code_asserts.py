"""Function tests out of test programs: every `assert f(args) == value`, also in pytest functions and unittest classes.

Programs are read, never run. What a name stands for is looked up where it is set once: `result = f(2)` and then
`assert result == expected` is a test of `f(2)`.
"""

import ast
import copy
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

Pairs = list[tuple[str, str]]

_WRAPPERS = frozenset({"set", "sorted", "list", "tuple", "frozenset", "round", "abs", "len", "str", "int", "float"})
"""What an assert puts around a call to compare its value."""
_EQUAL = frozenset(
    {"assertEqual", "assertEquals", "assertListEqual", "assertDictEqual", "assertTupleEqual", "assertSetEqual"}
    | {"assertSequenceEqual", "assertMultiLineEqual", "assertIs"}
)
_TRUTH = {"assertTrue": True, "assertFalse": False, "assertIsNone": None}
_CHECK = re.compile(r"\bdef check\s*\(\s*(\w+)")
_DEPTH = 4
"""Names that stand for names that stand for names."""
_NODES = 1 << 14
"""Of one assert: names in it that stand for lists of names grow without end."""


def read_check(code: str, name: str | None) -> Pairs:
    """The tests in `def check(candidate)`, as calls of `name`; those of the whole program where there is no `check`."""
    defined = _CHECK.search(code)
    candidate = defined[1] if defined else None
    called = read_asserts(code, candidate)
    if candidate is None or name is None or candidate == name:
        return called
    return [(re.sub(rf"\b{candidate}\(", f"{name}(", call, count=1), value) for call, value in called]


def read_asserts(code: str, name: str | None = None) -> Pairs:
    """(call, expected literal) of every `assert f(args) == value` in `code`; a bare `assert f(x)` expects True.

    Where no assert is of that form, a call may stand inside `set`, `sorted` and the like, as in
    `assert set(f(x)) == set("ab")`: these are test programs, which are not mixed with calls. Only calls of `name`
    where it is given; asserts of another form (properties, tolerances) are passed over.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    asserts: Pairs = []
    wrapped: Pairs = []
    for test, expected in _find_claims(tree):
        try:
            value = _write_value(expected)
        except (ValueError, TypeError, SyntaxError):
            continue
        inner = test
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in _WRAPPERS:
            inner = inner.args[0] if len(inner.args) == 1 else ast.Constant(None)
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name) or (name and inner.func.id != name):
            continue
        (asserts if inner is test else wrapped).append((ast.unparse(test), value))
    return asserts or wrapped


def _find_claims(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(what is tested, what it must be) of every assert, names replaced by what they stand for."""
    scopes: deque[tuple[ast.AST, Mapping[str, ast.expr]]] = deque([(tree, _find_names(tree.body))])
    while scopes:
        scope, names = scopes.popleft()
        for node in _walk(scope):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                scopes.append((node, {**names, **_find_names(node.body)}))
            elif (claim := _read_claim(node)) is not None:
                yield _resolve(claim[0], names), _resolve(claim[1], names)


def _walk(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, functions in it as one."""
    pending = deque(ast.iter_child_nodes(scope))
    while pending:
        node = pending.popleft()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def _read_claim(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    if isinstance(node, ast.Assert):
        test = node.test
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return test.operand, ast.Constant(False)
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
            return test.left, test.comparators[0]
        return test, ast.Constant(True)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _EQUAL and len(node.args) >= 2:
            return node.args[0], node.args[1]
        if node.func.attr in _TRUTH and node.args:
            return node.args[0], ast.Constant(_TRUTH[node.func.attr])
    return None


def _find_names(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    """Names that the statements of a scope set once and change nowhere, with what they are set to."""
    body = list(body)
    nodes = [node for statement in body for node in ast.walk(statement)]
    stored = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    loaded = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    changed = {name for node in nodes for name in _find_changed(node)}
    names: dict[str, ast.expr] = {}
    for statement in body:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        target, value = statement.targets[0], statement.value
        if not isinstance(target, ast.Name) or stored[target.id] != 1 or target.id in changed:
            continue
        # A call may change a list that it is given, so that the next one would see another.
        if loaded[target.id] < 2 or not isinstance(value, ast.List | ast.Dict | ast.Set):
            names[target.id] = value
    return names


def _find_changed(node: ast.AST) -> Iterator[str]:
    """The names whose values a piece of a program may change: by a method, in a place, or in a call for its effect."""
    stored = isinstance(node, ast.Attribute) or (isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load))
    if isinstance(node, ast.Attribute | ast.Subscript) and stored and isinstance(node.value, ast.Name):
        yield node.value.id
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _read_claim(node.value) is None:
        yield from (argument.id for argument in node.value.args if isinstance(argument, ast.Name))


class _Names(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)


def _resolve(expression: ast.expr, names: Mapping[str, ast.expr]) -> ast.expr:
    for _ in range(_DEPTH):
        nodes = list(ast.walk(expression))
        if len(nodes) > _NODES or not any(isinstance(node, ast.Name) and node.id in names for node in nodes):
            break
        expression = _Names(names).visit(copy.deepcopy(expression))
    return expression


def _write_value(node: ast.expr) -> str:
    """The literal that `node` stands for; sets in the order of their texts, so that ids are the same on every run."""
    try:
        return repr(ast.literal_eval(node))
    except ValueError:
        from pipeline.sandbox.calls import read_literal

        value = read_literal(ast.unparse(node))
        if isinstance(value, set | frozenset):
            return "{" + ", ".join(sorted(map(repr, value))) + "}" if value else "set()"
        return repr(value)


def find_function(calls: Iterable[str]) -> str | None:
    """The function that most of the calls are of, without what stands around them."""
    names = []
    for call in calls:
        while (head := call.partition("("))[0] in _WRAPPERS and head[2]:
            call = head[2]
        names.append(head[0])
    return max(names, key=names.count) if names else None


def find_tested(code: str, asserts: Sequence[str]) -> str | None:
    """The function of `code` that the asserts call: the last one, since helpers stand before it."""
    try:
        nodes = ast.parse(code).body
        for line in asserts:
            ast.parse(line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    return next((name for name in reversed(names) if all(f"{name}(" in line for line in asserts)), None)
