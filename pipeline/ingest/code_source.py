"""Code problems of a source: rows of the public sets through their preset, contest packages, reasoning_gym's programs.

reasoning_gym's `codeio` is a set of 3,002 tasks, each with a reference program and a generator of inputs, of which the
library makes questions about outputs. With `domain: code` the task itself is the problem. What the library would
execute in its own process to make labels is run in the sandbox here, and becomes the problem's tests.
"""

import ast
import gzip
import json
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from pipeline.ingest.code_presets import CodePreset
from pipeline.ingest.code_rows import shape_problem, write_call
from pipeline.ingest.files import read_packages, read_rows
from pipeline.ingest.held import take
from pipeline.ingest.hub import read_dataset
from pipeline.ingest.mapping import read_column
from pipeline.ingest.recognize import recognise
from schemas.config import ReadingConfig, SandboxConfig, Source
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

Row = dict[str, Any]
READING = ReadingConfig()
GYM = "codeio"
ENTRY = "main_solution"
PEEK = 64
"""Rows looked at for a statement before anything runs."""
TESTS = 12
PARAMS = ("difficulty", "max_chars", "tests")

_HARNESS = """
from random import Random
{program}

{generator}

import sys as _sys
_inputs = generate_inputs(Random(int(_sys.stdin.read())))
_given = repr(_inputs)
print("\\n" + repr((_given, repr({entry}(**_inputs)))))
"""


def read_code(source: Source, preset: CodePreset, reading: ReadingConfig = READING) -> Iterator[Row]:
    """Rows of the set that `preset` knows, in the contract's names; `source.columns` override its own.

    A row that the preset cannot read is an invalid row. Raises InputError for a place that is not there, and where
    none of the first rows has a statement.
    """
    rows = _open(source, preset, reading)
    first = take(rows if source.limit is None else islice(rows, source.limit), PEEK)
    shaped = [shape_row(row, source, preset) for row in first]
    readable = [row for row in first if not isinstance(row, InvalidRow)]
    if readable and not any(row.get("statement") or isinstance(row, InvalidRow) for row in shaped):
        raise InputError(
            f"source {source.name!r}: no row has a statement in the form of the preset {preset.name!r}; "
            f"there are: {', '.join(name for name in readable[0] if name != WHERE)}{_other(readable)}"
        )
    left = None if source.limit is None else source.limit - len(first)
    return chain(shaped, (shape_row(row, source, preset) for row in islice(rows, left)))


def _other(rows: list[Row]) -> str:
    guessed = recognise(rows)
    return f"; without the preset they are read as {guessed.describe()}" if guessed else ""


def _open(source: Source, preset: CodePreset, reading: ReadingConfig) -> Iterator[Row]:
    if preset.packages:
        if source.files is None:
            raise InputError(f"source {source.name!r}: preset {preset.name!r} wants `files: FOLDER`, of packages")
        return read_packages(source.files, reading)
    if source.files is not None:
        return read_rows(source.files, reading=reading)
    assert source.dataset is not None
    split = source.split or preset.split
    return read_dataset(
        source.dataset, source.subset, split, source.revision, source.streaming, preferred=preset.subset
    )


def shape_row(row: Row, source: Source, preset: CodePreset) -> Row:
    """One row as a problem; what the preset cannot read says so."""
    if isinstance(row, InvalidRow):
        return row
    try:
        shaped = dict(preset.convert(row))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        wrong = f"{row.get(WHERE)}: not in the form of the preset {preset.name!r} ({type(error).__name__}: {error})"
        return InvalidRow(wrong, {"raw": json.dumps(row, default=str), WHERE: row.get(WHERE)})
    for name, column in source.columns.items():
        shaped[name] = read_column(row, column)
    shaped["source_id"] = shaped.get("source_id") or row.get("source_id")
    return shaped | {
        "domain": "code",
        "language": source.language or shaped.get("language") or "en",
        WHERE: row.get(WHERE),
    }


def read_gym_code(
    size: int, seed: int, params: Mapping[str, Any], sandbox: SandboxConfig, draw: Callable[[], list[Row]] | None = None
) -> Iterator[Row]:
    """`size` tasks of reasoning_gym's `codeio` (fewer where it has no more): the statement is a function to complete.

    `params`: `difficulty` (1 to 10; only tasks that were given one), `max_chars` of the reference program, `tests` (12)
    a task at most. A task whose reference gives nothing that can be compared has no tests. Raises InputError.
    """
    unknown = sorted(set(params) - set(PARAMS))
    if unknown:
        raise InputError(f"reasoning_gym {GYM} as code: no parameter {unknown[0]!r}; it has: {', '.join(PARAMS)}")
    tasks = [(at, task) for at, task in enumerate((draw or read_tasks)()) if _wanted(task, params)]
    if not tasks:
        raise InputError(f"reasoning_gym {GYM} as code: no task with {dict(params)}; widen them")
    chosen = random.Random(seed).sample(tasks, min(size, len(tasks)))
    return _shape_tasks(chosen, seed, int(params.get("tests", TESTS)), sandbox)


def _wanted(task: Row, params: Mapping[str, Any]) -> bool:
    hard, longest = params.get("difficulty"), params.get("max_chars")
    return (hard is None or task.get("difficulty") == hard) and (longest is None or len(task["code_sample"]) <= longest)


def read_tasks() -> list[Row]:
    """The tasks as the library ships them; its own reader is left aside because it executes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from reasoning_gym.data import get_data_file_path

    with gzip.open(get_data_file_path(f"{GYM}.jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _shape_tasks(tasks: list[tuple[int, Row]], seed: int, tests: int, config: SandboxConfig) -> Iterator[Row]:
    from pipeline.sandbox import open_sandbox

    with open_sandbox(config) as sandbox:
        for at, task in tasks:
            row: Row = {WHERE: f"reasoning_gym {GYM} task {at}", "source_id": f"{GYM}-{at}"}
            try:
                stub = write_stub(task["code_sample"], f"{task['task_description']}\n\n{task['input_output_spec']}")
            except (SyntaxError, ValueError) as error:
                yield InvalidRow(f"{row[WHERE]}: its reference program cannot be read: {error}", row)
                continue
            pairs = run_reference(sandbox, task["code_sample"], task["input_generator"], seed, tests)
            shaped = shape_problem(
                stub,
                pairs,
                [("python", task["code_sample"])],
                entry_point=ENTRY,
                extra={"input_generator": task["input_generator"], "difficulty": task.get("difficulty")},
                solution_ids=["reference"],
            )
            yield shaped | row | {"language": "en"}


def write_stub(code: str, description: str) -> str:
    """The head of the function `main_solution` of `code`, without annotations, with `description` as its docstring."""
    functions = [n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef) and n.name == ENTRY]
    if not functions:
        raise ValueError(f"there is no function {ENTRY}")
    for node in ast.walk(functions[-1].args):
        if isinstance(node, ast.arg):
            node.annotation = None
    text = description.strip().replace('"""', "'''").replace("\n", "\n    ")
    lines = [line.rstrip() for line in text.split("\n")]
    raw = "r" if "\\" in text else ""
    end = " " if lines[-1].endswith('"') else ""
    return f'def {ENTRY}({ast.unparse(functions[-1].args)}):\n    {raw}"""' + "\n".join(lines) + f'{end}"""'


def run_reference(sandbox: "Sandbox", code: str, generator: str, seed: int, count: int) -> list[tuple[str, str]]:
    """(call, value) of at most `count` distinct inputs that `generator` makes and `code` answers with plain data."""
    from pipeline.sandbox import Case, Program
    from pipeline.sandbox.calls import NoLiteral, read_literal

    program = Program("python", _HARNESS.format(program=code, generator=generator, entry=ENTRY))
    pairs: dict[str, str] = {}
    for run in sandbox.run(program, [Case(str(seed * 1000 + at)) for at in range(count)]):
        if run.status != "passed" or not run.output.strip():
            continue
        try:
            given, value = read_literal(run.output.strip().splitlines()[-1])
            call = write_call(ENTRY, (), read_literal(given))
            read_literal(value)
        except (NoLiteral, ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError):
            continue
        pairs.setdefault(call, value)
    return list(pairs.items())
