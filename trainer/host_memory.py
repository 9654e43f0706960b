"""What a node's own memory has to hold, beside that of its GPUs: the processes of a run and what passes through them.

Files that are read or written go through the page cache, which the kernel takes back, and are left out: the model's,
which engines and ranks map, and a checkpoint's, to which a rank writes one tensor at a time. Without GPUs engine and
trainer have all of theirs here, and a step is reckoned on one completion, which a micro-batch has at least.
"""

import os
from collections.abc import Mapping

from pipeline.inference.machine import KV_CACHE_GB, count_gpus, read_memory
from pipeline.inference.shape import BYTES, ModelShape
from schemas.config import Config, ModelConfig
from schemas.placement import choose_grader, choose_placement
from trainer.memory import GB, PROMPT, Demand, reckon_step

GIB = 2.0**30
OWN = 0.7 * GB
"""Goldilocks with its flow, and Prefect's server: 0.38 and 0.26 in the quickstart (PSS)."""
VERIFIER = 0.1 * GB
"""A process that judges answers: 0.08."""
RANK = 2.1 * GB
"""A process of torch with a GPU: 2.05 on an H100 once it had taken steps, opened NCCL and compiled a layer."""
ENGINE = 3.0 * GB
"""A process of vLLM with a GPU, allowed for and not measured: a rank's, vLLM's libraries and pinned buffers."""
CPU_RANK = 0.4 * GB
"""A process of torch without one, beside weights, optimiser and step."""
CPU_ENGINE = 1.0 * GB
"""A process of vLLM without one, beside weights and cache: 1.0 in the quickstart."""
PASSING = 1.0 * GB
"""Of weights on their way out of the trainer, to a file (trainer.policy.SHARD) or to the engines of this machine."""


def reckon_host(config: Config, shape: ModelShape, gpus: int, grades: bool = True) -> Mapping[str, Demand]:
    """Bytes of the own memory of a node of `gpus` GPUs while it grades, unless servers do, and while it trains.

    Raises ValueError where the config has no placement there.
    """
    placement = choose_placement(config, gpus)
    grader = choose_grader(config, gpus) if grades else None
    demands = {}
    own = {"Goldilocks and Prefect": OWN, "verifiers": config.verify.workers * VERIFIER}
    on_gpu = bool(placement.trainer)
    if grader is not None:
        demands["grading"] = Demand({**own, **_reckon_engines(grader, shape, grader.engines, on_gpu)})
    parts = dict(own)
    if not config.train.on_servers:
        model = config.rollout_model
        parts |= _reckon_engines(model, shape, len(placement.engines) or model.engines, on_gpu)
    if on_gpu:
        parts["the trainer's processes"] = len(placement.trainer) * RANK
    else:
        parts |= _reckon_cpu_trainer(config, shape)
    # The first rank has a tensor beside those of the file that it fills.
    parts["weights on their way"] = min(PASSING + 2 * shape.embedding, 2 * shape.parameters)
    return demands | {"training": Demand(parts)}


def _reckon_engines(model: ModelConfig, shape: ModelShape, engines: int, on_gpu: bool) -> dict[str, float]:
    """Engines with what they are told to keep outside of their GPUs; vLLM sets nothing aside for swapping."""
    if not on_gpu:
        number = BYTES.get(str(model.engine.get("quantization") or model.dtype), 2)
        space = float(os.environ.get("VLLM_CPU_KVCACHE_SPACE") or KV_CACHE_GB) * GIB
        return {
            "engines": engines * CPU_ENGINE,
            "engines' weights": engines * number * float(shape.parameters),
            "engines' caches": engines * space,
        }
    # Several GPUs of one engine have a process each, and one before them.
    processes = model.devices + (model.devices > 1)
    parts = {"engines' processes": engines * processes * ENGINE}
    offloaded = float(model.engine.get("kv_offloading_size") or 0)
    offloaded += model.devices * float(model.engine.get("cpu_offload_gb") or 0)
    if offloaded:
        parts["what engines offload"] = engines * offloaded * GIB
    return parts


def _reckon_cpu_trainer(config: Config, shape: ModelShape) -> dict[str, float]:
    train, ranks = config.train, config.train.processes or 1
    longest = max(stage.max_tokens or config.sampling.max_tokens for stage in train.stages)
    row = min(longest + PROMPT, config.rollout_model.max_model_len)
    # Nothing is recomputed on a CPU unless it is asked for.
    kept = train.model_copy(update={"gradient_checkpointing": train.gradient_checkpointing or False})
    step = reckon_step(shape, kept, ranks, row).parts
    return {
        "the trainer's processes": ranks * CPU_RANK,
        **{f"the trainer: {what}": ranks * size for what, size in step.items() if what != "CUDA"},
    }


def find_host_memory(config: Config) -> float | None:
    """Bytes of the node's memory: as `placement.host_memory` says, else of this machine, where it is the node; None
    where GPUs are planned for that are not here.
    """
    if config.placement.host_memory is not None:
        return config.placement.host_memory * GB
    if config.placement.gpus is not None and config.placement.gpus > count_gpus(os.environ):
        return None
    return read_memory()
