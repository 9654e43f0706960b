"""The policy: a causal language model of Hugging Face form behind one forward, which takes packed micro-batches.

Weights are computed with in bfloat16 and changed in float32: the optimiser has float32 masters, to which gradients are
added as they come. So the trainer computes with the very weights that the sampler gets.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from schemas.config import LoraTraining, TrainConfig
from schemas.errors import InputError
from trainer import attention
from trainer.batch import MicroBatch
from trainer.head import ChunkedLoss, TokenLoss, find_logprobs

SCALED_LOGITS = ("logit_scale", "logits_scaling", "final_logit_softcapping")
ADAPTER = "default"


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
        self.masters = {name: p for name, p in lm.named_parameters() if p.requires_grad}

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
        """What training changes, in float32, by name: what a checkpoint holds and `restore` takes."""
        return {name: master.detach() for name, master in self.masters.items()}

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on with the weights of `state`. Raises InputError when they are another model's."""
        if state.keys() != self.masters.keys():
            odd = sorted(state.keys() ^ self.masters.keys())
            raise InputError(f"the checkpoint is of another model or of other adapters than {self.source}: {odd[0]}")
        for name, master in self.masters.items():
            master.copy_(state[name])
        self.publish()

    def export_weights(self) -> Iterator[tuple[str, Tensor]]:
        """(Hugging Face name, bfloat16 tensor) of all weights, with adapters merged and without a tied head.

        Sharded weights are gathered one at a time, in bfloat16: no rank ever holds the whole model. A generator on
        every rank must be read at the same pace: see `distributed.gather_weights`.
        """
        weights = dict(self.lm.named_parameters())
        tied = set(getattr(self.lm, "all_tied_weights_keys", None) or ())
        for name, weight in weights.items():
            if ".lora_" in name or name in tied:
                continue
            layer = name.removesuffix(".base_layer.weight")
            if layer == name:
                yield name.replace(".base_layer.", "."), _whole(weight.detach().to(torch.bfloat16))
                continue
            down, up = (_whole(weights[f"{layer}.lora_{side}.{ADAPTER}.weight"]).float() for side in "AB")
            merged = _whole(weight).float() + self.lm.get_submodule(layer).scaling[ADAPTER] * (up @ down)
            yield name.replace(".base_layer.", "."), merged.to(torch.bfloat16)


def find_sequence_layer(lm: Any) -> str:
    """The class of a layer through which tokens see one another beside attention; empty where there is none.

    State-space and linear-attention layers and their hybrids (Qwen3-Next, Qwen3.5, Falcon-H1, LFM2, Granite 4) all
    have a short convolution over time in front.
    """
    mixers = (nn.Conv1d, nn.RNNBase)
    owners = (module for module in lm.modules() if any(isinstance(child, mixers) for child in module.children()))
    return next((type(module).__name__ for module in owners), "")


def load_policy(
    model: str,
    config: TrainConfig,
    *,
    dtype: torch.dtype = torch.bfloat16,
    masters: bool = True,
    device: str | torch.device = "cpu",
) -> Policy:
    """Load a model's folder to train it as `config` says; `dtype` is what is computed in.

    `masters=False` keeps the weights as they are loaded, for sharding, which keeps float32 weights itself.
    """
    from transformers import AutoModelForCausalLM

    lm = AutoModelForCausalLM.from_pretrained(
        model, dtype=dtype if masters else torch.float32, attn_implementation=attention.NAME
    ).to(device)
    if config.lora is not None:
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            add_adapters(lm, config.lora)
    checkpointing = config.gradient_checkpointing
    if torch.device(device).type == "cuda" if checkpointing is None else checkpointing:
        lm.gradient_checkpointing_enable({"use_reentrant": False})
    policy = Policy(lm, model)
    policy.train()
    if masters:
        policy.keep_masters()
    if config.compile:
        for layer in find_layers(policy):
            layer.compile(dynamic=True)
    return policy


def add_adapters(lm: Any, config: LoraTraining) -> None:
    """Low-rank adapters (Hu et al. 2021) inside `lm`, of its own dtype; all else is frozen."""
    from peft import LoraConfig, inject_adapter_in_model

    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    adapters = LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=targets, task_type="CAUSAL_LM")
    inject_adapter_in_model(adapters, lm, adapter_name=ADAPTER)
    for name, weight in lm.named_parameters():
        weight.requires_grad_(".lora_" in name)
        if ".lora_" in name:
            weight.data = weight.data.to(lm.dtype)


def find_layers(policy: Policy) -> list[nn.Module]:
    """The model's blocks, as transformers names them."""
    names = set(policy.lm._no_split_modules or ())
    return [module for module in policy.lm.modules() if type(module).__name__ in names]


def save_policy(policy: Policy, folder: Path, weights: dict[str, Tensor] | None = None) -> None:
    """Write a folder of Hugging Face form, tokenizer included, that vLLM and transformers load by name."""
    from huggingface_hub import save_torch_state_dict
    from transformers import AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    save_torch_state_dict(dict(policy.export_weights()) if weights is None else weights, folder)
    policy.lm.config.dtype = torch.bfloat16
    policy.lm.config.save_pretrained(folder)
    if policy.lm.generation_config is not None:
        policy.lm.generation_config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(policy.source).save_pretrained(folder)


def _hand_over(master: nn.Parameter) -> Any:
    def add(weight: Tensor) -> None:
        if weight.grad is not None:
            gradient = weight.grad.float()
            master.grad = gradient if master.grad is None else master.grad.add_(gradient)
            weight.grad = None

    return add


def _whole(weight: Tensor) -> Tensor:
    from torch.distributed.tensor import DTensor

    return weight.full_tensor() if isinstance(weight, DTensor) else weight.detach()
