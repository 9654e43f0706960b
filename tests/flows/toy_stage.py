"""The command line of a project with one stage more: what a maintainer writes to add a stage, and nothing else."""

import polars as pl

from flows.cli.main import app
from pipeline import stages
from schemas.config import Config


def keep_short(problems: pl.DataFrame, config: Config, asker: stages.Asker | None) -> stages.StageResult:
    long = problems["statement"].str.len_chars() > 14
    columns = {"stage": pl.lit("short"), "reason": pl.lit("incomplete"), "detail": pl.lit("it is long")}
    return stages.StageResult(problems.filter(~long), problems.filter(long).with_columns(**columns))


def add_stage() -> None:
    toy = stages.Stage("short", "short statements alone", "tests.flows.toy_stage:keep_short", ("screen",))
    stages.STAGES = (stages.STAGES[0], toy, *stages.STAGES[1:])


if __name__ == "__main__":
    add_stage()
    app()
