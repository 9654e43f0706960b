"""A model by its shape: how many parameters it has and what a token of its cache takes, from its config alone.

Nothing is downloaded but a config.json, and that only for names that are not among `KNOWN`; no weight is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.inference.embedded import ModelError, ensure_embedded
from schemas.config import ModelConfig

BYTES = {"bfloat16": 2, "float16": 2, "half": 2, "float32": 4, "float": 4, "auto": 2, "fp8": 1, "fp8_e4m3": 1}
"""Of one number, by vLLM's names of types; what is saved as float32 is loaded as bfloat16 by `auto`."""


def _qwen3(hidden: int, feed_forward: int, layers: int, heads: int, tied: bool = False) -> Mapping[str, Any]:
    return {
        "model_type": "qwen3",
        "vocab_size": 151936,
        "hidden_size": hidden,
        "intermediate_size": feed_forward,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 40960,
        "tie_word_embeddings": tied,
    }


KNOWN: Mapping[str, Mapping[str, Any]] = {
    "Qwen/Qwen3-0.6B": _qwen3(1024, 3072, 28, 16, tied=True),
    "Qwen/Qwen3-1.7B": _qwen3(2048, 6144, 28, 16, tied=True),
    "Qwen/Qwen3-4B": _qwen3(2560, 9728, 36, 32, tied=True),
    "Qwen/Qwen3-8B": _qwen3(4096, 12288, 36, 32),
    "Qwen/Qwen3-14B": _qwen3(5120, 17408, 40, 40),
    "Qwen/Qwen3-32B": _qwen3(5120, 25600, 64, 64),
    "meta-llama/Llama-3.3-70B-Instruct": {
        "model_type": "llama",
        "vocab_size": 128256,
        "hidden_size": 8192,
        "intermediate_size": 28672,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": False,
    },
}
"""Shapes of published models by their names on the Hub, so that a run can be planned where the Hub is out of reach."""


@dataclass(frozen=True)
class ModelShape:
    """A causal language model, counted in parameters. A tied head is its embedding, and counts once."""

    name: str
    parameters: int
    layer: int
    """Of the largest layer."""
    root: int
    """Outside of the layers: embedding, head, last norm."""
    embedding: int
    """Of the embedding, and of the head."""
    tied: bool
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    """Of queries."""
    shared_heads: int
    """Of keys and values."""
    width: int
    """Of one head."""
    normed: bool
    """Whether queries and keys have norms of their own."""
    words: int
    adapter: int
    """Of low-rank adapters on every linear layer but the head, for each of their ranks."""
    longest: int | None
    """Tokens that its positions reach."""

    def cache_bytes(self, tensor_parallel: int = 1, number: int = 2) -> float:
        """Of one token in an engine's cache on one GPU, whose numbers have `number` bytes.

        Heads are shared out over the GPUs of an engine; where there are fewer, each GPU has one.
        """
        return 2 * self.layers * max(1, self.shared_heads / tensor_parallel) * self.width * number


def read_shape(model: ModelConfig) -> ModelShape:
    """The shape of the model that `model.name` means. Raises ModelError where its config cannot be had or is none of a
    causal language model.
    """
    try:
        return measure_shape(model.name, read_config(model))
    except (OSError, ValueError, KeyError, AttributeError, ImportError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(
            f"model.name {model.name!r}: its shape is not known, for its config.json cannot be read ({reason}); set "
            "model.name to a folder that has one, or try again where the Hub can be reached"
        ) from None


def read_config(model: ModelConfig) -> Any:
    """The transformers config of the model that `model.name` means: of `KNOWN`, of its folder, or of the Hub."""
    from transformers import AutoConfig

    name = str(ensure_embedded()) if model.name == "embedded" else model.name
    if name in KNOWN and not Path(name).is_dir():
        given = dict(KNOWN[name])
        return AutoConfig.for_model(given.pop("model_type"), **given)
    return AutoConfig.from_pretrained(name, revision=None if Path(name).is_dir() else model.revision)


def measure_shape(name: str, config: Any) -> ModelShape:
    """Count the model of a transformers config, which is built without memory."""
    import torch
    from torch import nn
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        lm = AutoModelForCausalLM.from_config(config)
    kinds = set(lm._no_split_modules or ())
    layers = [module for module in lm.modules() if type(module).__name__ in kinds]
    sizes = [sum(weight.numel() for weight in layer.parameters()) for layer in layers]
    head = lm.get_output_embeddings()
    linear = (module for module in lm.modules() if isinstance(module, nn.Linear) and module is not head)
    parameters = sum(weight.numel() for weight in lm.parameters())
    heads = int(config.num_attention_heads)
    return ModelShape(
        name=name,
        parameters=parameters,
        layer=max(sizes),
        root=parameters - sum(sizes),
        embedding=head.weight.numel(),
        tied=head.weight is lm.get_input_embeddings().weight,
        layers=len(layers),
        hidden=int(config.hidden_size),
        feed_forward=int(config.intermediate_size),
        heads=heads,
        shared_heads=int(getattr(config, "num_key_value_heads", None) or heads),
        width=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        normed=any(name.endswith("q_norm") for name, _ in lm.named_modules()),
        words=int(config.vocab_size),
        adapter=sum(module.in_features + module.out_features for module in linear),
        longest=getattr(config, "max_position_embeddings", None),
    )
