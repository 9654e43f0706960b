"""Code problems recognised by their tests: a known set's form where all its columns are there, else by what stands
in each place."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.code_asserts import find_function
from pipeline.ingest.code_presets import CODE_PRESETS
from pipeline.ingest.code_rows import name_function, shape_problem, wrap_method
from pipeline.ingest.recognize import cases, programs
from pipeline.ingest.recognize.statements import StatementReading
from pipeline.ingest.recognize.values import Field, Path, Row, parse_text, plain_name, reach, share
from schemas.conform import WHERE

FORMS: tuple[tuple[str, frozenset[str]], ...] = (
    ("livecodebench", frozenset({"question_content", "public_test_cases"})),
    ("code-contests", frozenset({"description", "public_tests"})),
    ("codeforces", frozenset({"description", "input_format", "output_format", "official_tests"})),
    ("mbpp", frozenset({"test_list", "code"})),
    ("apps", frozenset({"question", "input_output", "solutions"})),
    ("humaneval", frozenset({"prompt", "canonical_solution", "test", "entry_point"})),
)
"""Presets, and the columns by which a row has the form of its set."""
ENOUGH = 0.25
"""Share of rows with tests in a place; sets mix code with mathematics."""
ONLY_PROGRAMS = 0.6
"""What programs in a place must fit, by its name and its rows, for rows without tests or a function to be code."""
STARTERS = ("startercode", "starter", "stub", "signature", "functionsignature", "template")
PARALLEL = (
    ("inputs", "outputs"),
    ("input", "output"),
    ("testinputs", "testoutputs"),
    ("sampleinputs", "sampleoutputs"),
    ("stdin", "stdout"),
)
CODE_WORDS = frozenset({"code", "coding", "programming", "codegeneration", "program"})
HEADS = ("prompt", "starter_code", "complete_prompt", "code_prompt")
"""Columns with the head of the function of which a program is the body."""
ABILITIES = ("ability", "task_type", "category", "type", "domain")


@dataclass(frozen=True)
class CodeReading:
    """Where tests, programs and the function's name stand; `form` is the preset whose form the rows have."""

    form: str | None
    tests: tuple[Path, ...]
    parallel: tuple[Path, Path] | None
    programs: tuple[Path, ...]
    function: Path | None
    starter: Path | None
    fit: float
    only: bool
    """Whether all rows are code, also one without tests."""

    @property
    def shown(self) -> str:
        if self.form:
            return f"tests: as in the preset {self.form}"
        places = self.tests or self.parallel or ()
        return "tests: " + ", ".join(".".join(path) for path in places) if places else "no tests"

    def shape(self, row: Row, statement: StatementReading) -> dict[str, Any] | None:
        """The row as a code problem; None where it is none. Raises what a preset's converter raises."""
        if self.form:
            return dict(CODE_PRESETS[self.form].convert(row)) | {WHERE: row.get(WHERE)}
        function = reach(row, self.function) if self.function else None
        function = name_function(function) if isinstance(function, str) else None
        read = self._read_tests(row, function)
        labelled = any(plain_name(str(row.get(key))) in CODE_WORDS for key in ABILITIES)
        if not read and not self.only and not labelled:
            return None
        name = function or (name_function(read.function) if read.function else None)
        starter = reach(row, self.starter) if self.starter else None
        if name is None and read.calls:
            name = find_function(call for call, _ in read.calls)
        if name is None and isinstance(starter, str) and (defined := re.findall(r"def (\w+)\s*\(", starter)):
            name = next((one for one in defined if not one.startswith("__")), None)
        text = statement.read(row)
        codes = [pair for path in self.programs for pair in programs.read_programs(reach(row, path))]
        if name:
            codes = [(language, self._complete(code, name, row)) for language, code in codes]
        used = {path[0] for path in self.tests + self.programs if len(path) == 1} | statement.used
        used |= {path[0] for path in self.parallel or () if len(path) == 1}
        prelude = self._find_prelude(row, statement)
        rest = {k: v for k, v in row.items() if k not in used and k != WHERE and v is not None}
        rest.pop("entry_point", None)
        return shape_problem(
            text,
            list(dict.fromkeys((_text(a), _text(b)) for a, b in cases.write_tests(read, name))),
            list(dict.fromkeys(codes)),
            entry_point=name,
            extra={"prelude": prelude} | rest,
        ) | {WHERE: row.get(WHERE)}

    def _read_tests(self, row: Row, function: str | None) -> cases.Cases:
        if self.parallel:
            given, expected = (reach(row, path) for path in self.parallel)
            return cases.read_tests({"inputs": given, "outputs": expected}, function)
        merged = cases.Cases(function=function)
        for path in self.tests:
            tests = cases.read_tests(reach(row, path), function)
            merged.pairs += tests.pairs
            merged.calls += tests.calls
            merged.function = merged.function or tests.function
        return merged

    def _complete(self, code: str, name: str, row: Row) -> str:
        """A program that defines the function: a class's method gets a function, a body its head."""
        if re.search(rf"\bdef {re.escape(name)}\b", code):
            return wrap_method(code, name)
        head = next((v for k in HEADS if isinstance(v := row.get(k), str) and f"def {name}" in v), "")
        return head + code

    def _find_prelude(self, row: Row, statement: StatementReading) -> str | None:
        """Imports in a column of their own, as LeetCode sets have them under `prompt`."""
        for column in ("prompt", "prelude", "imports", "test_setup_code"):
            text = row.get(column)
            if column not in statement.used and isinstance(text, str) and re.match(r"\s*(?:import|from) \w", text):
                return text
        return None


def _text(value: Any) -> Any:
    """A test's side that can be compared: lists of lines as text."""
    return (
        "\n".join(map(str, value))
        if isinstance(value, list | tuple)
        else value
        if isinstance(value, str)
        else str(value)
    )


def find_code(fields: Sequence[Field], rows: Sequence[Row], label: Path | None = None) -> CodeReading | None:
    """How the rows' tests are to be read, or None where too few rows have any. Programs beside a `label` of their own
    only say how to reckon it, and make no row code."""
    columns = {field.path[0] for field in fields}
    for name, needed in FORMS:
        if needed <= columns and (fit := _fit_form(rows, CODE_PRESETS[name].convert)) >= 0.5:
            return CodeReading(name, (), None, (), None, None, fit, True)
    function = next(
        (f.path for f in fields if f.name in _FUNCTIONS and any(isinstance(v, str) for v in f.values)), None
    )
    names = [name_function(v) if isinstance(v, str) else None for v in _values(fields, function, len(rows))]
    asserted: list[Path] = []
    paired: list[Path] = []
    there = [False] * len(rows)
    for field in fields:
        if field.name not in cases.NAMES or any(path == field.path[: len(path)] for path in (*asserted, *paired)):
            continue
        read = [cases.read_tests(value, name) for value, name in zip(field.values, names, strict=True)]
        if share([bool(tests) for tests in read]) < ENOUGH:
            continue
        (asserted if sum(bool(t.calls) for t in read) > sum(bool(t.pairs) for t in read) else paired).append(field.path)
        there = [before or bool(tests) for before, tests in zip(there, read, strict=True)]
    parallel = None if asserted or paired else _find_parallel(fields)
    if parallel:
        there = [True] * len(rows)
    codes = [field for field in fields if field.name in programs.NAMES and field.path not in (*asserted, *paired)]
    fits = [
        (programs.NAMES[f.name] * share([bool(programs.read_programs(v)) for v in f.values]), f.path) for f in codes
    ]
    fits = sorted((pair for pair in fits if pair[0] >= 0.3), key=lambda pair: (-pair[0], len(pair[1])))
    fit = share(there)
    has_programs = bool(fits) and (
        function is not None or (fits[0][0] >= ONLY_PROGRAMS and label in (None, fits[0][1]))
    )
    if fit < ENOUGH and not has_programs:
        return None
    starter = next((field.path for field in fields if field.name in STARTERS), None)
    chosen = tuple(asserted or paired)
    return CodeReading(
        None, chosen, parallel, tuple(path for _, path in fits[:1]), function, starter, fit, fit > 0.75 or has_programs
    )


_FUNCTIONS = frozenset(plain_name(name) for name in cases.FUNCTIONS)


def _values(fields: Sequence[Field], path: Path | None, count: int) -> Sequence[Any]:
    return next((field.values for field in fields if field.path == path), (None,) * count)


def _find_parallel(fields: Sequence[Field]) -> tuple[Path, Path] | None:
    """Two columns with as many inputs as outputs in each row."""
    for given, expected in PARALLEL:
        pair = [next((f for f in fields if f.name == name), None) for name in (given, expected)]
        if pair[0] is None or pair[1] is None:
            continue
        lists = [
            cases.read_tests({"inputs": a, "outputs": b}) if _is_list(a) and _is_list(b) else None
            for a, b in zip(pair[0].values, pair[1].values, strict=True)
        ]
        if share([bool(programs) for programs in lists]) > 0.5:
            return pair[0].path, pair[1].path
    return None


def _is_list(value: Any) -> bool:
    return isinstance(parse_text(value), list | tuple)


def _fit_form(rows: Sequence[Row], convert: Callable[[Row], Mapping[str, Any]]) -> float:
    fits = []
    for row in rows:
        try:
            shaped = convert(row)
        except (LookupError, TypeError, ValueError, AttributeError):
            fits.append(False)
        else:
            fits.append(bool(shaped.get("statement") and (shaped.get("tests") or shaped.get("solutions"))))
    return share(fits)
