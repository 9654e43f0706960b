"""What a node's own memory has to hold: more with every engine and rank, and refused where there is less."""

import re
from typing import Any

import pytest

from pipeline.inference.shape import read_shape
from schemas.config import Config
from tests.trainer.test_fit import read_refusal
from trainer.fit import reckon_host_loads
from trainer.host_memory import find_host_memory, reckon_host
from trainer.memory import GB, Demand

QWEN3_8B = "Qwen/Qwen3-8B"


def configure(name: str = QWEN3_8B, **sections: Any) -> Config:
    base = {"run": "r", "sources": [{"name": "s", "files": "-"}], "model": {"name": name}}
    return Config.model_validate(base | sections)


def reckon(config: Config, gpus: int) -> dict[str, Demand]:
    return dict(reckon_host(config, read_shape(config.model), gpus))


def test_every_process_of_a_node_is_in_it() -> None:
    """Four engines and four ranks of a node of eight; grading has eight engines."""
    demands = reckon(configure(model={"name": QWEN3_8B, "engines": 8}), 8)
    grading, training = demands["grading"].parts, demands["training"].parts
    assert grading["engines' processes"] == 2 * training["engines' processes"]
    one = reckon(configure(train={"processes": 1}), 8)["training"].parts
    assert training["the trainer's processes"] == 4 * one["the trainer's processes"]


def test_a_larger_model_takes_no_more_of_it_where_gpus_hold_it() -> None:
    """But for the largest tensor, which passes through."""
    small, large = (reckon(configure(name), 8)["training"].total for name in ("Qwen/Qwen3-4B", "Qwen/Qwen3-32B"))
    assert abs(large - small) < 1.2 * GB


def test_engines_of_several_gpus_have_a_process_for_each() -> None:
    pair = configure(model={"name": QWEN3_8B, "engines": 4, "engine": {"tensor_parallel_size": 2}})
    single = configure(model={"name": QWEN3_8B, "engines": 4})
    parts = [reckon(config, 8)["grading"].parts["engines' processes"] for config in (pair, single)]
    assert parts[0] == 3 * parts[1]


def test_what_engines_are_told_to_offload_is_in_it() -> None:
    engine = {"kv_offloading_size": 16, "cpu_offload_gb": 4}
    parts = reckon(configure(model={"name": QWEN3_8B, "engine": engine}), 2)["grading"].parts
    assert parts["what engines offload"] == 20 * 2**30


def test_servers_elsewhere_take_nothing_of_it() -> None:
    model = {"name": QWEN3_8B, "url": "http://127.0.0.1:1/v1", "weights": "/tmp/w"}
    demands = reckon(configure(model=model, train={"on_servers": True}), 8)
    assert list(demands) == ["training"]
    assert not [part for part in demands["training"].parts if "engine" in part]


def test_without_gpus_the_models_are_in_it() -> None:
    config = configure("Qwen/Qwen3-0.6B")
    shape = read_shape(config.model)
    training = reckon(config, 0)["training"].parts
    assert training["engines' weights"] == 2 * shape.parameters
    learned = sum(training[f"the trainer: {part}"] for part in ("float32 weights", "optimiser", "gradients"))
    assert learned == 16 * shape.parameters


@pytest.mark.parametrize("grades", [True, False])
def test_a_run_is_refused_with_what_the_node_lacks(grades: bool) -> None:
    """To the gigabyte: one more than is lacking, and it starts."""
    given = {"gpus": 8, "gpu_memory": 80}
    message = read_refusal(configure(placement=given | {"host_memory": 16}), grades)
    assert "does not fit in the 16 GB of this machine's own memory" in message
    lacking = re.search(r"([\d.]+) GB more than there are", message)
    assert lacking is not None
    assert read_refusal(configure(placement=given | {"host_memory": 16.1 + float(lacking.group(1))}), grades) == ""
    assert read_refusal(configure(placement=given | {"host_memory": 16, "check_fit": False}), grades) == ""


def test_a_node_that_is_elsewhere_is_not_taken_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that plans for eight GPUs says nothing of their node's memory, unless it is told."""
    monkeypatch.setattr("trainer.host_memory.count_gpus", lambda _: 0)
    planned = configure(placement={"gpus": 8, "gpu_memory": 80})
    assert find_host_memory(planned) is None
    assert reckon_host_loads(planned, read_shape(planned.model), 8) == ()
    monkeypatch.setattr("trainer.host_memory.count_gpus", lambda _: 8)
    assert (find_host_memory(planned) or 0) > GB
