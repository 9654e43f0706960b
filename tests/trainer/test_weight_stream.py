"""Weights through a bucket to workers in other processes. That vLLM takes them is in test_rollout_engine."""

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.test_weights import count_alive
from trainer import weight_stream
from trainer.weight_stream import WeightReader, WeightSender

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16, torch.int64]
SECONDS = 60


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4 KB, so that a few weights fill several, and one is larger than a bucket; processes made here have them."""
    monkeypatch.setattr(weight_stream, "BUCKET", 4096)


def read_all(address: str, workers: int = 1) -> dict[str, torch.Tensor]:
    with WeightReader.connect(address, CPU, workers) as reader:
        return dict(reader.read())


def read_in_process(address: str, workers: int, pause: float, out: Connection) -> None:
    with WeightReader.connect(address, CPU, workers) as reader:
        found = {}
        for name, tensor in reader.read():
            time.sleep(pause)
            found[name] = tensor.numpy()
    out.send(found)


@contextmanager
def sending(weights: Any, engines: list[int]) -> Iterator[WeightSender]:
    """A sender whose thread ends with the block."""
    with WeightSender(weights, engines) as sender:
        thread = threading.Thread(target=sender.run, daemon=True)
        thread.start()
        yield sender
        thread.join(SECONDS)
        assert not thread.is_alive()


@settings(deadline=None)
@given(
    shapes=st.lists(st.lists(st.integers(0, 20), max_size=3), max_size=8),
    dtype=st.sampled_from(DTYPES),
    bucket=st.integers(1, 5000),
)
def test_every_weight_arrives_as_it_is_whatever_the_bucket_s_size(
    shapes: list[list[int]], dtype: torch.dtype, bucket: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_stream, "BUCKET", bucket)
        weights = {f"layers.{i}": (100 * torch.randn(shape)).to(dtype) for i, shape in enumerate(shapes)}
        with sending(weights.items(), [0]) as sender:
            found = read_all(sender.address(0))
    assert list(found) == list(weights)
    for name, tensor in weights.items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], tensor)


def test_tied_and_transposed_weights_arrive_and_one_is_gathered_at_a_time() -> None:
    table = torch.nn.Parameter(torch.randn(60, 40))
    with sending({"embed": table, "head": table, "turned": table.T}.items(), [0]) as sender:
        found = read_all(sender.address(0))
    assert torch.equal(found["head"], table)
    assert torch.equal(found["turned"], table.T)
    with sending(count_alive(), [0]) as sender:
        assert len(read_all(sender.address(0))) == 5


def test_several_engines_of_several_workers_get_the_same_however_slow_one_is() -> None:
    weights = {f"w{number}": torch.randn(700) for number in range(12)}
    spawn = multiprocessing.get_context("fork")
    with sending(weights.items(), [3, 5]) as sender:
        pipes, workers = [], []
        for engine, pause in ((3, 0.0), (3, 0.01), (5, 0.0), (5, 0.002)):
            ours, theirs = spawn.Pipe(duplex=False)
            worker = spawn.Process(target=read_in_process, args=(sender.address(engine), 2, pause, theirs))
            worker.start()
            pipes.append(ours)
            workers.append(worker)
        every = [pipe.recv() for pipe in pipes]
        for worker in workers:
            worker.join(SECONDS)
    for found in every:
        assert list(found) == list(weights)
        assert all((found[name] == weights[name].numpy()).all() for name in weights)


def test_an_engine_that_dies_before_it_comes_or_in_the_middle_holds_up_no_other() -> None:
    weights = {f"w{number}": torch.randn(2000) for number in range(6)}
    with sending(weights.items(), [0, 1, 2]) as sender:
        threading.Timer(0.1, sender.release, [1]).start()
        dying = WeightReader.connect
        spawn = multiprocessing.get_context("fork")

        def die() -> None:
            with dying(sender.address(2), CPU, 1) as reader:
                next(reader.read())
                os._exit(1)

        worker = spawn.Process(target=die)
        worker.start()
        found = read_all(sender.address(0))
        worker.join(SECONDS)
    assert list(found) == list(weights)


def test_where_all_engines_are_gone_nothing_is_gathered() -> None:
    def gather() -> Iterator[tuple[str, torch.Tensor]]:
        raise AssertionError("nobody takes it")
        yield

    with WeightSender(gather(), [0]) as sender:
        sender.release(0)
        sender.run()


def test_what_goes_wrong_in_gathering_is_raised_and_the_worker_does_not_take_a_part_for_all() -> None:
    def gather() -> Iterator[tuple[str, torch.Tensor]]:
        yield "w", torch.zeros(2000)
        raise ArithmeticError("lost a rank")

    with WeightSender(gather(), [0]) as sender:
        ends: list[BaseException] = []

        def read() -> None:
            try:
                read_all(sender.address(0))
            except EOFError as error:
                ends.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        with pytest.raises(ArithmeticError, match="lost a rank"):
            sender.run()
        thread.join(SECONDS)
    assert len(ends) == 1


def test_nothing_is_left_of_it() -> None:
    before = set(Path("/dev/shm").iterdir())
    with sending({"w": torch.zeros(3000)}.items(), [0]) as sender:
        name = sender.address(0).removeprefix("stream:").rpartition(":")[0]
        read_all(sender.address(0))
    assert set(Path("/dev/shm").iterdir()) <= before
    open_files = [os.readlink(file) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert not [name for name in open_files if "memfd:weights" in name]
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(ConnectionRefusedError):
        late.connect(f"\0{name}")
