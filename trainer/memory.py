"""What a GPU has to hold, in bytes: a rank of the trainer at its peak, and a vLLM engine with its cache.

Weights, float32 weights, optimiser and gradients are exact. What a step holds beside them follows from what the trainer
and transformers' layers keep for the backward pass; `tests/trainer/test_memory.py` holds it against a step whose
tensors are counted, and against the peaks that an H100 has shown (docs/gpu.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.inference.shape import BYTES, ModelShape
from schemas.config import Config, ModelConfig, TrainConfig
from trainer.weight_stream import BUCKET, BUCKETS

GB = 1e9
ASSUMED_GB = 80.0
"""Of a GPU where neither the config nor the machine says it: the common size of those that models are trained on."""
CUDA = 2.0 * GB
"""Of a process: the driver's context, kernels, buffers of NCCL, holes between blocks. An H100 shows 1 to 2."""
GRAPHS = 1.0 * GB
"""CUDA graphs of an engine; vLLM logs what they took, 0.5 to 1 for models of 1B to 70B."""
BATCHED_TOKENS = 2048
"""vLLM's default of max_num_batched_tokens for an engine in a process."""
UTILISATION = 0.92
"""vLLM's default of gpu_memory_utilization."""
CHUNK = 1024
"""Positions whose logits stand at once (trainer.head)."""

PROMPT = 512
"""Tokens of a prompt: the default template has 175, and a statement about 100."""


@dataclass(frozen=True)
class Demand:
    """Bytes of one GPU by what they are for."""

    parts: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())


def reckon_weights(shape: ModelShape, train: TrainConfig, ranks: int) -> Demand:
    """What a rank holds between two steps: weights, float32 masters and optimiser; exact once a step was taken."""
    learned = count_learned(shape, train)
    frozen = 0 if train.lora is None else shape.parameters
    # Sharded weights are gathered and rounded where they are used; what one rank trains, and what is frozen, stays.
    computed = 2 * (frozen + learned) if ranks == 1 else 2 * frozen / ranks
    return Demand(
        {
            "weights to compute with": computed,
            "float32 weights": 4 * learned / ranks,
            "optimiser": 8 * learned / ranks,
        }
    )


def reckon_step(shape: ModelShape, train: TrainConfig, ranks: int, tokens: int) -> Demand:
    """A rank at the peak of a step whose micro-batches have `tokens` tokens, from the second one on.

    The peak is where the loss is taken, in the backward pass of the last layer, or in that of embedding and head.
    """
    full = train.lora is None
    learned = count_learned(shape, train)
    embedding = shape.embedding * full
    checkpointing = train.gradient_checkpointing is not False
    kept = tokens * keep_per_token(shape)
    inputs = shape.layers * (tokens * 2 * shape.hidden if checkpointing else kept)
    logits = min(CHUNK, tokens) * shape.words
    # The last norm and what is picked of it, and the head's gradient, which is added up in float32: while a chunk is
    # read beside the one before, or while its share of that gradient is there.
    loss = 12 * tokens * shape.hidden + max(4 * embedding + 14 * logits, 6 * (embedding + logits))
    # Gradients of the inner products; after them those of the layer's weights, with those of the layer behind it.
    products = tokens * (6 * shape.hidden + 6 * shape.feed_forward) + kept * checkpointing
    layer, root, gathered = products, 6.0 * embedding, 0.0
    if ranks > 1:
        # Embedding and head stay gathered from the first forward pass to the last backward pass, and their gradients.
        gathered = 2 * (shape.root + shape.layer)
        layer = max(products, 8 * shape.layer if full else 0) + 2 * embedding
        root = 6.0 * shape.root * full
    return Demand(
        {
            **reckon_weights(shape, train, ranks).parts,
            "gradients": 4 * learned / ranks,
            **({"gathered weights": gathered} if ranks > 1 else {}),
            f"a step on {tokens:,} tokens": max(inputs + loss, inputs + layer, root),
            "CUDA": CUDA,
        }
    )


def count_learned(shape: ModelShape, train: TrainConfig) -> int:
    """Parameters that training changes."""
    return shape.parameters if train.lora is None else shape.adapter * train.lora.rank


def keep_per_token(shape: ModelShape) -> int:
    """Bytes that a layer keeps of a token for its backward pass: 16-bit activations, float32 inside of norms."""
    queries, keys = shape.heads * shape.width, shape.shared_heads * shape.width
    # Two norms; queries and keys before and after rotation, values; those of a prompt once more for completions.
    attention = 16 * shape.hidden + 4 * queries + 10 * keys + shape.normed * 6 * (queries + keys)
    # Gate, its activation, the other factor, their product.
    return attention + 8 * shape.feed_forward


def reckon_export(shape: ModelShape, train: TrainConfig, ranks: int, *, beside_engine: bool = False) -> Demand:
    """A rank while weights are pushed or saved: one tensor at a time is gathered, in bfloat16, and goes to an engine on
    the same GPU through buckets of that GPU.
    """
    return Demand(
        {
            **reckon_weights(shape, train, ranks).parts,
            "the largest tensor": (2 + 2 / ranks) * shape.embedding,
            **({"weights on their way": float(BUCKETS * BUCKET)} if beside_engine else {}),
            "CUDA": CUDA,
        }
    )


@dataclass(frozen=True)
class EngineMemory:
    """One engine on one of its GPUs: what it needs beside its cache, and what is left for that."""

    demand: Demand
    cache: float
    """Bytes left; below 0 where it does not fit."""
    token: float
    """Bytes of one token."""

    @property
    def tokens(self) -> int:
        """That the cache holds."""
        return max(0, int(self.cache / self.token))


def reckon_engine(shape: ModelShape, model: ModelConfig, memory: float, share: float | None = None) -> EngineMemory:
    """An engine on GPUs of `memory` bytes each, of which it may take `share` (gpu_memory_utilization)."""
    engine = model.engine
    parallel = int(engine.get("tensor_parallel_size", 1))
    stages = int(engine.get("pipeline_parallel_size", 1))
    dtype = str(engine.get("quantization") or model.dtype)
    number = BYTES.get(dtype, 2)
    cached = BYTES.get(str(engine.get("kv_cache_dtype", "auto")), 2)
    tokens = int(engine.get("max_num_batched_tokens", BATCHED_TOKENS))
    taken = float(engine.get("gpu_memory_utilization", UTILISATION)) if share is None else share
    parts = {
        "weights": number * shape.parameters / parallel / stages,
        "a step": tokens * (8 * shape.hidden + 6 * shape.feed_forward / parallel)
        + 16 * min(model.max_num_seqs, tokens) * shape.words,
        "CUDA graphs": 0.0 if model.enforce_eager else GRAPHS,
        "CUDA": CUDA,
    }
    demand = Demand(parts)
    return EngineMemory(demand, taken * memory - demand.total, shape.cache_bytes(parallel, cached) / stages)


def find_share(shape: ModelShape, config: Config, ranks: int, memory: float) -> float:
    """The share of a GPU that an engine may take beside a rank of the trainer, whose weights and optimiser stay.

    vLLM refuses to start where less is free, and its own process has a context on the GPU by then.
    """
    stays = reckon_export(shape, config.train, ranks, beside_engine=True).total + CUDA / 2
    return min(UTILISATION, max(0.0, 1 - stays / memory))


def leaves_asleep(model: ModelConfig) -> float:
    """What an engine that sleeps keeps of a GPU: its process and its CUDA graphs."""
    return CUDA / 2 + (0.0 if model.enforce_eager else GRAPHS)


def longest_row(config: Config) -> int:
    """Tokens of the largest micro-batch: one completion that is longer than `microbatch_tokens` has one of its own."""
    longest = max(stage.max_tokens or config.sampling.max_tokens for stage in config.train.stages)
    return max(config.train.microbatch_tokens, min(longest + PROMPT, config.rollout_model.max_model_len))


def find_gpu_memory(config: Config) -> float:
    """GB of one GPU: what is known of it, or ASSUMED_GB."""
    return read_gpu_memory(config) or ASSUMED_GB


def read_gpu_memory(config: Config) -> float | None:
    """GB of one GPU: as `placement.gpu_memory` says, or of the smallest that this process sees; None without both."""
    if config.placement.gpu_memory is not None:
        return config.placement.gpu_memory
    import torch

    if not torch.cuda.is_available():
        return None
    sizes = [torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count())]
    return min(sizes, default=0) / GB or None
