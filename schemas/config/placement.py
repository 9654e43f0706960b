"""Which GPUs of the node train, and which generate for the trainer."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict

Gpu = Annotated[int, Field(ge=0)]


class PlacementConfig(Strict):
    """Which GPUs of the node the rollout engines have while training, and which the trainer.

    GPUs are counted from 0 among those that may be used (CUDA_VISIBLE_DEVICES). Grading has all of them, at another
    time. What is not given here is chosen by `schemas.placement`, and `goldilocks doctor CONFIG` prints it.
    """

    gpus: Annotated[int, Field(ge=1)] | None = None
    """GPUs that may be used; none asks the machine. Given, they are what `goldilocks doctor` reckons with, on any
    machine, and a run does not start with fewer."""
    gpu_memory: Annotated[float, Field(gt=0)] | None = None
    """GB of one GPU, of 1e9 bytes; none asks the card. Cards that are sold as 80 GB have a little more."""
    host_memory: Annotated[float, Field(gt=0)] | None = None
    """GB of the node's own memory, of 1e9 bytes; none asks the machine, or the limit of its container or job."""
    engines: Annotated[tuple[Gpu, ...], Field(min_length=1)] | None = None
    """GPUs of the rollout engines, each of which takes `tensor_parallel_size` of them. None is the first half of the
    node's GPUs, and what the trainer leaves where its own are given; with `train.colocate` all of them."""
    trainer: Annotated[tuple[Gpu, ...], Field(min_length=1)] | None = None
    """GPUs of the trainer's ranks, in their order: its weights are sharded over them. None is the last
    `train.processes`, or the other half; with `train.colocate` all of them."""
    check_fit: bool = True
    """Refuse to train, before anything is sampled, what does not fit on the GPUs or in the node's memory by doctor's
    arithmetic; false starts it all the same. Nothing is refused where there is no GPU, or where the model's shape is
    not known."""
