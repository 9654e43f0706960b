"""The engine and the trainer on one card in turn: what each leaves free, and whether the engine has the new weights.

Part of `gpu_check.py`, where vLLM is installed. The model is random, as there, and its tokenizer has a token a byte.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import torch

from pipeline.inference.machine import Place as EnginePlace
from pipeline.inference.prompts import Prompt
from pipeline.inference.shape import measure_shape
from schemas.config import Config, ModelConfig, SamplingConfig, Source, TrainConfig
from scripts.gpu_shapes import Place, Shape, make_groups
from trainer.group import Group
from trainer.learner import Learner
from trainer.memory import GB, find_share, leaves_asleep
from trainer.rollout import Sampled
from trainer.rollout_engines import RolloutEngines, make_here
from trainer.step import find_anchors

TURNS = 3
FRESH = "fresh completions"
COMPLETIONS = 16
LONGEST = {"cuda": 512, "cpu": 64}
"""Tokens of a completion: random weights seldom end one."""
LEARNING_RATE = 1e-3
"""Of weights of 0.02: after a step it is another model, so that an engine with old weights, or their cache, is seen."""
LATE = 16
"""Tokens from the end of a completion that went on after the last turn, which are surely of the weights of then."""
ASLEEP_BOUND = 1.5
"""What a sleeping engine may keep beside what is reckoned, as a factor."""
GAP_BOUND = 0.05
"""Mean distance of the engine's log-probabilities from the trainer's, both in bfloat16 on a card; 0.01 is usual."""


def write_model(shape: Shape, folder: Path, device: torch.device) -> None:
    """A model of the shape with random weights, and a tokenizer whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    with torch.device(device):
        lm = AutoModelForCausalLM.from_config(shape.config(), dtype=torch.bfloat16)
    lm.save_pretrained(folder)
    del lm
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)


def take_turns(shape: Shape, place: Place, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the check: a turn each, then how far the log-probabilities of engine and trainer are apart."""
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="gpu-check-", dir=in_memory) as folder:
        write_model(shape, Path(folder), place.device)
        return asyncio.run(_take_turns(shape, place, Path(folder), settings))


async def _take_turns(shape: Shape, place: Place, folder: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    longest = LONGEST[place.device.type]
    train = TrainConfig(microbatch_tokens=8192, warmup=0, learning_rate=LEARNING_RATE, gradient_checkpointing=True)
    model = ModelConfig(
        **{
            "name": str(folder),
            "dtype": "bfloat16" if place.on_gpu else "float32",
            "max_model_len": longest + 2 * place.prompt,
            "max_num_seqs": 4 * COMPLETIONS,
            **settings,
        }
    )
    config = Config(
        run=str(folder),
        sources=(Source(name="none", files="none"),),
        model=model,
        train=train,
        sampling=SamplingConfig(max_tokens=longest),
    )
    memory = torch.cuda.get_device_properties(0).total_memory if place.on_gpu else 1.0
    share = find_share(measure_shape(shape.name, shape.config()), config, 1, memory) if place.on_gpu else 0.5
    began = time.monotonic()
    learner = Learner(folder, train)
    groups = make_groups(shape, place)
    # Its optimiser is there before the engine is, as in a stage that goes on from a checkpoint.
    await asyncio.to_thread(learner.learn, groups)
    learner.free()
    loaded = time.monotonic() - began
    engines = RolloutEngines(make_here(model, folder, [EnginePlace(0, 1, share=share)]), 0)
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    async with engines:
        rows.append({"what": "start", "share": share, "trainer_s": loaded, "engine_s": time.monotonic() - began})
        prompts = [Prompt(None, f"{number}: {'x' * place.prompt}", "0" * 16) for number in range(4)]
        for turn in range(1, TURNS + 1):
            under_way = [asyncio.create_task(engines.sample(prompt, COMPLETIONS, longest)) for prompt in prompts]
            before = engines.stats.busy
            while engines.stats.busy - before < 0.2 and not any(task.done() for task in under_way):
                await asyncio.sleep(0.02)
            row: dict[str, Any] = {"what": f"turn {turn}", "awake_gb": _used(place)}
            row["pause_s"] = await _timed(engines.pause())
            row["asleep_gb"], row["trainer_gb"] = _used(place), _reserved(place)
            in_flight = sum(not task.done() for task in under_way)
            row["in_flight"] = in_flight
            row["learn_s"] = await _timed(asyncio.to_thread(learner.learn, groups))
            row["step_gb"] = _used(place)
            learner.free()
            with closing(learner.export()) as weights:
                row["push_s"] = await engines.push(weights, turn)
            learner.free()
            row["resume_s"] = await _timed(engines.resume())
            row["awake_again_gb"] = _used(place)
            began = time.monotonic()
            outlasted = await asyncio.gather(*under_way)
            row["finish_s"] = time.monotonic() - began
            rows.append(row)
            went_on = sum(one.versions[0] < turn == one.versions[1] for got in outlasted for one in got.rollouts)
            row["went_on"] = went_on
        fresh = await asyncio.gather(*(engines.sample(prompt, COMPLETIONS, longest) for prompt in prompts))
    old = [
        Sampled(got.prompt, tuple(one for one in got.rollouts if one.versions == (TURNS - 1, TURNS)))
        for got in outlasted
    ]
    for what, sampled, late in ((FRESH, fresh, 0), ("outlasted the turn", old, LATE)):
        gaps, spread = await asyncio.to_thread(_compare, learner, sampled, late)
        rows.append({"what": what, "tokens": len(gaps), "gap": fmean(gaps) if gaps else 0.0, "spread": spread})
    return rows


def _compare(learner: Learner, sampled: Sequence[Sampled], late: int) -> tuple[list[float], float]:
    """Distances of the engine's log-probabilities from the trainer's, of each completion's last `late` tokens, or of
    all; and the spread of the trainer's own, beside which a distance is small or large.
    """
    groups = [
        Group(str(number), got.prompt, got.rollouts, (0.0,) * len(got.rollouts), (False,) * len(got.rollouts), 1)
        for number, got in enumerate(sampled)
        if got.rollouts
    ]
    if not groups:
        return [], 0.0
    own = find_anchors(learner.policy, groups, learner.train).tolist()
    gaps, seen, at = [], [], 0
    for group in groups:
        for one in group.rollouts:
            first = max(0, len(one.tokens) - late) if late else 0
            theirs, ours = one.logprobs[first:], own[at + first : at + len(one.tokens)]
            gaps += [abs(a - b) for a, b in zip(theirs, ours, strict=True)]
            seen += ours
            at += len(one.tokens)
    return gaps, pstdev(seen)


async def _timed(work: Any) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


def _used(place: Place) -> float:
    """GB of the card that all processes have taken."""
    if not place.on_gpu:
        return 0.0
    free, total = torch.cuda.mem_get_info()
    return (total - free) / GB


def _reserved(place: Place) -> float:
    return torch.cuda.memory_reserved() / GB if place.on_gpu else 0.0


def reckon_asleep(settings: dict[str, Any]) -> float:
    """GB that a sleeping engine is allowed to keep."""
    return ASLEEP_BOUND * leaves_asleep(ModelConfig(**settings)) / GB
