"""The arithmetic of memory against what is known: published sizes, a step whose tensors are counted, an H100."""

from dataclasses import replace

import pytest
import torch

from benchmarks.counted_step import RankMemory, count_rank
from benchmarks.train_memory import fill_micro_batches, measure
from pipeline.inference.embedded import ModelError, ensure_embedded
from pipeline.inference.shape import KNOWN, measure_shape, read_shape
from schemas.config import Config, LoraTraining, ModelConfig, Source, TrainConfig
from scripts.gpu_shapes import QWEN3, SMOLLM2, Place, Shape, make_groups
from trainer.memory import CUDA, GB, find_share, reckon_engine, reckon_export, reckon_step, reckon_weights

QWEN3_8B = "Qwen/Qwen3-8B"
PUBLISHED = {
    "Qwen/Qwen3-0.6B": 596_049_920,
    "Qwen/Qwen3-1.7B": 1_720_574_976,
    "Qwen/Qwen3-4B": 4_022_468_096,
    QWEN3_8B: 8_190_735_360,
    "Qwen/Qwen3-14B": 14_768_307_200,
    "Qwen/Qwen3-32B": 32_762_123_264,
    "meta-llama/Llama-3.3-70B-Instruct": 70_553_706_496,
}
"""Parameters by the models' cards on the Hub."""


def test_every_known_shape_has_the_published_number_of_parameters() -> None:
    counted = {name: read_shape(ModelConfig(name=name)).parameters for name in KNOWN}
    assert counted == PUBLISHED


def test_a_folder_is_counted_by_its_config_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As many as its weights have, which are read here and not there."""
    from transformers import AutoModelForCausalLM

    folder = ensure_embedded()
    weights = AutoModelForCausalLM.from_pretrained(folder)
    bare = tmp_path_factory.mktemp("bare")
    (bare / "config.json").write_bytes((folder / "config.json").read_bytes())
    shape = read_shape(ModelConfig(name=str(bare)))
    assert shape.parameters == sum(weight.numel() for weight in weights.parameters())
    assert shape.tied


def test_a_model_without_a_config_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ModelError, match=r"its config\.json cannot be read"):
        read_shape(ModelConfig(name=str(empty)))


@pytest.mark.parametrize(
    ("name", "parallel", "expected"),
    [
        (QWEN3_8B, 1, 147_456),
        (QWEN3_8B, 4, 36_864),
        ("Qwen/Qwen3-32B", 1, 262_144),
        ("meta-llama/Llama-3.3-70B-Instruct", 8, 40_960),
        # Eight heads over sixteen GPUs: each has one.
        ("meta-llama/Llama-3.3-70B-Instruct", 16, 40_960),
    ],
)
def test_a_token_of_cache_is_a_key_and_a_value_of_every_layer(name: str, parallel: int, expected: int) -> None:
    assert read_shape(ModelConfig(name=name)).cache_bytes(parallel) == expected


TINY = replace(SMOLLM2, layers=2, hidden=256, feed_forward=1024, heads=8, shared_heads=4, width=32, words=8192)
WIDE = replace(QWEN3, layers=2, hidden=1024, feed_forward=3072, heads=16, shared_heads=8, width=64, words=32768)


STEPS = pytest.mark.parametrize(
    ("shape", "ranks", "checkpointing"),
    [(TINY, 1, True), (TINY, 4, False), (WIDE, 1, False), (WIDE, 4, True)],
    ids=[
        "llama, one rank",
        "llama, a rank of four, nothing recomputed",
        "qwen3, nothing recomputed",
        "qwen3, one of four",
    ],
)


def count(shape: Shape, ranks: int, checkpointing: bool) -> tuple[RankMemory, TrainConfig]:
    train = TrainConfig(microbatch_tokens=6000, gradient_checkpointing=checkpointing)
    place = Place(torch.device("cpu"), (SMOLLM2, QWEN3), 128, 512, 4, 1, (False,))
    return count_rank(shape.config(), train, ranks, make_groups(shape, place) * ranks), train


@pytest.mark.slow
@STEPS
def test_a_counted_step_has_the_peak_that_is_reckoned(shape: Shape, ranks: int, checkpointing: bool) -> None:
    """What stays is exact but for the optimiser's counters; the peak is within a tenth, and hardly too low."""
    rank, train = count(shape, ranks, checkpointing)
    counted = measure_shape(shape.name, shape.config())
    weights = reckon_weights(counted, train, ranks)
    assert rank.held == pytest.approx(weights.total, rel=1e-4)
    assert rank.optimiser == pytest.approx(weights.parts["optimiser"], rel=1e-4)
    reckoned = reckon_step(counted, train, ranks, rank.tokens).total - CUDA
    assert 0.97 * rank.step <= reckoned <= 1.1 * rank.step
    export = reckon_export(counted, train, ranks).total - CUDA
    # One rank has its weights in bfloat16 already, which nothing gathers.
    assert rank.export == pytest.approx(export if ranks > 1 else weights.total, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("ranks", "checkpointing"), [(1, False), (4, True)])
def test_tensors_without_memory_are_counted_as_those_with(ranks: int, checkpointing: bool) -> None:
    """The same steps on tensors that are there, of a shape that a CPU computes.

    Not the export: what a CPU gathers of a fake world is counted twice there, by one tensor. That of fake tensors is
    what an H100 held (`test_it_agrees_with_what_an_h100_held`, and the equality of both above).
    """
    place = Place(torch.device("cpu"), (SMOLLM2, QWEN3), 16, 24, 2, 1, (False,))
    shape = replace(QWEN3, layers=2, hidden=64, feed_forward=128, heads=4, shared_heads=2, width=16, words=512)
    train = TrainConfig(microbatch_tokens=400, gradient_checkpointing=checkpointing)
    groups = make_groups(shape, place) * ranks
    real, counted = (count_rank(shape.config(), train, ranks, groups, fake) for fake in (False, True))
    assert replace(real, export=0) == replace(counted, export=0)


@pytest.mark.slow
def test_the_benchmark_fills_its_micro_batches() -> None:
    row = measure("Qwen/Qwen3-0.6B", TrainConfig(microbatch_tokens=4096, gradient_checkpointing=True), 8)
    assert row["tokens"] == 4096
    assert abs(row["distance"]["held"]) < 1e-4
    assert abs(row["distance"]["step"]) < 0.05
    assert len(fill_micro_batches(4096, 3)) == 3


def test_it_agrees_with_what_an_h100_held() -> None:
    """docs/gpu.md: one rank of eight of Qwen3-8B, whose two micro-batches had 9,807 and 9,467 tokens, in its first
    step, so without an optimiser: 19.7 GB, and 13.8 for an export.
    """
    shape, train = read_shape(ModelConfig(name=QWEN3_8B)), TrainConfig()
    step = reckon_step(shape, train, 8, 9807)
    assert (step.total - step.parts["optimiser"] - CUDA) / GB == pytest.approx(19.7, abs=1)
    assert (reckon_export(shape, train, 8).total - CUDA) / GB == pytest.approx(13.8, abs=0.3)


def test_an_engine_beside_a_trainer_asks_for_no_more_than_an_h100_had_left() -> None:
    """docs/gpu.md: eight layers of Qwen3-8B were trained on it, and vLLM found 38.17 of its 79.18 GiB free."""
    config = Config(run="r", sources=(Source(name="s", files="f"),))
    memory, free = 79.18 * 2**30, 38.17 * 2**30
    share = find_share(measure_shape(QWEN3.name, QWEN3.config()), config, 1, memory)
    assert 0.95 * free < share * memory <= free


def test_a_checkpointed_step_agrees_with_what_an_h100_held() -> None:
    """docs/gpu.md: the same shape, 14,818 tokens, 55.4 GB of tensors at the peak."""
    shape = measure_shape(QWEN3.name, QWEN3.config())
    reckoned = reckon_step(shape, TrainConfig(gradient_checkpointing=True), 1, 14818).total - CUDA
    assert reckoned / GB == pytest.approx(55.4, rel=0.05)


def test_adapters_take_their_own_parameters_and_no_optimiser_of_the_rest() -> None:
    from transformers import AutoModelForCausalLM

    from trainer.policy import add_adapters

    shape, lora = measure_shape("tiny", TINY.config()), LoraTraining(rank=4)
    lm = AutoModelForCausalLM.from_config(TINY.config())
    add_adapters(lm, lora, torch.float32)
    learned = sum(weight.numel() for weight in lm.parameters() if weight.requires_grad)
    parts = reckon_weights(shape, TrainConfig(lora=lora), 1).parts
    assert parts["optimiser"] == 8 * learned
    assert parts["weights to compute with"] == 2 * (shape.parameters + learned)


def test_an_engine_shares_its_weights_and_cache_over_its_gpus() -> None:
    shape = read_shape(ModelConfig(name=QWEN3_8B))
    alone = reckon_engine(shape, ModelConfig(), 80 * GB)
    pair = reckon_engine(shape, ModelConfig(engine={"tensor_parallel_size": 2}), 80 * GB)
    assert alone.demand.parts["weights"] == 2 * shape.parameters == 2 * pair.demand.parts["weights"]
    assert pair.tokens > 2 * alone.tokens
    small = reckon_engine(shape, ModelConfig(), 16 * GB)
    assert small.cache < 0 == small.tokens
    eager = reckon_engine(shape, ModelConfig(enforce_eager=True, engine={"kv_cache_dtype": "fp8"}), 80 * GB)
    assert eager.cache > alone.cache
    assert eager.token == alone.token / 2
