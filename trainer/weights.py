"""New weights into an engine that is generating: a file in memory, and the worker's end that takes it.

The file has no name in any folder (`memfd_create`): the kernel frees it with its last user, however that one ends, and
the size of /dev/shm does not bound it. It holds all weights as a checkpoint does, so one code serves every model that
vLLM can load, one worker or many, on CPU and GPU.

Between GPUs NCCL would be faster (vllm.distributed.weight_transfer, `AsyncLLM.update_weights`). It needs CUDA on both
ends and is not written here, because it could not be run; what would take its place is `write_weights` and
`load_weights_from` alone. With FSDP2, gather every `full_tensor()` on all ranks first and let rank 0 push.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import torch


def write_weights(weights: Iterable[tuple[str, torch.Tensor]], dtype: torch.dtype) -> IO[bytes]:
    """The weights, by their names in a Hugging Face checkpoint, rounded to the engine's `dtype`, in a file in memory.

    The file lives until it is closed or forgotten. Tensors on any device, of shared storage or not; for a moment host
    memory holds the model twice.
    """
    kept = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype)
        for name, tensor in weights
    }
    file = os.fdopen(os.memfd_create("weights"), "wb")
    # The writer of safetensors wants a folder, to rename in.
    torch.save(kept, file)
    file.flush()
    return file


def own_path(file: IO[bytes]) -> str:
    """Where this process, and others of the same user, can open a file that has no name."""
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"


def _read(path: str) -> Iterator[tuple[str, torch.Tensor]]:
    """What is in a file of `write_weights`, or in all of a checkpoint's."""
    if not Path(path).is_dir():
        yield from torch.load(path, map_location="cpu", mmap=True, weights_only=True).items()
        return
    from safetensors import safe_open

    for shard in sorted(Path(path).glob("*.safetensors")):
        with safe_open(shard, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                yield name, file.get_tensor(name)


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

        weights = _read(path) if path else None
        model = self.model_runner.get_model()
        load, loaded = model.load_weights, set[str]()

        def load_and_note(given: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
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
