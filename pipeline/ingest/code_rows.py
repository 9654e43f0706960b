"""Code problems as the public sets and contest packages write them, in the contract's names.

One function a set: a row in, a row with `statement`, `tests`, `solutions`, `entry_point`, `checker` out. Every one of
them ends in `shape_problem`. What a set says beside that goes into `extra`.
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.ingest.code_asserts import find_function, find_tested, read_asserts, read_check
from pipeline.ingest.code_packed import read_packed

Row = Mapping[str, Any]

MAX_SOLUTIONS = 60
"""Programs a problem: agreement is settled by far fewer, and some sets have hundreds, each run on every test."""


def shape_problem(
    statement: str | None,
    tests: Iterable[tuple[Any, Any]],
    solutions: Iterable[tuple[str, str]],
    *,
    entry_point: str | None = None,
    source_id: str | None = None,
    checker: Row | None = None,
    custom_checker: bool = False,
    extra: Row | None = None,
    test_ids: Sequence[str] | None = None,
    solution_ids: Sequence[str] | None = None,
) -> dict[str, Any]:
    """One code problem in the contract's names. `tests` are (input, expected or None), `solutions` (language, code)."""
    shaped_tests = [
        {
            "id": test_ids[i] if test_ids else f"t{i}",
            "input": _lines(given),
            "expected": None if expected is None else _lines(expected),
            "origin": "source",
            "previous": None,
        }
        for i, (given, expected) in enumerate(tests)
    ]
    shaped_solutions = [
        {"id": solution_ids[i] if solution_ids else f"s{i}", "language": language, "code": code}
        for i, (language, code) in enumerate(solutions)
    ]
    more = {k: v for k, v in (extra or {}).items() if v is not None}
    if custom_checker:
        more["checker"] = "custom"
    return {
        "source_id": None if source_id is None else str(source_id),
        "domain": "code",
        "statement": statement,
        "tests": shaped_tests,
        "solutions": shaped_solutions[:MAX_SOLUTIONS],
        "entry_point": entry_point,
        "checker": None if checker is None else dict(checker),
        "extra": more or None,
    }


def _lines(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(_lines(v) for v in value)
    return value if isinstance(value, str) else str(value)


def write_call(entry_point: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> str:
    """A call as the input of a function test, such as `f([1, 2], k=3)`."""
    arguments = [repr(a) for a in args] + [f"{k}={v!r}" for k, v in (kwargs or {}).items()]
    return f"{entry_point}({', '.join(arguments)})"


def write_json_test(given: Sequence[Any] | Mapping[str, Any], expected: Any) -> tuple[str, str]:
    """A function test whose values came as JSON: its input stays JSON, so that a tuple passes where JSON has a list,
    and a key that is a number where JSON has its text.
    """
    return json.dumps(given, ensure_ascii=False), json.dumps(expected, ensure_ascii=False)


def load_json(value: Any) -> Any:
    """`value`, parsed where it is JSON in a string; None where it is empty or broken."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except (ValueError, RecursionError):
        return None


def convert_input_output(row: Row) -> dict[str, Any]:
    """APPS and TACO: question, solutions (JSON list of Python), input_output (JSON: inputs, outputs, fn_name),
    starter_code.

    Rows of codeparrot/apps (problem_id, difficulty, url) and BAAI/TACO (name, source, tags, ...), as their cards show
    them.
    """
    pairs = load_json(row.get("input_output")) or {}
    name = pairs.get("fn_name") or None
    inputs, outputs = pairs.get("inputs") or [], pairs.get("outputs") or []
    tests: list[tuple[Any, Any]] = list(zip(inputs, outputs, strict=False))
    if name:
        values = unwrap_values([output for _, output in tests])
        tests = [
            write_json_test(a if isinstance(a, list) else [a], value)
            for (a, _), value in zip(tests, values, strict=True)
        ]
    code = load_json(row.get("solutions")) or []
    return shape_problem(
        row.get("question"),
        tests,
        [("python", wrap_method(text, name) if name else text) for text in code if isinstance(text, str)],
        entry_point=name,
        source_id=row.get("problem_id", row.get("id")),
        extra=_rest(row, ("question", "input_output", "solutions", "problem_id", "id")),
    )


def unwrap_values(outputs: Sequence[Any]) -> list[Any]:
    """What the calls of one problem give: APPS writes each value inside a list of one, other sets the value itself, of
    which some lists are longer."""
    wrapped = all(isinstance(output, list) and len(output) == 1 for output in outputs)
    return [output[0] for output in outputs] if wrapped else list(outputs)


def name_function(text: str) -> str | None:
    """The name in `f`, `Solution().f` or `Solution.f(...)`, as sets write what is called; None for no name."""
    name = text.partition("(")[0] if "." not in text else text.rpartition(".")[2].partition("(")[0]
    return name.strip() if name.strip().isidentifier() else None


def wrap_method(code: str, name: str) -> str:
    """`code` with a function `name` where it has only a class `Solution` with such a method (the LeetCode form)."""
    if "class Solution" not in code:
        return code
    call = f"def {name}(*args, **kwargs):\n    return Solution().{name}(*args, **kwargs)\n"
    return f"from typing import *\n{code}\n\n\n{call}"


_CODE_CONTESTS = {1: "python2", 2: "cpp", 3: "python", 4: "java"}


def convert_code_contests(row: Row) -> dict[str, Any]:
    """CodeContests: description, public_tests, private_tests, generated_tests {input, output}, solutions and
    incorrect_solutions {language, solution}; card of deepmind/code_contests.

    Incorrect solutions come along without their label: the stage `code_tests` tells them apart, and its kill rate
    counts them.
    """
    tests = [pair for name in ("public_tests", "private_tests", "generated_tests") for pair in _pairs(row.get(name))]
    solutions: list[tuple[str, str]] = []
    for name in ("solutions", "incorrect_solutions"):
        block = row.get(name) or {}
        for language, code in zip(block.get("language") or [], block.get("solution") or [], strict=False):
            known = _CODE_CONTESTS.get(language, "other") if isinstance(language, int) else str(language).lower()
            known = {"python3": "python"}.get(known, known)
            if known in ("python", "cpp"):
                solutions.append((known, code))
    left = (
        "description",
        "public_tests",
        "private_tests",
        "generated_tests",
        "solutions",
        "incorrect_solutions",
        "name",
    )
    return shape_problem(
        row.get("description"), tests, _mixed(solutions), source_id=row.get("name"), extra=_rest(row, left)
    )


def _mixed(solutions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Every k-th, so that a cut keeps right and wrong ones, and both languages."""
    step = -(-len(solutions) // MAX_SOLUTIONS) or 1
    return solutions[::step]


def _pairs(block: Any) -> list[tuple[str, str]]:
    if isinstance(block, Mapping):
        return list(zip(block.get("input") or [], block.get("output") or [], strict=False))
    return [(t["input"], t["output"]) for t in block or []]


def convert_codeforces(row: Row) -> dict[str, Any]:
    """open-r1/codeforces: id, title, description, input_format, output_format, note, examples and official_tests
    [{input, output}], generated_checker, interaction_format; card of the set. Solutions are a set of their own.
    """
    parts = [("", "description"), ("Input", "input_format"), ("Output", "output_format"), ("Note", "note")]
    sections = [f"{head}\n{row[name]}".strip() for head, name in parts if row.get(name)]
    seen = dict.fromkeys(_pairs(row.get("examples")) + _pairs(row.get("official_tests")))
    left = ("description", "input_format", "output_format", "note", "examples", "official_tests", "id")
    solutions = [(s.get("language") or "python", s.get("code") or "") for s in row.get("solutions") or []]
    return shape_problem(
        "\n\n".join(sections),
        list(seen),
        solutions,
        source_id=row.get("id"),
        checker=None if row.get("interaction_format") else wrap_scorer(row.get("generated_checker")),
        custom_checker=bool(row.get("interaction_format")),
        extra=_rest(row, (*left, "solutions", "generated_checker")),
    )


_SCORER = """\
import contextlib, io, sys
_printed = io.StringIO()
_, _given, _output, _answer = sys.argv
sys.argv = ["checker.py", _given, _answer, _output]
_ended = 0
with contextlib.redirect_stdout(_printed):
    try:
        exec(compile({code!r}, "checker.py", "exec"), {{"__name__": "__main__"}})
    except SystemExit as _end:
        _ended = _end.code or 0
_score = _printed.getvalue().split()
sys.exit(3 if _ended or len(_score) != 1 else 0 if _score[0] in ("1", "1.0", "100", "100.0") else 1)
"""


def wrap_scorer(code: str | None) -> dict[str, Any] | None:
    """A checker that is called with input, answer and output, and prints a score (1 is right), as one whose exit status
    says it: open-r1/codeforces' `generated_checker`, as its card describes them."""
    if not code:
        return None
    return {"language": "python", "code": _SCORER.format(code=code), "protocol": "testlib", "flags": None}


def convert_live_code_bench(row: Row) -> dict[str, Any]:
    """LiveCodeBench-style rows: question_content, public_test_cases and private_test_cases (JSON lists of {input,
    output, testtype: stdin | functional}), metadata (JSON with func_name), question_id; card of
    livecodebench/code_generation_lite.

    Private tests may be base64 of a compressed pickle of that JSON, read by `read_packed`. Raises ValueError for
    other text.
    """
    private = row.get("private_test_cases")
    read = load_json(private)
    if isinstance(private, str) and private.strip() and read is None:
        read = json.loads(read_packed(private))
    cases = [*(load_json(row.get("public_test_cases")) or []), *(read or [])]
    name = (load_json(row.get("metadata")) or {}).get("func_name")
    tests = []
    for case in cases:
        if name and case.get("testtype") == "functional":
            args = [load_json(line) for line in case["input"].split("\n") if line.strip()]
            tests.append(write_json_test(args, load_json(case["output"])))
        else:
            tests.append((case["input"], case["output"]))
    return shape_problem(
        row.get("question_content"),
        tests,
        [("python", s) if isinstance(s, str) else (s["language"], s["code"]) for s in row.get("solutions") or []],
        entry_point=name,
        source_id=row.get("question_id"),
        extra=_rest(row, ("question_content", "public_test_cases", "private_test_cases", "question_id", "solutions")),
    )


def convert_asserts(row: Row) -> dict[str, Any]:
    """MBPP: text or prompt, code, test_list and challenge_test_list (lines `assert f(1) == 2`), test_setup_code,
    task_id; card of google-research-datasets/mbpp.

    Where no line is of that form, as with `assert math.isclose(f(1), 0.5, rel_tol=0.001)`, each is a test program.
    """
    lines = [*(row.get("test_list") or []), *(row.get("challenge_test_list") or [])]
    tests = [pair for line in lines for pair in read_asserts(line)]
    name = find_function(call for call, _ in tests)
    if name is None and (name := find_tested(row.get("code") or "", lines)) is not None:
        programs = [f"import math\n{line}" for line in lines if f"{name}(" in line]
        return _shape_asserts(row, [(program, None) for program in programs], name)
    chosen = [t for t in tests if t[0].startswith(f"{name}(")] or [t for t in tests if f"{name}(" in t[0]]
    return _shape_asserts(row, chosen, name)


def _shape_asserts(row: Row, tests: Sequence[tuple[str, str | None]], name: str | None) -> dict[str, Any]:
    setup = row.get("test_setup_code") or "\n".join(row.get("test_imports") or [])
    return shape_problem(
        row.get("text") or row.get("prompt"),
        tests,
        [("python", row["code"])] if row.get("code") else [],
        entry_point=name,
        source_id=row.get("task_id"),
        extra={"prelude": setup or None} | _rest(row, ("text", "prompt", "code", "test_list", "task_id")),
    )


def convert_human_eval(row: Row) -> dict[str, Any]:
    """HumanEval and HumanEval+: task_id, prompt, canonical_solution, test (a function `check(candidate)` of asserts),
    entry_point; in HumanEval+ also base_input and plus_input, whose outputs the stage `code_tests` sets;
    files of openai_humaneval and evalplus.
    """
    name = row.get("entry_point")
    tests: list[tuple[Any, Any]] = list(read_check(row.get("test") or "", name))
    more = [*(row.get("base_input") or []), *(row.get("plus_input") or [])]
    if name and more:
        known = {call for call, _ in tests}
        tests += [(call, None) for args in more if (call := write_call(name, args)) not in known]
    prompt = row.get("prompt") or ""
    solution = prompt + (row.get("canonical_solution") or "")
    return shape_problem(
        row.get("prompt"),
        tests,
        [("python", solution)] if row.get("canonical_solution") else [],
        entry_point=name,
        source_id=row.get("task_id"),
        extra={"prelude": _before(prompt, name)}
        | _rest(row, ("prompt", "canonical_solution", "test", "entry_point", "task_id", "base_input", "plus_input")),
    )


def _before(prompt: str, name: str | None) -> str | None:
    """The imports and helpers that stand before the function a prompt asks for: a fenced answer leaves them out."""
    head = re.split(rf"^def {re.escape(name)}\b", prompt, maxsplit=1, flags=re.MULTILINE) if name else []
    return head[0].strip() or None if len(head) == 2 else None


def convert_judged(row: Row) -> dict[str, Any]:
    """Problems with submissions: statement, tests [{tid, input, output} or {tid, call | kwargs, expected}], submissions
    [{sid, language, code}], checker {type, float_tol, case_sensitive}, entry_point, prelude, input_generator.
    """
    name = row.get("entry_point")
    tests: list[tuple[Any, Any]] = []
    for test in row.get("tests") or []:
        if "call" in test:
            tests.append((test["call"], test["expected"]))
            name = name or test["call"].partition("(")[0]
        elif "kwargs" in test:
            name = name or "main_solution"
            tests.append(write_json_test(test["kwargs"], test["expected"]))
        else:
            tests.append((test["input"], test.get("output")))
    if name is None and row.get("checker") is None and row.get("submissions"):
        name = _only_function([s["code"] for s in row["submissions"]], row.get("statement") or "")
    given = row.get("checker") or {}
    checker = {
        "float_tolerance": given.get("float_tol"),
        "ignore_case": given.get("case_sensitive") is False or None,
        "strict_whitespace": None,
    }
    return shape_problem(
        row.get("statement"),
        tests,
        [(s["language"], s["code"]) for s in row.get("submissions") or []],
        entry_point=name,
        source_id=row.get("id"),
        checker=checker if any(checker.values()) else None,
        custom_checker=given.get("type", "tokens") not in ("tokens", "default", "float"),
        extra={k: row[k] for k in ("title", "prelude", "input_generator", "license", "time_limit") if row.get(k)}
        | {"samples": [t["tid"] for t in row.get("tests") or [] if t.get("sample")] or None},
        test_ids=[t["tid"] for t in row.get("tests") or []],
        solution_ids=[s["sid"] for s in row.get("submissions") or []],
    )


def _only_function(programs: Sequence[str], statement: str) -> str | None:
    """The function that every program defines and the statement names; None where there is no such one."""
    shared: set[str] | None = None
    for code in programs:
        try:
            names = {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
        except (SyntaxError, ValueError):
            continue
        shared = names if shared is None else shared & names or shared
    return next((name for name in sorted(shared or (), key=len, reverse=True) if name in statement), None)


def _rest(row: Row, taken: Sequence[str]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in taken and v is not None and not k.startswith("_")}
