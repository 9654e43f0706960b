"""A run small enough to count by hand: six rows in two shards, of which every stage turns some away."""

from typing import Any

import polars as pl

from pipeline.decide.run import decide_run
from pipeline.publish.shards import publish_curated
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.conform import conform_rows
from schemas.sample import SAMPLE_DTYPES

MODEL = "a/model"


def make_config(root: str, **more: Any) -> Config:
    sources = [{"name": "sums", "dataset": "some/sums", "subset": "main", "split": "train"}]
    return Config.model_validate({"run": root, "sources": sources, "publish": {"license": "mit"}, **more})


def make_samples(problem: str, right: int, wrong: dict[str, int], silent: int = 0) -> list[dict[str, Any]]:
    said = ["42"] * right + [answer for answer, times in wrong.items() for _ in range(times)] + [None] * silent
    return [
        {
            "problem_id": problem,
            "prompt": "p",
            "model": MODEL,
            "revision": "main",
            "params": "q",
            "index": index,
            "completion": f"so {answer}",
            "tokens": 10,
            "finish_reason": "stop",
            "answer": answer,
            "answer_key": answer,
            "verdict": "correct" if answer == "42" else "wrong",
            "verifier": "v",
            "seconds": 0.5,
        }
        for index, answer in enumerate(said)
    ]


def make_run(folder: RunFolder) -> Config:
    """Ingest 7 rows (1 invalid), screen 6 (1 proof), decide 5: one kept, four rejected for four reasons."""
    rows = [
        {"domain": "math", "statement": f"Six times seven, asked in way {way}?", "answer": "42", "source_id": f"s{way}"}
        for way in range(6)
    ]
    first, invalid = conform_rows([*rows[:4], {"domain": "music", "statement": "Hum."}], "sums")
    second, _ = conform_rows(rows[4:], "sums")
    folder.write_table("problems/00000.parquet", first)
    folder.write_table("problems/00001.parquet", second)
    folder.write_table("rejected/ingest-00000.parquet", invalid)
    proof = first.tail(1).with_columns(
        pl.lit("screen").alias("stage"), pl.lit("proof").alias("reason"), pl.lit("asks to prove").alias("detail")
    )
    folder.write_table("rejected/screen-00000.parquet", proof)
    folder.write_table("stages/screen/00000.parquet", first.head(3))
    folder.write_table("stages/screen/00001.parquet", second)
    a, b, c = first["id"].to_list()[:3]
    (d, e) = second["id"].to_list()
    samples = make_samples(a, 5, {"7": 3, "8": 8}) + make_samples(b, 13, {}) + make_samples(c, 1, {"41": 11}, 4)
    folder.write_table("samples/00000.parquet", pl.DataFrame(samples, schema=SAMPLE_DTYPES))
    folder.write_table("samples/00001.parquet", pl.DataFrame(make_samples(d, 0, {}, 16), schema=SAMPLE_DTYPES))
    assert e
    return make_config(folder.root)


def publish(folder: RunFolder, config: Config) -> dict[str, int]:
    decide_run(folder, config)
    return publish_curated(folder, config)
