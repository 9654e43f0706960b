"""Every list of the page is what a plain reading of all tables gives."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish.view.index import FACETS, build_index
from pipeline.publish.view.query import PAGE, SORTS, Query, read_query
from pipeline.publish.view.runs import OpenRun
from pipeline.run.storage import RunFolder
from schemas.errors import InputError
from tests.pipeline.publish.report_runs import N, Told, lay_run, tell_small_run, tell_sums

WORDS = (
    "what",
    "marbles",
    "12 + 5",
    "Straße",
    "STRASSE",
    "É",
    "é",
    ".*",
    "\\",
    "(a)",
    "sum-1",
    '"',
    "no such word",
    "1",
)
OUTCOMES = ("keep", "too_easy", "proof", "waiting", "gone")


def tell_mixed() -> list[Told]:
    """The small run, the same sum from another source (rejected), other languages and domains, and odd texts."""
    again = Told("What is 12 + 5 - 1?", "16", "copied", "again", ("screen", "duplicate", "of sum-0"))
    other = [
        Told("Combien font 2 et É ?", "4", "ailleurs", extra={"language": "fr"}),
        Told("Wie lang ist die Straße .*?", "4", "ailleurs", extra={"language": "de"}, samples=samples(9)),
        Told("Write a program \\ that prints 1.", None, "ailleurs", extra={"domain": "code"}, samples=samples(2)),
    ]
    return [*tell_small_run(), again, *other]


def samples(right: int) -> list[tuple[str, str | None, str]]:
    return [("4", "4", "correct")] * right + [(str(n), str(n), "wrong") for n in range(10, 26 - right)]


@cache
def mixed_run() -> OpenRun:
    """A run whose last shard is not decided yet: its problems wait."""
    return OpenRun(lay_run(Path(mkdtemp()), tell_mixed(), shard_rows=11, finished=False))


def read_plainly(folder: RunFolder) -> list[dict[str, Any]]:
    """Every problem with its outcome and grades, from whole tables, one after the other."""
    decisions = pl.concat([table for _, table in folder.read_tables("decisions")])
    by_id = {row["problem_id"]: row for row in decisions.iter_rows(named=True)}
    labels = {
        row["problem_id"]: "clash" if row["clash"] else row["outcome"]
        for _, table in folder.read_tables("labels")
        for row in table.iter_rows(named=True)
    }
    rows = []
    published = {name.removeprefix("curated/") for name in folder.list("curated")}
    for name in (*folder.list("curated"), *folder.list("rejected"), *folder.list("stages/screen")):
        if name.startswith("stages/") and name.removeprefix("stages/screen/") in published:
            continue
        for row in folder.read_table(name).iter_rows(named=True):
            outcome = row.get("reason") or ("keep" if name.startswith("curated/") else "waiting")
            graded = by_id.get(row["id"], {}) if row.get("stage") in (None, "decide") else {}
            grades = {key: graded.get(key) for key in ("n", "correct", "pass_rate")}
            label = labels.get(row["id"], "") if row.get("stage") in (None, "decide") else ""
            rows.append(row | grades | {"outcome": outcome, "label": label, "at": len(rows)})
    return sorted(rows, key=lambda row: (row["id"], row["at"]))


@cache
def plain_rows() -> list[dict[str, Any]]:
    return read_plainly(mixed_run().folder)


def fits(row: dict[str, Any], query: Query, ignore: str = "") -> bool:
    """What `Query` says, row by row."""
    bin_ = None if row["pass_rate"] is None else round(row["pass_rate"] * N)
    narrowed = all(getattr(query, f) == () or row[f] in getattr(query, f) for f in FACETS if f != ignore)
    low = query.low is None or (bin_ is not None and bin_ >= query.low)
    high = query.high is None or (bin_ is not None and bin_ <= query.high)
    texts = [row[name] or "" for name in ("statement", "answer", "source_id")]
    said = all(
        row["id"].startswith(word.lower()) or any(re.search(re.escape(word), text, re.IGNORECASE) for text in texts)
        for word in query.words
    )
    return narrowed and (ignore == "bin" or (low and high)) and said


bins = st.none() | st.integers(0, N)
queries = st.builds(
    Query,
    text=st.lists(st.sampled_from(WORDS), max_size=2).map(" ".join) | st.text(max_size=3),
    outcome=st.lists(st.sampled_from(OUTCOMES), max_size=2, unique=True).map(tuple),
    source=st.lists(st.sampled_from(["sums", "words", "ailleurs", "none"]), max_size=2, unique=True).map(tuple),
    language=st.sampled_from([(), ("en",), ("fr", "de")]),
    domain=st.sampled_from([(), ("math",), ("code",)]),
    low=bins,
    high=bins,
    sort=st.sampled_from(list(SORTS)),
    page=st.integers(1, 3),
)


@given(queries)
def test_a_list_is_what_a_plain_reading_gives(query: Query) -> None:
    run, flags = mixed_run(), mixed_run().flags()
    expected = [row for row in plain_rows() if fits(row, query)]
    if query.sort == "run":
        expected.sort(key=lambda row: int(row["at"]))
    if query.sort in ("hard", "easy"):
        sign = 1 if query.sort == "hard" else -1
        expected.sort(key=lambda row: (row["pass_rate"] is None, sign * (row["pass_rate"] or 0.0)))
    listed = run.list(run.index, run.select(run.index, query, flags).to_list())
    columns = ("id", "outcome", "source", "language", "domain", "n", "correct", "answer", "source_id", "statement")
    assert [[row[c] for c in columns] for row in listed] == [[row[c] for c in columns] for row in expected]


@given(queries)
def test_counts_say_what_choosing_would_give(query: Query) -> None:
    run = mixed_run()
    counts = run.count(run.index, query, run.flags())
    for facet in FACETS:
        expected = Counter(row[facet] for row in plain_rows() if fits(row, query, facet))
        assert counts[facet] == dict(expected)
    rated = Counter(
        round(row["pass_rate"] * N) for row in plain_rows() if row["pass_rate"] is not None and fits(row, query, "bin")
    )
    assert counts["bins"] == [rated[bin_] for bin_ in range(N + 1)]


@given(queries)
def test_an_address_asks_what_it_was_made_from(query: Query) -> None:
    from urllib.parse import parse_qsl

    again = read_query(parse_qsl(query.address(page=query.page), keep_blank_values=True))
    assert again == Query(**{**vars(query), "text": query.text.strip()})


def test_addresses_of_older_pages_are_read() -> None:
    assert read_query([("fate", "keep"), ("fate", "too_easy")]) == read_query(
        [("outcome", "keep"), ("outcome", "too_easy")]
    )


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (("from", "many"), "from: 'many' is not a whole number"),
        (("page", "-1"), "page"),
        (("sort", "random"), "there are chance, hard, easy, run"),
        (("q", "x" * 501), "501 characters"),
    ],
)
def test_a_bad_address_names_what_is_wrong(pair: tuple[str, str], told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        read_query([pair])


def test_the_same_problem_from_two_sources_is_two_rows() -> None:
    index = mixed_run().index
    id_ = next(row["id"] for row in plain_rows() if row["source"] == "copied")
    twice = index.find(id_)
    assert twice["copy"].to_list() == [0, 1]
    assert set(twice["outcome"].cast(pl.String)) == {"duplicate", "never_solved"}
    assert twice.filter(pl.col("outcome").cast(pl.String) == "duplicate")["n"].to_list() == [None]


def test_a_page_holds_so_many(tmp_path: Path) -> None:
    assert PAGE == 50
    run = OpenRun(lay_run(tmp_path, tell_sums(60)))
    assert len(run.select(run.index, Query(), run.flags())) == 60


def test_a_damaged_table_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_sums(24), shard_rows=8)
    whole = build_index(folder)
    for name, length in (("curated/00000.parquet", 200), ("decisions/pass-1-00001.parquet", 30)):
        folder.write_bytes(name, folder.read_bytes(name)[:length])
    half = folder.read_bytes("curated/00002.parquet")
    folder.write_bytes("curated/00002.parquet", half[:4] + bytes(len(half) // 2) + half[4 + len(half) // 2 :])
    index = build_index(folder)
    assert set(index.unreadable) == {"curated/00000.parquet", "curated/00002.parquet"}
    lost = sum(whole.locate(place)[0] in index.unreadable for place in whole.rows["place"])
    assert index.rows.height == 24 - lost > 0


def test_a_run_on_any_storage_is_indexed_alike(tmp_path: Path) -> None:
    local = lay_run(tmp_path, tell_small_run())
    remote = RunFolder("memory://view-run")
    for name in (*local.list("", ".parquet"), "manifest.json"):
        remote.write_bytes(name, local.read_bytes(name))
    there, here = OpenRun(remote), OpenRun(local)
    assert there.index.rows.equals(here.index.rows)
    for query in (Query(), Query(text="marbles")):
        rows = [run.list(run.index, run.select(run.index, query, run.flags()).to_list()) for run in (here, there)]
        assert rows[0] == rows[1]
    id_ = here.index.rows["id"][0]
    read = [run.read(id_) for run in (here, there)]
    assert read[0] == read[1] is not None


def test_a_run_that_is_published_again_is_read_again(tmp_path: Path) -> None:
    run = OpenRun(lay_run(tmp_path, tell_sums(12)))
    before = run.index
    lay_run(tmp_path, tell_sums(24)[12:])
    numbers = run.retry(lambda: run.list(run.index, range(12)))
    assert {row["source_id"] for row in numbers} == {f"sum-{k}" for k in range(12, 24)}
    assert run.index.serial > before.serial
