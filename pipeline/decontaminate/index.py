"""The index over benchmark items: which items share rare word runs, or all their numbers, with a problem.

Runs are of canonical tokens (`pipeline/dedup/reading.py`) with every number masked, so that a template with other
numbers is a candidate too, and is then distinguished. A run weighs one over the number of items that have it: what
every item of a benchmark says (`write a function to find the`) weighs nothing.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.decontaminate.items import Item, hash_items, mask_calls, read_core
from pipeline.dedup.reading import END, is_number, is_ordinal, read_tokens
from pipeline.dedup.statement import Statement

NUMBER = "#"
RUN = 4
"""Tokens a run. Four survive a renamed person or a synonym every few words; what they find is weighed by how rare it is
among the items, so that `write a function to` counts for nothing."""
COMMON = 50
"""Items that share a run above which it is not looked up: it weighs under a fiftieth, and long lists cost time."""
CACHED = 4
"""Indexes kept in a process: a run has one, tests and benchmarks a few."""


@dataclass(frozen=True)
class Entry:
    """An item, as read for comparing: its whole line, and its core's line, tokens and runs with their weights."""

    item: Item
    line: str
    core: Statement
    tokens: tuple[str, ...]
    runs: dict[str, float]
    weight: float


@dataclass(frozen=True)
class Index:
    """Entries, and where they are found: by masked run, by set of numbers, by whole short line, by single number."""

    entries: tuple[Entry, ...]
    by_run: dict[str, list[int]]
    by_numbers: dict[frozenset[str], list[int]]
    by_sentence: dict[str, list[int]]
    by_number: dict[str, list[int]]


def mask(token: str) -> str:
    """A token with its number gone: `12` and `3/4` are alike."""
    return NUMBER if is_number(token) or is_ordinal(token) else token


def cut_runs(tokens: Sequence[str]) -> Iterator[str]:
    """Each run of RUN masked tokens; of fewer tokens, the one run that they are."""
    masked = [mask(token) for token in tokens]
    for at in range(max(1, len(masked) - RUN + 1)):
        yield " ".join(masked[at : at + RUN])


def drop_ends(tokens: Sequence[str]) -> tuple[str, ...]:
    """Tokens without the marks between sentences."""
    return tuple(token for token in tokens if token != END)


def build_index(items: Sequence[Item]) -> Index:
    """The index of items, built once for the same items: later calls in the same process get the same one."""
    digest = hash_items(items)
    if digest not in _BUILT:
        _BUILT[digest] = _build(items)
        while len(_BUILT) > CACHED:
            _BUILT.popitem(last=False)
    return _BUILT[digest]


_BUILT: OrderedDict[str, Index] = OrderedDict()


def _build(items: Sequence[Item]) -> Index:
    cores = [" ".join(read_tokens(mask_calls(read_core(item.text)))) for item in items]
    lines = [" ".join(read_tokens(mask_calls(item.text))) for item in items]
    tokens = [drop_ends(core.split()) for core in cores]
    runs = [set(cut_runs(tokens_of_text)) if tokens_of_text else set() for tokens_of_text in tokens]
    # An item that two benchmarks share must not make its own runs look common.
    common = Counter(run for distinct in dict(zip(cores, runs, strict=True)).values() for run in distinct)
    entries: list[Entry] = []
    by_run: dict[str, list[int]] = defaultdict(list)
    by_numbers: dict[frozenset[str], list[int]] = defaultdict(list)
    by_sentence: dict[str, list[int]] = defaultdict(list)
    by_number: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        rare = [run for run in sorted(runs[place]) if common[run] <= COMMON] or sorted(runs[place])
        weights = {run: 1 / common[run] for run in rare}
        core = Statement(cores[place])
        entries.append(Entry(item, lines[place], core, tokens[place], weights, sum(weights.values())))
        for run in weights:
            by_run[run].append(place)
        by_numbers[core.numbers].append(place)
        for number in core.numbers:
            by_number[number].append(place)
        if tokens[place]:
            by_sentence[" ".join(tokens[place])].append(place)
    return Index(tuple(entries), by_run, by_numbers, by_sentence, by_number)
