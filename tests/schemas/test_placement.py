"""Who has which GPU: the defaults of every node, what a config gives, and what is refused when it is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import Config
from schemas.errors import InputError
from schemas.load import build_config
from schemas.placement import Placement, choose_placement

BASE = {"run": "r", "sources": [{"name": "s", "files": "-"}]}


def configure(**sections: Any) -> Config:
    return build_config(BASE | sections)


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        (0, Placement((), (), True)),
        (1, Placement(((0,),), (0,), True)),
        (2, Placement(((0,),), (1,), False)),
        (4, Placement(((0,), (1,)), (2, 3), False)),
        (8, Placement(((0,), (1,), (2,), (3,)), (4, 5, 6, 7), False)),
    ],
)
def test_a_node_is_halved_and_a_single_gpu_shared_in_turn(gpus: int, expected: Placement) -> None:
    assert choose_placement(configure(), gpus) == expected


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"train": {"processes": 6}}, "engines on 0 | 1; trainer on 2-7"),
        ({"train": {"colocate": True}}, "engines on 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7; trainer on 0-7, in turn"),
        ({"placement": {"trainer": [0, 1]}}, "engines on 2 | 3 | 4 | 5 | 6 | 7; trainer on 0-1"),
        ({"placement": {"engines": [7]}}, "engines on 7; trainer on 0-6"),
        ({"placement": {"engines": [2, 0], "trainer": [1, 3]}}, "engines on 2 | 0; trainer on 1,3"),
        (
            {"train": {"rollout_engine": {"engine": {"tensor_parallel_size": 2}}}},
            "engines on 0-1 | 2-3; trainer on 4-7",
        ),
        (
            {"model": {"engine": {"tensor_parallel_size": 4}}, "train": {"colocate": True}},
            "engines on 0-3 | 4-7; trainer on 0-7, in turn",
        ),
        ({"model": {"url": "http://h:1/v1"}, "train": {"on_servers": True}}, "engines on servers; trainer on 0-7"),
    ],
)
def test_what_is_given_is_taken_and_the_rest_follows(sections: dict[str, Any], expected: str) -> None:
    assert str(choose_placement(configure(**sections), 8)) == expected


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"placement": {"engines": [0, 1], "trainer": [1, 2]}}, "both have GPU 1; set train.colocate: true"),
        ({"placement": {"gpus": 1}, "train": {"colocate": False}}, "both have GPU 0"),
        ({"placement": {"engines": [0], "trainer": [1]}, "train": {"colocate": True}}, "remove train.colocate"),
        ({"placement": {"engines": [0, 0], "trainer": [1]}}, "placement.engines has a GPU twice"),
        ({"placement": {"gpus": 4, "trainer": [4]}}, "placement.trainer has GPU 4, and there are 4"),
        ({"placement": {"gpus": 8}, "train": {"processes": 8}}, "none is left for the rollout engines"),
        ({"placement": {"gpus": 8, "trainer": [6, 7]}, "train": {"processes": 4}}, "the trainer has 2 GPUs"),
        (
            {
                "placement": {"gpus": 8},
                "train": {"rollout_engine": {"engines": 3, "engine": {"tensor_parallel_size": 2}}},
            },
            "3 engines of 2 GPUs each want 6, and 4 are left",
        ),
        (
            {"placement": {"gpus": 2}, "model": {"engine": {"tensor_parallel_size": 2}}},
            "1 engines of 2 GPUs each want 2",
        ),
        (
            {"placement": {"gpus": 4}, "model": {"engines": 8}},
            "8 engines of 1 GPUs each want 8, and placement.gpus is 4",
        ),
        ({"train": {"rollout_engine": {"engine": {"data_parallel_size": 2}}}}, "set train.rollout_engine.engines"),
        ({"train": {"rollout_engine": {"max_model_len": 512}}}, "raise train.rollout_engine.max_model_len"),
    ],
)
def test_what_cannot_be_placed_is_refused_when_it_is_read(sections: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as refused:
        configure(**sections)
    assert told in str(refused.value)


def test_rollouts_have_an_engine_of_their_own_beside_the_model() -> None:
    config = configure(
        model={"max_num_seqs": 64, "engine": {"tensor_parallel_size": 4, "seed": 1}},
        train={"rollout_engine": {"max_model_len": 9000, "engine": {"tensor_parallel_size": 2}}},
    )
    rollouts = config.rollout_model
    assert (rollouts.max_model_len, rollouts.max_num_seqs) == (9000, 64)
    assert rollouts.engine == {"tensor_parallel_size": 2, "seed": 1}
    assert (config.model.devices, rollouts.devices) == (4, 2)


@given(
    gpus=st.integers(1, 16),
    processes=st.none() | st.integers(1, 16),
    colocate=st.sampled_from([None, True, False]),
    parallel=st.sampled_from([1, 2, 4]),
    engines=st.none() | st.integers(1, 8),
)
def test_a_placement_is_sound_or_refused(
    gpus: int, processes: int | None, colocate: bool | None, parallel: int, engines: int | None
) -> None:
    """Whatever is asked for: no GPU has two owners unless they take turns, and everybody has what they asked for."""
    config = configure(
        train={
            "processes": processes,
            "colocate": colocate,
            "rollout_engine": {"engines": engines, "engine": {"tensor_parallel_size": parallel}},
        }
    )
    placement, trouble = try_placement(config, gpus)
    if placement is None:
        assert any(advice in trouble for advice in ("lower", "set train.colocate", "remove", "leave"))
    else:
        check_placement(placement, gpus)
        assert {len(group) for group in placement.engines} == {parallel}
        assert engines in (None, len(placement.engines))
        assert processes in (None, len(placement.trainer))


def try_placement(config: Config, gpus: int) -> tuple[Placement | None, str]:
    """The placement, or why it is refused."""
    try:
        return choose_placement(config, gpus), ""
    except ValueError as error:
        return None, str(error)


def check_placement(placement: Placement, gpus: int) -> None:
    """No GPU is there that is not, and none has two owners unless they take turns."""
    flat = [gpu for group in placement.engines for gpu in group]
    assert len(set(flat)) == len(flat)
    assert {*flat, *placement.trainer} <= set(range(gpus))
    assert bool(set(flat) & set(placement.trainer)) <= placement.colocate
