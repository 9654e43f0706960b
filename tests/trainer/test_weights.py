"""Weights in a file without a name: rounded as the engine wants them, readable by other processes, and gone when
closed. That the engine takes them is in test_engine.
"""

import subprocess
import weakref
from collections.abc import Iterator
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.weights import own_path, read_weights, write_weights


def read(path: str) -> dict[str, torch.Tensor]:
    return dict(read_weights(path))


@given(
    shapes=st.lists(st.lists(st.integers(1, 5), max_size=3), min_size=1, max_size=4),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
)
def test_every_weight_arrives_as_a_checkpoint_of_that_dtype_would_hold_it(
    shapes: list[list[int]], dtype: torch.dtype
) -> None:
    weights = {f"layers.{i}.weight": torch.randn(shape) for i, shape in enumerate(shapes)}
    weights["steps"] = torch.tensor([7])
    with write_weights(weights.items(), dtype) as file:
        found = read(own_path(file))
        assert found.keys() == weights.keys()
        for name, tensor in weights.items():
            expected = tensor.to(dtype) if tensor.is_floating_point() else tensor
            assert found[name].dtype == expected.dtype
            assert torch.equal(found[name], expected)


def test_tied_transposed_and_integer_weights_arrive_too() -> None:
    table = torch.nn.Parameter(torch.randn(6, 4))
    weights = {"embed": table, "head": table, "turned": table.T, "steps": torch.tensor([7])}
    with write_weights(weights.items(), torch.bfloat16) as file:
        found = read(own_path(file))
        assert torch.equal(found["head"], table.bfloat16())
        assert torch.equal(found["turned"], table.T.bfloat16())
        assert found["steps"].dtype == torch.int64
        assert found["steps"].item() == 7


def test_another_process_can_read_it_and_nothing_is_left_of_it() -> None:
    before = set(Path("/dev/shm").iterdir())
    with write_weights([("w", torch.zeros(100))], torch.float32) as file:
        path = own_path(file)
        size = subprocess.run(["wc", "-c", path], capture_output=True, text=True, check=True).stdout.split()[0]
        assert int(size) > 400
        assert set(Path("/dev/shm").iterdir()) <= before
    assert not Path(path).exists()


def test_no_more_than_one_tensor_is_there_at_a_time() -> None:
    alive: list[weakref.ref[torch.Tensor]] = []

    def gather() -> Iterator[tuple[str, torch.Tensor]]:
        for number in range(5):
            # The one that was handed out last may still be in the reader's hand.
            assert sum(ref() is not None for ref in alive) <= 1
            tensor = torch.full((10,), float(number))
            alive.append(weakref.ref(tensor))
            yield f"w{number}", tensor
            del tensor

    with write_weights(gather(), torch.float32) as file:
        found = read(own_path(file))
    assert [found[f"w{number}"][0].item() for number in range(5)] == [0, 1, 2, 3, 4]
