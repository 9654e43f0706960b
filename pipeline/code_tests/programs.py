"""Programs as the check of tests sees them, and when two of them count as one."""

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pipeline.sandbox import TimeLimit

LANGUAGES: dict[str, Literal["python", "cpp"]] = {
    "python": "python",
    "python3": "python",
    "py": "python",
    "py3": "python",
    "pypy": "python",
    "pypy3": "python",
    "cpp": "cpp",
    "c++": "cpp",
    "c": "cpp",
    "cc": "cpp",
    "c++11": "cpp",
    "c++14": "cpp",
    "c++17": "cpp",
    "c++20": "cpp",
    "cpp17": "cpp",
    "cpp20": "cpp",
}
"""What sources call the two languages that the sandbox runs; C is compiled as C++."""

_CPP_PIECES = re.compile(
    r"""(?P<raw>R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)")|(?P<string>"(?:\\.|[^"\\\n])*+"?|'(?:\\.|[^'\\\n])*+'?)"""
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<directive>^[ \t]*\#[^\n]*)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\.?\d(?:[\w.']|[eEpP][+-])*)|(?P<mark>\S)",
    re.DOTALL | re.MULTILINE,
)
_NO_TYPE = frozenset(
    {
        "return",
        "else",
        "case",
        "new",
        "delete",
        "throw",
        "goto",
        "if",
        "while",
        "for",
        "do",
        "switch",
        "sizeof",
        "and",
        "or",
        "not",
        "typedef",
        "using",
        "namespace",
        "template",
        "operator",
        "public",
        "private",
        "protected",
        "default",
        "break",
        "continue",
        "co_return",
        "co_await",
        "co_yield",
        "true",
        "false",
        "this",
        "nullptr",
    }
)
"""C++ words before which, or at which, no declared name stands."""


@dataclass(frozen=True)
class Solution:
    """One program that claims to solve a problem; `row` is its place among the problem's `solutions`."""

    row: int
    id: str
    language: Literal["python", "cpp"]
    code: str
    fingerprint: str
    time_limit: "TimeLimit | None" = None


def read_solutions(rows: Iterable[Mapping[str, Any]]) -> list[Solution]:
    """The solutions that can be run: code in Python or C++. Ids are made up where missing or used twice."""
    programs: list[Solution] = []
    used: set[str] = set()
    for index, row in enumerate(rows):
        language = LANGUAGES.get((row.get("language") or "python").strip().lower().replace(" ", ""))
        code = row.get("code") or ""
        if language is None or not code.strip():
            continue
        name = row.get("id") or f"s{index}"
        while name in used:
            name += "'"
        used.add(name)
        programs.append(Solution(index, name, language, code, fingerprint_program(language, code)))
    return programs


def fingerprint_program(language: str, code: str) -> str:
    """A hash that programs share when they differ only in white space, comments or the names they chose.

    Names of attributes, modules and keyword arguments count: they belong to libraries. Python that does not parse,
    and C++ always, is compared by tokens.
    """
    normal = _normal_python(code) if language == "python" else None
    normal = normal if normal is not None else _normal_tokens(language, code)
    return hashlib.sha256(f"{language}\0{normal}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Renamer(ast.NodeTransformer):
    """Numbers the names that a program binds itself, in the order in which they appear."""

    def __init__(self, bound: set[str]) -> None:
        self.bound = bound
        self.numbers: dict[str, str] = {}

    def name(self, name: str) -> str:
        if name not in self.bound:
            return name
        return self.numbers.setdefault(name, f"v{len(self.numbers)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.name(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self.name(node.arg), None)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns, node.body = self.name(node.name), None, _without_docstring(node.body)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name, node.body = self.name(node.name), _without_docstring(node.body)
        return self.generic_visit(node)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    value = first.value if isinstance(first, ast.Expr) else None
    has_docstring = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return (body[1:] or [ast.Pass()]) if has_docstring else body


def _normal_python(code: str) -> str | None:
    try:
        tree = ast.parse(code)
        bound: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.add(node.name)
        tree.body = _without_docstring(tree.body)
        return ast.dump(_Renamer(bound).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _normal_tokens(language: str, code: str) -> str:
    if language == "python":
        return "\n".join(line.rstrip() for line in code.splitlines() if line.strip())
    pieces: list[tuple[str | None, str]] = []
    for piece in _CPP_PIECES.finditer(code):
        kind, text = piece.lastgroup, piece.group()
        if kind == "directive":
            pieces.append((kind, " ".join(text.split("//")[0].split())))
        elif kind != "comment":
            pieces.append((kind, text))
    bound = _declared(pieces)
    numbers: dict[str, str] = {}
    return " ".join(
        numbers.setdefault(text, f"v{len(numbers)}") if kind == "word" and text in bound else text
        for kind, text in pieces
    )


def _declared(pieces: list[tuple[str | None, str]]) -> set[str]:
    """Words that stand where a declaration puts its name: after a type, and before what can follow a name."""
    modules: set[str] = set()
    for (kind, before), (what, text), (_, after) in zip(pieces, pieces[1:], pieces[2:], strict=False):
        typed = (kind == "word" and before not in _NO_TYPE) or before in (">", "&", "*")
        if what == "word" and typed and text not in _NO_TYPE and after in ("=", ";", ",", ")", "(", "[", ":", "{"):
            called = before in (">", "&", "*") and after == "("
            if not called:
                modules.add(text)
    return modules
