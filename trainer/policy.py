"""The policy: a causal language model of Hugging Face form behind one forward, which takes packed micro-batches.

Weights are computed with in bfloat16 and changed in float32: the optimiser has float32 masters, to which gradients are
added as they come. So the trainer computes with the very weights that the sampler gets.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from schemas.config import LoraTraining, TrainConfig
from schemas.errors import InputError
from trainer import attention, distributed
from trainer.batch import MicroBatch
from trainer.head import ChunkedLoss, TokenLoss, find_logprobs
from trainer.weights import DOWN, UP, Merge

SCALED_LOGITS = ("logit_scale", "logits_scaling", "final_logit_softcapping")
ADAPTER = "default"
BASE = ".base_layer."
"""In the name of a weight that has an adapter beside it."""
SHARD = "1GB"
"""Of a saved model, the file that stands in memory while it is filled; a larger tensor has its own."""


class Policy(nn.Module):  # type: ignore[misc]
    """`lm` and what it was loaded from. `masters` holds the float32 parameters that the optimiser changes, by name."""

    def __init__(self, lm: Any, source: str) -> None:
        super().__init__()
        self.lm, self.source = lm, source
        head = lm.get_output_embeddings()
        if head is None or getattr(head, "bias", None) is not None:
            raise InputError(f"{source}: only language models with a head without bias can be trained")
        scaled = [name for name in SCALED_LOGITS if getattr(lm.config, name, None) not in (None, 1.0)]
        if scaled:
            raise InputError(f"{source}: its config has {scaled[0]}, which the trainer does not apply")
        if layer := find_sequence_layer(lm):
            raise InputError(
                f"{source}: its {layer} carries state along the row, past the end of a completion; in packed rows its "
                "log-probabilities would be others. Only models whose tokens meet in attention alone can be trained"
            )
        self.kept = find_kept(lm)
        self.masters = self.find_trained()

    def find_trained(self) -> dict[str, nn.Parameter]:
        """The weights that learn, by name."""
        return {name: weight for name, weight in self.lm.named_parameters() if weight.requires_grad}

    def forward(
        self, batch: MicroBatch, token_loss: TokenLoss | None = None, look: Callable[[Tensor], None] | None = None
    ) -> tuple[Tensor | None, Tensor, Tensor | None]:
        """(loss, log-probabilities, entropies) of the batch's targets; without `token_loss` the second alone.

        `look` gets the log-probabilities of all targets before the loss of any is taken: the head is run once more.
        """
        trees = attention.Forest(batch.trees)
        hidden = self.lm.base_model(
            input_ids=batch.ids[None], position_ids=batch.positions[None], trees=trees, use_cache=False
        ).last_hidden_state[0]
        picked, weight = hidden[batch.where], self.lm.get_output_embeddings().weight
        if token_loss is None:
            return None, find_logprobs(picked, weight, batch.targets), None
        if look is not None:
            look(find_logprobs(picked, weight, batch.targets))
        loss, logprobs, entropies = ChunkedLoss.apply(picked, weight, batch.targets, token_loss)
        return loss, logprobs, entropies

    def keep_masters(self) -> None:
        """Put float32 masters behind weights of lower precision, and add up gradients there."""
        for name, weight in list(self.masters.items()):
            if weight.dtype == torch.float32:
                continue
            self.masters[name] = master = nn.Parameter(weight.detach().float())
            weight.register_post_accumulate_grad_hook(_hand_over(master))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def publish(self) -> None:
        """After the masters changed: compute with them from now on."""
        for name, weight in self.lm.named_parameters():
            master = self.masters.get(name)
            if master is not None and master is not weight:
                weight.copy_(master)

    def state(self) -> dict[str, Tensor]:
        """What training changes, in float32, by name, whole or this rank's shard of it."""
        return {name: master.detach() for name, master in self.masters.items()}

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on with the weights of `state`, of which sharded ones are this rank's rows. Raises InputError when they
        are another model's.
        """
        if state.keys() != self.masters.keys():
            odd = sorted(state.keys() ^ self.masters.keys())
            raise InputError(f"the checkpoint is of another model or of other adapters than {self.source}: {odd[0]}")
        for name, master in self.masters.items():
            given = state[name]
            master.copy_(given if isinstance(given, DTensor) else distributed.like(given, master))
        self.publish()

    def list_exports(self) -> dict[str, Tensor]:
        """What `export_weights` gives as tensors without memory, by name and in its order; nothing is gathered."""
        return {
            name: torch.empty(weight.shape, dtype=self._find_dtype(own), device="meta")
            for name, own, weight in self._exported()
        }

    def export_weights(self) -> Iterator[tuple[str, Tensor]]:
        """(Hugging Face name, bfloat16 tensor) of all weights, with adapters merged and without a tied head; and what a
        model keeps beside its weights (the bias by which a mixture chooses experts), as it is.

        Sharded weights are gathered one at a time, in bfloat16: no rank ever holds the whole model. The other ranks
        have to read theirs to the end too.
        """
        for name, own, weight in self._exported():
            layer = own.removesuffix(f"{BASE}weight")
            if layer == own:
                yield name, _whole(weight.detach().to(self._find_dtype(own)))
                continue
            down, up = (_whole(self.lm.get_parameter(f"{layer}.lora_{side}.{ADAPTER}.weight")).float() for side in "AB")
            merged = _whole(weight).float() + self.lm.get_submodule(layer).scaling[ADAPTER] * (up @ down)
            yield name, merged.to(torch.bfloat16)

    def export_adapters(self) -> Iterator[tuple[str, Tensor]]:
        """Both parts of every adapter, as `weights.Merge` names them; to be read to its end, as
        `export_weights`.
        """
        for name, own, _ in self._exported():
            layer = own.removesuffix(f"{BASE}weight")
            if layer != own:
                for part, side in ((DOWN, "A"), (UP, "B")):
                    yield f"{name}{part}", _whole(self.lm.get_parameter(f"{layer}.lora_{side}.{ADAPTER}.weight"))

    def find_merge(self) -> Merge | None:
        """How `export_adapters` makes the model's weights of those in the folder that it was loaded from.

        None where no adapters are trained, where that folder's files have other names than the model (experts that
        transformers puts into one tensor), or where the model keeps more than weights, which must not be rounded: then
        all weights have to be pushed.
        """
        scales = {
            name: float(self.lm.get_submodule(own.removesuffix(f"{BASE}weight")).scaling[ADAPTER])
            for name, own, _ in self._exported()
            if own.endswith(f"{BASE}weight")
        }
        files = sorted(Path(self.source).glob("*.safetensors"))
        if not scales or self.kept or not scales.keys() <= list_names(files):
            return None
        return Merge(self.source, scales)

    def _exported(self) -> Iterator[tuple[str, str, Tensor]]:
        """(Hugging Face name, own name, weight), whole or sharded."""
        tied = set(getattr(self.lm, "all_tied_weights_keys", None) or ())
        for name, weight in self.lm.named_parameters():
            if ".lora_" not in name and name not in tied:
                yield name.replace(BASE, "."), name, weight
        for name in self.kept:
            yield name.replace(BASE, "."), name, self.lm.get_buffer(name)

    def _find_dtype(self, own: str) -> torch.dtype:
        """Of what is exported under a name."""
        return self.lm.get_buffer(own).dtype if own in self.kept else torch.bfloat16


def find_sequence_layer(lm: Any) -> str:
    """The class of a layer through which tokens see one another beside attention; empty where there is none.

    State-space and linear-attention layers and their hybrids (Qwen3-Next, Qwen3.5, Falcon-H1, LFM2, Granite 4) all
    have a short convolution over time in front.
    """
    mixers = (nn.Conv1d, nn.RNNBase)
    owners = (module for module in lm.modules() if any(isinstance(child, mixers) for child in module.children()))
    return next((type(module).__name__ for module in owners), "")


def find_kept(lm: nn.Module) -> tuple[str, ...]:
    """What a model's files hold beside its weights: its persistent buffers, by name."""
    weights = {name for name, _ in lm.named_parameters(remove_duplicate=False)}
    return tuple(name for name in lm.state_dict() if name not in weights)


def load_policy(
    model: str, config: TrainConfig, *, dtype: torch.dtype = torch.bfloat16, device: str | torch.device = "cpu"
) -> Policy:
    """Load a model's folder to train it in one process as `config` says; `dtype` is what is computed in."""
    from transformers import AutoModelForCausalLM

    lm = AutoModelForCausalLM.from_pretrained(model, dtype=dtype, attn_implementation=attention.NAME).to(device)
    if config.lora is not None:
        add_adapters(lm, config.lora, dtype)
        with torch.no_grad():
            for name, whole in draw_adapters(lm, config.seed):
                lm.get_parameter(name).copy_(whole)
    policy = build_policy(lm, model, config, device)
    policy.keep_masters()
    return policy


def build_policy(lm: Any, source: str, config: TrainConfig, device: str | torch.device) -> Policy:
    """A policy of `lm`, loaded or not, with checkpointing and compilation as `config` says for `device`."""
    checkpointing = config.gradient_checkpointing
    if torch.device(device).type == "cuda" if checkpointing is None else checkpointing:
        lm.gradient_checkpointing_enable({"use_reentrant": False})
    policy = Policy(lm, source)
    policy.train()
    if config.compile:
        for layer in find_layers(policy):
            layer.compile(dynamic=True)
    return policy


def add_adapters(lm: Any, config: LoraTraining, dtype: torch.dtype) -> None:
    """Low-rank adapters (Hu et al. 2021) inside `lm`; all else is frozen. Their values are still to be drawn."""
    from peft import LoraConfig, inject_adapter_in_model

    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    adapters = LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=targets, task_type="CAUSAL_LM")
    inject_adapter_in_model(adapters, lm, adapter_name=ADAPTER)
    for name, weight in lm.named_parameters():
        weight.requires_grad_(".lora_" in name)
        if ".lora_" in name:
            weight.data = weight.data.to(dtype)


def draw_adapters(lm: nn.Module, seed: int) -> Iterator[tuple[str, Tensor]]:
    """(name, values) of every adapter before its first step, as LoRA starts: A uniform within 1 / sqrt(its width), B
    zero. One seed gives the same values to any number of processes and any device.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, weight in lm.named_parameters():
        if ".lora_A." in name:
            yield name, nn.init.kaiming_uniform_(torch.empty(weight.shape), a=math.sqrt(5), generator=generator)
        elif ".lora_B." in name:
            yield name, torch.zeros(weight.shape)


def find_layers(policy: Policy) -> list[nn.Module]:
    """The model's blocks, as transformers names them."""
    names = set(policy.lm._no_split_modules or ())
    return [module for module in policy.lm.modules() if type(module).__name__ in names]


def save_policy(policy: Policy, folder: Path, weights: Iterator[tuple[str, Tensor]] | None = None) -> None:
    """Write a folder of Hugging Face form, tokenizer included, that vLLM and transformers load by name.

    `weights` are what `policy.export_weights` gives, and are read one file's worth at a time.
    """
    from transformers import AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    write_weight_files(policy.list_exports(), policy.export_weights() if weights is None else weights, folder)
    policy.lm.config.dtype = torch.bfloat16
    policy.lm.config.save_pretrained(folder)
    if policy.lm.generation_config is not None:
        policy.lm.generation_config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(policy.source).save_pretrained(folder)


def write_weight_files(exports: dict[str, Tensor], weights: Iterator[tuple[str, Tensor]], folder: Path) -> None:
    """Write weights, which come in the order of `exports`, into files of `SHARD` with their index."""
    from huggingface_hub import split_torch_state_dict_into_shards
    from safetensors.torch import save_file

    plan = split_torch_state_dict_into_shards(exports, max_shard_size=SHARD)
    for file, names in plan.filename_to_tensors.items():
        some = {name: weight.cpu().contiguous() for name, weight in islice(weights, len(names))}
        if list(some) != names:
            raise ValueError(f"{file} was to have {names}, but the weights that came are {list(some)}")
        save_file(some, folder / file, metadata={"format": "pt"})
    if plan.is_sharded:
        index = {"metadata": plan.metadata, "weight_map": plan.tensor_to_filename}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


def list_names(files: Sequence[Path]) -> set[str]:
    """The names of all tensors in some safetensors files."""
    from safetensors import safe_open

    names: set[str] = set()
    for file in files:
        with safe_open(file, framework="pt") as opened:
            names.update(opened.keys())
    return names


def _hand_over(master: nn.Parameter) -> Any:
    def add(weight: Tensor) -> None:
        if weight.grad is not None:
            gradient = weight.grad.float()
            master.grad = gradient if master.grad is None else master.grad.add_(gradient)
            weight.grad = None

    return add


def _whole(weight: Tensor) -> Tensor:
    return weight.full_tensor() if isinstance(weight, DTensor) else weight.detach()
