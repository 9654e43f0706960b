"""What `gpu_check.py` runs on: models by their shapes, with random weights, and groups of random tokens."""

import random
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from schemas.config import TrainConfig
from trainer.group import Group
from trainer.policy import Policy, load_policy
from trainer.rollout import Rollout
from trainer.sharding import load_sharded


@dataclass(frozen=True)
class Shape:
    """A model by its shape. `layers` are those that are built; `all_layers` those of the published model."""

    name: str
    kind: str
    hidden: int
    feed_forward: int
    layers: int
    all_layers: int
    heads: int
    shared_heads: int
    width: int
    words: int
    tied: bool

    def config(self, layers: int | None = None) -> Any:
        """The transformers config of this shape."""
        from transformers import AutoConfig

        return AutoConfig.for_model(
            self.kind,
            vocab_size=self.words,
            hidden_size=self.hidden,
            intermediate_size=self.feed_forward,
            num_hidden_layers=layers or self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.shared_heads,
            head_dim=self.width,
            tie_word_embeddings=self.tied,
            max_position_embeddings=32768,
            attention_dropout=0.0,
        )

    def flops(self, groups: Iterable[Group]) -> float:
        """Floating-point operations of one step that no layout can spare: matrix products forward, twice that backward.

        A group's prompt is counted once, as the trainer forwards it; recomputed activations are not counted.
        """
        queries, keys = self.heads * self.width, self.shared_heads * self.width
        layer = self.hidden * (2 * queries + 2 * keys + 3 * self.feed_forward)
        tokens = targets = pairs = 0
        for group in groups:
            prompt = len(group.prompt)
            lengths = [len(rollout.tokens) for rollout in group.rollouts]
            tokens += prompt + sum(lengths) - len(lengths)
            targets += sum(lengths)
            pairs += prompt * prompt / 2 + sum(n * prompt + n * n / 2 for n in lengths)
        forward = 2 * layer * self.layers * tokens + 2 * self.hidden * self.words * targets
        return 3 * (forward + 4 * queries * self.layers * pairs)


SMOLLM2 = Shape("SmolLM2-135M", "llama", 576, 1536, 30, 30, 9, 3, 64, 49152, True)
QWEN3 = Shape("Qwen3-8B", "qwen3", 4096, 12288, 8, 36, 32, 8, 128, 151936, False)
"""Eight of 36 layers: with optimiser and float32 weights they take 50 GB, all of them 148 GB."""
SMALL = (
    Shape("SmolLM2, small", "llama", 144, 256, 2, 30, 9, 3, 16, 512, True),
    Shape("Qwen3, small", "qwen3", 128, 256, 2, 36, 4, 2, 32, 512, False),
)


@dataclass(frozen=True)
class Place:
    """Where it runs: `cuda`, or `cpu` with small shapes and few steps."""

    device: torch.device
    shapes: tuple[Shape, Shape]
    prompt: int
    completion: int
    groups: int
    steps: int
    compiled: tuple[bool, ...]

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"


def make_groups(shape: Shape, place: Place, seed: int = 0) -> list[Group]:
    """Groups of 16 of random tokens: completions of one token to the longest, each near its sampler's probability."""
    draw = random.Random(seed)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(shape.words) for _ in range(count))

    groups = []
    for number in range(place.groups):
        lengths = [1, *(draw.randint(place.completion // 4, place.completion) for _ in range(15))]
        rollouts = [tokens(n) for n in lengths]
        groups.append(
            Group(
                str(number),
                tokens(place.prompt),
                tuple(Rollout(one, (-10.0,) * len(one), "", "stop", (0, 0)) for one in rollouts),
                tuple(draw.choice((0.0, 1.0)) for _ in rollouts),
                (True,) * 16,
                place.completion,
            )
        )
    return groups


def build_policy(
    shape: Shape,
    config: TrainConfig,
    place: Place,
    dtype: torch.dtype,
    drawn_on: str = "",
    sharded: bool = False,
) -> Policy:
    """A policy of random weights, loaded by the trainer's own loader from a folder that holds none but these.

    Two devices draw other weights from one seed: `drawn_on` names the one to draw on, where they must be the same.
    """
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="gpu-check-", dir=in_memory) as folder:
        with torch.device(drawn_on or place.device):
            AutoModelForCausalLM.from_config(shape.config(), dtype=torch.bfloat16).save_pretrained(folder)
        if sharded:
            return load_sharded(folder, config, dtype=dtype)
        return load_policy(folder, config, dtype=dtype, device=str(place.device))
