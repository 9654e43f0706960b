"""Decide a run's folder: the witnesses learned over the whole run, then labels, decisions and rates a shard at a
time.
"""

from collections import Counter
from collections.abc import Iterable

import polars as pl

from pipeline.decide.decide import NEEDED
from pipeline.decide.labels import count_rates, decide_with_labels, settle_outcomes, swap_labels
from pipeline.decide.likeness import Likeness
from pipeline.decide.refusals import reject_refused
from pipeline.decide.rule import Rules
from pipeline.decide.trail import calibrate, follow_samples
from pipeline.decide.translations import match_translations
from pipeline.decide.vacuous import reject_vacuous
from pipeline.labels.flags import read_rulings
from pipeline.labels.gather import NEEDED as VOTE_COLUMNS
from pipeline.labels.gather import gather_votes
from pipeline.labels.judge import Witnesses, judge_labels
from pipeline.labels.run import learn_run, name_origin
from pipeline.progress import track
from pipeline.run.evidence import (
    add_earlier,
    choose_evidence,
    find_calibrations,
    find_decisions,
    find_graded,
    find_samples,
    leave_out_later,
    read_refusals,
    read_samples,
)
from pipeline.run.layout import LABELS, RATES, calibration_name, decisions_name, labels_name, rates_name, shard_of
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.problem import complete_columns
from schemas.reasons import KEEP, Reason

COLUMNS = (
    "id",
    "statement",
    "source",
    "domain",
    "answer",
    "language",
    "parent_id",
    "label_candidates",
    "history",
    "extra",
)


def learn_run_witnesses(folder: RunFolder, config: Config, grading_pass: int = 1) -> Witnesses:
    """Learn how far each witness of a run can be trusted, from what is stored up to a pass."""
    graded, samples = find_graded(folder), find_samples(folder)
    with track("decide: learn from the witnesses", unit="", part=True):
        return learn_run(folder, graded, samples, config, read_rulings(folder), grading_pass)


def decide_shard(
    folder: RunFolder,
    graded: str,
    sample_files: Iterable[str],
    config: Config,
    witnesses: Witnesses,
    grading_pass: int = 1,
) -> pl.DataFrame:
    """Decide the problems of the table `graded`; returns the decisions.

    Writes decisions/pass-K-SHARD.parquet, and the witnesses' statements and every grader's rates as labels/ and rates/.
    """
    shard = shard_of(graded)
    table = folder.read_table(graded, list(COLUMNS), ("label_candidates",))
    problems = add_earlier(folder, shard, complete_columns(table), grading_pass)
    samples = read_samples(folder, sample_files, (*NEEDED, *VOTE_COLUMNS, "grading_pass"))
    heard = leave_out_later(folder, shard, samples, grading_pass)
    votes = gather_votes(problems, heard, name_origin(config), read_rulings(folder), witnesses.apart)
    labels = judge_labels(votes, witnesses, config.labels)
    evidence = choose_evidence(folder, shard, samples, grading_pass)
    decisions = decide_with_labels(evidence, problems, labels, config, grading_pass)
    decisions = reject_refused(decisions, read_refusals(folder, shard, grading_pass))
    decisions = reject_vacuous(decisions, problems)
    labels = settle_outcomes(labels, decisions)
    if config.decide.translations == "match":
        decisions = match_translations(decisions, problems)
    name = calibration_name(shard, grading_pass)
    if config.sampling.stop == "confident":
        trails = follow_samples(swap_labels(evidence, labels), problems)
        folder.write_json(name, calibrate(trails, config.sampling, Rules.of(config), Likeness.read(problems)).to_json())
    elif folder.exists(name):
        folder.remove(name)
    folder.write_table(labels_name(shard), labels)
    folder.write_table(rates_name(shard), count_rates(samples, labels))
    folder.write_table(decisions_name(shard, grading_pass), decisions)
    return decisions


def decide_run(
    folder: RunFolder, config: Config, grading_pass: int = 1, shards: Iterable[str] | None = None
) -> dict[str, int]:
    """Decide every graded shard (or those named); returns decision -> problems. Memory is bounded by one shard.

    Decisions of shards that are not graded any more are removed.
    """
    graded, samples = find_graded(folder), find_samples(folder)
    chosen = graded if shards is None else {shard: graded[shard] for shard in shards}
    made = (*find_decisions(folder, grading_pass).values(), *find_calibrations(folder, grading_pass))
    for name in (*made, *folder.list(LABELS), *folder.list(RATES)):
        if shard_of(name) not in graded:
            folder.remove(name)
    witnesses = learn_run_witnesses(folder, config, grading_pass)
    total: Counter[str] = Counter()
    with track("decide") as work:
        for shard, name in chosen.items():
            decisions = decide_shard(folder, name, samples.get(shard, ()), config, witnesses, grading_pass)
            total.update(dict(decisions["decision"].value_counts().iter_rows()))
            work.advance(decisions.height)
    return {word: total[word] for word in (KEEP, *(r.value for r in Reason)) if total[word]}
