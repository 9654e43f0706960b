"""What the trainer does on one GPU, checked and measured in ten minutes: `python scripts/gpu_check.py [OUT.json]`.

Weights are random, of the shapes of SmolLM2-135M and Qwen3-8B, so that nothing is downloaded. Without a GPU the same
checks run on the CPU over small shapes, which proves the script and nothing about a card. Not here: several cards;
a world of eight is the `fake` process group, whose collectives move nothing, so that its memory is a card's own and
its numbers mean nothing. Every check prints its rows as it ends; the exit code is 1 where a bound does not hold.
"""

import argparse
import gc
import json
import os
import platform
import random
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor

from schemas.config import TrainConfig
from scripts.gpu_shapes import QWEN3, SMALL, SMOLLM2, Place, build_policy, make_groups
from trainer import attention, sharding
from trainer import policy as trainer_policy
from trainer.batch import pack
from trainer.group import Group
from trainer.objective import build_objective
from trainer.policy import Policy, find_layers
from trainer.step import accumulate, build_optimiser, find_stakes, share_out, sum_tokens, train_step

ATTENTION_BOUND = 1e-2
"""Relative error of bfloat16 attention against float32: operands of 8 bits, errors of 2^-9 in every product."""
GRADIENT_FACTOR = 2.0
"""A GPU's bfloat16 gradients may be this much farther from the float32 ones than a CPU's bfloat16 ones are."""
EQUAL_BOUND = 2e-2
"""Relative distance of two bfloat16 gradients that were added up in another order."""
CONTEXT_GB = 1.0
"""Of the trainer's own process on the card, beside its tensors."""
STEPS = 20
WORLD = 8
MICROBATCH = 16384


@dataclass
class Report:
    """Rows as they come: printed at once, written at the end."""

    out: Path | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, check: str, **figures: Any) -> None:
        self.rows.append({"check": check} | figures)
        shown = "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items())
        print(f"{check:<12} {shown}", flush=True)
        if self.out is not None:
            self.out.write_text(json.dumps({"rows": self.rows, "failures": self.failures}, indent=2) + "\n")

    def bound(self, check: str, what: str, value: float, most: float) -> None:
        """Note a failure where `value` is above `most`, or no number."""
        if not value <= most:
            self.failures.append(f"{check}: {what} is {value:.3g}, above {most:.3g}")


def allow_older_torch() -> bool:
    """Give a torch before 2.13, whose kernel takes as many key heads as query heads, repeated ones; True where needed.

    It costs memory and time that the pinned torch does not take, so the figures say it.
    """
    import inspect

    from torch.nn.attention import varlen

    kernel = varlen.varlen_attn
    if "enable_gqa" in inspect.signature(kernel).parameters:
        return False

    def repeat_heads(q: Tensor, k: Tensor, v: Tensor, *more: Any, enable_gqa: bool, **options: Any) -> Tensor:
        times = q.shape[1] // k.shape[1]
        return kernel(q, k.repeat_interleave(times, 1), v.repeat_interleave(times, 1), *more, **options)

    varlen.varlen_attn = repeat_heads
    return True


def relative(measured: Tensor, reference: Tensor) -> float:
    """||measured - reference|| / ||reference||, in float64."""
    a, b = measured.detach().double().cpu(), reference.detach().double().cpu()
    return float((a - b).norm() / b.norm())


@contextmanager
def measure_memory(place: Place) -> Iterator[dict[str, float]]:
    """GB of the device's memory at its peak inside the block, as `peak_gb`; nothing on a CPU."""
    figures: dict[str, float] = {}
    if place.on_gpu:
        # Policies, and what was compiled for them, are rings of references: without this those before are counted too.
        torch._dynamo.reset()
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    yield figures
    if place.on_gpu:
        figures["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9


def wait(place: Place) -> float:
    """The time now, when all that was asked of the device is done."""
    if place.on_gpu:
        torch.cuda.synchronize()
    return time.perf_counter()


def check_machine(report: Report, place: Place) -> float:
    """What is there, and the product rate that utilisation is measured against. Returns FLOP/s."""
    import transformers

    name = torch.cuda.get_device_name() if place.on_gpu else platform.processor() or platform.machine()
    size = 8192 if place.on_gpu else 512
    a, b = (torch.randn(size, size, device=place.device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(13):
        began = wait(place)
        a @ b
        seconds.append(wait(place) - began)
    rate = 2 * size**3 / statistics.median(seconds[3:])
    report.add(
        "machine", device=name, torch=torch.__version__, transformers=transformers.__version__, tflops=rate / 1e12
    )
    return rate


def check_attention(report: Report, place: Place) -> None:
    """The kernel for sequences of any length, forward and backward, against padded attention in float32."""
    for shape in place.shapes:
        whole = [(len(g.prompt), tuple(len(one.tokens) - 1 for one in g.rollouts)) for g in make_groups(shape, place)]
        trees = (*whole[:2], (1, (0,)), (5, (7,)))
        tokens = sum(prompt + sum(bodies) for prompt, bodies in trees)
        torch.manual_seed(1)

        def draw(heads: int, tokens: int = tokens, width: int = shape.width) -> Tensor:
            return torch.randn(1, heads, tokens, width, device=place.device, dtype=torch.bfloat16)

        given = [draw(shape.heads), draw(shape.shared_heads), draw(shape.shared_heads)]
        slope = torch.randn(1, tokens, shape.heads, shape.width, device=place.device, dtype=torch.bfloat16)
        results = []
        for function, dtype in ((None, torch.bfloat16), (attention.attend_padded, torch.float32)):
            leaves = [x.to(dtype, copy=True).requires_grad_() for x in given]
            if function is None:
                out, _ = attention.attend(torch.nn.Module(), *leaves, None, trees=attention.Forest(trees))
            else:
                out = function(*leaves, trees, None)
            out.backward(slope.to(dtype))
            results.append([out, *(leaf.grad for leaf in leaves)])
        errors = [relative(a, b) for a, b in zip(*results, strict=True)]
        report.add(
            "attention", shape=shape.name, tokens=tokens, **dict(zip(("out", "q", "k", "v"), errors, strict=True))
        )
        report.bound("attention", shape.name, max(errors), ATTENTION_BOUND)


def find_gradients(policy: Policy, groups: list[Group], config: TrainConfig) -> tuple[float, dict[str, Tensor]]:
    """(loss, gradient of every weight on the CPU) of one minibatch."""
    objective = build_objective(config, sum_tokens(groups))
    loss = sum(float(accumulate(policy, batch, objective)[0]) for batch in share_out(groups, config).batches)
    gradients = {name: master.grad.detach().double().cpu() for name, master in policy.masters.items()}
    for master in policy.masters.values():
        master.grad = None
    return loss, gradients


def join(gradients: dict[str, Tensor]) -> Tensor:
    return torch.cat([gradients[name].flatten() for name in sorted(gradients)])


def check_loss(report: Report, place: Place) -> None:
    """Loss and gradients in bfloat16 on the device, beside a CPU's in bfloat16, against a CPU's in float32.

    For the paper's objective, and for one whose ratios and weights are of whole sequences.
    """
    shape = place.shapes[0]
    on_device = Place(place.device, place.shapes, 48, 48, 2, 1, (False,))
    on_cpu = replace(on_device, device=torch.device("cpu"))
    groups = make_groups(shape, on_device)
    for objective, importance in (("magistral", "token_truncate"), ("gspo", "sequence_truncate")):
        config = TrainConfig(microbatch_tokens=MICROBATCH, objective=objective, importance=importance)
        reference = build_policy(shape, config, on_cpu, torch.float32, "cpu")
        exact_loss, exact = find_gradients(reference, groups, config)
        errors = {}
        for name, where in (("device", on_device), ("cpu", on_cpu)):
            policy = build_policy(shape, config, where, torch.bfloat16, "cpu")
            loss, gradients = find_gradients(policy, groups, config)
            errors[name] = relative(join(gradients), join(exact))
            report.add(
                "loss", shape=shape.name, objective=objective, where=name, loss=loss, exact=exact_loss,
                gradient_error=errors[name],
            )  # fmt: skip
        report.bound(
            "loss", f"error of the gradient ({objective})", errors["device"], GRADIENT_FACTOR * max(errors["cpu"], 1e-3)
        )


def check_steps(report: Report, place: Place, rate: float) -> None:
    """Steps with gradient checkpointing and compilation on and off: completion tokens a second, share of `rate`."""
    for shape in place.shapes:
        groups = make_groups(shape, place)
        tokens = sum_tokens(groups)
        for checkpointing in (False, True):
            for compiled in place.compiled:
                config = TrainConfig(
                    microbatch_tokens=MICROBATCH, gradient_checkpointing=checkpointing, compile=compiled, warmup=0
                )
                with measure_memory(place) as memory:
                    try:
                        policy = build_policy(shape, config, place, torch.bfloat16)
                        optimiser = build_optimiser(policy, config)
                        seconds, stats = [], None
                        for step in range(place.steps):
                            began = wait(place)
                            stats = train_step(policy, optimiser, groups, config, step)
                            seconds.append(wait(place) - began)
                    except torch.OutOfMemoryError as error:
                        report.add("steps", shape=shape.name, checkpointing=checkpointing, error=str(error)[:60])
                        continue
                    finally:
                        policy = optimiser = None
                settled = statistics.median(seconds[len(seconds) // 4 :])
                report.add(
                    "steps",
                    shape=f"{shape.name} ({shape.layers} of {shape.all_layers} layers)",
                    checkpointing=checkpointing,
                    compile=compiled,
                    first_s=seconds[0],
                    step_s=settled,
                    tokens_s=tokens / settled,
                    utilisation=shape.flops(groups) / settled / rate,
                    loss=stats.loss if stats else float("nan"),
                    norm=stats.grad_norm if stats else float("nan"),
                    **memory,
                )


def check_packing(report: Report, place: Place) -> None:
    """Seconds of laying out a large minibatch, which is Python on the CPU."""
    large = Place(place.device, place.shapes, 256, 16384 if place.on_gpu else 512, 32, 1, (False,))
    groups = make_groups(place.shapes[1], large)
    began = time.perf_counter()
    pack(groups, find_stakes(groups, TrainConfig()), 65536)
    report.add("packing", tokens=sum_tokens(groups), seconds=time.perf_counter() - began)


@contextmanager
def process_group(place: Place, world: int) -> Iterator[None]:
    """One rank of NCCL (gloo on a CPU), or the first of `world` ranks of which the others are not there."""
    import torch.distributed as dist

    if world == 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(random.randint(20000, 40000)))
        device = torch.device("cuda", 0) if place.on_gpu else None
        dist.init_process_group("nccl" if place.on_gpu else "gloo", rank=0, world_size=1, device_id=device)
    else:
        from torch.testing._internal.distributed.fake_pg import FakeStore

        dist.init_process_group("fake", rank=0, world_size=world, store=FakeStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


def check_one_rank(report: Report, place: Place) -> None:
    """Weights sharded over one rank of NCCL: the loss and the weights after a step are those of no sharding at all."""
    shape = place.shapes[0]
    config = TrainConfig(microbatch_tokens=MICROBATCH, warmup=0, learning_rate=1e-4)
    groups = make_groups(shape, place)
    after = []
    for sharded in (False, True):
        with process_group(place, 1):
            policy = build_policy(shape, config, place, torch.bfloat16, sharded=sharded)
            stats = train_step(policy, build_optimiser(policy, config), groups, config, 0)
            weights = {name: distributed_whole(weight) for name, weight in policy.state().items()}
        after.append((stats, join({name: weight.double().cpu() for name, weight in weights.items()})))
    (plain, a), (shard, b) = after
    report.add(
        "one rank", loss=plain.loss, sharded=shard.loss, norm=plain.grad_norm, sharded_norm=shard.grad_norm,
        weights=relative(b, a),
    )  # fmt: skip
    report.bound("one rank", "distance of the norms", abs(shard.grad_norm / plain.grad_norm - 1), EQUAL_BOUND)
    report.bound("one rank", "distance of the weights", relative(b, a), EQUAL_BOUND)


def distributed_whole(weight: Tensor) -> Tensor:
    from torch.distributed.tensor import DTensor

    return weight.full_tensor() if isinstance(weight, DTensor) else weight


def check_world(report: Report, place: Place) -> None:
    """All layers of the larger shape as one rank of eight holds them: peak memory of a step and of an export."""
    shape = place.shapes[1]
    config = TrainConfig(microbatch_tokens=MICROBATCH, warmup=0, gradient_checkpointing=True)
    groups = make_groups(shape, place) * WORLD
    with process_group(place, WORLD), measure_memory(place) as memory:
        lm = sharding.build_empty(shape.config(shape.all_layers if place.on_gpu else None), torch.float32)
        policy = trainer_policy.build_policy(lm, shape.name, config, place.device)
        layers = len(find_layers(policy))
        sharding.shard(policy)
        for name, weight in list(lm.named_parameters()):
            sharding.place(lm, name, torch.empty_like(weight.to_local(), device=place.device).normal_(std=0.02))
        policy.masters = policy.find_trained()
        held = torch.cuda.memory_allocated() / 1e9 if place.on_gpu else 0.0
        optimiser = build_optimiser(policy, config)
        stats = train_step(policy, optimiser, groups, config, 0)
        parameters = sum(weight.numel() for weight in policy.parameters())
    report.add(
        "world of 8", shape=shape.name, layers=layers, parameters=parameters, weights_gb=held, rows=stats.micro_batches,
        **{f"step_{name}": value for name, value in memory.items()},
    )  # fmt: skip
    with process_group(place, WORLD), measure_memory(place) as memory:
        largest = exported = 0
        for _, weight in policy.export_weights():
            largest, exported = max(largest, weight.numel()), exported + weight.numel()
    report.add(
        "world of 8", exported=exported, largest_tensor=largest,
        **{f"export_{name}": value for name, value in memory.items()},
    )  # fmt: skip


def check_push(report: Report, place: Place) -> None:
    """The trainer's weights into another process, by each way that there is: seconds, and that they arrive."""
    from scripts.gpu_push import push_weights

    for row in push_weights(place.shapes[1], place):
        report.add("push", **row)
        report.bound("push", f"weights that arrived changed ({row['way']})", row["wrong"], 0)


def check_engine(report: Report, place: Place, settings: dict[str, Any]) -> None:
    """vLLM and the trainer on the device in turn: memory, seconds, and the log-probabilities of both."""
    from pipeline.inference.machine import vllm_version
    from scripts.gpu_engine import FRESH, GAP_BOUND, reckon_asleep, take_turns

    if not vllm_version()[0]:
        report.add("engine", left_out="vLLM is not installed")
        return
    for row in take_turns(place.shapes[1], place, settings):
        report.add("engine", **row)
        if "gap" in row and (place.on_gpu or row["what"] == FRESH):
            report.bound("engine", f"distance of log-probabilities ({row['what']})", row["gap"], GAP_BOUND)
            report.bound("engine", f"completions without tokens ({row['what']})", float(not row["tokens"]), 0)
        if "asleep_gb" in row and place.on_gpu:
            kept = row["asleep_gb"] - row["trainer_gb"]
            report.bound("engine", "GB that a sleeping engine keeps", kept, reckon_asleep(settings) + CONTEXT_GB)


def main() -> int:
    """Run all checks; 1 where one failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", nargs="?", type=Path, help="JSON file for the figures")
    arguments.add_argument("--only", nargs="*", help="names of checks")
    arguments.add_argument("--model", type=json.loads, default={}, help="settings of `model` for the engine, as JSON")
    chosen = arguments.parse_args()
    if torch.cuda.is_available():
        place = Place(torch.device("cuda"), (SMOLLM2, QWEN3), 256, 512, 4, STEPS, (False, True))
    else:
        print("no GPU here: small shapes on the CPU, which prove the script alone")
        place = Place(torch.device("cpu"), SMALL, 24, 24, 2, 2, (False,))
    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    disable_progress_bars()
    report = Report(chosen.out)
    if place.on_gpu and allow_older_torch():
        report.add("note", torch=torch.__version__, attention="key heads repeated, as this torch needs")
    rate = check_machine(report, place)
    checks: dict[str, Callable[[], None]] = {
        "attention": lambda: check_attention(report, place),
        "loss": lambda: check_loss(report, place),
        "packing": lambda: check_packing(report, place),
        "one-rank": lambda: check_one_rank(report, place),
        "world": lambda: check_world(report, place),
        "steps": lambda: check_steps(report, place, rate),
        "push": lambda: check_push(report, place),
        "engine": lambda: check_engine(report, place, chosen.model),
    }
    for name, check in checks.items():
        if chosen.only and name not in chosen.only:
            continue
        began = time.monotonic()
        try:
            check()
        except Exception:
            report.failures.append(f"{name}: {traceback.format_exc(limit=-3)}")
        print(f"             ({name}: {time.monotonic() - began:.1f} s)", flush=True)
    report.add("end", failures=len(report.failures))
    for failure in report.failures:
        print(f"FAILED {failure}")
    return bool(report.failures)


if __name__ == "__main__":
    sys.exit(main())
