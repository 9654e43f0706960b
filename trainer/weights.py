"""New weights into an engine that is generating: the worker's end, and the file that servers elsewhere read.

They come by their names in a Hugging Face checkpoint, so one code serves every model that vLLM can load, one worker or
many, one engine or several, on CPU and GPU: from the trainer on this machine through a stream (weight_stream.py), else
from a safetensors file or a checkpoint's folder, which all machines see. Files are written as weights are gathered,
one at a time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from trainer.weight_stream import SCHEME, WeightReader

HEADER = 1 << 22
"""Bytes kept free at the start of the file for the list of its tensors, which is known in the end: 30,000 of them."""
METADATA, MERGE = "__metadata__", "merge"
"""Where safetensors has what is no tensor, and what of it is ours."""
DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64", torch.int32: "I32"}
"""As safetensors names them."""


UP, DOWN = ".up", ".down"
"""What follows the weight's name in the names of its adapter's two parts."""


@dataclass(frozen=True)
class Merge:
    """The tensors of a file are adapters: NAME.down (rank x inputs) and NAME.up (outputs x rank) of each NAME in
    `scales`.

    A weight of `folder`'s model becomes itself + scale * up @ down, computed in float32, then rounded to bfloat16.
    """

    folder: str
    scales: Mapping[str, float]


def write_weights(weights: Iterable[tuple[str, Tensor]], file: IO[bytes], merge: Merge | None = None) -> None:
    """Write the weights, or adapters, as they come: on any device, of shared storage or not."""
    file.seek(HEADER)
    tensors: dict[str, dict[str, Any]] = {}
    end = 0
    for name, tensor in weights:
        kept = tensor.detach().cpu().contiguous()
        begin, end = end, end + kept.nbytes
        tensors[name] = {"dtype": DTYPES[kept.dtype], "shape": list(kept.shape), "data_offsets": [begin, end]}
        file.write(kept.view(-1).view(torch.uint8).numpy())
    if merge is not None:
        tensors[METADATA] = {MERGE: json.dumps(asdict(merge))}
    # Eight bytes with the header's length, the header with spaces behind it, the tensors.
    header = json.dumps(tensors).encode().ljust(HEADER - 8)
    if len(header) > HEADER - 8:
        raise ValueError(f"{len(tensors)} weights are more than the header of {HEADER} bytes has space for")
    file.seek(0)
    file.write(len(header).to_bytes(8, "little"))
    file.write(header)


def read_weights(path: str) -> Iterator[tuple[str, Tensor]]:
    """What is in a file of `write_weights`, or in all of a checkpoint's folder, one at a time; adapters are merged.

    Raises ValueError where the model that adapters were trained on has not a weight that there is one of.
    """
    from safetensors import safe_open

    for file in sorted(Path(path).glob("*.safetensors")) if Path(path).is_dir() else [path]:
        with safe_open(file, framework="pt") as opened:
            pushed = ((name, opened.get_tensor(name)) for name in opened.keys())  # noqa: SIM118
            merge = (opened.metadata() or {}).get(MERGE)
            yield from pushed if merge is None else merge_adapters(Merge(**json.loads(merge)), pushed)


def merge_adapters(merge: Merge, pushed: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    """The weights of the model in `merge.folder`, rounded to bfloat16 as the trainer computes with them, with adapters.

    Raises ValueError.
    """
    adapters, left = dict(pushed), set(merge.scales)
    for name, weight in read_weights(merge.folder):
        rounded = weight.to(torch.bfloat16) if weight.is_floating_point() else weight
        if name in left:
            left.remove(name)
            up, down = adapters.pop(f"{name}{UP}").float(), adapters.pop(f"{name}{DOWN}").float()
            rounded = (rounded.float() + merge.scales[name] * (up @ down)).to(torch.bfloat16)
        yield name, rounded
    if left:
        raise ValueError(f"{merge.folder} has no {min(left)}, of which an adapter was pushed")


class WeightReceiver:
    """Mixed into vLLM's worker (`worker_extension_cls`), of which it uses these."""

    model_runner: Any
    parallel_config: Any

    def load_weights_from(self, path: str) -> None:
        """Take every weight from the trainer's stream, a file or a checkpoint's folder, in place: the KV cache and what
        is being generated stay. An empty path is the model that the engine was started with.

        Raises ValueError when what came leaves out a weight that the model has, EOFError when it ended too early; the
        engine's weights are then a mixture and it must not go on.
        """
        if not path.startswith(SCHEME):
            self._reload(read_weights(path) if path else None)
            return
        device = next(self.model_runner.get_model().parameters()).device
        with WeightReader.connect(path, device, self.parallel_config.world_size) as reader:
            self._reload(reader.read())
        if device.type == "cuda":
            # A trainer on the same GPU has it next.
            torch.cuda.empty_cache()

    def _reload(self, weights: Iterator[tuple[str, Tensor]] | None) -> None:
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead

        model = self.model_runner.get_model()
        load, loaded = model.load_weights, set[str]()

        def load_and_note(given: Iterable[tuple[str, Tensor]]) -> set[str]:
            loaded.update(load(given) or ())
            return loaded

        # vLLM only logs what was left out, and knows it nowhere else.
        model.load_weights = load_and_note
        try:
            self.model_runner.reload_weights(weights_iterator=weights)
        finally:
            del model.load_weights
        missing = sorted({name for name, _ in model.named_parameters()} - loaded)
        if missing and self.model_runner.model_config.quantization is None:
            raise ValueError(f"the weights pushed lack {len(missing)} of the model's, such as {missing[0]}")
        for module in model.modules():
            if isinstance(module, ParallelLMHead) and model.config.tie_word_embeddings:
                # On CPU a tied head is packed apart, and reloading forgets it because it owns no weight.
                module.quant_method.process_weights_after_loading(module)
