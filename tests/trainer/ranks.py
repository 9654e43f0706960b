"""Some steps on one process or, as a module under torchrun, on several; the first rank writes down what it found."""

import sys
from pathlib import Path
from typing import Any

import torch

from schemas.config import TrainConfig
from tests.trainer.tiny import draw_groups
from trainer import distributed
from trainer.learner import Learner, end_ranks, follow
from trainer.objective import build_objective
from trainer.policy import load_policy
from trainer.sharding import load_sharded
from trainer.step import accumulate, build_optimiser, share_out, sum_tokens, train_batch

CONFIG = TrainConfig(microbatch_tokens=64, learning_rate=0.003, warmup=2, minibatches=2)


def run(folder: str, config: TrainConfig, dtype: str) -> dict[str, Any]:
    """Figures of two batches of two minibatches, the first gradient, and the weights at the end."""
    load = load_sharded if distributed.count_ranks() > 1 else load_policy
    policy = load(folder, config, dtype=getattr(torch, dtype))
    optimiser = build_optimiser(policy, config)
    # Five groups on the first rank alone: the others get them from it. Three sequences of one token leave a rank idle.
    batches = [draw_groups(1, [4, 3, 5, 2]), draw_groups(2, [1, 2], prompt=3, completion=2)]
    mine = [distributed.share(groups if distributed.find_rank() == 0 else None) for groups in batches]
    objective = build_objective(config, sum_tokens(mine[0]))
    for batch in share_out(mine[0], config).batches:
        accumulate(policy, batch, objective)
    gradients = {name: whole(master.grad).clone() for name, master in policy.masters.items()}
    stats = [one for n, groups in enumerate(mine) for one in train_batch(policy, optimiser, groups, config, 2 * n)]
    return {
        "ranks": distributed.count_ranks(),
        "stats": stats,
        "gradients": gradients,
        "weights": dict(policy.export_weights()) | dict(policy.export_adapters()),
    }


def resume(folder: str, config: TrainConfig, saved: Path) -> dict[str, Any]:
    """Weights after two batches in one go, and after the second batch of a learner that read what the first saved."""
    batches = [draw_groups(1, [4, 3, 5, 2]), draw_groups(2, [3, 3])]
    through = Learner(Path(folder), config)
    through.learn(batches[0])
    saved.mkdir()
    through.save(saved)
    through.learn(batches[1])
    expected = dict(through.export())
    through.close()
    again = Learner(Path(folder), config)
    again.load(saved)
    again.learn(batches[1])
    return {"weights": dict(again.export()), "expected": expected, "files": sorted(p.name for p in saved.iterdir())}


def copy_checkpoint(folder: str, config: TrainConfig, source: Path, target: Path) -> None:
    """Read a checkpoint, whoever wrote it, and write it again."""
    learner = Learner(Path(folder), config)
    learner.load(source)
    target.mkdir()
    learner.save(target)
    learner.close()


def whole(tensor: Any) -> Any:
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


if __name__ == "__main__":
    model, out, told, task = sys.argv[1:]
    given = TrainConfig.model_validate_json(told)
    torch.distributed.init_process_group("gloo")
    if task not in ("resume", "copy"):
        found = run(model, given, task)
    elif distributed.find_rank() == 0 and task == "copy":
        copy_checkpoint(model, given, Path(out).with_name("of-one"), Path(out).with_name("of-two"))
        found = {}
        end_ranks()
    elif distributed.find_rank() == 0:
        found = resume(model, given, Path(out).with_name("saved"))
        end_ranks()
    else:
        follow(given)
    if distributed.find_rank() == 0:
        torch.save(found, out)
    torch.distributed.destroy_process_group()
