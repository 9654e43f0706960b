"""A policy whose weights are sharded over all ranks (FSDP2), and read from its files a shard at a time.

The model is built without memory (on the meta device) and sharded there; then each rank reads its own rows of every
tensor. So no rank holds more than its share, in float32 where it is trained and in the dtype of computation where it
is frozen, whatever the size of the model.
"""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from schemas.config import TrainConfig
from schemas.errors import InputError
from trainer import attention
from trainer.distributed import choose_device, count_ranks, cut, find_rank, like
from trainer.policy import BASE, Policy, add_adapters, build_policy, draw_adapters, find_layers

SAFETENSORS, PICKLES = "model.safetensors", "pytorch_model.bin"


def load_sharded(model: str, config: TrainConfig, *, dtype: torch.dtype = torch.bfloat16) -> Policy:
    """`load_policy` over all ranks: the weights that learn are float32 shards, which are the masters.

    Raises InputError where the model's files lack one of its weights.
    """
    from transformers import AutoConfig

    # What is frozen is only computed with.
    lm = build_empty(AutoConfig.from_pretrained(model), torch.float32 if config.lora is None else dtype)
    if config.lora is not None:
        with torch.device("meta"):
            add_adapters(lm, config.lora, torch.float32)
    device = choose_device()
    policy = build_policy(lm, model, config, device)
    shard(policy, dtype)
    read_weights(lm, Path(model), device)
    if config.lora is not None:
        for name, whole in draw_adapters(lm, config.seed):
            place(lm, name, cut(whole, count_ranks(), find_rank()).to(device))
    policy.masters = policy.find_trained()
    return policy


def build_empty(config: Any, dtype: torch.dtype) -> Any:
    """A causal language model whose weights take no memory; what it computes from its config (the frequencies of
    rotary positions) is there.
    """
    from accelerate import init_empty_weights
    from transformers import AutoModelForCausalLM

    with init_empty_weights(include_buffers=False):
        lm = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=attention.NAME)
    # Made one by one, weights that are one in truth are several, and would be sharded as such.
    lm.tie_weights()
    return lm


def shard(policy: Policy, dtype: torch.dtype = torch.bfloat16) -> None:
    """Shard the policy's weights over all ranks; it computes in `dtype` and adds up gradients in float32.

    Weights that learn have to be float32: the sharded ones are the masters.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    # Weights may still be on the meta device, which no mesh is of.
    mesh = init_device_mesh("cuda" if torch.cuda.is_available() else "cpu", (count_ranks(),))
    precision = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    for layer in find_layers(policy):
        fully_shard(layer, mesh=mesh, mp_policy=precision)
    # The root holds embeddings and head, which the backward pass needs first.
    fully_shard(policy, mesh=mesh, mp_policy=precision, reshard_after_forward=False)
    policy.masters = policy.find_trained()


def read_weights(lm: Any, folder: Path, device: torch.device) -> None:
    """Put this rank's rows of every weight in `folder` into a sharded model that is on the meta device.

    Names and layouts that transformers changes as it loads (the experts of a mixture) are changed by its own rules.
    """
    from safetensors import safe_open
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import convert_and_load_state_dict_in_model
    from transformers.modeling_utils import LoadStateDictConfig

    targets = {name.replace(BASE, "."): name for name in lm.state_dict() if BASE in name}
    with ExitStack() as files:
        given: dict[str, Any] = {}
        for path in find_weight_files(folder):
            if path.suffix == ".safetensors":
                file = files.enter_context(safe_open(path, framework="pt"))
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            else:
                slices = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
            given |= {targets.get(name, name): slice for name, slice in slices.items()}
        for name, source in lm.all_tied_weights_keys.items():
            if source in given:
                given.pop(name, None)
        settings = LoadStateDictConfig(
            device_map={"": device}, dtype=lm.dtype, weight_mapping=get_model_conversion_mapping(lm)
        )
        info, _ = convert_and_load_state_dict_in_model(lm, given, settings)
    if info.mismatched_keys or info.conversion_errors:
        raise InputError(
            f"{folder}: its weights do not fit its config: {info.mismatched_keys or info.conversion_errors}"
        )
    lm.tie_weights(missing_keys=info.missing_keys, recompute_mapping=False)
    missing = sorted(name for name, weight in lm.named_parameters() if weight.is_meta and ".lora_" not in name)
    if missing:
        raise InputError(f"{folder}: its files lack {len(missing)} of the model's weights, such as {missing[0]}")


def find_weight_files(folder: Path) -> list[Path]:
    """The files of a model of Hugging Face form, as its index lists them. Raises InputError where there are none."""
    for name in (SAFETENSORS, PICKLES):
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            return [folder / name]
        if index.is_file():
            return [folder / file for file in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    raise InputError(f"{folder}: it has neither {SAFETENSORS} nor {PICKLES}, nor an index of several")


def place(lm: nn.Module, name: str, local: Tensor) -> None:
    """Give a weight that may be on the meta device its values, of which sharded ones are this rank's rows."""
    module, _, own = name.rpartition(".")
    weight = lm.get_parameter(name)
    given = like(local.to(weight.dtype), weight)
    setattr(lm.get_submodule(module), own, nn.Parameter(given, requires_grad=weight.requires_grad))
