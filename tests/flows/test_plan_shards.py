"""A plan from what a run has stored speaks of all its shards, and of pairs whose other half it did not take."""

from pathlib import Path

import polars as pl
import pytest

from flows.planning import MOST, measure_run
from pipeline.decide.run import COLUMNS
from pipeline.run.layout import problems_name, samples_name
from pipeline.run.storage import RunFolder
from schemas.problem import complete_columns
from schemas.sample import SAMPLE_DTYPES
from tests.pipeline.sample.scripted import config_for, problems_of


def write_shard(
    folder: RunFolder, shard: str, problems: pl.DataFrame, tokens: int, verdict: str, most: int = 16
) -> None:
    """A shard whose problems all have `most` samples alike."""
    folder.write_table(problems_name(shard), problems)
    key = dict.fromkeys(("prompt", "model", "revision", "params", "verifier"), "p")
    rows = [
        {"problem_id": id_, "index": at, **key, "completion": "so 1", "tokens": tokens, "verdict": verdict}
        | {"answer_key": "1", "finish_reason": "stop", "says_missing": False, "grading_pass": 1}
        for id_ in problems["id"]
        for at in range(most)
    ]
    columns = {name: [row.get(name) for row in rows] for name in SAMPLE_DTYPES}
    folder.write_table(samples_name(shard), pl.DataFrame(columns, schema=SAMPLE_DTYPES))


def make_problems(first: int, count: int) -> pl.DataFrame:
    """Problems with ids as they are in a run: hashes, of which no shard has the smaller ones."""
    ids = [f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}" for number in range(first, first + count)]
    table = complete_columns(problems_of(["1"] * count).with_columns(domain=pl.lit("math"), id=pl.Series(ids)))
    assert set(COLUMNS) <= set(table.columns)
    return table


def test_a_large_run_is_measured_in_all_of_its_shards(tmp_path: Path) -> None:
    """Sources stand one behind another: the first shards say nothing of the last source."""
    folder, count = RunFolder(str(tmp_path)), MOST // 2
    for shard, tokens in enumerate((10, 10, 100)):
        problems = make_problems(shard * count, count)
        write_shard(folder, f"{shard:05d}", problems, tokens, "wrong", most=1)
    measured, _ = measure_run(config_for(folder.root, n=1), folder)
    assert measured.height == MOST
    assert measured["tokens"].mean() == pytest.approx(40, rel=0.05)


def test_a_translation_whose_original_is_not_in_the_pilot_takes_all_its_samples(tmp_path: Path) -> None:
    """With `decide.translations: match` both take all of them, whichever of the two a pilot came to first."""
    folder = RunFolder(str(tmp_path))
    original, copy = make_problems(0, 2).iter_slices(1)
    copy = copy.with_columns(language=pl.lit("de"), parent_id=pl.lit(original["id"][0]))
    both = pl.concat([original.with_columns(language=pl.lit("en")), copy], how="vertical_relaxed")
    write_shard(folder, "00000", copy, 10, "wrong")
    folder.write_table(problems_name("00000"), both)
    config = config_for(folder.root, stop="early")
    matched = config.model_copy(update={"decide": config.decide.model_copy(update={"translations": "match"})})
    own, match = (measure_run(chosen, folder)[0] for chosen in (config, matched))
    assert own["samples"].to_list() == [14]
    assert match["samples"].to_list() == [16]
