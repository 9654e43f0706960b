"""Sample and verify one shard: ask for what is missing, judge what comes while more is generated, and stop in time.

What is missing is counted by content, never by position: a problem lacks those samples of its own prompt, model
revision and parameters that are not stored. Everything that happens is an event in one queue: completions from the
engine, judgements from the verifier. So the engine never waits for the verifier, nor one problem for another.
"""

import logging
import queue
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from pipeline.decide.confident import Confident, count_first, find_groups, is_audited, learn_rule
from pipeline.decide.likeness import UNREAD, Likeness
from pipeline.decide.rule import Counts, Rules, settle
from pipeline.decide.suspects import doubt_problem
from pipeline.decide.translations import find_paired
from pipeline.inference.continuing import keep_tokens
from pipeline.inference.engine import (
    Completions,
    Engine,
    EngineDied,
    EngineFailure,
    PromptRefused,
    Request,
)
from pipeline.inference.prompts import build_prompt
from pipeline.sample.abstention import says_missing
from pipeline.sample.progress import SamplingProgress, ShardProgress
from pipeline.sample.refusals import name_refusals
from pipeline.sample.steps import Row, Steps, end_begun, open_outcome, read_completion
from pipeline.sample.stop import samples_needed
from pipeline.sample.store import EvidenceStore, name_model, params_hash, verifier_hash
from pipeline.sample.tally import Tally
from pipeline.verify.code import CodeLabel
from pipeline.verify.math import Judgement
from pipeline.verify.problem import LABEL_COLUMNS, read_label
from schemas.config import Config
from schemas.reasons import KEEP, Verdict
from schemas.refusal import REFUSAL_DTYPES
from schemas.sample import FIRST_STEP
from schemas.suspects import find_suspects

log = logging.getLogger(__name__)

BACKLOG = 32
"""Completions that may wait for the verifier, in batches of the engine: it catches up on what took it long, and 16k of
them are 160 MB at 2,500 tokens.
"""


class Verifier(Protocol):
    """What judges a completion by its problem's label: `ProblemVerifier`, or a verifier of one domain alone."""

    def submit(
        self, label: Any, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Future[Judgement]: ...


@dataclass(frozen=True)
class ShardStats:
    """What became of a shard. `samples` are stored in all, of which this run took `sampled` and judged
    `judged_again` again.

    `missing` samples are still needed, because their requests failed (`failures` counts them by message). `refusals`
    are the problems whose prompt the engine does not take, in the columns of REFUSAL_DTYPES: none of theirs is missing.
    Nor are the `first_steps` that were not continued, as no decision needs them. `tokens` and `seconds` are this run's.
    """

    problems: int
    samples: int
    sampled: int
    judged_again: int
    kept: int
    missing: int
    failures: Mapping[str, int]
    refusals: pl.DataFrame
    tokens: int
    seconds: float
    first_steps: int = 0


def sample_shard(
    problems: pl.DataFrame,
    store: EvidenceStore,
    config: Config,
    engine: Engine,
    verifier: Verifier,
    progress: SamplingProgress | None = None,
) -> ShardStats:
    """Bring the evidence of `problems` (`id` and what `read_label` reads) up to what `config.sampling` asks for.

    `store` gains the new samples and is sealed. Stored completions are judged again, not sampled
    again, when the label or the verifier changed, or when their verdict is unknown. A request that fails leaves no
    evidence: the next run asks for it. Raises EngineDied when the engine is lost, with everything so
    far stored.
    """
    share = None if progress is None else progress.begin_shard(store.shard)
    return _Shard(problems, store, config, engine, verifier, share).run()


class _Shard:
    def __init__(
        self,
        problems: pl.DataFrame,
        store: EvidenceStore,
        config: Config,
        engine: Engine,
        verifier: Verifier,
        progress: ShardProgress | None,
    ) -> None:
        self.config, self.engine, self.verifier, self.progress = config, engine, verifier, progress
        self.rules = Rules.of(config)
        self.store = store
        self.model = name_model(store.folder, store.shard, engine)
        self.params, self.steps = params_hash(config.sampling), Steps.of(config.sampling)
        self.events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.wanted: deque[tuple[Tally, int]] = deque()
        self.under_way = self.backlog = 0
        self.sampled = self.judged_again = self.tokens = self.kept = self.missing = self.first_steps = 0
        self.failures: dict[str, int] = {}
        self.refusals = pl.DataFrame(schema=REFUSAL_DTYPES)
        self.died: EngineDied | None = None
        self.suspects = dict(find_suspects(problems).select("problem_id", "unreadable").iter_rows())
        self.groups, self.paired = find_groups(problems), find_paired(problems, config.decide)
        read = problems.select(name for name in LABEL_COLUMNS if name in problems.columns)
        self.tallies = {row["id"]: self._open_tally(row) for row in read.iter_rows(named=True)}
        self.open = len(self.tallies)
        self.resting: list[Tally] = []
        self.confident: Confident | None = None
        self.likeness = Likeness.read(problems) if config.sampling.stop == "confident" else UNREAD

    def _open_tally(self, row: Mapping[str, Any]) -> Tally:
        config = self.config
        label = read_label(row, config.verify)
        verifier = verifier_hash(config.verify, label, config.sandbox)
        doubt = doubt_problem(self.suspects.get(row["id"]), isinstance(label, CodeLabel))
        prompt = build_prompt(row, config.prompt)
        audited = is_audited(row["id"], config.sampling)
        return Tally(row["id"], label, prompt, verifier, doubt, self.groups[row["id"]], audited)

    def run(self) -> ShardStats:
        began = time.monotonic()
        stored = self._recall()
        try:
            for tally in self.tallies.values():
                self._go_on(tally)
            while self.open:
                if len(self.resting) == self.open:
                    self._learn()
                    continue
                self._submit()
                if len(self.resting) == self.open:
                    # The engine is dead and had nothing in hand: no event will come.
                    continue
                try:
                    event = self.events.get(timeout=self.store.due_in())
                except queue.Empty:
                    self.store.flush()
                    continue
                self._handle(event)
        finally:
            self.store.flush()
        if self.died is not None:
            raise self.died
        self.store.seal()
        self._settle_refusals(stored)
        for message, times in self.failures.items():
            log.warning("%d requests failed; their samples are still missing: %s", times, message)
        return ShardStats(
            problems=len(self.tallies),
            samples=stored + self.sampled,
            sampled=self.sampled,
            judged_again=self.judged_again,
            kept=self.kept,
            missing=self.missing,
            failures=dict(self.failures),
            refusals=self.refusals,
            tokens=self.tokens,
            seconds=time.monotonic() - began,
            first_steps=self.first_steps,
        )

    def _recall(self) -> int:
        """Count what is stored for these problems under this prompt, model and parameters; the rest is other
        evidence.
        """
        stored = 0
        for row in self._rows_that_count():
            tally = self.tallies[row["problem_id"]]
            if row["prompt"] != tally.prompt.key:
                continue
            if row["finish_reason"] == FIRST_STEP:
                if self.engine.continues:
                    tally.begun[row["index"]] = row | {"token_ids": keep_tokens(row["token_ids"])}
                continue
            stored += 1
            if self.config.sampling.stop == "confident":
                tally.stored.append(row)
            else:
                self._take(tally, row)
        if self.progress is not None:
            self.progress.recall(stored)
        return stored

    def _take(self, tally: Tally, row: dict[str, Any]) -> None:
        """Count a stored sample, or put it where it is judged."""
        tally.taken.add(row["index"])
        looked = row["says_missing"] is not None or isinstance(tally.label, CodeLabel)
        if row["verifier"] == tally.verifier and row["verdict"] != Verdict.UNKNOWN and looked:
            tally.count(row)
        else:
            tally.unjudged.append(row)

    def _rows_that_count(self) -> Iterator[dict[str, Any]]:
        ours = (
            (pl.col("model") == self.model)
            & (pl.col("revision") == self.engine.revision)
            & (pl.col("params") == self.params)
            & pl.col("problem_id").is_in(list(self.tallies))
        )
        return self.store.load().filter(ours).iter_rows(named=True)

    def _handle(self, event: tuple[Any, ...]) -> None:
        tally: Tally
        if event[0] == "completed":
            _, tally, indices, begun, future = event
            self._receive(tally, indices, begun, future)
        else:
            _, tally, row, future = event
            tally.judging = False
            self._record(tally, row, future.result())
        self._go_on(tally)

    def _go_on(self, tally: Tally) -> None:
        """Judge what is there, one at a time: a class of answers must be known before the next answer is put into
        one.
        """
        while tally.unjudged and not tally.judging:
            row = tally.unjudged.popleft()
            future = self.verifier.submit(tally.label, row["completion"], tuple(tally.wrong), row["finish_reason"])
            if future.done():
                self._record(tally, row, future.result())
            else:
                tally.judging = True
                future.add_done_callback(lambda done, row=row: self.events.put(("judged", tally, row, done)))  # type: ignore[misc]
        if tally.idle:
            self._plan(tally)

    def _plan(self, tally: Tally) -> None:
        """The next round of a problem, or its end."""
        needed = self._needed(tally)
        if needed:
            self._show_open(tally)
        if needed and tally.stored:
            for _ in range(min(needed, len(tally.stored))):
                self._take(tally, tally.stored.popleft())
            self._go_on(tally)
        elif needed and not tally.failed and self.died is None:
            tally.asked = needed
            # A problem that has begun goes before those that have not: what is begun is soon finished.
            (self.wanted.appendleft if tally.has_begun else self.wanted.append)((tally, needed))
        elif self.config.sampling.stop == "confident" and not needed and not tally.failed:
            self.resting.append(tally)
            if self.confident is not None:
                self._show_done(tally, self._decision(tally) == KEEP)
        else:
            self._close(tally, needed)

    def _learn(self) -> None:
        """Learn the rates of the shard from all that was taken, and ask for what its problems need under them.

        All that is under way has come in by then, and what is stored already is taken as if it came now: a run that was
        killed goes the same way again. What is stored beyond that (of another way to stop) is taken in the end.
        """
        resting, self.resting = self.resting, []
        counts = {tally.problem: self._count(tally) for tally in resting}
        rule, groups = learn_rule(self.rules, self.config.sampling, self.groups, counts, self.likeness)
        self.confident = rule
        for tally in resting:
            tally.group = groups[tally.problem]
        # The last to be asked for is the first to be sampled: where a sample may set most right.
        resting.sort(key=lambda tally: rule.gain(self._count(tally), tally.group))
        needed = [self._needed(tally) for tally in resting]
        beyond = not any(needed) and any(tally.stored for tally in resting)
        for tally, more in zip(resting, needed, strict=True):
            while beyond and tally.stored:
                self._take(tally, tally.stored.popleft())
            if beyond or any(needed):
                self._go_on(tally)
            else:
                self._close(tally, more)

    def _close(self, tally: Tally, needed: int) -> None:
        self.open -= 1
        self.first_steps += len(tally.begun)
        tally.begun.clear()
        if tally.refusal is None:
            self.missing += needed
        kept = not needed and self._decision(tally) == KEEP
        self.kept += kept
        # One whose samples the engine did not give is not done.
        if not (needed and tally.refusal is None):
            self._show_done(tally, kept, needed)

    def _show_done(self, tally: Tally, kept: bool, needed: int = 0) -> None:
        """Count a problem as done in the display. With `stop: confident` that may change until all are."""
        self._show_open(tally)
        if self.progress is not None:
            tally.shown = kept, self.config.sampling.n - len(tally.taken) - needed
            self.progress.settle(*tally.shown)

    def _show_open(self, tally: Tally) -> None:
        if self.progress is not None and tally.shown is not None:
            self.progress.reopen(*tally.shown)
            tally.shown = None

    def _needed(self, tally: Tally) -> int:
        """How many samples a problem needs at the very least, so that none is in flight when it is decided."""
        sampling, missing = self.config.sampling, max(self.config.sampling.planned - len(tally.taken), 0)
        if sampling.stop == "full" or (sampling.stop == "confident" and tally.audited):
            return missing
        if sampling.stop == "early":
            if tally.problem in self.paired:
                return missing
            return samples_needed(self._count(tally), self.rules)
        if self.confident is None:
            return max(count_first(tally.problem, tally.group, sampling) - len(tally.taken), 0)
        return self.confident.needed(self._count(tally), tally.group)

    def _count(self, tally: Tally) -> Counts:
        return tally.counts(self.config.sampling.planned)

    def _decision(self, tally: Tally) -> str | None:
        if self.confident is not None:
            return self.confident.choose(self._count(tally), tally.group)
        return settle(self._count(tally), self.rules)

    def _submit(self) -> None:
        """Keep the engine's batch full, and no more than that waiting for it.

        While the verifier is far behind, nothing is asked for: memory is bounded by the engine's capacity, whatever
        the shard and whichever of the two is the slower.
        """
        capacity = self.engine.capacity
        while self.wanted and self.under_way < capacity and self.backlog < BACKLOG * capacity:
            tally, n = self.wanted.popleft()
            if self.died is not None:
                tally.asked = 0
                self._go_on(tally)
                continue
            self.under_way += n
            new, begun = self.steps.choose(n, self._count(tally).missing, tally.correct, tally.begun)
            for row in begun:
                tally.taken.add(row["index"])
                self._ask(tally, [row["index"]], self.steps.go_on(tally.prompt, row), row)
            if new:
                self._ask(tally, tally.reserve(new), self.steps.begin(tally.prompt, new))

    def _ask(self, tally: Tally, indices: list[int], request: Request, begun: Row | None = None) -> None:
        future = self.engine.submit(request)
        future.add_done_callback(lambda done: self.events.put(("completed", tally, indices, begun, done)))

    def _receive(self, tally: Tally, indices: list[int], begun: Row | None, future: Completions) -> None:
        self.under_way -= len(indices)
        tally.asked -= len(indices)
        try:
            completions = future.result()
        except (EngineFailure, EngineDied) as failure:
            if begun is not None and isinstance(failure, PromptRefused) and failure.too_long:
                # The model's context is full.
                completions = (end_begun(begun),)
            else:
                self._lose(tally, indices, begun, failure)
                return
        before = 0 if begun is None else begun["tokens"]
        for index, completion in zip(indices, completions, strict=True):
            self.tokens += (completion.tokens or 0) - before
            row = {
                "problem_id": tally.problem,
                "prompt": tally.prompt.key,
                "model": self.model,
                "revision": self.engine.revision,
                "params": self.params,
                "index": index,
                "grading_pass": self.store.grading_pass,
                **read_completion(completion, begun),
            }
            if begun is None and self.steps.is_open(completion):
                tally.taken.discard(index)
                tally.begun[index] = row | open_outcome(completion, tally.verifier)
                self.store.append([tally.begun[index] | {"token_ids": list(completion.token_ids or ())}])
            else:
                self.backlog += 1
                tally.unjudged.append(row)

    def _lose(self, tally: Tally, indices: list[int], begun: Row | None, failure: EngineFailure | EngineDied) -> None:
        """No answer: what was asked for is missing as it was before."""
        tally.taken.difference_update(indices)
        if begun is not None:
            tally.begun[begun["index"]] = begun
        if isinstance(failure, EngineDied):
            self.died = self.died or failure
            return
        tally.failed = True
        if begun is None and isinstance(failure, PromptRefused):
            tally.refusal = failure
        else:
            self._count_failure(failure)

    def _count_failure(self, failure: EngineFailure) -> None:
        self.failures[str(failure)] = self.failures.get(str(failure), 0) + 1

    def _settle_refusals(self, stored: int) -> None:
        """Tell the problems whose prompt is refused from an engine that refuses all: there samples are missing."""
        refused = {tally.problem: tally.refusal for tally in self.tallies.values() if tally.refusal is not None}
        answers = bool(stored or self.sampled or self.engine.stats.requests)
        self.refusals = name_refusals(refused, answers)
        for id_ in refused.keys() - set(self.refusals["problem_id"]):
            self.missing += self._needed(self.tallies[id_])
            self._count_failure(refused[id_])
        if self.refusals.height:
            log.warning("prompts that the model does not take: %d", self.refusals.height)

    def _record(self, tally: Tally, row: dict[str, Any], judgement: Judgement) -> None:
        judged = row | {
            "answer": judgement.answer,
            "answer_key": judgement.answer_key,
            "verdict": judgement.verdict.value,
            "verdict_detail": judgement.detail,
            "verifier": tally.verifier,
            "says_missing": None if isinstance(tally.label, CodeLabel) else says_missing(row["completion"]),
        }
        tally.count(judged)
        if "verdict" in row:
            if judged != row:
                self.judged_again += 1
                self.store.append([judged])
            return
        self.store.append([judged])
        self.backlog -= 1
        self.sampled += 1
        if self.progress is not None:
            self.progress.sample(judged["tokens"] or 0)
