"""Print the MB of memory that an optimiser step on a small model leaves behind: `python -m tests.trainer.growth`."""

import ctypes
import random
import tempfile
from pathlib import Path

from schemas.config import TrainConfig
from scripts.gpu_shapes import Shape
from trainer.group import Group
from trainer.heap import keep_memory
from trainer.rollout import Rollout

SHAPE = Shape("two layers", "llama", 288, 768, 2, 2, 9, 3, 32, 4096, True)
WARM, STEPS = 2, 8
COUNTED = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
"""What glibc's mallinfo2(3) counts."""


class MallInfo(ctypes.Structure):
    """What malloc has handed out is `uordblks`, and `hblkhd` outside its heaps."""

    _fields_ = [(name, ctypes.c_size_t) for name in COUNTED]


def read_live() -> float:
    """MB that malloc has handed out of its first heap and of the system's pages."""
    read = ctypes.CDLL(None).mallinfo2
    read.restype = MallInfo
    info = read()
    return float(info.uordblks + info.hblkhd) / 1e6


def draw_groups(draw: random.Random) -> list[Group]:
    """Four groups of eight, of other lengths at each call."""

    def tokens(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.randrange(SHAPE.words) for _ in range(draw.randint(least, most)))

    groups = []
    for number in range(4):
        completions = [tokens(1, 40) for _ in range(8)]
        rollouts = tuple(Rollout(one, (-8.0,) * len(one), "", "stop", (0, 0)) for one in completions)
        rewards = tuple(float(at % 2) for at in range(8))
        groups.append(Group(str(number), tokens(20, 200), rollouts, rewards, (True,) * 8, 40))
    return groups


def main() -> None:
    from transformers import AutoModelForCausalLM

    from trainer.learner import Learner

    keep_memory()
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(SHAPE.config()).save_pretrained(folder)
        learner = Learner(Path(folder), TrainConfig())
    for _ in range(WARM):
        learner.learn(draw_groups(draw))
    before = read_live()
    for _ in range(STEPS):
        learner.learn(draw_groups(draw))
    print((read_live() - before) / STEPS)


if __name__ == "__main__":
    main()
