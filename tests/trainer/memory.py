"""What the first rank of a world of eight takes of memory: `python -m tests.trainer.memory FOLDER load|save|push`.

The other ranks are not there (the `fake` process group, whose collectives move nothing), so sizes are those of a real
rank and numbers mean nothing. Prints the most that this process had beside what it had before, in bytes.
"""

import subprocess
import sys
from pathlib import Path

import torch.distributed as dist
from torch.testing._internal.distributed.fake_pg import FakeStore

from schemas.config import TrainConfig
from trainer import policy as policy_module
from trainer import weight_stream
from trainer.learner import Learner
from trainer.policy import save_policy
from trainer.weight_stream import WeightSender

WORLD = 8
SHARD = 8_000_000
"""Bytes of a saved file and of a bucket: small beside the model, as theirs are beside a large one."""
READ = """
import sys, torch
from trainer.weight_stream import WeightReader
with WeightReader.connect(sys.argv[1], torch.device("cpu"), 1) as reader:
    for _ in reader.read():
        pass
"""


def read_status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def begin() -> int:
    """What this process has now, from where the peak counts again (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
    return read_status("VmRSS")


def push(learner: Learner) -> None:
    """Hand its weights to one worker, which is another process and keeps none."""
    with WeightSender(learner.export(), [0]) as sender:
        reader = subprocess.Popen([sys.executable, "-c", READ, sender.address(0)])
        sender.run()
        if reader.wait():
            raise RuntimeError("the worker did not get all weights")


def main(folder: str, task: str) -> int:
    """The most that the task took."""
    import accelerate  # noqa: F401
    import transformers.models.llama.modeling_llama  # noqa: F401

    dist.init_process_group("fake", rank=0, world_size=WORLD, store=FakeStore())
    before = begin()
    learner = Learner(Path(folder), TrainConfig())
    if task == "save":
        policy_module.SHARD = SHARD
        before = begin()
        save_policy(learner.policy, Path(folder, "saved"), learner.export())
    elif task == "push":
        weight_stream.BUCKET = SHARD
        before = begin()
        push(learner)
    return read_status("VmHWM") - before


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
