"""Weights in a file, as servers elsewhere read them. That they take them is in test_rollout_server."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import LoraTraining, TrainConfig
from tests.trainer.tiny import draw_groups, save_tiny
from trainer.learner import Learner
from trainer.weights import Merge, read_weights, write_weights

DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.int64]


def write(
    folder: Path, weights: Iterator[tuple[str, torch.Tensor]], merge: Merge | None = None
) -> dict[str, torch.Tensor]:
    file = folder / "weights"
    with file.open("wb") as opened:
        write_weights(weights, opened, merge)
    return dict(read_weights(str(file)))


@given(
    shapes=st.lists(st.lists(st.integers(1, 5), max_size=3), min_size=1, max_size=4),
    dtype=st.sampled_from(DTYPES),
)
def test_every_weight_arrives_as_it_is(tmp_path_factory: "object", shapes: list[list[int]], dtype: torch.dtype) -> None:
    weights = {f"layers.{i}.weight": torch.randn(shape).to(dtype) for i, shape in enumerate(shapes)}
    found = write(tmp_path_factory.mktemp("file"), iter(weights.items()))  # type: ignore[attr-defined]
    assert found.keys() == weights.keys()
    for name, tensor in weights.items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], tensor)


def test_tied_and_transposed_weights_arrive_too(tmp_path: Path) -> None:
    table = torch.nn.Parameter(torch.randn(6, 4))
    found = write(tmp_path, iter({"embed": table, "head": table, "turned": table.T}.items()))
    assert torch.equal(found["head"], table)
    assert torch.equal(found["turned"], table.T)


def test_no_more_than_one_tensor_is_there_at_a_time(tmp_path: Path) -> None:
    found = write(tmp_path, count_alive())
    assert [found[f"w{number}"][0].item() for number in range(5)] == [0, 1, 2, 3, 4]


def count_alive() -> Iterator[tuple[str, torch.Tensor]]:
    """Five weights, each gathered when the one before the last is gone."""
    alive: list[weakref.ref[torch.Tensor]] = []
    for number in range(5):
        # The one that was handed out last may still be in the reader's hand.
        assert sum(ref() is not None for ref in alive) <= 1
        tensor = torch.full((10,), float(number))
        alive.append(weakref.ref(tensor))
        yield f"w{number}", tensor
        del tensor


def test_adapters_alone_make_the_weights_that_the_trainer_would_write_whole(tmp_path: Path) -> None:
    """The model's file is in float32, which the trainer rounds."""
    folder = Path(save_tiny(tmp_path / "model"))
    config = TrainConfig(microbatch_tokens=64, learning_rate=0.01, warmup=0, lora=LoraTraining(rank=3, alpha=7))
    learner = Learner(folder, config)
    learner.learn(draw_groups(1, [4, 3]))
    merge = learner.policy.find_merge()
    assert merge is not None
    whole = {name: weight.clone() for name, weight in learner.export()}
    adapters = list(learner.export_adapters())
    assert sum(weight.numel() for _, weight in adapters) < 0.5 * sum(weight.numel() for weight in whole.values())
    found = write(tmp_path, iter(adapters), merge)
    assert found.keys() == whole.keys()
    for name, weight in whole.items():
        assert torch.equal(found[name], weight), name
    plain = dict(read_weights(str(folder)))
    assert all(not torch.equal(found[name], plain[name].to(torch.bfloat16)) for name in merge.scales)


def test_an_adapter_of_a_weight_that_the_model_has_not_is_refused(tmp_path: Path) -> None:
    merge = Merge(save_tiny(tmp_path), {"w": 1.0})
    with pytest.raises(ValueError, match="has no w, of which an adapter was pushed"):
        write(tmp_path, iter([("w.down", torch.ones(1, 2)), ("w.up", torch.ones(2, 1))]), merge)


def test_full_training_and_a_model_whose_files_have_other_names_write_all_weights(tmp_path: Path) -> None:
    folder = Path(save_tiny(tmp_path))
    assert Learner(folder, TrainConfig()).policy.find_merge() is None
    learner = Learner(folder, TrainConfig(lora=LoraTraining(rank=2)))
    learner.policy.source = str(tmp_path / "elsewhere")
    assert learner.policy.find_merge() is None
