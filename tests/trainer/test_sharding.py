"""Weights that each rank reads for itself: the same as transformers loads, and never a whole model on any rank.

A world of eight is the `fake` process group here, in which every rank can be taken in turn.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor

from schemas.config import LoraTraining, TrainConfig
from schemas.errors import InputError
from tests.conftest import ROOT
from tests.trainer.test_policy import SMALL, with_tokenizer
from tests.trainer.tiny import save_tiny
from trainer.policy import load_policy
from trainer.sharding import load_sharded

CONFIG = TrainConfig()
LORA = TrainConfig(lora=LoraTraining(rank=4))
WORLD = 8


@contextmanager
def rank_of(rank: int, world: int = WORLD) -> Iterator[None]:
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", rank=rank, world_size=world, store=FakeStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


def load_plain(folder: str, dtype: torch.dtype = torch.float32) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


def save(folder: Path, family: str, **settings: Any) -> str:
    """A random model of another family, in files of several kilobytes with an index."""
    import transformers

    torch.manual_seed(1)
    config = getattr(transformers, f"{family}Config")(**SMALL, **settings)
    model = getattr(transformers, f"{family}ForCausalLM")(config).to(torch.bfloat16)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.1)
    model.save_pretrained(folder, max_shard_size="30KB")
    return str(folder)


def check_rank(policy: Any, plain: Any, rank: int) -> None:
    """Every weight's rows are those of a whole model, and every buffer is whole."""
    expected = dict(plain.named_parameters())
    names = {name.replace(".base_layer.", "."): name for name in dict(policy.lm.named_parameters())}
    assert expected.keys() == {name for name in names if ".lora_" not in name}
    for name, whole in expected.items():
        own = policy.lm.get_parameter(names[name])
        assert isinstance(own, DTensor)
        assert (own.shape, own.dtype) == (whole.shape, whole.dtype), name
        chunks = whole.chunk(WORLD)
        rows = chunks[rank] if rank < len(chunks) else whole[:0]
        assert torch.equal(own.to_local(), rows), name
    buffers = dict(plain.named_buffers())
    assert any("inv_freq" in name for name in buffers)
    found = dict(policy.lm.named_buffers())
    assert found.keys() == buffers.keys()
    assert all(torch.equal(found[name], buffer) for name, buffer in buffers.items())


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("rank", [0, 3, 7])
def test_each_rank_has_its_rows_of_what_transformers_loads(tmp_path: Path, tied: bool, rank: int) -> None:
    folder = save_tiny(tmp_path, tied=tied)
    with rank_of(rank):
        policy = load_sharded(folder, CONFIG)
        check_rank(policy, load_plain(folder), rank)
        assert (policy.lm.get_output_embeddings().weight is policy.lm.get_input_embeddings().weight) is tied
        assert policy.masters.keys() == dict(load_plain(folder).named_parameters()).keys()
        assert all(master is policy.lm.get_parameter(name) for name, master in policy.masters.items())


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("Qwen2", {"tie_word_embeddings": True}),
        ("Qwen3", {"head_dim": 8}),
        ("Mistral", {"sliding_window": None}),
        ("Qwen3Moe", {"moe_intermediate_size": 16, "num_experts": 8, "num_experts_per_tok": 2, "head_dim": 8}),
        ("Glm4Moe", {"moe_intermediate_size": 16, "n_routed_experts": 8, "num_experts_per_tok": 2, "head_dim": 8,
                     "n_shared_experts": 1, "first_k_dense_replace": 1}),
        ("Llama", {"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                    "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}),
    ],
)  # fmt: skip
def test_so_it_is_in_other_families_and_over_several_files(
    tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    folder = save(tmp_path, family, **settings)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    with rank_of(5):
        check_rank(load_sharded(folder, CONFIG), load_plain(folder), 5)


def test_frozen_weights_are_held_in_the_dtype_of_computation_and_adapters_begin_as_on_one_process(
    tmp_path: Path,
) -> None:
    folder = save_tiny(tmp_path)
    alone = load_policy(folder, LORA, dtype=torch.float32)
    with rank_of(2):
        policy = load_sharded(folder, LORA)
        check_rank(policy, load_plain(folder, torch.bfloat16), 2)
        assert policy.masters.keys() == alone.masters.keys()
        for name, master in policy.masters.items():
            assert master.dtype == torch.float32
            chunks = alone.masters[name].chunk(WORLD)
            assert torch.equal(master.to_local(), chunks[2] if len(chunks) > 2 else alone.masters[name][:0])
    drawn = [master for name, master in alone.masters.items() if ".lora_A." in name]
    assert all(0 < master.abs().max() <= master.shape[1] ** -0.5 for master in drawn)
    assert not any(master.any() for name, master in alone.masters.items() if ".lora_B." in name)


def test_files_that_lack_a_weight_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_tiny(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors")
    with rank_of(0), pytest.raises(InputError, match=r"lack 1 of the model's weights, such as model\.layers\.1\.mlp"):
        load_sharded(folder, CONFIG)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with rank_of(0), pytest.raises(InputError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        load_sharded(folder, CONFIG)


def test_files_of_pickles_are_read_as_well(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, tied=False)
    torch.save(load_plain(folder).state_dict(), tmp_path / "pytorch_model.bin")
    plain = load_plain(folder)
    (tmp_path / "model.safetensors").unlink()
    with rank_of(1):
        check_rank(load_sharded(folder, CONFIG), plain, 1)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """A model whose weights outweigh all that a process takes beside them, and their number: 128 MB in bfloat16."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("large")
    config = LlamaConfig(
        **SMALL | {"vocab_size": 8192, "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 4},
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    with_tokenizer(str(folder))
    return str(folder), sum(weight.numel() for weight in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("task", ["load", "save", "push"])
def test_a_rank_of_eight_never_has_the_whole_model(large: tuple[str, int], task: str) -> None:
    """Loading, its eighth in float32, the same rows in the mapped file, and what modules take that are imported then;
    saving and pushing, a few tensors or a file. The bound is less than the model in bfloat16."""
    folder, parameters = large
    command = [sys.executable, "-m", "tests.trainer.memory", folder, task]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert parameters > 5e7
    assert int(done.stdout.split()[-1]) < 1.5 * parameters
