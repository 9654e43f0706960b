"""The items of the benchmarks that a config names, by the readers of ingest; a set that cannot be read is an error.

A benchmark that was silently left out would be worse than none: the report would call the set clean.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from pipeline.decontaminate.presets import choose_benchmark
from pipeline.dedup.reading import read_statement
from schemas.config import Benchmark
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

_FUNCTION = re.compile(r"(?s)\A(.*?)\bdef\s+(\w+)\s*\(.*?\)\s*(?:->[^:\n]+)?:\s*(?:\"\"\"|''')(.*?)(?:\"\"\"|'''|\Z)")
_CALLED = re.compile(r"(?<=\bdef )\w+(?=\s*\()|\b(?:[A-Za-z][a-z0-9]*_\w*|[a-z]+[A-Z]\w*)(?=\s*\()")
CALLED = "called"
_EXAMPLES = re.compile(
    r"(?m)^[ \t]*+(?:>>>|(?:for\s++)?examples?\b\s*+\d*+\s*+:|assert\b|\[input/output\]).*", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Item:
    """One problem of a benchmark: where it is from, what it says, and its label where it has one."""

    benchmark: str
    id: str
    text: str
    answer: str | None = None


def read_items(benchmarks: Iterable[str | Benchmark]) -> list[Item]:
    """All items of all sets, in their order. Raises InputError that names the set and what to do about it."""
    named = [choose_benchmark(asked) for asked in benchmarks]
    if not named:
        raise InputError(
            "decontaminate.benchmarks names no set; give presets ([gsm8k, math-500]) or sets of your own "
            "({name: ..., files: PATH, text: COLUMN})"
        )
    return [item for benchmark in named for item in (_read(benchmark) if benchmark.files else _fetch(benchmark))]


def hash_items(items: Iterable[Item]) -> str:
    """A hash of what items say, wherever they were read."""
    return hashlib.sha256(repr([astuple(item) for item in items]).encode()).hexdigest()


@lru_cache(maxsize=16)
def _fetch(benchmark: Benchmark) -> tuple[Item, ...]:
    """A Hub set once in a process; files are read again, since they may have changed."""
    return tuple(_read(benchmark))


def _read(benchmark: Benchmark) -> Iterator[Item]:
    try:
        rows = _open(benchmark)
        first = next(rows, None)
    except InputError as error:
        raise InputError(f"benchmark {benchmark.name!r}: {error}") from error
    if first is None:
        raise InputError(f"benchmark {benchmark.name!r}: it has no rows; give a file or a split that has some")
    for number, row in enumerate(chain([first], rows)):
        if isinstance(row, InvalidRow):
            raise InputError(f"benchmark {benchmark.name!r}: {row.detail}")
        text = row.get(benchmark.text)
        if not isinstance(text, str):
            there = ", ".join(name for name in row if name != WHERE)
            raise InputError(
                f"benchmark {benchmark.name!r}: {row.get(WHERE, f'row {number}')} has no text in column "
                f"{benchmark.text!r}; it has: {there}; name the column with `text`"
            )
        yield Item(*_name(benchmark, row, number), text, _read_answer(benchmark, row))


def _open(benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    from pipeline.ingest.files import read_rows
    from pipeline.ingest.hub import read_dataset

    if benchmark.files is not None:
        return read_rows(benchmark.files)
    assert benchmark.dataset is not None
    return read_dataset(
        benchmark.dataset,
        benchmark.subset,
        benchmark.split,
        benchmark.revision,
        benchmark.streaming,
        without=frozenset({"private_test_cases", "public_test_cases"}),
    )


def _name(benchmark: Benchmark, row: Mapping[str, Any], number: int) -> tuple[str, str]:
    bench = row.get(benchmark.bench) if benchmark.bench else None
    own = row.get(benchmark.id) if benchmark.id else None
    return str(bench or benchmark.name), str(number if own is None else own)


def _read_answer(benchmark: Benchmark, row: Mapping[str, Any]) -> str | None:
    answer = row.get(benchmark.answer) if benchmark.answer else None
    return None if answer is None else str(answer)


def mask_calls(text: str) -> str:
    """A text with one name for the functions that it defines or calls: under another name it asks for the same."""
    names = set(_CALLED.findall(text))
    return re.sub(rf"\b(?:{'|'.join(sorted(map(re.escape, names)))})\b", CALLED, text) if names else text


def read_problem(text: str) -> str:
    """The canonical line of a problem, as items are read."""
    return read_statement(mask_calls(text))


def read_core(text: str) -> str:
    """What an item asks: of a function's stub the docstring without its examples, of anything else the text."""
    function = _FUNCTION.match(text)
    if function is None:
        return text
    description = _EXAMPLES.sub("", function[3]).strip()
    return description if len(description.split()) >= 5 else function[3]
