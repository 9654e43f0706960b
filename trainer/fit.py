"""Whether a run fits on a node and its GPUs, by how much, and what to change where it does not. It needs no GPU."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.inference.embedded import ModelError
from pipeline.inference.machine import count_gpus
from pipeline.inference.shape import ModelShape, read_shape
from schemas.config import Config, ModelConfig
from schemas.errors import InputError
from schemas.load import ConfigError, build_config
from schemas.placement import Placement, choose_grader, choose_placement
from trainer.host_memory import find_host_memory, reckon_host
from trainer.memory import (
    CUDA,
    GB,
    Demand,
    find_share,
    leaves_asleep,
    longest_row,
    read_gpu_memory,
    reckon_engine,
    reckon_export,
    reckon_step,
)

NODES = (1, 2, 4, 8)
"""GPUs of the nodes that the defaults are printed for."""


@dataclass(frozen=True)
class Load:
    """What the GPUs that `who` has must hold at once, each of them `memory` bytes. `note` says what else to know."""

    who: str
    demand: Demand
    memory: float
    note: str = ""

    @property
    def spare(self) -> float:
        """Bytes that are left; negative where they do not suffice."""
        return self.memory - self.demand.total


@dataclass(frozen=True)
class Fit:
    """`loads` of a placement; where there can be none, `trouble` says why."""

    gpus: int
    placement: Placement | None
    loads: Sequence[Load] = ()
    trouble: str = ""

    @property
    def fits(self) -> bool:
        return not self.trouble and all(load.spare >= 0 for load in self.loads)

    @property
    def tightest(self) -> Load | None:
        """The load with the least to spare."""
        return min(self.loads, key=lambda load: load.spare, default=None)


def check_fit(config: Config, grades: bool) -> None:
    """Refuse a run that trains, and `grades` too or not, before its first sample, where it does not fit on the GPUs or
    in the node's memory.

    Raises InputError, which says by how much and what to change. What cannot be reckoned is not refused: without GPUs,
    with GPUs of unknown memory, or with a model whose shape is not known.
    """
    gpus = config.placement.gpus or count_gpus(os.environ)
    if not config.placement.check_fit or not gpus:
        return
    memory = read_gpu_memory(config)
    if memory is None:
        return
    try:
        shape = read_shape(config.model)
    except ModelError:
        return
    fit = reckon_fit(config, shape, gpus, memory * GB, grades)
    if fit.fits:
        _check_host(config, shape, gpus, grades)
        return
    tight, trouble = fit.tightest, fit.trouble
    if not trouble and tight is not None:
        trouble = f"{tight.who}, needs {tight.demand.total / GB:.1f} GB, {-tight.spare / GB:.1f} GB more than there are"
    raise InputError(
        f"{shape.name} does not fit on {gpus} GPU{'s' * (gpus > 1)} of {memory:g} GB: {trouble}\n"
        f"what would: {find_change(config, shape, gpus, memory * GB, grades)}\n"
        "`goldilocks doctor` with this config shows the arithmetic; --set placement.check_fit=false starts the run all "
        "the same"
    )


def _check_host(config: Config, shape: ModelShape, gpus: int, grades: bool) -> None:
    tight = min(reckon_host_loads(config, shape, gpus, grades), key=lambda load: load.spare, default=None)
    if tight is None or tight.spare >= 0:
        return
    parts = ", ".join(f"{what} {size / GB:.1f}" for what, size in tight.demand.parts.items() if size >= GB / 20)
    raise InputError(
        f"{shape.name} does not fit in the {tight.memory / GB:.0f} GB of this machine's own memory: {tight.who} needs "
        f"{tight.demand.total / GB:.1f} GB, {-tight.spare / GB:.1f} GB more than there are ({parts})\n"
        "what would: fewer engines (model.engines, train.rollout_engine.engines), fewer of the trainer's processes, or "
        "a machine or job with more memory\n"
        "--set placement.check_fit=false starts the run all the same"
    )


def reckon_host_loads(config: Config, shape: ModelShape, gpus: int, grades: bool = True) -> tuple[Load, ...]:
    """What the own memory of a node of `gpus` GPUs must hold; nothing where it is not known how large it is, or where
    the run has no placement there.
    """
    memory = find_host_memory(config)
    if memory is None:
        return ()
    try:
        demands = reckon_host(config, shape, gpus, grades)
    except ValueError:
        return ()
    return tuple(Load(f"{who}, the node", demand, memory) for who, demand in demands.items())


def reckon_fit(config: Config, shape: ModelShape, gpus: int, memory: float, grades: bool = True) -> Fit:
    """Rollouts, training and, where the run `grades` too, grading of `config` on `gpus` GPUs of `memory` bytes each."""
    try:
        placement = choose_placement(config, gpus)
        grader = choose_grader(config, gpus) if grades else None
    except ValueError as error:
        return Fit(gpus, None, trouble=str(error))
    if grader is not None and grader.engines * grader.devices > gpus:
        wanted = grader.engines * grader.devices
        return Fit(gpus, placement, trouble=f"model.engines want {wanted} GPUs to grade on, and there are {gpus}")
    asked = [("model", grader)] if grader is not None else []
    rollouts = [("train.rollout_engine", config.rollout_model)] if placement.engines else []
    too_long = [key for key, one in (*asked, ("train.rollout_engine", config.rollout_model))
                if shape.longest is not None and one.max_model_len > shape.longest]  # fmt: skip
    if too_long:
        return Fit(
            gpus, placement, trouble=f"{too_long[0]}.max_model_len is above {shape.longest}, the model's longest"
        )
    if uneven := _find_uneven([*asked, *rollouts], shape):
        return Fit(gpus, placement, trouble=uneven)
    who = "grading pass 2, an engine" if config.model.urls else "grading, an engine"
    grading = () if grader is None else (_load_engine(who, shape, grader, memory),)
    return Fit(gpus, placement, (*grading, *_load_training(config, shape, placement, memory)))


def _find_uneven(asked: Sequence[tuple[str, ModelConfig]], shape: ModelShape) -> str:
    """Which engine could not share the model's heads out over its GPUs, which vLLM refuses; empty where all can."""
    for key, model in asked:
        parallel = int(model.engine.get("tensor_parallel_size", 1))
        # Heads of keys may be fewer than GPUs: then several have the same one.
        few, many = sorted((shape.shared_heads, parallel))
        if shape.heads % parallel or many % few:
            return (
                f"{key}.engine.tensor_parallel_size is {parallel}, over which the model's {shape.heads} heads with "
                f"{shape.shared_heads} of keys cannot be shared out evenly"
            )
    return ""


def _load_training(config: Config, shape: ModelShape, placement: Placement, memory: float) -> Iterator[Load]:
    ranks, model = len(placement.trainer), config.rollout_model
    row = longest_row(config)
    step = reckon_step(shape, config.train, ranks, row)
    if not placement.colocate:
        if placement.engines:
            yield _load_engine("rollouts, an engine", shape, model, memory)
        yield Load("training, a rank", step, memory)
        return
    stays = reckon_export(shape, config.train, ranks, beside_engine=True)
    given = model.engine.get("gpu_memory_utilization")
    share = find_share(shape, config, ranks, memory) if given is None else float(given)
    engine = _load_engine("rollouts, an engine beside a rank", shape, model, memory, share)
    held = {"the trainer's weights and optimiser": stays.total}
    yield Load(engine.who, Demand({**held, **engine.demand.parts}), memory, engine.note)
    if given is not None:
        # vLLM starts only where all of its share is free, whatever it needs of it, and needs no more than that.
        taken = {"CUDA of its process": CUDA / 2, f"gpu_memory_utilization, {share:g}": share * memory}
        yield Load("rollouts, an engine's share beside a rank", Demand({**held, **taken}), memory)
        yield Load("rollouts, an engine within its share", engine.demand, share * memory, engine.note)
    asleep = Demand({**step.parts, "the sleeping engine": leaves_asleep(model)})
    yield Load("training, a rank beside a sleeping engine", asleep, memory)


def _load_engine(who: str, shape: ModelShape, model: ModelConfig, memory: float, share: float | None = None) -> Load:
    engine = reckon_engine(shape, model, memory, share)
    many = engine.tokens // model.max_model_len
    parts = {**engine.demand.parts, "cache of one sequence": engine.token * model.max_model_len}
    note = (
        f"cache of {engine.tokens:,} tokens: {many:,} of {model.max_num_seqs} sequences at their longest, "
        f"{model.max_model_len:,} tokens"
    )
    usable = memory if share is not None else engine.cache + engine.demand.total
    return Load(who, Demand(parts), usable, note)


def take_defaults(config: Config, gpus: int) -> Config:
    """The config with every GPU placed by default, on a node of `gpus`: as many grading engines as that has, as
    `choose_grader` takes them where servers grade pass 1.
    """
    train = config.train.model_copy(
        update={
            "colocate": None,
            "processes": None,
            "rollout_engine": config.train.rollout_engine.model_copy(update={"engines": None}),
        }
    )
    placement = config.placement.model_copy(update={"gpus": gpus, "engines": None, "trainer": None})
    model = config.model
    if not model.urls:
        model = model.model_copy(update={"engines": max(1, gpus // model.devices)})
    return config.model_copy(update={"train": train, "placement": placement, "model": model})


def find_change(config: Config, shape: ModelShape, gpus: int, memory: float, grades: bool = True) -> str:
    """The first change of settings under which the run fits, as `--set` takes it; else what there is to do."""
    for overrides, count in _list_changes(config, gpus):
        shares = [[one] for one in _fit_share(config, overrides, shape, count, memory)]
        for tried in (overrides, *([*overrides, *share] for share in shares)):
            changed = _change(config, tried, count)
            if changed is not None and reckon_fit(changed, shape, count, memory, grades).fits:
                more = [f"with {count} GPUs"] if count > gpus else []
                return " ".join([*(f"--set {one}" for one in tried), *more])
    return "no single change is enough: a smaller model, GPUs with more memory, or more of them"


def _change(config: Config, overrides: Sequence[str], gpus: int) -> Config | None:
    """The config with settings changed, on a node of `gpus`; None where that is none."""
    try:
        return build_config(config.model_dump(mode="json"), [f"placement.gpus={gpus}", *overrides])
    except ConfigError:
        return None


def _fit_share(config: Config, overrides: Sequence[str], shape: ModelShape, gpus: int, memory: float) -> Iterator[str]:
    """Where a share of the GPU is given to an engine that has it in turn with a rank: what the trainer leaves of it."""
    if "gpu_memory_utilization" not in config.rollout_model.engine:
        return
    changed = _change(config, overrides, gpus)
    if changed is None:
        return
    try:
        placement = choose_placement(changed, gpus)
    except ValueError:
        return
    share = int(100 * find_share(shape, changed, len(placement.trainer), memory)) / 100
    if placement.colocate and share:
        yield f"train.rollout_engine.engine.gpu_memory_utilization={share:g}"


def _list_changes(config: Config, gpus: int) -> Iterator[tuple[list[str], int]]:
    """Settings to try, those first that change least in what is learned; the last ones with more GPUs."""
    train, row = config.train, longest_row(config)
    parallel = int(config.rollout_model.engine.get("tensor_parallel_size", 1))
    given = {
        "placement.engines": config.placement.engines,
        "placement.trainer": config.placement.trainer,
        "train.processes": train.processes,
    }
    placed = [f"{key}=null" for key, value in given.items() if value is not None]
    lists = [one for one in placed if one.startswith("placement")]
    memory: list[list[str]] = [[]]
    if train.gradient_checkpointing is False:
        memory.append(["train.gradient_checkpointing=true"])
    smaller = row // 2
    while smaller >= 2048:
        memory.append([f"train.microbatch_tokens={smaller}"])
        smaller //= 2
    places: list[list[str]] = [[]]
    if not train.colocate and gpus > 1:
        places += [[*lists, f"train.processes={ranks}"] for ranks in range(gpus // 2 + 1, gpus)]
        places.append([*placed, "train.colocate=true"])
    wider = []
    while parallel * 2 <= gpus:
        parallel *= 2
        wider.append([f"train.rollout_engine.engine.tensor_parallel_size={parallel}"])
        if config.train.rollout_engine.engines is not None:
            wider[-1].append("train.rollout_engine.engines=null")
        many = [] if config.model.urls else [f"model.engines={gpus // parallel}"]
        wider.append([f"model.engine.tensor_parallel_size={parallel}", *many, *wider[-1]])
    learned: list[list[str]] = [[]] if train.lora is not None else [[], ["train.lora={}"]]
    for adapters in learned:
        for engines in ([], *wider):
            for place in places:
                for one in memory:
                    yield [*adapters, *engines, *place, *one], gpus
    for count in NODES:
        if count > gpus:
            yield [*placed], count
            yield [*placed, "train.colocate=true"], count
