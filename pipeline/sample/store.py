"""The evidence: every sample, stored once, in Parquet files that only grow until a shard is sealed.

A running shard is `samples/SHARD/part-XXXXX.parquet`, a sealed one `samples/SHARD.parquet`. Files are written under
another name and renamed, so a kill leaves whole files. The same sample may stand in several of them (a kill while
parts are merged or sealed, a second verdict on the same completion): the last in order counts, sealed before parts,
parts by number. Readers take them in that order, which is the order of their names, and keep the last of each key.
"""

import hashlib
import io
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from pipeline.inference.engine import FOLDER_REVISION, Engine
from pipeline.inference.prompts import build_prompt
from pipeline.run.evidence import find_samples, read_samples
from pipeline.run.layout import damaged_name, part_name, part_number, parts_folder, samples_name
from pipeline.run.storage import RunFolder
from pipeline.verify.code import CodeLabel
from pipeline.verify.problem import Label
from schemas.config import Config, ModelConfig, SamplingConfig, SandboxConfig, VerifyConfig
from schemas.sample import ADDED_LATER, SAMPLE_DTYPES, SAMPLE_KEY

MERGE = 32
"""Young parts that are merged into one, so that a shard of hours is hundreds of files and not tens of thousands."""
VERIFIER = 4
"""Goes up when pipeline.verify gives another verdict or another answer key to some completion: stored ones are
judged again.
"""
ROWS = 1000
HOW_IT_IS_REACHED = {
    key: ModelConfig.model_fields[key].default
    for key in ("url", "api_key_env", "restarts", "timeout", "concurrency", "max_num_seqs")
}
"""Settings of a model that change no reply, at their defaults: another machine reaches the same model elsewhere."""

log = logging.getLogger(__name__)


def params_hash(sampling: SamplingConfig) -> str:
    """16 hex digits of what shapes one completion. How many there are (`n`, `stop`) does not."""
    shape = sampling.model_dump(mode="json", include={"temperature", "top_p", "max_tokens", "stop_strings"})
    # Samples from before there were these parameters were drawn without them.
    cuts = {"top_k": sampling.top_k, "min_p": sampling.min_p}
    return _hash(shape | {name: value for name, value in cuts.items() if value})


def verifier_hash(verify: VerifyConfig, label: Label, sandbox: SandboxConfig | None = None) -> str:
    """16 hex digits of what a verdict rests on beside the completion: the label, the rules, and their version.

    A code problem's label is its drawn tests and how they are compared; its rules are also what one test may take.
    """
    rules = verify.model_dump(mode="json", include={"extract", "format", "thoughts"})
    if verify.second_opinion.enabled and not isinstance(label, CodeLabel):
        opinion = verify.second_opinion
        asked = opinion.model and opinion.model.model_copy(update=HOW_IT_IS_REACHED)
        rules["second_opinion"] = opinion.model_copy(update={"model": asked}).model_dump(mode="json")
    if isinstance(label, CodeLabel):
        limits = (sandbox or SandboxConfig()).model_dump(mode="json", exclude={"mode", "workers"})
        return _hash({**rules, "label": asdict(label), "limits": limits, "version": VERIFIER})
    return _hash({**rules, "label": label, "version": VERIFIER})


def name_model(folder: RunFolder, shard: str, engine: Engine) -> str:
    """The name under which the samples of `engine`'s model are stored in a shard.

    The revision of a folder's weights is their content: where the folder was moved, or lies elsewhere on this machine,
    its samples stay those of the path under which they were taken.
    """
    if not engine.revision.startswith(FOLDER_REVISION):
        return engine.model
    stored = read_samples(folder, find_samples(folder).get(shard, ()))
    names = stored.filter(pl.col("revision") == engine.revision)["model"]
    return engine.model if names.is_empty() or engine.model in names else str(names[0])


def evidence_keys(problems: pl.DataFrame, config: Config, engine: Engine, model: str) -> pl.DataFrame:
    """Which stored samples count for these problems under this config: SAMPLE_KEY without `index`, a row a problem.

    `model` is what `name_model` calls the engine's.
    """
    params = params_hash(config.sampling)
    return pl.DataFrame(
        [
            (row["id"], build_prompt(row, config.prompt).key, model, engine.revision, params)
            for row in problems.unique("id", maintain_order=True).iter_rows(named=True)
        ],
        schema=dict.fromkeys(SAMPLE_KEY[:-1], pl.String),
        orient="row",
    )


class EvidenceStore:
    """The samples of one shard. One writer at a time; appended rows are safe once flushed.

    What is sampled into it is taken for the pass `grading_pass`.
    """

    def __init__(self, folder: RunFolder, shard: str, flush_seconds: float = 2.0, grading_pass: int = 1) -> None:
        self.folder, self.shard, self.flush_seconds, self.grading_pass = folder, shard, flush_seconds, grading_pass
        self.whole = samples_name(shard)
        self._buffer: list[Mapping[str, Any]] = []
        self._oldest = 0.0
        self._young: list[str] = []
        self._next = 1 + max((part_number(name) or 0 for name in self._parts()), default=-1)

    def load(self) -> pl.DataFrame:
        """Everything flushed, each sample once, by key. A damaged file is set aside with a warning: its samples are
        drawn again.
        """
        names = [self.whole] * self.folder.exists(self.whole) + self._parts()
        tables = [table for name in names if (table := self._read(name)) is not None]
        if not tables:
            return pl.DataFrame(schema=SAMPLE_DTYPES)
        return pl.concat(tables).unique(SAMPLE_KEY, keep="last", maintain_order=True).sort(SAMPLE_KEY)

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows with the columns of SAMPLE_DTYPES; they are written at the next flush, which this does when it
        is due.
        """
        rows = list(rows)
        if rows and not self._buffer:
            self._oldest = time.monotonic()
        self._buffer.extend(rows)
        if self.due_in() == 0.0:
            self.flush()

    def due_in(self) -> float | None:
        """Seconds until the buffer should be flushed; None when there is nothing in it."""
        if not self._buffer:
            return None
        return max(0.0, self._oldest + self.flush_seconds - time.monotonic())

    def flush(self) -> None:
        """Write the buffer as one more part."""
        if not self._buffer:
            return
        name = self._write_part(pl.DataFrame(self._buffer, schema=SAMPLE_DTYPES, strict=True))
        self._buffer = []
        self._young.append(name)
        if len(self._young) >= MERGE:
            self._merge()

    def seal(self) -> None:
        """Make the shard one file. Killed anywhere in between, nothing is lost and nothing counts twice."""
        self.flush()
        parts = self._parts()
        if not parts:
            return
        self.folder.write_table(self.whole, self.load(), row_group_rows=ROWS)
        # From the oldest on: what is left after a kill is then never older than what the sealed file says.
        for name in parts:
            self.folder.remove(name)
        self._young = []

    def _merge(self) -> None:
        """Rewrite the youngest of the parts as their union, then drop the others."""
        tables = [table for name in self._young if (table := self._read(name)) is not None]
        if tables:
            merged = pl.concat(tables).unique(SAMPLE_KEY, keep="last", maintain_order=True)
            self.folder.write_table(self._young[-1], merged)
        for name in self._young[:-1]:
            self.folder.remove(name)
        self._young = []

    def _parts(self) -> list[str]:
        numbers = ((part_number(name), name) for name in self.folder.list(parts_folder(self.shard)))
        return [name for _, name in sorted((number, name) for number, name in numbers if number is not None)]

    def _write_part(self, table: pl.DataFrame) -> str:
        name = part_name(self.shard, self._next)
        self._next += 1
        self.folder.write_table(name, table)
        return name

    def _read(self, name: str) -> pl.DataFrame | None:
        data = self.folder.read_bytes(name)
        try:
            return fill_samples(pl.read_parquet(io.BytesIO(data)))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            aside = damaged_name(name)
            self.folder.set_aside(name)
            log.warning("%s cannot be read (%s); it is now %s and its samples are drawn again", name, error, aside)
            return None


def fill_samples(samples: pl.DataFrame) -> pl.DataFrame:
    """Samples of any version in the columns of the contract, null where their tables have none."""
    return samples.select(
        (pl.lit(None) if name in ADDED_LATER and name not in samples.columns else pl.col(name)).cast(dtype).alias(name)
        for name, dtype in SAMPLE_DTYPES.items()
    )


def _hash(what: Mapping[str, Any]) -> str:
    text = json.dumps(what, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
