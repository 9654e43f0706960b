"""The placement on a machine: what the trainer's ranks see, and what each engine's process sees."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.inference.machine import NODE_GPUS
from schemas.config import Config
from schemas.errors import InputError
from trainer.placement import find_placement, place_engines, take_gpus

Node = Callable[[str], None]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    """A machine whose GPUs are those of CUDA_VISIBLE_DEVICES."""

    def use(visible: str) -> None:
        monkeypatch.setattr("pipeline.inference.machine.find_device", lambda: "cuda")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        # Whatever this process is left with is undone.
        monkeypatch.setenv(NODE_GPUS, "")
        monkeypatch.delenv(NODE_GPUS)

    return use


def configure(**sections: Any) -> Config:
    return Config.model_validate({"run": "r", "sources": [{"name": "s", "files": "-"}]} | sections)


def test_ranks_see_the_trainers_gpus_alone_and_engines_theirs(node: Node) -> None:
    import os

    node("4,5,6,7")
    config = configure(placement={"engines": [0, 1], "trainer": [3, 2]})
    take_gpus(find_placement(config))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7,6"
    # An engine is a child of the first rank, and so has its environment.
    seen = [place.restrict(os.environ, 1) for place in place_engines(config)]
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in seen] == ["4", "5"]
    assert all(NODE_GPUS not in environment for environment in seen)


def test_a_rank_that_asks_again_has_the_same_gpus(node: Node) -> None:
    import os

    node("GPU-a,GPU-b,GPU-c,GPU-d")
    config = configure()
    for _ in range(2):
        take_gpus(find_placement(config))
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-c,GPU-d"


def test_an_engine_that_has_its_gpu_in_turn_leaves_the_trainer_what_stays(node: Node) -> None:
    """1.7B parameters: float32 weights and optimiser, and weights to compute with, take 14 bytes each."""
    node("0")
    config = configure(model={"name": "Qwen/Qwen3-1.7B"}, placement={"gpu_memory": 80})
    (place,) = place_engines(config)
    assert place.gpus == (0,)
    assert place.share is not None
    assert 0.5 < place.share < 1 - 14 * 1.72 / 80
    with pytest.raises(InputError, match="alone are more than a GPU's 80 GB"):
        place_engines(configure(model={"name": "Qwen/Qwen3-8B"}, placement={"gpu_memory": 80}))
    node("0,1")
    assert [place.share for place in place_engines(config)] == [None]


def test_engines_of_several_gpus_have_them_side_by_side(node: Node) -> None:
    node("0,1,2,3,4,5,6,7")
    config = configure(train={"rollout_engine": {"engine": {"tensor_parallel_size": 2}}})
    assert [place.gpus for place in place_engines(config)] == [(0, 1), (2, 3)]
    assert [place.name("m") for place in place_engines(config)] == ["m, 1 of 2", "m, 2 of 2"]


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"placement": {"gpus": 8}}, "placement.gpus is 8, and 2 GPUs may be used here"),
        ({"placement": {"trainer": [2]}}, "placement.trainer has GPU 2, and there are 2"),
        ({"train": {"processes": 2}}, "none is left for the rollout engines"),
    ],
)
def test_what_this_machine_has_not_is_told_before_anything_starts(
    node: Node, sections: dict[str, Any], told: str
) -> None:
    node("0,1")
    with pytest.raises(InputError) as refused:
        find_placement(configure(**sections))
    assert told in str(refused.value)


def test_without_gpus_engines_share_the_cores() -> None:
    assert find_placement(configure()).trainer == ()
    places = place_engines(configure(train={"rollout_engine": {"engines": 2}}))
    assert [(place.number, place.of, place.gpus) for place in places] == [(0, 2, ()), (1, 2, ())]
    with pytest.raises(InputError, match="this machine has none"):
        find_placement(configure(placement={"trainer": [0]}))
