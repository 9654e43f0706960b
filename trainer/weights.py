"""New weights into an engine that is generating: a file in memory, and the worker's end that takes it.

The file has no name in any folder (`memfd_create`): the kernel frees it with its last user, however that one ends, and
the size of /dev/shm does not bound it. It is a safetensors file as a checkpoint's, so one code serves every model that
vLLM can load, one worker or many, one engine or several, on CPU and GPU.

Weights are written as they are gathered, one at a time: beside the file itself, which the host holds once for all
engines of it, no more than one tensor is there.

Between GPUs NCCL would be faster (vllm.distributed.weight_transfer, `AsyncLLM.update_weights`). It needs CUDA on both
ends and is not written here, because it could not be run; what would take its place is `write_weights` and
`load_weights_from` alone.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

HEADER = 1 << 22
"""Bytes kept free at the start of the file for the list of its tensors, which is known in the end: 30,000 of them."""
DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64", torch.int32: "I32"}
"""As safetensors names them."""


def write_weights(weights: Iterable[tuple[str, Tensor]], dtype: torch.dtype) -> IO[bytes]:
    """The weights, by their names in a Hugging Face checkpoint, rounded to the engine's `dtype`, in a file in memory.

    The file lives until it is closed or forgotten. Tensors on any device, of shared storage or not.
    """
    file = os.fdopen(os.memfd_create("weights"), "wb")
    file.seek(HEADER)
    tensors: dict[str, dict[str, Any]] = {}
    end = 0
    for name, tensor in weights:
        kept = tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        begin, end = end, end + kept.nbytes
        tensors[name] = {"dtype": DTYPES[kept.dtype], "shape": list(kept.shape), "data_offsets": [begin, end]}
        file.write(kept.view(-1).view(torch.uint8).numpy())
    # Eight bytes with the header's length, the header with spaces behind it, the tensors.
    header = json.dumps(tensors).encode().ljust(HEADER - 8)
    if len(header) > HEADER - 8:
        raise ValueError(f"{len(tensors)} weights are more than the header of {HEADER} bytes has space for")
    file.seek(0)
    file.write(len(header).to_bytes(8, "little"))
    file.write(header)
    file.flush()
    return file


def read_weights(path: str) -> Iterator[tuple[str, Tensor]]:
    """What is in a file of `write_weights`, or in all of a checkpoint's folder, one at a time."""
    from safetensors import safe_open

    for file in sorted(Path(path).glob("*.safetensors")) if Path(path).is_dir() else [path]:
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118
                yield name, opened.get_tensor(name)


def own_path(file: IO[bytes]) -> str:
    """Where this process, and others of the same user, can open a file that has no name."""
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"


class WeightReceiver:
    """Mixed into vLLM's worker (`worker_extension_cls`), whose `model_runner` it uses."""

    model_runner: Any

    def load_weights_from(self, path: str) -> None:
        """Take every weight from the file or a checkpoint's folder, in place: the KV cache and what is being generated
        stay. An empty path is the model that the engine was started with.

        Raises ValueError when the file leaves out a weight that the model has; the engine's weights are then a mixture
        and it must not go on.
        """
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead

        weights = read_weights(path) if path else None
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
