"""Training: GRPO in stages (Magistral paper, sections 2, 3 and 5)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict
from schemas.config.model import RolloutEngineConfig
from schemas.config.sources import Source


class TrainStage(Strict):
    """One stage. The paper makes data harder, completions longer and the batch smaller from one to the next."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9-]+$")]
    """Names the stage's folder and its lines in logs and reports; each stage has its own."""
    data: Literal["kept", "harder"] = "kept"
    """`kept` is what the first grading pass kept; `harder` what the last pass kept less what the policy now solves, and
    with it what only the trained grader could solve."""
    steps: Annotated[int, Field(ge=1)] = 100
    """Optimiser steps at most."""
    prompts_per_batch: Annotated[int, Field(ge=1)] = 32
    """Groups with signal in one batch; a batch is prompts_per_batch x train.num_generations completions."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Longest completion (l_max); none is sampling.max_tokens."""
    l_cache: Annotated[int, Field(ge=0)] = 0
    """The length penalty grows over the last l_cache tokens below max_tokens (section 2.2)."""
    plateau: Annotated[float, Field(ge=0, le=1)] = 0.3
    """The stage ends early when fewer than this share of the last 10 batches' groups had differing rewards: below it
    most of the sampling teaches nothing. 0 never ends it early."""
    patience: Annotated[int, Field(ge=10)] = 50
    """The stage ends early when the reward has not risen over this many steps, or the length of completions has not and
    the next stage allows longer ones (section 5). Fewer than 10 tell nothing."""


class LoraTraining(Strict):
    """Train low-rank adapters instead of all weights; they are merged wherever weights leave the trainer, or by the
    servers that it pushes to (`on_servers`)."""

    rank: Annotated[int, Field(ge=1)] = 32
    """Of the adapters: more can learn more and takes more memory."""
    alpha: Annotated[float, Field(gt=0)] = 64.0
    """Adapters are scaled by alpha / rank: twice the rank scales them by 2."""
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    """Names of the layers with adapters; `all-linear` is every linear layer but the output."""


class EvaluationConfig(Strict):
    """Held-out problems, graded before training, while it goes on, and after every stage."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Of the problems to train on, chosen by the hash of their id, so that it is stable as the set grows."""
    sources: tuple[Source, ...] = ()
    """Problems from elsewhere, held out as well; statements that training has are left out of them."""
    problems: Annotated[int, Field(ge=1)] = 256
    """At most; of 16 samples each, the interval is then about three points wide on either side."""
    every: Annotated[int, Field(ge=1)] | None = 50
    """Steps between evaluations while a stage trains, so that a run that has gone wrong is seen before its end; none
    evaluates only before and after."""
    every_problems: Annotated[int, Field(ge=1)] = 64
    """Held-out problems of those in between, the same ones each time: a quarter of the default's, as the optimiser
    waits for them."""
    variants: Literal["keep", "reject"] = "reject"
    """Problems that have the text of a held-out one with other numbers: who has trained on them knows its way to the
    answer. `keep` trains on them, where both are of one generator. Held-out problems in other words, in another
    language or as a part of a longer one are never trained on."""
    n: Annotated[int, Field(ge=1)] = 16
    """Samples a problem: pass@1 is their mean, majority@n their commonest answer. At sampling.temperature; one sample
    where that is 0."""


class TrainConfig(Strict):
    """GRPO with the paper's changes. The learning rate and the sizes suit a 7B model on one node."""

    num_generations: Annotated[int, Field(ge=2)] = 16
    """Completions a problem: as many as grade it."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-6
    """The field's usual one for full weights; ten times as much suits LoRA and models below 1B."""
    warmup: Annotated[int, Field(ge=0)] = 5
    """Steps over which the learning rate rises: Adam's second moments are noise at first."""
    eps_low: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """The paper does not print it; PPO's."""
    eps_high: Annotated[float, Field(gt=0)] = 0.28
    """Clip-higher: 0.26 to 0.28 in the paper, so that unlikely tokens can grow."""
    objective: Literal["magistral", "dapo", "grpo", "dr_grpo", "gspo", "cispo"] = "magistral"
    """How token losses become one. `magistral`: divided by the length of their group, groups counting alike (section
    2.1); `dapo`: by the length of the minibatch; `grpo`: by that of their sequence, sequences counting alike;
    `dr_grpo`: by max_tokens, advantages not normalised; `gspo`: as grpo, with the ratio of whole sequences (eps_low
    3e-4 and eps_high 4e-4 suit it); `cispo`: as dapo, with the ratio, clipped above, as a weight."""
    importance: Literal["none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"] = "token_truncate"
    """Weigh tokens by the trainer's over the sampler's probability, of the token or of its sequence, truncated at
    importance_cap or left out above it, and clip against the trainer's probability of before the batch: engine and
    trainer never compute quite the same, and generation runs ahead. `none` takes the sampler's log-probabilities as
    they are, as the paper does."""
    importance_cap: Annotated[float, Field(ge=1)] = 2.0
    """Above it a weight is truncated or masked: the bound of truncated importance sampling's authors."""
    mask_overlong: bool = False
    """Leave completions that were cut at max_tokens out of the loss; their rewards still count in their group. TRL's
    `mask_truncated_completions`, but for what was cut: the engine says it here, a last token that ends nothing there,
    which a completion ended by a stop string has too."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients are scaled down to this norm, so that one unlucky batch cannot throw the weights off."""
    minibatches: Annotated[int, Field(ge=1)] = 1
    """Optimiser steps a batch; each more is further off-policy."""
    microbatch_tokens: Annotated[int, Field(ge=64)] = 16384
    """Tokens forwarded at once: what bounds memory."""
    max_async_batches: Annotated[float, Field(gt=0, le=2)] = 2.0
    """Completions in flight or waiting for the trainer, over those of a batch (n_async / n_batch): the paper's bound on
    how stale a batch may be."""
    max_off_policy_steps: Annotated[int, Field(ge=1)] = 8
    """A group whose oldest token is of weights from more steps ago is dropped, or ended while it generates, and its
    problem sampled again: `max_async_batches` bounds how much is in flight, not how long one slow completion may be. A
    problem of which two groups in a row were too old rests for eight epochs."""
    synchronous: bool = False
    """For debugging: sample a batch, train on it, push, and only then sample the next."""
    colocate: bool | None = None
    """Engines and trainer take turns on the same GPUs: while the optimiser works nothing is generated, and an engine's
    weights and cache are not in memory. None does so where there is one GPU, and without GPUs, where it was four times
    faster on two cores than fighting over them."""
    gradient_checkpointing: bool | None = None
    """A third more time for activations of one layer; none does so on a GPU, whose memory long completions fill."""
    compile: bool = False
    """torch.compile of the layers, for long runs: on a CPU 7%, after minutes of compiling (docs/figures.md)."""
    lora: LoraTraining | None = None
    """None trains all weights."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 20
    """Steps; what a killed run repeats at most."""
    on_servers: bool = False
    """Sample rollouts, and grade pass 2, on the servers of `model.url`, which take the trained weights where they are
    started as docs/cluster.md says; else vLLM runs beside the trainer for both."""
    processes: Annotated[int, Field(ge=1)] | None = None
    """Of torchrun, with the weights sharded over them (FSDP2); none is one for each of the trainer's GPUs
    (`placement.trainer`), and one without GPUs."""
    rollout_engine: RolloutEngineConfig = RolloutEngineConfig()
    folder: str | None = None
    """Where checkpoints and logs lie; none is training/ in the run's folder, which then has to be local."""
    keep_checkpoints: Annotated[int, Field(ge=1)] = 1
    """The newest checkpoints that stay; older ones go once a later one has been read back. Each is fourteen bytes a
    parameter, and a stage that is done keeps its model anyway."""
    evaluation: EvaluationConfig = EvaluationConfig()
    grader_only: bool = False
    """The first stage's model only grades: the second stage trains the model that the first one began with, as in the
    paper."""
    draw: Literal["by_pass_rate", "evenly"] = "by_pass_rate"
    """How often a problem is drawn. `by_pass_rate`: as often as its rollouts are likely to differ, by its samples and
    its rollouts so far; what is solved rests for some epochs, as what is not, and both return. `evenly`: once an
    epoch."""
    stages: Annotated[tuple[TrainStage, ...], Field(min_length=1)] = (
        TrainStage(name="stage-1"),
        TrainStage(name="stage-2", data="harder", prompts_per_batch=16),
    )
    """One after the other; a longer list is the paper's curriculum."""
    seed: int = 0
    """Of the order of problems."""

    @model_validator(mode="after")
    def _named_stages(self) -> "TrainConfig":
        names = [stage.name for stage in self.stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two stages are called {twice[0]!r}; give each its own name")
        return self
