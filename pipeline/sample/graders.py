"""Samples of other graders brought into a run's store: of earlier runs, and of files.

They are stored beside the run's own, once each, and count for no pass: the recorded evidence names the run's own. The
witnesses of labels and the published rates take all of them.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from pipeline.ingest.files import read_rows
from pipeline.run.evidence import find_graded, find_samples, read_samples, record_brought
from pipeline.run.storage import RunFolder
from pipeline.sample.offline import SPILL_CHARS, SPILL_ROWS, SPILLED, Places, shape_sample, verify_samples
from pipeline.sample.store import EvidenceStore
from pipeline.verify.problem import ADDED_LATER, LABEL_COLUMNS, Label, ProblemVerifier, read_label
from schemas.config import Config
from schemas.errors import InputError
from schemas.sample import IMPORTED, SAMPLE_DTYPES, SAMPLE_KEY

log = logging.getLogger(__name__)

Keys = dict[str, list[pl.DataFrame]]
"""Shard -> the keys of the samples brought into it, without `index`."""


def bring_graders(folder: RunFolder, config: Config) -> int:
    """Store what the runs and files of `config.also_graded_by` say of this run's problems; returns the new samples.

    Raises InputError where a run or file is not there. What is stored already is not judged again. Which samples these
    are is written down: `sampling.stop: confident` begins with what they say.
    """
    graded = find_graded(folder)
    keys: Keys = {}
    brought = 0
    for grader in config.also_graded_by:
        if grader.run is not None:
            brought += _bring_run(folder, graded, grader.run, keys)
        elif grader.samples is not None:
            brought += _bring_file(folder, graded, grader.samples, config, keys)
    record_brought(folder, {shard: pl.concat(parts).unique(maintain_order=True) for shard, parts in keys.items()})
    return brought


def _note_keys(keys: Keys, shard: str, rows: pl.DataFrame) -> None:
    keys.setdefault(shard, []).append(rows.select(SAMPLE_KEY[:-1]).unique(maintain_order=True))


def _bring_run(folder: RunFolder, graded: Mapping[str, str], run: str, keys: Keys) -> int:
    """Samples of another run, with the verdicts that they have: a problem's id is made from its label too."""
    other = RunFolder(run)
    files = find_samples(other)
    if not files:
        raise InputError(f"also_graded_by: run {run}: no samples are stored there; give the folder of a graded run")
    places = [
        folder.read_table(name, ["id"]).with_columns(pl.lit(shard).alias("shard")) for shard, name in graded.items()
    ]
    ours = pl.concat([pl.DataFrame(schema={"id": pl.String, "shard": pl.String}), *places]).unique("id")
    brought = 0
    for names in files.values():
        theirs = read_samples(other, names, SAMPLE_DTYPES).join(ours, left_on="problem_id", right_on="id", how="inner")
        for (shard,), rows in theirs.group_by("shard"):
            brought += _store(folder, str(shard), rows)
            _note_keys(keys, str(shard), rows)
    return brought


def _bring_file(folder: RunFolder, graded: Mapping[str, str], file: str, config: Config, keys: Keys) -> int:
    """Samples of a file, judged by this run's labels. Rows of problems that are not here are left out, and counted."""
    places = Places()
    nothing = pl.DataFrame(schema=dict.fromkeys(("id", "source_id", "reason"), pl.String))
    for shard, name in graded.items():
        places.add(folder.read_table(name, ["id", "source_id"]), nothing, int(shard))
    shards = {int(shard): shard for shard in graded}
    brought = left = 0
    free: dict[tuple[str, str], int] = {}
    with ProblemVerifier(config.verify, config.sandbox) as verifier:
        for batch in _batches(read_rows(file, reading=config.reading)):
            held: dict[str, list[dict[str, Any]]] = {}
            for row in batch:
                try:
                    sample = shape_sample(row, places)
                except ValueError:
                    left += 1
                    continue
                key = (sample["problem_id"], sample["model"])
                if sample["index"] is None:
                    sample["index"] = free.get(key, 0)
                free[key] = max(free.get(key, 0), sample["index"] + 1)
                for place in places.shards[sample["problem_id"]]:
                    held.setdefault(shards[place], []).append(sample)
            for shard, rows in held.items():
                shaped = pl.DataFrame(rows, schema=SPILLED)
                imported = [pl.lit(IMPORTED).alias(name) for name in ("prompt", "revision", "params")]
                _note_keys(keys, shard, shaped.with_columns(imported))
                new = _choose_new(folder, shard, shaped)
                labels = _read_labels(folder.read_table(graded[shard], list(LABEL_COLUMNS), ADDED_LATER), new, config)
                if labels:
                    judged = verify_samples(new, labels, verifier, config, places.opened)
                    brought += _store(folder, shard, judged)
    if left:
        log.warning("also_graded_by: %s: %d rows are of no problem here, or have no completion", file, left)
    return brought


def _choose_new(folder: RunFolder, shard: str, samples: pl.DataFrame) -> pl.DataFrame:
    """Those samples of a file that the shard has not stored yet."""
    stored = EvidenceStore(folder, shard).load().filter(pl.col("prompt") == IMPORTED)
    key = ("problem_id", "model", "index")
    return samples.unique(key, keep="first", maintain_order=True).join(stored, on=key, how="anti")


def _read_labels(problems: pl.DataFrame, samples: pl.DataFrame, config: Config) -> dict[str, Label]:
    """The labels of the problems that `samples` are of."""
    wanted = problems.filter(pl.col("id").is_in(samples["problem_id"].unique().implode()))
    return {row["id"]: read_label(row, config.verify) for row in wanted.iter_rows(named=True)}


def _store(folder: RunFolder, shard: str, rows: pl.DataFrame) -> int:
    """Add those samples of a shard that are not stored; returns how many."""
    store = EvidenceStore(folder, shard)
    columns = [
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in SAMPLE_DTYPES.items()
    ]
    # They were taken for a pass of another run, if for any.
    unmarked = rows.select(columns).with_columns(pl.lit(None, pl.Int8).alias("grading_pass"))
    new = unmarked.join(store.load(), on=SAMPLE_KEY, how="anti", maintain_order="left")
    if new.height:
        store.append(new.iter_rows(named=True))
        store.seal()
    return new.height


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows in batches that fit into memory, however long their completions are."""
    batch: list[dict[str, Any]] = []
    chars = 0
    for row in rows:
        batch.append(row)
        chars += len(str(row.get("completion") or ""))
        if len(batch) >= SPILL_ROWS or chars >= SPILL_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
