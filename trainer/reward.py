"""From completions to rewards, by the verifier that grades in curation: one code, the same limits.

The parts and their sizes stand in pipeline/verify/reward.py (paper, section 2.2). A completion that could not be
verified has no reward and is left out of its group: trouble of ours must not teach a model anything. An answer over a
limit is worth 0, whatever its verdict: left out, it would spare its group a bad reward.
"""

import asyncio
from dataclasses import dataclass

from pipeline.language import keeps_language
from pipeline.verify.problem import ProblemVerifier
from pipeline.verify.reward import NOTHING, reward
from schemas.config import TrainStage
from schemas.reasons import Cause, Verdict
from trainer.group import Group
from trainer.problems import Task
from trainer.rollout import Rollout, Sampled


@dataclass(frozen=True)
class Judged:
    """A group with what was judged on the way.

    `unknown` rollouts are left out of it; those `over_limit` are in it, worth 0.
    """

    group: Group | None
    unknown: int
    over_limit: int


async def judge_group(
    task: Task, sampled: Sampled, verifier: ProblemVerifier, stage: TrainStage, max_tokens: int
) -> Judged:
    """Verify all rollouts of a problem at once and reward them; no group where fewer than two have a verdict."""
    judgements = await asyncio.gather(
        *(
            asyncio.wrap_future(verifier.submit(task.label, rollout.text, (), rollout.finish_reason))
            for rollout in sampled.rollouts
        )
    )
    # A completion of 16,000 tokens takes a fifth of a second, and engines are answered from this loop.
    kept = await asyncio.to_thread(
        lambda: [keeps_language(task.statement, rollout.text) for rollout in sampled.rollouts]
    )
    over_limit = 0
    rewarded: list[tuple[Rollout, float, bool]] = []
    for rollout, judgement, language_ok in zip(sampled.rollouts, judgements, kept, strict=True):
        over = judgement.cause is Cause.ANSWER_LIMIT
        over_limit += over
        parts = (
            NOTHING
            if over
            else reward(
                judgement.verdict,
                judgement.format_ok,
                tokens=len(rollout.tokens),
                l_max=max_tokens,
                l_cache=stage.l_cache,
                language_ok=language_ok,
            )
        )
        if parts is not None:
            rewarded.append((rollout, parts.total, judgement.verdict is Verdict.CORRECT))
    unknown = len(sampled.rollouts) - len(rewarded)
    if len(rewarded) < 2:
        return Judged(None, unknown, over_limit)
    rollouts, rewards, correct = zip(*rewarded, strict=True)
    return Judged(Group(task.id, sampled.prompt, rollouts, rewards, correct, max_tokens), unknown, over_limit)
