"""Weights in a file without a name: rounded as the engine wants them, readable by other processes, and gone when
closed. That the engine takes them is in test_engine.
"""

import subprocess
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.weights import own_path, write_weights


def read(path: str) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(path, mmap=True, weights_only=True)
    return weights


@given(
    shapes=st.lists(st.lists(st.integers(1, 5), max_size=3), min_size=1, max_size=4),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
)
def test_every_weight_arrives_as_a_checkpoint_of_that_dtype_would_hold_it(
    shapes: list[list[int]], dtype: torch.dtype
) -> None:
    weights = {f"layers.{i}.weight": torch.randn(shape) for i, shape in enumerate(shapes)}
    with write_weights(weights.items(), dtype) as file:
        found = read(own_path(file))
        assert found.keys() == weights.keys()
        for name, tensor in weights.items():
            assert torch.equal(found[name], tensor.to(dtype))


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
