"""TRL's `GRPOTrainer`, set to the paper's loss, with inputs made from our groups."""

from collections.abc import Sequence
from typing import Any

from schemas.config import TrainConfig
from trainer.rollout import Rollout


def make_trainer(model: str, folder: str, *, bf16: bool = False, sequences: int = 8) -> Any:
    """A trainer of `model` whose `_compute_loss(trainer.model, make_inputs(...))` is the paper's loss."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=bf16,
        fp16=False,
        report_to=[],
        gradient_checkpointing=False,
        loss_type="dapo",
        beta=0.0,
        epsilon=0.2,
        epsilon_high=0.28,
        scale_rewards="none",
        temperature=1.0,
        num_generations=sequences,
        per_device_train_batch_size=sequences,
        steps_per_generation=1,
        num_iterations=1,
        gradient_accumulation_steps=1,
    )
    trainer = GRPOTrainer(
        AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=config,
        train_dataset=Dataset.from_dict({"prompt": ["x"] * sequences}),
        processing_class=AutoTokenizer.from_pretrained(model),
    )
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    return trainer


def set_objective(trainer: Any, config: TrainConfig, loss_type: str, importance_sampling_level: str = "token") -> None:
    """Have `trainer` compute that loss from now on, with the clips of `config`."""
    trainer.loss_type, trainer.importance_sampling_level = loss_type, importance_sampling_level
    trainer.epsilon_low = config.eps_low
    # CISPO's bound is the whole ratio's there.
    trainer.epsilon_high = config.eps_high + (loss_type == "cispo")
    trainer.max_completion_length = 30
    trainer.use_vllm = trainer.vllm_importance_sampling_correction = config.importance != "none"


def is_truncated(trainer: Any, rollout: Rollout) -> bool:
    """What `mask_truncated_completions` takes for cut off: its last token ends nothing. TRL does not ask the engine."""
    return rollout.tokens[-1] not in [*trainer.eos_token_ids, trainer._tokenizer.pad_token_id]


def make_inputs(
    rows: Sequence[tuple[tuple[tuple[int, ...], Rollout], float]], total: int, masked: Sequence[bool] = ()
) -> dict[str, Any]:
    """((prompt, rollout), advantage) of each sequence, padded as TRL does: prompts left, completions right.

    Those that are `masked` are in no mask.
    """
    import torch

    prompts = [list(prompt) for (prompt, _), _ in rows]
    completions = [list(rollout.tokens) for (_, rollout), _ in rows]
    sampled = [list(rollout.logprobs) for (_, rollout), _ in rows]
    before, after = (max(len(one) for one in some) for some in (prompts, completions))

    def left(some: list[list[int]]) -> Any:
        return torch.tensor([[0] * (before - len(one)) + one for one in some])

    def right(some: Sequence[Sequence[float]]) -> Any:
        return torch.tensor([[*one, *[0] * (after - len(one))] for one in some])

    return {
        "prompt_ids": left(prompts),
        "prompt_mask": left([[1] * len(one) for one in prompts]),
        "completion_ids": right(completions),
        "completion_mask": right(
            [[1 - out] * len(one) for one, out in zip(completions, masked or [False] * len(rows), strict=True)]
        ),
        "old_per_token_logps": right(sampled).float(),
        "advantages": torch.tensor([gain for _, gain in rows]),
        "num_items_in_batch": torch.tensor(float(total)),
    }
