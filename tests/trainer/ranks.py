"""Some steps on one process or, as a module under torchrun, on several; the first rank writes down what it found."""

import sys
from typing import Any

import torch

from schemas.config.training import TrainConfig
from tests.trainer.tiny import draw_groups
from trainer import distributed
from trainer.objective import Objective
from trainer.policy import load_policy
from trainer.step import accumulate, build_optimiser, share_out, sum_tokens, train_batch

CONFIG = TrainConfig(micro_tokens=64, learning_rate=0.003, warmup=2, minibatches=2, importance_cap=2.0)


def run(folder: str, config: TrainConfig, dtype: str) -> dict[str, Any]:
    """Figures of two batches of two minibatches, the first gradient, and the weights at the end."""
    several = distributed.count_ranks() > 1
    policy = load_policy(folder, config, dtype=getattr(torch, dtype), masters=not several)
    for name, weight in policy.masters.items():
        if ".lora_" in name:  # Random where adapters start; every process has its own randomness.
            with torch.no_grad():
                weight.copy_(torch.linspace(-0.1, 0.1, weight.numel()).view_as(weight))
    policy.publish()
    if several:
        distributed.shard(policy, getattr(torch, dtype))
    optimiser = build_optimiser(policy, config)
    # Five groups on the first rank alone: the others get them from it. Three sequences of one token leave a rank idle.
    batches = [draw_groups(1, [4, 3, 5, 2]), draw_groups(2, [1, 2], prompt=3, completion=2)]
    mine = [distributed.share(groups if distributed.find_rank() == 0 else None) for groups in batches]
    objective = Objective(config.eps_low, config.eps_high, sum_tokens(mine[0]), config.importance_cap)
    for batch in share_out(mine[0], config)[0]:
        accumulate(policy, batch, objective)
    gradients = {name: whole(master.grad).clone() for name, master in policy.masters.items()}
    stats = [one for n, groups in enumerate(mine) for one in train_batch(policy, optimiser, groups, config, 2 * n)]
    return {
        "ranks": distributed.count_ranks(),
        "stats": stats,
        "gradients": gradients,
        "weights": distributed.gather_weights(policy),
    }


def whole(tensor: Any) -> Any:
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


if __name__ == "__main__":
    torch.distributed.init_process_group("gloo")
    found = run(sys.argv[1], TrainConfig.model_validate_json(sys.argv[3]), sys.argv[4])
    if distributed.find_rank() == 0:
        torch.save(found, sys.argv[2])
    torch.distributed.destroy_process_group()
