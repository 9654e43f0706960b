"""A pilot of a run, and the run's plan: before it what it will take, after it what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from prefect import flow

from flows.curate import hold_engine, prepare_shards
from flows.stopwatch import Stopwatch
from flows.tasks import bring_other_graders
from pipeline.decide.run import COLUMNS
from pipeline.decide.translations import find_paired
from pipeline.plan import HOUR, READ, WAYS, Plan, Speed, Whole, choose_pilot, make_plan, measure_problems
from pipeline.run.evidence import (
    EARLIER,
    add_earlier,
    find_graded,
    find_samples,
    read_evidence,
    read_first_steps,
)
from pipeline.run.layout import CURATED, MANIFEST, PLAN, SAMPLES, brought_name, decisions_name, evidence_name
from pipeline.run.storage import RunFolder
from pipeline.sample.session import open_grading
from schemas.config import Config
from schemas.errors import InputError

MOST = 4096
"""Problems of a finished run that a plan is made from: the interval is then a seventh of a pilot of 80."""


@dataclass(frozen=True)
class Actual:
    """What a finished run took, and what each way to stop would have; as `Plan`, without intervals.

    Where it stopped before another way would have, what that takes at the very least is added.
    """

    problems: int
    shards: int
    samples: float
    saved: float
    tokens: float
    kept: float
    storage: float
    hours: float
    cost: float | None
    full_tokens: float
    early_tokens: float
    confident_tokens: float


@flow(name="goldilocks-pilot", validate_parameters=False)
def take_pilot(config: Config, folder: RunFolder, size: int) -> dict[str, Any]:
    """Bring the set up to where it is sampled and sample `size` problems of it.

    Returns {"tokens", "seconds", "missing"}.

    All of it is the run's: the next `goldilocks curate` goes on from here and samples none of it again.
    """
    with hold_engine(config) as engine:
        prepare_shards(config, folder, Stopwatch(), engine)
        # As in the run: `sampling.stop: confident` begins with what they say.
        if config.also_graded_by:
            bring_other_graders(config, folder)
        graded = find_graded(folder)
        chosen = choose_pilot({shard: folder.read_table(name, ["id"])["id"] for shard, name in graded.items()}, size)
        if not chosen:
            raise InputError(
                f"{folder.root}: no problem is left to grade, so there is nothing to plan; look at rejected/"
            )
        missing = 0
        before = engine.open().stats
        with open_grading(config, folder, problems=sum(map(len, chosen.values())), engine=engine.open()) as grading:
            for shard, ids in chosen.items():
                missing += grading.grade(shard, frozenset(ids))
            stats = grading.engine.stats
    return {"tokens": stats.tokens - before.tokens, "seconds": stats.busy - before.busy, "missing": missing}


def plan_run(
    config: Config, folder: RunFolder, speed: float | None, price: float | None, pilot: dict[str, Any] | None = None
) -> Plan:
    """The plan from what the run's store holds; `pilot` is what `take_pilot` measured."""
    measured, raw = measure_run(config, folder)
    sizes = measure_folders(folder)
    disk = sizes.pop(SAMPLES, 0)
    graded = find_graded(folder)
    rows = {shard: folder.count_rows(name) for shard, name in graded.items()}
    # What is still to come beside the samples: every graded problem once more, curated or rejected.
    missing = 0 if sizes.get(CURATED) else sum(folder.fs.size(folder.at(name)) for name in graded.values())
    rate = speed or (pilot["tokens"] / pilot["seconds"] if pilot and pilot["seconds"] else None) or read_speed(folder)
    where = "given" if speed else "measured in the pilot" if pilot and pilot["seconds"] else "of the run before"
    whole = Whole(sum(rows.values()), len(rows), stored=sum(sizes.values()) + missing, packed=disk / max(raw, 1))
    timed = Speed(rate, where if rate else "unknown: give --tokens-per-second")
    return make_plan(measured, whole, config, timed, price)


def measure_run(config: Config, folder: RunFolder) -> tuple[pl.DataFrame, int]:
    """`measure_problems` of at most `MOST` problems of the run's store, and the bytes of all completions in it.

    These are the ones with the smallest ids, of whichever shard: a random part of the set, as a pilot is.
    """
    graded = find_graded(folder)
    files = {
        shard: names for shard, names in find_samples(folder).items() if shard in graded and _is_begun(folder, shard)
    }
    chosen = choose_pilot(_find_begun(config, folder, graded, files), MOST)
    if not chosen:
        raise InputError(f"{folder.root}: no samples are stored here yet; give --pilot the number of problems to take")
    samples, problems, begun = list[pl.DataFrame](), list[pl.DataFrame](), list[pl.DataFrame]()
    paired, raw = set[str](), 0
    for shard, name in graded.items():
        names = files.get(shard, ())
        table = add_earlier(folder, shard, folder.read_table(name, list(COLUMNS), ("label_candidates",)), 1)
        whole = read_evidence(folder, shard, names, READ)
        cut = read_first_steps(folder, shard, names, ("tokens", "completion"))
        raw += sum(int(part["completion"].str.len_bytes().sum()) for part in (whole, cut))
        # A translation of the pilot may have its original outside of it.
        paired |= find_paired(table, config.decide)
        ours = pl.Series(chosen.get(shard, []), dtype=pl.String).implode()
        problems.append(table.filter(pl.col("id").is_in(ours)).unique("id").sort("id"))
        samples.append(whole.filter(pl.col("problem_id").is_in(ours)))
        begun.append(cut.filter(pl.col("problem_id").is_in(ours)))
    every = pl.concat(problems, how="diagonal").unique("id", maintain_order=True)
    return measure_problems(pl.concat(samples), every, config, pl.concat(begun), paired), raw


def _find_begun(
    config: Config, folder: RunFolder, graded: Mapping[str, str], files: Mapping[str, Sequence[str]]
) -> dict[str, pl.Series]:
    """Shard -> the ids of its problems whose sampling has begun.

    With `stop: confident` and an earlier grader there are problems that need no sample. Which of them a pilot has come
    to is not written down; it takes the smallest ids, so those up to the largest id that was sampled.
    """
    sampled = {shard: read_evidence(folder, shard, files.get(shard, ()))["problem_id"].unique() for shard in graded}
    last = max((str(ids.max()) for ids in sampled.values() if ids.len()), default="")
    begun: dict[str, pl.Series] = {}
    for shard, name in graded.items():
        table = add_earlier(folder, shard, folder.read_table(name, ["id"]), 1)
        is_begun = pl.col("id").is_in(sampled[shard].implode())
        if EARLIER[0] in table.columns and config.sampling.stop == "confident":
            is_begun |= pl.col(EARLIER[0]).is_not_null() & (pl.col("id") <= last)
        begun[shard] = table.filter(is_begun)["id"]
    return begun


def _is_begun(folder: RunFolder, shard: str) -> bool:
    """Whether it is known which of a shard's samples are the run's own, where there are others."""
    return folder.exists(evidence_name(shard, 1)) or not folder.exists(brought_name(shard))


def read_speed(folder: RunFolder) -> float | None:
    """Tokens a second of the run's sampling, all engines together; None where it has not been timed."""
    if not folder.exists(MANIFEST):
        return None
    manifest = folder.read_json(MANIFEST)
    seconds, tokens = manifest.get("times", {}).get("sample") or 0, count_tokens(manifest)
    return tokens / seconds if seconds and tokens else None


def count_tokens(manifest: Mapping[str, Any]) -> int:
    """What a run's samples took, those that were left at their first step among them."""
    samples = manifest["samples"]
    return int(samples["tokens"] + samples.get("first_steps", {}).get("tokens", 0))


def measure_folders(folder: RunFolder) -> dict[str, int]:
    """Folder of the run -> bytes in it."""
    sizes: dict[str, int] = {}
    prefix = folder.path.rstrip("/") + "/"
    for path, info in folder.fs.find(folder.path, detail=True).items():
        name = str(path).removeprefix(prefix).partition("/")[0]
        sizes[name] = sizes.get(name, 0) + int(info["size"])
    return sizes


def read_actual(config: Config, folder: RunFolder, price: float | None) -> Actual | None:
    """What the run took; None where a graded problem has no decision yet."""
    graded = find_graded(folder)
    done = folder.exists(MANIFEST) and all(folder.exists(decisions_name(shard, 1)) for shard in graded)
    if not graded or not done:
        return None
    manifest = folder.read_json(MANIFEST)
    measured, _ = measure_run(config, folder)
    problems = sum(folder.count_rows(name) for name in graded.values())
    ways = {f"{way}_tokens": float(measured[f"{way}_tokens"].sum()) / measured.height * problems for way in WAYS}
    samples, hours = manifest["samples"], (manifest.get("times", {}).get("sample") or 0.0) / HOUR
    return Actual(
        problems=problems,
        shards=len(graded),
        samples=samples["count"],
        saved=1 - samples["count"] / max(samples["planned"], 1),
        tokens=count_tokens(manifest),
        kept=manifest["stages"][-1]["kept"],
        storage=sum(measure_folders(folder).values()),
        hours=hours,
        cost=None if price is None else hours * price,
        **ways,
    )


def read_plan(folder: RunFolder) -> Plan | None:
    return Plan.from_json(folder.read_json(PLAN)) if folder.exists(PLAN) else None


def write_plan(folder: RunFolder, plan: Plan) -> None:
    folder.write_json(PLAN, {**plan.to_json()})
