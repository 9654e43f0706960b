"""Labels of duplicates: whether two say the same, and how those of dropped rows reach the row that stays."""

from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from pipeline.text.number_tokens import read_digits
from schemas.problem import CLASH, PROBLEM_DTYPES, REJECT_DTYPES, add_history
from schemas.reasons import Reason

STAGE = "dedup"
CANDIDATE_FIELDS = ("answer", "origin", "problem_id", "source", "source_id", "detail")
CANDIDATE_DTYPES: dict[str, pl.DataType] = {"row": pl.UInt32()} | dict.fromkeys(CANDIDATE_FIELDS, pl.String())
"""A label that a row of a shard is handed: the row (its place from 0), and what `label_candidates` says of it."""


@dataclass(frozen=True)
class Duplicates:
    """Of one shard: which rows go (`find.DROPPED_DTYPES`), and the labels that rows get (`CANDIDATE_DTYPES`)."""

    dropped: pl.DataFrame
    candidates: pl.DataFrame

    def describe(self) -> str:
        """All of it as text: what decides the shard's outcome beside its content."""
        gone = [f"{row} {detail}" for row, _, detail in self.dropped.sort("row").iter_rows()]
        columns = [name for name in CANDIDATE_DTYPES if name != "detail"]
        labels = sorted("\t".join(map(str, row)) for row in self.candidates.select(columns).iter_rows())
        return "\n".join(gone + labels)


@dataclass(frozen=True)
class Handed:
    """The label of row `of` goes to row `to`; both are places in the order of ranks."""

    to: int
    of: int
    origin: str
    detail: str


def split_duplicates(problems: pl.DataFrame, duplicates: Duplicates) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a shard by what was found in it. The detail of a rejected row names its twin.

    Kept rows get the labels of their duplicates in `label_candidates`, where the table has that column. Two copies that
    are both kept, as their labels differ, say so in their histories.
    """
    gone = pl.int_range(pl.len()).is_in(duplicates.dropped["row"].implode())
    rejected = problems.filter(gone).with_columns(
        pl.lit(STAGE, dtype=REJECT_DTYPES["stage"]).alias("stage"),
        pl.lit(str(Reason.DUPLICATE), dtype=REJECT_DTYPES["reason"]).alias("reason"),
        duplicates.dropped.sort("row")["detail"],
    )
    return _hand_on(problems, duplicates.candidates).filter(~gone), rejected


def _hand_on(problems: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    if candidates.is_empty() or "label_candidates" not in problems.columns:
        return problems
    fields = [pl.col(name).replace("", None) if name == "source_id" else pl.col(name) for name in CANDIDATE_FIELDS]
    lists = (
        candidates.sort("row", "origin", "problem_id", "answer", "source", "source_id")
        .group_by("row", maintain_order=True)
        .agg(pl.struct(fields).alias("handed"))
        .cast({"handed": PROBLEM_DTYPES["label_candidates"]})
    )
    empty = pl.lit([], dtype=PROBLEM_DTYPES["label_candidates"])
    handed = problems.with_row_index("row").join(lists, on="row", how="left", maintain_order="left")
    given = [_describe_clash(labels) for labels in handed["handed"].to_list()]
    filled = handed.with_columns(
        pl.col("label_candidates").fill_null(empty).list.concat(pl.col("handed").fill_null(empty))
    ).drop("row", "handed")
    return add_history(filled, STAGE, given) if "history" in filled.columns else filled


def _describe_clash(labels: list[dict[str, str]] | None) -> tuple[str, str] | None:
    """The history entry of a row that clashes with another."""
    clashes = [label for label in labels or () if label["origin"] == CLASH]
    detail = "; ".join(f"{label['problem_id']} says {label['answer'][:60]!r}: {label['detail']}" for label in clashes)
    return ("clash", detail) if clashes else None


def disagree(answer: str, other: str) -> bool:
    """Whether two labels are there and say different things; a different label makes a paraphrase another problem."""
    return not agree(answer, other)


def confirm(answer: str, other: str) -> bool:
    """Whether both labels are there and say the same."""
    return bool(answer.strip() and other.strip()) and agree(answer, other)


@lru_cache(maxsize=1 << 16)
def agree(answer: str, other: str) -> bool:
    """Whether two labels say the same, by the verifier's own comparison; a missing label agrees with any.

    Labels that only a slow parser could compare do not agree, which keeps a row more and loses nothing.
    """
    plain, plain_other = _plain(answer), _plain(other)
    if not (plain and plain_other) or plain == plain_other:
        return True
    from pipeline.verify.decide import decide

    return "same" in (decide(answer, other), decide(other, answer))


def _plain(answer: str) -> str:
    text = answer.replace("$", "").replace("\\", "").replace(" ", "").lower()
    bare = text.replace(",", "")
    return read_digits(bare) if bare.replace(".", "", 1).isdigit() else text
