"""The placement on this machine: how many GPUs there are, which ones this process sees, where each engine runs."""

import os

from pipeline.inference.machine import NODE_GPUS, Place, count_gpus, list_gpus
from schemas.config import Config, ModelConfig
from schemas.errors import InputError
from schemas.placement import Placement, choose_grader, choose_placement


def find_placement(config: Config) -> Placement:
    """Who has which GPU of this machine. Raises InputError where the config asks for what it has not."""
    try:
        return choose_placement(config, _find_gpus(config))
    except ValueError as error:
        raise InputError(str(error)) from None


def find_grader(config: Config) -> ModelConfig | None:
    """The model as engines of this machine grade by it, pass 2 where servers grade pass 1; None where servers grade
    both. Raises InputError where the config asks for what it has not.
    """
    gpus = _find_gpus(config)
    try:
        model = choose_grader(config, gpus)
    except ValueError as error:
        raise InputError(str(error)) from None
    if model is not None and gpus and model.engines * model.devices > gpus:
        raise InputError(
            f"model.engines: {model.engines} of {model.devices} GPUs each grade here, and {gpus} may be used; lower "
            "model.engines or model.engine.tensor_parallel_size"
        )
    return model


def place_engines(config: Config) -> tuple[Place, ...]:
    """The place of every rollout engine. Raises InputError."""
    placement = find_placement(config)
    groups = placement.engines
    if groups:
        share = _find_share(config, len(placement.trainer)) if placement.colocate else None
        return tuple(Place(number, len(groups), gpus, share) for number, gpus in enumerate(groups))
    many = config.rollout_model.engines
    return tuple(Place(number, many) for number in range(many))


def take_gpus(placement: Placement) -> None:
    """Let this process see the trainer's GPUs alone, so that LOCAL_RANK counts among them.

    To be called before anything asks CUDA, which looks once. Engines that this process starts get theirs all the same.
    """
    visible = list_gpus(os.environ)
    if placement.trainer and visible and NODE_GPUS not in os.environ:
        os.environ[NODE_GPUS] = ",".join(visible)
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(visible[gpu] for gpu in placement.trainer)


def _find_gpus(config: Config) -> int:
    """How many GPUs of this machine the run may use. Raises InputError."""
    here, given = count_gpus(os.environ), config.placement.gpus
    if given is not None and given > here:
        raise InputError(
            f"placement.gpus is {given}, and {here or 'no'} GPU{'s' * (here > 1)} may be used here; lower or remove it"
        )
    return given or here


def _find_share(config: Config, ranks: int) -> float:
    """What an engine may take of a GPU that it has in turn with the trainer. Raises InputError where it is nothing."""
    from pipeline.inference.shape import read_shape
    from trainer.memory import GB, find_gpu_memory, find_share

    memory = find_gpu_memory(config) * GB
    share = find_share(read_shape(config.model), config, ranks, memory)
    if share <= 0:
        raise InputError(
            f"the trainer's weights and optimiser alone are more than a GPU's {memory / GB:.0f} GB; "
            "`goldilocks doctor` with this config says what to change"
        )
    return share
