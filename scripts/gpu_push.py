"""The trainer's weights into another process: through its own card's memory, the host's, and a file, as seconds.

Part of `gpu_check.py`. The other process stands for an engine's worker: it takes every tensor onto the device, as
vLLM's does before it loads it, and says a checksum of each.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor

from schemas.config import LoraTraining, TrainConfig
from scripts.gpu_engine import write_model
from scripts.gpu_shapes import Place, Shape
from trainer import weight_stream
from trainer.learner import Learner
from trainer.weight_stream import WeightReader, WeightSender
from trainer.weights import read_weights, write_weights

TURNS = 3
"""Pushes of each way: the first opens memory that the later ones find open."""
CARD, HOST, FILE = "card", "host", "file"


def push_weights(shape: Shape, place: Place) -> Iterator[dict[str, Any]]:
    """A row for each way: the seconds of its pushes, and how many tensors did not arrive as they were."""
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="gpu-push-", dir=in_memory) as folder:
        write_model(shape, Path(folder), place.device)
        for lora in (None, LoraTraining()):
            learner = Learner(Path(folder), TrainConfig(lora=lora))
            with closing(learner.export()) as weights:
                expected = {name: check(weight) for name, weight in weights}
            ways = [CARD, HOST, FILE] if place.on_gpu else [HOST, FILE]
            for way in ways:
                seconds, found = _push(learner, way, place, Path(folder))
                wrong = len(expected.keys() ^ found.keys()) + sum(found.get(n) != c for n, c in expected.items())
                yield {"way": f"{way}, adapters" if lora else way, "wrong": wrong, "seconds": seconds}
            del learner


def check(weight: Tensor) -> int:
    """A number that another order or value of the weight's would change."""
    words = weight.detach().contiguous().view(-1).view(torch.int16).long()
    return int((words * (1 + torch.arange(len(words), device=words.device) % 8191)).sum())


def _push(learner: Learner, way: str, place: Place, folder: Path) -> tuple[list[float], dict[str, int]]:
    command = [sys.executable, __file__, place.device.type, way]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdout.readline()
    seconds = []
    for _ in range(TURNS):
        began = time.perf_counter()
        merge = learner.policy.find_merge() if way == FILE else None
        with closing(learner.export() if merge is None else learner.export_adapters()) as weights:
            if way == FILE:
                address = str(folder / "pushed")
                with open(address, "wb") as file:
                    write_weights(weights, file, merge)
                print(address, file=reader.stdin, flush=True)
                reader.stdout.readline()
            else:
                with WeightSender(weights, [0]) as sender:
                    print(sender.address(0), file=reader.stdin, flush=True)
                    sender.run()
                reader.stdout.readline()
        seconds.append(time.perf_counter() - began)
    print(file=reader.stdin, flush=True)
    found = json.loads(reader.stdout.readline())
    reader.wait()
    return seconds, found


def _receive(device: torch.device, way: str) -> None:
    """The other process: an address a line, and an empty one for the checksums of what came last."""
    if way == HOST:
        # As for a worker on another card.
        weight_stream.find_gpu = lambda _: ""
    if device.type == "cuda":
        torch.empty(1, device=device)
    print("ready", flush=True)
    kept: list[tuple[str, Tensor]] = []
    while address := sys.stdin.readline().strip():
        kept = list(_take(address, device))
        if device.type == "cuda":
            torch.cuda.synchronize()
        print("taken", flush=True)
    print(json.dumps({name: check(weight) for name, weight in kept}), flush=True)


def _take(address: str, device: torch.device) -> Iterable[tuple[str, Tensor]]:
    if not address.startswith(weight_stream.SCHEME):
        yield from ((name, weight.to(device)) for name, weight in read_weights(address))
        return
    with WeightReader.connect(address, device, 1) as reader:
        yield from reader.read()


if __name__ == "__main__":
    _receive(torch.device(sys.argv[1]), sys.argv[2])
