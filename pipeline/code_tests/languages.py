"""Statements that ask for a language: a copy of each problem for Python and one for C++ (Magistral paper, section
4.2)."""

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from schemas.aliases import old_stage_names
from schemas.problem import problem_id

PROMPTS = Path(__file__).parent / "prompts"
STAGE = "code_tests"
ASKED = "asked_in"


@cache
def read_prompt(name: str) -> str:
    """The text of pipeline/code_tests/prompts/NAME.txt, without the white space around it."""
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").strip()


def ask_languages(problems: pl.DataFrame, languages: tuple[str, ...]) -> pl.DataFrame:
    """`problems` with each code problem once a language that applies, the asking appended to its statement.

    Copies have `code_language`, a new `id`, the original's as `parent_id` and a line of history. Function-call
    problems are asked in Python only; a problem that already names a language and a math problem stay as they are.
    """
    rows: list[dict[str, Any]] = []
    for row in problems.iter_rows(named=True):
        if row["domain"] != "code" or row["code_language"] is not None:
            rows.append(row)
            continue
        wanted = [x for x in languages if x == "python"] if row["entry_point"] else list(languages)
        rows += [ask_language(row, language) for language in wanted] or [row]
    return pl.DataFrame(rows, schema=problems.schema)


def count_copies(problems: pl.DataFrame) -> int:
    """How many more rows `ask_languages` made than it took. Reads `history`, `parent_id`, `code_language`."""
    step = pl.element().struct
    asked = (
        pl.col("history")
        .list.eval(step.field("stage").is_in([STAGE, *old_stage_names(STAGE)]) & (step.field("action") == ASKED))
        .list.any()
    )
    a_language = problems.filter(asked).group_by("parent_id", "code_language").len()
    a_problem = a_language.group_by("parent_id").agg(pl.col("len").sum() - pl.col("len").max())
    return int(a_problem["len"].sum())


def ask_language(row: dict[str, Any], language: str) -> dict[str, Any]:
    """A copy of a code problem that asks for `language`."""
    kind = "call" if row["entry_point"] else "stdin"
    text = read_prompt(f"ask_{language}_{kind}").replace("{entry_point}", row["entry_point"] or "")
    copy = row | {"statement": f"{(row['statement'] or '').rstrip()}\n\n{text}", "code_language": language}
    entry = {"stage": STAGE, "action": ASKED, "detail": language}
    copy |= {"parent_id": row["id"], "history": [*(row["history"] or []), entry]}
    return copy | {"id": problem_id(copy)}
