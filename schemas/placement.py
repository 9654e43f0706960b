"""Who has which GPU of a node: while it trains rollout engines, the trainer's ranks, or both the same ones in turn; and
while it grades the engines of the grader.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.config import Config, ModelConfig


@dataclass(frozen=True)
class Placement:
    """`engines` are the GPUs of each rollout engine, `trainer` that of each rank.

    Both are empty on a machine without GPUs, `engines` also where servers sample. With `colocate` an engine sleeps
    while the trainer steps.
    """

    engines: tuple[tuple[int, ...], ...]
    trainer: tuple[int, ...]
    colocate: bool

    def __str__(self) -> str:
        if not self.trainer:
            return "no GPU: engine and trainer take turns on the CPU" if self.colocate else "no GPU"
        if not self.engines:
            return f"engines on servers; trainer on {list_numbers(self.trainer)}"
        where = " | ".join(list_numbers(gpus) for gpus in self.engines)
        turns = ", in turn" if self.colocate else ""
        return f"engines on {where}; trainer on {list_numbers(self.trainer)}{turns}"


def choose_grader(config: "Config", gpus: int) -> "ModelConfig | None":
    """The model as engines of a node of `gpus` GPUs grade by it; None where servers grade both passes.

    Where servers grade the first pass and do not take the trained weights (`train.on_servers`), the second one is
    graded on the trainer's node, by as many engines as its GPUs hold: nothing else runs there meanwhile. Raises
    ValueError where these engines could not take what the servers take.
    """
    model = config.model
    if not model.urls:
        return model
    if config.train.on_servers:
        return None
    if config.sampling.max_tokens >= model.max_model_len:
        raise ValueError(
            f"sampling.max_tokens is {config.sampling.max_tokens}, and the engines that grade pass 2 on the trainer's "
            f"node have model.max_model_len, {model.max_model_len}, for prompt and completion together; raise "
            "model.max_model_len, or set train.on_servers: true"
        )
    return model.model_copy(update={"url": None, "engines": max(1, gpus // model.devices)})


def choose_placement(config: "Config", gpus: int) -> Placement:
    """The placement on a node of `gpus` GPUs: what `config.placement` gives, and halves of the node for the rest.

    Raises ValueError, with the keys to change, where engines and trainer cannot have what they are to have.
    """
    given, train, model = config.placement, config.train, config.rollout_model
    if gpus == 0:
        if given.engines or given.trainer:
            raise ValueError("placement names GPUs, and this machine has none; remove placement.engines and .trainer")
        return Placement((), (), train.colocate is not False)
    if train.on_servers:
        return Placement((), given.trainer or tuple(range(gpus))[: train.processes], False)
    trainer, engines = _share_out(config, gpus)
    for key, numbers in (("engines", engines), ("trainer", trainer)):
        if above := [gpu for gpu in numbers if gpu >= gpus]:
            raise ValueError(f"placement.{key} has GPU {above[0]}, and there are {gpus}, counted from 0")
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"placement.{key} has a GPU twice: {list(numbers)}")
    if not engines or not trainer:
        raise ValueError(
            f"of {gpus} GPUs none is left for the {'trainer' if engines else 'rollout engines'}; lower "
            "train.processes, or set train.colocate: true, so that both have the same ones in turn"
        )
    if train.processes is not None and train.processes != len(trainer):
        raise ValueError(
            f"train.processes is {train.processes}, and the trainer has {len(trainer)} GPUs, one for each; "
            "leave train.processes out, or give placement.trainer as many"
        )
    shared = sorted(set(trainer) & set(engines))
    if shared and not (train.colocate or (train.colocate is None and gpus == 1)):
        raise ValueError(
            f"the rollout engines and the trainer both have GPU {list_numbers(shared)}; set train.colocate: true, so "
            "that they take turns, or give placement.engines and placement.trainer different ones"
        )
    if not shared and train.colocate is True:
        raise ValueError(
            "train.colocate lets engines and trainer take turns on the same GPUs, and placement gives them different "
            "ones; remove train.colocate"
        )
    size = model.devices
    wanted = train.rollout_engine.engines
    many = max(1, len(engines) // size) if wanted is None else wanted
    if many * size > len(engines):
        raise ValueError(
            f"train.rollout_engine: {many} engines of {size} GPU{'s' * (size > 1)} each want {many * size}, and "
            f"{len(engines)} are left to them; lower train.rollout_engine.engines or its tensor_parallel_size, or give "
            "placement.engines more"
        )
    groups = tuple(tuple(engines[first : first + size]) for first in range(0, many * size, size))
    return Placement(groups, tuple(trainer), bool(shared))


def _share_out(config: "Config", gpus: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """GPUs of the trainer, and of the engines."""
    given, train = config.placement, config.train
    node = tuple(range(gpus))
    if train.colocate or gpus == 1:
        trainer = given.trainer or given.engines or node[: train.processes or gpus]
        return trainer, given.engines or given.trainer or node
    if given.trainer is not None:
        return given.trainer, given.engines or tuple(gpu for gpu in node if gpu not in given.trainer)
    free = node if given.engines is None else tuple(gpu for gpu in node if gpu not in given.engines)
    ranks = train.processes or (gpus // 2 if given.engines is None else len(free))
    trainer = free[max(0, len(free) - ranks) :]
    return trainer, given.engines or tuple(gpu for gpu in node if gpu not in trainer)


def list_numbers(gpus: "tuple[int, ...] | list[int]") -> str:
    """`0-3,6`: runs of numbers by their ends."""
    parts: list[list[int]] = []
    for gpu in sorted(gpus):
        if parts and gpu == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], gpu]
        else:
            parts.append([gpu])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
