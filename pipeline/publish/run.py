"""Everything that is written when a run is decided: curated and rejected shards, manifest, card, report."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.decide.decide import compare_decisions, count_moves
from pipeline.decide.run import decide_run, decide_shard, learn_run_witnesses
from pipeline.progress import track
from pipeline.publish.card import write_card
from pipeline.publish.manifest import build_manifest
from pipeline.publish.report.build import write_report
from pipeline.publish.shards import forget_unpublished, publish_curated
from pipeline.run.evidence import find_graded, find_samples, last_pass
from pipeline.run.layout import MANIFEST, decisions_name
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.decision import DECISION_DTYPES
from schemas.errors import InputError
from schemas.load import build_config


def publish_run(
    folder: RunFolder, config: Config, times: Mapping[str, float], grading_pass: int = 1, shards_are_there: bool = False
) -> dict[str, Any]:
    """Publish what a pass decided; returns the manifest. Raises CountError where a stage lost or doubled a row.

    `shards_are_there` says that `publish_shard` has done each of them.
    """
    if shards_are_there:
        forget_unpublished(folder, grading_pass)
    else:
        publish_curated(folder, config, grading_pass)
    return _describe(folder, config, times, grading_pass)


def decide_again(run: str, overrides: Sequence[str]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Decide a run's stored evidence under its own config with `overrides`, publish, and compare with before.

    Returns (`old`, `new`, `problems`; the manifest). No model takes part.
    """
    folder = RunFolder(run)
    if not folder.exists(MANIFEST):
        raise InputError(f"{run}: no {MANIFEST} here; give the folder of a run that was curated or graded")
    stored = folder.read_json(MANIFEST)["config"]
    config = build_config({**stored, "run": run}, overrides, where=f"{run}/{MANIFEST}")
    grading_pass = last_pass(folder)
    if grading_pass > 1:
        decide_run(folder, config)
    moves = redecide(folder, config, grading_pass)
    return moves, _describe(folder, config, None, grading_pass)


def redecide(folder: RunFolder, config: Config, grading_pass: int = 1) -> pl.DataFrame:
    """Decide the stored evidence again under `config` and publish the outcome; returns the moves (`compare_decisions`).

    No model takes part. Evidence that stopped early can leave a problem undetermined under other thresholds; its detail
    says how many samples are missing.
    """
    samples, witnesses = find_samples(folder), learn_run_witnesses(folder, config, grading_pass)
    moves = []
    empty = pl.DataFrame(schema=DECISION_DTYPES)
    with track("decide") as work:
        for shard, graded in find_graded(folder).items():
            name = decisions_name(shard, grading_pass)
            old = folder.read_table(name) if folder.exists(name) else empty
            new = decide_shard(folder, graded, samples.get(shard, ()), config, witnesses, grading_pass)
            moves.append(compare_decisions(old, new))
            work.advance(new.height)
    publish_curated(folder, config, grading_pass)
    return count_moves(moves)


def _describe(
    folder: RunFolder, config: Config, times: Mapping[str, float] | None, grading_pass: int
) -> dict[str, Any]:
    with track("manifest and card", unit="", part=True):
        manifest = build_manifest(folder, config, times, grading_pass)
        write_card(folder, config, manifest)
    write_report(folder, config)
    return manifest
