"""What each witness says of each problem, as votes for classes of equal answers.

The witnesses are independent of each other as far as can be told from where they come from:

- the label;
- labels of the problem's duplicates (`label_candidates`), where they differ from it;
- the final answer of the worked solution in `extra`, where it differs from the label;
- every grader that was ever asked, whichever pass or file its samples are from. Samples of one model are not
  independent, so they count as one witness, whose vote is split by its shares;
- a person who went through the clashes (`pipeline.labels.flags`).

Copies and solutions that agree with the label are no votes of their own, as labels are often copied, and often read out
of the solution. They say which labels are alike: those with a solution that agrees, those without, those in a clash.
Each such group has a coin of its own.
"""

import json
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import polars as pl

from pipeline.verify.extract import extract_answer
from schemas.problem import CLASH
from schemas.reasons import Verdict

GRADER, LABEL, DUPLICATE, SOLUTION, PERSON = "grader", "label", "duplicate", "solution", "person"
SOLUTIONS = ("solution", "worked_solution", "rationale", "reasoning", "generated_solution")
"""Names in `extra` under which sets keep a worked solution."""
STRENGTH = 4.0
"""Samples of one grader count as at most so many independent ones. Of 105 pairs of clashing labels with shares of 128
samples of a 7B model, answers that this holds at 0.8 to 0.95 were right in 0.91; one vote says 0.4 of the same, eight
say 0.97 of some that are right in 0.75."""
NEEDED = ("problem_id", "model", "answer", "answer_key", "verdict", "verdict_detail")
"""Columns of samples that are read."""
VOTE_DTYPES: dict[str, pl.DataType] = {
    "problem_id": pl.String(),
    "class": pl.String(),
    "answer": pl.String(),
    "kind": pl.String(),
    "witness": pl.String(),
    "share": pl.Float64(),
    "n": pl.Int32(),
}
"""A vote: an answer of a witness. `class` is "" where it is the label's, else the answer key of the samples that give
it. `kind` says which votes are independent of each other: those of different kinds are."""
STANDING = "kept copies"
"""How the witness is called that copies are which stay in the set, each with its own label."""
PLAIN, CLASHING, SOLVED, DOUBTED = "label", "label, copies differ", "label, solution agrees", "label, solution differs"


def gather_votes(
    problems: pl.DataFrame,
    samples: pl.DataFrame,
    same_grader: Callable[[str], str] = lambda model: model,
    rulings: Mapping[str, str] | None = None,
    apart: Collection[tuple[str, str]] = (),
) -> pl.DataFrame:
    """Every vote about the math problems of a shard (`VOTE_DTYPES`), in the order of `problems`.

    `problems`: `id`, `answer`, `label_candidates`, `extra`. `samples`: the columns `NEEDED`, of
    all graders. `same_grader` names the model that a model was trained from, as both are one kind of witness.
    `rulings`: problem -> the answer that a person gave. `apart`: problems and copies of them that are two problems
    (`twins.find_apart`), whose labels are not heard.
    """
    labelled = problems.filter(pl.col("answer").is_not_null()).unique("id", keep="first", maintain_order=True)
    graded = _count_graders(samples.join(labelled.select(problem_id="id"), on="problem_id", how="semi"), same_grader)
    others = _gather_others(labelled, graded, rulings or {}, apart)
    states = dict(others.filter(pl.col("kind") == LABEL).select("problem_id", "witness").iter_rows())
    state = pl.col("id").replace_strict(states, default=PLAIN, return_dtype=pl.String)
    labels = labelled.select(
        pl.col("id").alias("problem_id"),
        pl.lit("").alias("class"),
        "answer",
        pl.lit(LABEL).alias("kind"),
        state.alias("witness"),
        pl.lit(1.0).alias("share"),
        pl.lit(1).alias("n"),
    )
    tables = (labels, others.filter(pl.col("kind") != LABEL), graded)
    place = labelled.select(problem_id="id").with_row_index("place")
    return (
        pl.concat([table.select(pl.col(name).cast(dtype) for name, dtype in VOTE_DTYPES.items()) for table in tables])
        .join(place, on="problem_id")
        .sort("place", maintain_order=True)
        .select(*VOTE_DTYPES)
    )


def _count_graders(samples: pl.DataFrame, same_grader: Callable[[str], str]) -> pl.DataFrame:
    """The shares of every grader. Samples that broke the format or have no verdict say nothing of the answer."""
    counted = samples.filter(
        (pl.col("verdict") != Verdict.UNKNOWN) & ~pl.col("verdict_detail").fill_null("").str.starts_with("format:")
    )
    models = counted["model"].unique().to_list()
    base = pl.col("model").replace_strict({model: same_grader(model) for model in models}, return_dtype=pl.String)
    answered = counted.filter(pl.col("answer_key").is_not_null())
    right = pl.col("verdict") == Verdict.CORRECT
    return (
        answered.group_by("problem_id", "model", pl.when(right).then(pl.lit("")).otherwise("answer_key").alias("class"))
        .agg(pl.len().alias("votes"), pl.coalesce("answer", "answer_key").first().alias("answer"))
        .with_columns(n=pl.col("votes").sum().over("problem_id", "model"))
        .with_columns(share=pl.col("votes") / pl.col("n"), kind=pl.format("grader {}", base), witness=pl.col("model"))
        .sort("problem_id", "model", "votes", "class", descending=[False, False, True, False])
    )


def _gather_others(
    labelled: pl.DataFrame,
    graded: pl.DataFrame,
    rulings: Mapping[str, str],
    apart: Collection[tuple[str, str]],
) -> pl.DataFrame:
    """Votes of duplicates, solutions and people, and a row of kind `label` for each label that is not a plain one.

    Row by row, over the few problems that have any of them.
    """
    has_solution = pl.any_horizontal(
        pl.col("extra").str.contains(f'"{name}"', literal=True).fill_null(False) for name in SOLUTIONS
    )
    has_candidates = pl.col("label_candidates").list.len().fill_null(0) > 0
    spoken = labelled.filter(has_solution | has_candidates | pl.col("id").is_in(list(rulings)))
    rows: list[dict[str, Any]] = []
    classes: dict[str, dict[str, str]] = {}
    theirs = graded.filter(pl.col("class") != "").join(spoken.select(problem_id="id"), on="problem_id", how="semi")
    for problem, key, answer in theirs.select("problem_id", "class", "answer").iter_rows():
        classes.setdefault(problem, {}).setdefault(key, answer)
    for row in spoken.iter_rows(named=True):
        copies = [c for c in row["label_candidates"] or () if (row["id"], c["problem_id"]) not in apart]
        rows += _gather_row({**row, "label_candidates": copies}, classes.get(row["id"], {}), rulings.get(row["id"]))
    return pl.DataFrame(rows, schema=VOTE_DTYPES)


def _gather_row(row: Mapping[str, Any], classes: dict[str, str], ruling: str | None) -> list[dict[str, Any]]:
    label, id_ = row["answer"], row["id"]

    def vote(answer: str, kind: str, witness: str, share: float = 1.0, n: int = 1) -> dict[str, Any]:
        name = _place(answer, label, classes)
        return {"problem_id": id_, "class": name, "answer": answer, "kind": kind, "witness": witness} | {
            "share": share,
            "n": n,
        }

    votes: list[dict[str, Any]] = []
    state = PLAIN
    if (solved := read_solution(row["extra"])) is not None:
        ballot = vote(solved, SOLUTION, SOLUTION)
        state = SOLVED if ballot["class"] == "" else DOUBTED
        votes += [ballot] * (state == DOUBTED)
    copies = [c for c in row["label_candidates"] if (c["answer"] or "").strip()]
    if copies:
        ballots = [vote(c["answer"], DUPLICATE, _name_copy(c), 1 / len(copies)) for c in copies]
        if any(ballot["class"] for ballot in ballots):
            state = CLASHING
            votes += ballots
    if ruling is not None:
        votes.append(vote(ruling, PERSON, PERSON))
    if state != PLAIN:
        votes.append(vote(label, LABEL, state))
    return votes


def _name_copy(candidate: Mapping[str, str]) -> str:
    return f"{STANDING if candidate['origin'] == CLASH else 'copies'} of {candidate['source']}"


def _place(answer: str, label: str, classes: dict[str, str]) -> str:
    """The class that an answer belongs to; a new one is named after it."""
    if are_same(answer, label):
        return ""
    for key, other in classes.items():
        if are_same(answer, other):
            return key
    classes[answer] = answer
    return answer


@lru_cache(maxsize=1 << 16)
def are_same(left: str, right: str) -> bool:
    """Whether two answers are one by the verifier; those that only a slow parser could compare are not."""
    if left.strip() == right.strip():
        return True
    from pipeline.verify.decide import decide

    return "same" in (decide(left, right), decide(right, left))


def read_solution(extra: str | None) -> str | None:
    """The final answer of the worked solution in a problem's `extra`; None where there is none."""
    if not extra:
        return None
    fields = json.loads(extra)
    for name in SOLUTIONS:
        text = fields.get(name) if isinstance(fields, dict) else None
        if isinstance(text, str) and text.strip():
            return extract_answer(text, "last")
    return None
