"""Finding duplicates in a whole set: read and sign every row, rank them, and drop each that is like a better one.

A row is dropped only for a *kept* row that it is like itself, so every duplicate names a twin that is there, and rows
that are alike only by way of a third stay apart. What is held for a row is its canonical line, its names, two
signatures and its rank: about a kilobyte for a usual problem, whatever else its columns hold.

Where the texts do not prove that two rows are one problem, their labels must agree; a copy needs both of them, while a
story told in other words, with the same numbers of the same things, needs that no label contradicts.

No label is lost with its row: the twin gets it as a label candidate. A copy in other words whose label differs from
its twin's is kept beside it, since either may be mislabelled or the two may be different problems: samples of both
tell. Of the very same text one row is enough.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dedup.candidates import find_candidates
from pipeline.dedup.compare import compare
from pipeline.dedup.labels import CANDIDATE_DTYPES, Duplicates, Handed, agree, confirm, disagree, split_duplicates
from pipeline.dedup.reading import END, read_names, read_statement
from pipeline.dedup.signature import Signatures, sign_copies, sign_stories
from pipeline.progress import here_total, track
from schemas.config import DedupConfig
from schemas.problem import CLASH, DUPLICATE

BAND_ROWS = 2
"""MinHash values a band. Two suffice, since a bucket is shared only with the same mathematics."""
COPY_AGREEMENT = 0.2
"""Share of equal MinHash values below which a candidate is not looked at: a copy with a fifth of its words changed
keeps a third of its word pairs, and an estimate from 48 values is off by 0.07 in one of three."""
STORY_AGREEMENT = 0.14
"""The same for vocabularies: two estimation errors below the similarity of paraphrases."""
READ = ("id", "source", "source_id", "statement", "answer", "tests", "code_language")
DROPPED_DTYPES = {"row": pl.UInt32(), "twin": pl.String(), "detail": pl.String()}
"""What is dropped of a shard: which row (its place from 0), the id of the row that stays, and how they are alike."""

Table = tuple[str, pl.DataFrame]


def dedup(problems: pl.DataFrame, config: DedupConfig) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split one table into kept and rejected, each in the old order; see `find_duplicates`."""
    return split_duplicates(problems, find_duplicates([("", problems)], config)[""])


def find_duplicates(tables: Iterable[Table], config: DedupConfig, held: Collection[str] = ()) -> dict[str, Duplicates]:
    """What to drop from each of the named tables, and what to hand on; the tables are read once, one at a time.

    Of rows that are one problem the first by rank stays: `held` (ids that an earlier run kept, so that a nightly run
    does not change its mind), labelled before not, more tests before fewer, `config.trusted` sources in their order
    before others, then by id. Rows with neither statement nor words in it are no duplicates. Raises
    `ColumnNotFoundError` for a table without `statement`.
    """
    lines: list[str] = []
    names: list[str] = []
    ranks: list[pl.DataFrame] = []
    copies: list[Signatures] = []
    stories: list[Signatures] = []
    seen: dict[str, None] = {}
    with track("dedup: sign", here_total(), part=True) as work:
        for name, table in tables:
            if "statement" not in table.columns:
                raise pl.exceptions.ColumnNotFoundError("dedup needs the column 'statement'; map it in `columns`")
            seen[name] = None
            read = [read_statement(text) if text else "" for text in table["statement"]]
            lines += read
            names += [read_names(text) if text else "" for text in table["statement"]]
            ranks.append(
                rank_rows(table, config, held).with_columns(pl.lit(name).alias("table"), row=pl.int_range(pl.len()))
            )
            copies.append(sign_copies(read))
            if config.paraphrases:
                stories.append(sign_stories(read))
            work.advance(table.height)
    nothing = Duplicates(pl.DataFrame(schema=DROPPED_DTYPES), pl.DataFrame(schema=CANDIDATE_DTYPES))
    if not lines:
        return dict.fromkeys(seen, nothing)
    order, placed = sort_rows(pl.concat(ranks), lines)
    dropped, handed = drop_worse(
        placed,
        [lines[at] for at in order],
        [names[at] for at in order],
        [_arrange(signatures, order) for signatures in (copies, stories) if signatures],
        config,
    )
    return {
        name: Duplicates(_pick(dropped, name, DROPPED_DTYPES), _pick(handed, name, CANDIDATE_DTYPES)) for name in seen
    }


def _pick(rows: pl.DataFrame, table: str, dtypes: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return rows.filter(pl.col("table") == table).select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())


def rank_rows(table: pl.DataFrame, config: DedupConfig, held: Collection[str]) -> pl.DataFrame:
    """The columns by which rows are ranked, best first in ascending order, and what comparing asks for."""
    missing = [pl.lit(None, pl.String).alias(name) for name in READ if name not in table.columns]
    tests = pl.col("tests").list.len().fill_null(0) if isinstance(table.schema.get("tests"), pl.List) else pl.lit(0)
    trusted = {source: place for place, source in enumerate(config.trusted)}
    return table.with_columns(missing).select(
        (~pl.col("id").is_in(list(held)).fill_null(False)).alias("new"),
        ((pl.col("answer").fill_null("").str.strip_chars() == "") & (tests == 0)).alias("unlabelled"),
        (-tests.cast(pl.Int32)).alias("tests"),
        pl.col("source").replace_strict(trusted, default=len(trusted), return_dtype=pl.Int32).alias("trust"),
        *(
            pl.col(name).cast(pl.String).fill_null("")
            for name in ("id", "source", "source_id", "answer", "code_language")
        ),
    )


def sort_rows(ranks: pl.DataFrame, lines: list[str]) -> tuple[list[int], pl.DataFrame]:
    """The places of all rows, best first, and their ranks in that order. Rows that tie say the same in every way."""
    by = ["new", "unlabelled", "tests", "trust", "id", "source", "source_id", "code_language", "answer", "line"]
    placed = ranks.with_row_index("place").with_columns(pl.Series("line", lines)).sort(by, maintain_order=True)
    return placed["place"].to_list(), placed.drop("line")


def _arrange(signatures: list[Signatures], order: list[int]) -> Signatures:
    return Signatures(
        np.concatenate([part.values for part in signatures])[order],
        np.concatenate([part.keys for part in signatures])[order],
        np.concatenate([part.member for part in signatures])[order],
    )


def drop_worse(
    ranked: pl.DataFrame, lines: list[str], names: list[str], signatures: list[Signatures], config: DedupConfig
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows, in rank order, that are like a better one that stays, with that one's id as twin; labels handed on)."""
    languages, answers, ids = (ranked[name].to_list() for name in ("code_language", "answer", "id"))
    first: dict[tuple[str, str], int] = {}
    same = [
        first.setdefault((line.replace(f" {END}", ""), language), at) if line else at
        for at, (line, language) in enumerate(zip(lines, languages, strict=True))
    ]
    alone = np.array([at == head for at, head in enumerate(same)], np.bool_)
    with track("dedup: find candidates", len(lines), part=True):
        meets = find_meetings(signatures, alone)
    same_text: dict[int, set[str]] = {}
    for at, head in enumerate(same):
        same_text.setdefault(head, set()).add(answers[at])
    twins: dict[int, int] = {}
    details: dict[int, str] = {}
    handed: list[Handed] = []
    for at, head in _count(same):
        if head != at:
            twins[at] = twins.get(head, head)
            details[at] = f"copy of {ids[twins[at]]}" if head not in twins else details[head]
            continue
        clash: tuple[int, str] | None = None
        for better in meets.get(at, ()):
            if better in twins or (languages[at] != languages[better] and languages[at] and languages[better]):
                continue
            like = compare(lines[better], lines[at], config, names[better], names[at])
            if like is None or (like.how == "paraphrase" and not agree(answers[at], answers[better])):
                continue
            detail = f"{like.how} of {ids[better]} (similarity {like.score:.2f})"
            says_same = confirm if like.how == "copy" and not like.is_proved else agree
            if any(says_same(answers[at], answer) for answer in same_text[better]):
                twins[at], details[at] = better, detail
                break
            if disagree(answers[at], answers[better]):
                clash = clash or (better, detail)
        if clash is not None and at not in twins:
            better, detail = clash
            handed += [Handed(at, better, CLASH, detail), Handed(better, at, CLASH, detail)]
    handed += [Handed(twin, at, DUPLICATE, details[at]) for at, twin in twins.items() if answers[at]]
    gone = list(twins)
    dropped = ranked[gone].select(
        "table",
        "row",
        pl.Series("twin", [ids[twins[at]] for at in gone], pl.String),
        pl.Series("detail", [details[at] for at in gone], pl.String),
    )
    of = ranked[[label.of for label in handed]]
    labels = ranked[[label.to for label in handed]].select(
        "table",
        "row",
        of["answer"],
        pl.Series("origin", [label.origin for label in handed], pl.String),
        of["id"].alias("problem_id"),
        of["source"],
        of["source_id"],
        pl.Series("detail", [label.detail for label in handed], pl.String),
    )
    return dropped, labels


def _count(same: list[int]) -> Iterator[tuple[int, int]]:
    with track("dedup: compare", len(same), part=True) as work:
        for at, head in enumerate(same):
            yield at, head
            work.advance()


def find_meetings(signatures: list[Signatures], alone: NDArray[np.bool_]) -> dict[int, list[int]]:
    """Row -> better rows that it may be like, best first."""
    pairs = [
        find_candidates(Signatures(part.values, part.keys, part.member & alone), BAND_ROWS, share)
        for part, share in zip(signatures, (COPY_AGREEMENT, STORY_AGREEMENT), strict=False)
    ]
    meets: dict[int, list[int]] = {}
    for better, at in _iterate(np.unique(np.concatenate(pairs), axis=0)):
        meets.setdefault(at, []).append(better)
    return meets


def _iterate(pairs: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    yield from zip(pairs[:, 0].tolist(), pairs[:, 1].tolist(), strict=True)
