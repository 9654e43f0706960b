"""One question to a run's list of problems: from the address of a page to row numbers, and back to an address."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import polars as pl

from pipeline.publish.view.index import FACETS, Index
from schemas.errors import InputError

PAGE = 50
"""Problems on a page: two screens or three."""
LONGEST = 500
"""Characters of a text that is looked for."""
SORTS = {
    "chance": "in random order",
    "hard": "hardest first",
    "easy": "easiest first",
    "run": "as they came",
}
WORDS = re.compile(r'"([^"]*)"?|(\S+)')


@dataclass(frozen=True)
class Query:
    """What is asked for. An empty tuple, text or None asks for nothing; `low` and `high` are bins, both included."""

    text: str = ""
    outcome: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    flagged: bool = False
    sort: str = "chance"
    page: int = 1

    @property
    def words(self) -> tuple[str, ...]:
        """What a problem's text must have, all of it: words, and phrases in double quotes. Case does not matter."""
        terms = (quoted.strip() or word for quoted, word in WORDS.findall(self.text))
        return tuple(dict.fromkeys(word for word in terms if word))

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for but an order and a page."""
        return replace(self, sort="chance", page=1) != Query()

    def address(self, **changes: Any) -> str:
        """The part of an address after `?` that asks this, with some fields changed; the first page unless named."""
        asked = replace(self, **{"page": 1} | changes)
        pairs: list[tuple[str, Any]] = [("q", asked.text)] if asked.text else []
        pairs += [(name, value) for name in FACETS for value in getattr(asked, name)]
        pairs += [("from", asked.low)] * (asked.low is not None) + [("to", asked.high)] * (asked.high is not None)
        pairs += [("flagged", "1")] * asked.flagged
        pairs += [("sort", asked.sort)] * (asked.sort != "chance") + [("page", asked.page)] * (asked.page > 1)
        return urlencode(pairs)

    def toggle(self, facet: str, value: str) -> str:
        """The address with one value of a facet added, or taken away where it is asked for."""
        now: tuple[str, ...] = getattr(self, facet)
        return self.address(**{facet: tuple(v for v in now if v != value) if value in now else (*now, value)})


def read_query(pairs: Sequence[tuple[str, str]]) -> Query:
    """The question that an address asks. Raises InputError naming the part that cannot be read.

    `fate` is `outcome` in addresses of older pages.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault("outcome" if name == "fate" else name, []).append(value)
    first = {name: values[0].strip() for name, values in given.items()}
    if len(first.get("q", "")) > LONGEST:
        raise InputError(f"q: {len(first['q'])} characters are too many to look for; give {LONGEST} at most")
    sort = first.get("sort") or "chance"
    if sort not in SORTS:
        raise InputError(f"sort: {sort!r} is no order; there are {', '.join(SORTS)}")
    return Query(
        text=first.get("q", ""),
        **{name: tuple(dict.fromkeys(v for v in given.get(name, ()) if v)) for name in FACETS},
        low=_number(first, "from"),
        high=_number(first, "to"),
        flagged=first.get("flagged", "") == "1",
        sort=sort,
        page=max(1, _number(first, "page") or 1),
    )


def _number(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise InputError(f"{name}: {text[:40]!r} is not a whole number")
    return int(text)


def filter_rows(
    index: Index, query: Query, matches: pl.Series | None, flagged: Sequence[str], ignore: str = ""
) -> pl.LazyFrame:
    """The rows of the index that `query` asks for, with their number as `row`, unsorted.

    `matches` says for each place whether the query's words are there; `flagged` are the ids with an open flag. The
    facet `ignore` (or `bin`) is left out: so its counts are of what choosing it would give.
    """
    rows = index.rows.lazy().with_row_index("row")
    if matches is not None:
        rows = rows.with_columns(matches.gather(index.rows["place"]).alias("found")).filter("found")
    for facet in FACETS:
        wanted = getattr(query, facet)
        if wanted and facet != ignore:
            rows = rows.filter(pl.any_horizontal(pl.col(facet) == value for value in wanted))
    if ignore != "bin":
        if query.low is not None:
            rows = rows.filter(pl.col("bin") >= query.low)
        if query.high is not None:
            rows = rows.filter(pl.col("bin") <= query.high)
    if query.flagged:
        rows = rows.filter(pl.col("id").is_in(list(flagged)))
    return rows


def order_rows(rows: pl.LazyFrame, sort: str) -> pl.Series:
    """Row numbers in the order asked for; problems without a pass rate come last."""
    if sort == "run":
        rows = rows.sort("place")
    elif sort != "chance":
        rows = rows.sort("pass_rate", "row", descending=[sort == "easy", False], nulls_last=True)
    return rows.select("row").collect()["row"]


def count_facet(rows: pl.LazyFrame, facet: str) -> dict[str, int]:
    """Value -> problems, most first."""
    counted = rows.group_by(facet).len().collect()
    pairs = [(str(value), int(problems)) for value, problems in counted.iter_rows() if value is not None]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def count_bins(rows: pl.LazyFrame, of: int) -> list[int]:
    """Problems by correct samples of `of`; those without a rate are in none."""
    counted = dict(rows.drop_nulls("bin").group_by("bin").len().collect().iter_rows())
    return [int(counted.get(bin_, 0)) for bin_ in range(of + 1)]
