"""Whether a run fits on a node: the configs that come with the project do, and what is advised does."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.inference.shape import KNOWN, read_shape
from schemas.config import Config
from schemas.errors import InputError
from schemas.load import build_config, load_config
from tests.conftest import ROOT
from trainer.fit import NODES, check_fit, find_change, reckon_fit, take_defaults
from trainer.memory import GB

CONFIGS = ("1xgpu.yaml", "8xgpu-qwen3-8b.yaml")


def configure(name: str, **sections: Any) -> Config:
    base = {"run": "r", "sources": [{"name": "s", "files": "-"}], "model": {"name": name}}
    return Config.model_validate(base | sections)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_configs_for_gpus_fit_on_them(name: str) -> None:
    config = load_config(ROOT / "configs" / name)
    gpus, memory = config.placement.gpus, config.placement.gpu_memory
    assert gpus is not None
    assert memory is not None
    fit = reckon_fit(config, read_shape(config.model), gpus, memory * GB)
    assert fit.fits, fit
    assert min(load.spare for load in fit.loads) > 5 * GB
    assert config.verify.format == "think"
    assert len(config.train.stages) == 2
    for stage in config.train.stages:
        assert 0 < stage.l_cache < (stage.max_tokens or config.sampling.max_tokens)


def test_what_the_config_for_one_gpu_says_of_others_holds() -> None:
    path, memory = ROOT / "configs" / "1xgpu.yaml", 80 * GB
    plain = load_config(path)
    assert reckon_fit(plain, read_shape(plain.model), 1, 48 * GB).fits
    larger = load_config(path, ["model.name=Qwen/Qwen3-8B"])
    assert not reckon_fit(larger, read_shape(larger.model), 1, memory).fits
    assert reckon_fit(
        load_config(path, ["model.name=Qwen/Qwen3-8B", "train.lora={}"]), read_shape(larger.model), 1, memory
    ).fits


@pytest.mark.parametrize("name", CONFIGS)
def test_the_configs_for_gpus_do_not_fit_on_much_smaller_ones(name: str) -> None:
    config = load_config(ROOT / "configs" / name)
    fit = reckon_fit(config, read_shape(config.model), config.placement.gpus or 0, 20 * GB)
    assert not fit.fits
    assert fit.tightest is not None
    assert fit.tightest.spare < 0


@pytest.mark.parametrize("gpus", NODES)
@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3-1.7B", "Qwen/Qwen3-8B", "Qwen/Qwen3-32B", "meta-llama/Llama-3.3-70B-Instruct"]
)
def test_what_is_advised_fits(name: str, gpus: int) -> None:
    """The advice, taken by the letter."""
    shape, memory = read_shape(configure(name).model), 80 * GB
    config = take_defaults(configure(name), gpus)
    fits = reckon_fit(config, shape, gpus, memory).fits
    advice = "" if fits else find_change(config, shape, gpus, memory)
    overrides = re.findall(r"--set ([^ ]+=(?:\{.*?\}|\S+))", advice)
    more = re.search(r"with (\d) GPUs", advice)
    count = int(more.group(1)) if more else gpus
    changed = build_config(config.model_dump(mode="json"), [f"placement.gpus={count}", *overrides])
    advised = bool(overrides or more)
    assert reckon_fit(changed, shape, count, memory).fits == (fits or advised)
    assert ("smaller model" in advice) >= (not fits and not advised)


@pytest.mark.parametrize("name", ["Qwen/Qwen3-1.7B", "Qwen/Qwen3-8B", "Qwen/Qwen3-32B"])
def test_more_memory_never_makes_it_worse(name: str) -> None:
    config = configure(name)
    shape = read_shape(config.model)
    for gpus in NODES:
        plain = take_defaults(config, gpus)
        fits = [reckon_fit(plain, shape, gpus, memory * GB).fits for memory in (24, 40, 80, 141, 192, 288)]
        assert fits == sorted(fits)


def test_the_defaults_for_a_model_of_8b_are_known() -> None:
    """On 80 GB: eight GPUs train its full weights; four with smaller micro-batches, one adapters."""
    config = configure("Qwen/Qwen3-8B")
    shape = read_shape(config.model)
    fits = [reckon_fit(take_defaults(config, gpus), shape, gpus, 80 * GB).fits for gpus in NODES]
    assert fits == [False, False, False, True]
    four = find_change(take_defaults(config, 4), shape, 4, 80 * GB)
    assert four == "--set train.microbatch_tokens=8192"
    assert find_change(take_defaults(config, 1), shape, 1, 80 * GB) == "--set train.lora={}"


@pytest.mark.parametrize(
    ("sections", "gpus", "told"),
    [
        ({"train": {"processes": 4}}, 2, "none is left"),
        ({"model": {"name": "Qwen/Qwen3-8B", "engines": 4}}, 2, "model.engines want 4 GPUs"),
        (
            {"model": {"name": "Qwen/Qwen3-8B", "max_model_len": 50_000}},
            8,
            "model.max_model_len is above 40960, the model's longest",
        ),
    ],
)
def test_what_has_no_place_is_told_as_such(sections: dict[str, Any], gpus: int, told: str) -> None:
    config = configure("Qwen/Qwen3-8B", **sections)
    fit = reckon_fit(config, read_shape(config.model), gpus, 80 * GB)
    assert not fit.fits
    assert told in fit.trouble


@pytest.mark.parametrize("gpus", NODES)
def test_the_second_pass_is_reckoned_where_the_trainer_s_node_grades_it(gpus: int) -> None:
    """As engines of this node that grade both passes are; and not where servers take the trained weights."""
    url = "http://127.0.0.1:8000/v1"
    served, here = (
        take_defaults(configure("Qwen/Qwen3-8B", model={"name": "Qwen/Qwen3-8B"} | more), gpus)
        for more in ({"url": url}, {})
    )
    shape = read_shape(here.model)
    first, *training = reckon_fit(served, shape, gpus, 80 * GB).loads
    both, *same = reckon_fit(here, shape, gpus, 80 * GB).loads
    assert (first.who, both.who) == ("grading pass 2, an engine", "grading, an engine")
    assert (first.demand, training) == (both.demand, same)
    assert reckon_fit(served, shape, gpus, 80 * GB, grades=False).loads == tuple(training)
    afar = configure("Qwen/Qwen3-8B", model={"name": "Qwen/Qwen3-8B", "url": url}, train={"on_servers": True})
    assert [load.who for load in reckon_fit(afar, shape, gpus, 80 * GB).loads] == ["training, a rank"]


def test_a_second_pass_that_does_not_fit_is_refused_with_what_would() -> None:
    """Weights of 65 GB on cards of 48: pass 2 wants its engines over two cards, which model.engine says."""
    served = {"name": "Qwen/Qwen3-32B", "url": "http://127.0.0.1:8000/v1"}
    train = {"lora": {}, "rollout_engine": {"engine": {"tensor_parallel_size": 2}}}
    config = configure("", model=served, train=train, placement={"gpus": 8, "gpu_memory": 48})
    message = read_refusal(config, grades=True)
    assert "grading pass 2, an engine" in message
    assert read_refusal(config, grades=False) == ""
    overrides = re.findall(r"--set ([^ ]+=(?:\{.*?\}|\S+))", message.split("what would:")[1].split("\n")[0])
    assert overrides
    assert read_refusal(build_config(config.model_dump(mode="json"), overrides), grades=True) == ""


def test_a_sleeping_engine_leaves_its_cache_to_the_trainer() -> None:
    """In turn: weights and optimiser stay beside an engine that is awake; a step has all but what one keeps asleep."""
    config = configure("Qwen/Qwen3-1.7B", train={"colocate": True})
    shape = read_shape(config.model)
    grading, awake, asleep = reckon_fit(config, shape, 2, 80 * GB).loads
    assert "cache of one sequence" in awake.demand.parts
    assert "cache of one sequence" not in asleep.demand.parts
    assert awake.demand.parts["weights"] == grading.demand.parts["weights"]
    cached = [int(re.sub(r"\D", "", load.note.split(" tokens")[0])) for load in (grading, awake)]
    assert cached[0] > cached[1] > 0


@pytest.mark.parametrize("section", ["model", "train.rollout_engine"])
def test_an_engine_that_is_to_take_more_than_the_trainer_leaves_is_refused(section: str) -> None:
    """vLLM starts only where its whole share is free, and one that is given for grading is the rollouts' too."""
    share = f"{section}.engine.gpu_memory_utilization"
    plain = load_config(ROOT / "configs" / "1xgpu.yaml")
    assert read_refusal(plain, grades=False) == ""
    greedy = build_config(plain.model_dump(mode="json"), [f"{share}=0.9"])
    message = read_refusal(greedy, grades=False)
    assert "rollouts, an engine's share beside a rank, needs 100.9 GB, 20.9 GB more than there are" in message
    advised = take_advice(message)
    assert advised == ["train.rollout_engine.engine.gpu_memory_utilization=0.63"]
    assert read_refusal(build_config(greedy.model_dump(mode="json"), advised), grades=True) == ""
    frugal = build_config(plain.model_dump(mode="json"), ["train.rollout_engine.engine.gpu_memory_utilization=0.05"])
    assert "rollouts, an engine within its share" in read_refusal(frugal, grades=False)


def take_advice(message: str) -> list[str]:
    """What a refusal would have set, as a shell takes it."""
    words = shlex.split(message.split("what would: ")[1].split("\n")[0])
    return [words[at + 1] for at, word in enumerate(words) if word == "--set"]


@pytest.mark.parametrize(
    ("heads", "keys", "parallel", "even"),
    [(28, 4, 8, False), (28, 4, 4, True), (9, 3, 2, False), (12, 2, 3, False), (32, 8, 3, False), (40, 8, 8, True)],
)
def test_heads_are_shared_out_evenly_or_the_engine_does_not_start(
    heads: int, keys: int, parallel: int, even: bool
) -> None:
    """As vLLM has it: 28 heads (Qwen2.5-7B) go over four GPUs and not over eight."""
    shape = replace(read_shape(configure("Qwen/Qwen3-1.7B").model), heads=heads, shared_heads=keys)
    engine = {"tensor_parallel_size": parallel}
    config = configure("Qwen/Qwen3-1.7B", train={"rollout_engine": {"engine": engine}}, placement={"gpus": 16})
    fit = reckon_fit(config, shape, 16, 80 * GB, grades=False)
    assert fit.fits is even
    assert ("train.rollout_engine.engine.tensor_parallel_size" in fit.trouble) is not even


@settings(max_examples=10, deadline=None)
@given(
    name=st.sampled_from(sorted(KNOWN)),
    gpus=st.integers(1, 8),
    memory=st.sampled_from([16, 24, 40, 48, 80, 141]),
    rows=st.sampled_from([4096, 16384, 32768]),
    heads=st.sampled_from([None, (28, 4), (14, 2), (9, 3)]),
    colocate=st.sampled_from([None, True]),
    engine=st.sampled_from(
        [{}, {"gpu_memory_utilization": 0.9}, {"quantization": None, "seed": 1}, {"compilation_config": {"mode": 0}}]
    ),
    lora=st.booleans(),
)
def test_whatever_is_advised_is_taken_and_fits(
    name: str,
    gpus: int,
    memory: int,
    rows: int,
    heads: tuple[int, int] | None,
    colocate: bool | None,
    engine: dict[str, Any],
    lora: bool,
) -> None:
    """As a shell and the config read it, over models, nodes and settings."""
    train = {"colocate": colocate, "microbatch_tokens": rows, "lora": {} if lora else None}
    model = {"name": name, "engine": engine, "max_model_len": 4096}
    config = configure(name, model=model, train=train, placement={"gpus": gpus})
    shape = read_shape(config.model)
    if heads is not None:
        shape = replace(shape, heads=heads[0], shared_heads=heads[1])
    assume(not reckon_fit(config, shape, gpus, memory * GB).fits)
    advice = find_change(config, shape, gpus, memory * GB)
    more = re.search(r"with (\d) GPUs", advice)
    count = int(more.group(1)) if more else gpus
    advised = take_advice(f"what would: {advice}")
    assert bool(advised) or bool(more) or "smaller model" in advice
    changed = build_config(config.model_dump(mode="json"), [f"placement.gpus={count}", *advised])
    assert reckon_fit(changed, shape, count, memory * GB).fits or "smaller model" in advice
    assert changed.model.engine.items() >= engine.items(), "nothing else is changed"


def read_refusal(config: Config, grades: bool) -> str:
    """Why the run is refused; empty where it may start."""
    try:
        check_fit(config, grades)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("grades", [True, False])
def test_what_a_refusal_advises_is_not_refused(grades: bool) -> None:
    """By the letter of the message, and so is what it offers to go on with."""
    config = configure("Qwen/Qwen3-8B", placement={"gpus": 4, "gpu_memory": 80})
    message = read_refusal(config, grades)
    assert re.search(r"does not fit on 4 GPUs of 80 GB: training, a rank, needs \d+\.\d GB, \d+\.\d GB more", message)
    advised = re.findall(r"what would: --set (\S+)", message)
    regardless = re.findall(r"--set (\S+) starts the run", message)
    assert advised != regardless
    for overrides in (advised, regardless):
        assert read_refusal(build_config(config.model_dump(mode="json"), overrides), grades) == ""


def test_a_refusal_says_by_how_much_as_doctor_does() -> None:
    config = configure("Qwen/Qwen3-8B", placement={"gpus": 8, "gpu_memory": 48})
    tight = reckon_fit(config, read_shape(config.model), 8, 48 * GB).tightest
    assert tight is not None
    assert f"{-tight.spare / GB:.1f} GB more than there are" in read_refusal(config, grades=True)


def test_training_alone_is_not_refused_for_what_only_grading_needs() -> None:
    config = configure("Qwen/Qwen3-1.7B", placement={"gpus": 2, "gpu_memory": 80})
    config = config.model_copy(update={"model": config.model.model_copy(update={"engines": 4})})
    config = config.model_copy(
        update={
            "train": config.train.model_copy(
                update={"rollout_engine": config.train.rollout_engine.model_copy(update={"engines": 1})}
            )
        }
    )
    assert read_refusal(config, grades=False) == ""
    assert "model.engines want 4 GPUs" in read_refusal(config, grades=True)


@pytest.mark.parametrize(
    ("name", "placement"),
    [
        ("elsewhere", {"gpus": 1, "gpu_memory": 1}),
        ("image", {"gpus": 1, "gpu_memory": 1}),
        ("Qwen/Qwen3-8B", {"gpus": 1}),
        ("Qwen/Qwen3-8B", {"gpu_memory": 1}),
        ("Qwen/Qwen3-8B", {}),
    ],
    ids=["no-model", "no-language-model", "no-card-to-measure", "no-card", "nothing-given"],
)
def test_what_cannot_be_reckoned_is_not_refused(
    name: str, placement: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "config.json").write_text('{"model_type": "vit"}')
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert read_refusal(configure(name if "/" in name else str(tmp_path / name), placement=placement), True) == ""


def test_a_run_that_does_not_fit_is_refused_before_its_folder_is_there(tmp_path: Path) -> None:
    from flows.loop import loop_held
    from flows.train import train_stages

    config = configure("Qwen/Qwen3-8B", placement={"gpus": 1, "gpu_memory": 80}, run=str(tmp_path / "run"))
    with pytest.raises(InputError, match="does not fit on 1 GPU of 80 GB"):
        loop_held(config)
    with pytest.raises(InputError, match="does not fit on 1 GPU of 80 GB"):
        train_stages(config, config.train.stages)
    assert not (tmp_path / "run").exists()
