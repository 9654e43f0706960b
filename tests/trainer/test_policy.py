"""The policy computes what transformers computes, and leaves as what vLLM and transformers load."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.config import LoraTraining, TrainConfig
from schemas.errors import InputError
from tests.trainer.tiny import draw_groups, find_gradients, reference, save_tiny, worst_difference
from trainer import head
from trainer import policy as policy_module
from trainer.group import Group
from trainer.objective import MEASURES
from trainer.policy import Policy, find_layers, load_policy, save_policy
from trainer.rollout import Rollout
from trainer.step import build_optimiser, find_anchors, train_step

CONFIG = TrainConfig(microbatch_tokens=64, learning_rate=0.01, warmup=1)
LORA = TrainConfig(microbatch_tokens=64, learning_rate=0.01, warmup=1, lora=LoraTraining(rank=4, alpha=8))


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_tiny(tmp_path_factory.mktemp("tiny"), tied=request.param)


def logprobs_of(model: Any, groups: list[Group]) -> torch.Tensor:
    """By transformers, a sequence at a time."""
    found = []
    for group in groups:
        for rollout in group.rollouts:
            logits = model(torch.tensor([group.prompt + rollout.tokens])).logits[0].float().log_softmax(-1)
            at = torch.arange(len(group.prompt) - 1, len(group.prompt) + len(rollout.tokens) - 1)
            found.append(logits[at, torch.tensor(rollout.tokens)])
    return torch.cat(found).detach()


def load_plain(folder: str, dtype: torch.dtype = torch.float32) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager")


def test_log_probabilities_are_those_of_transformers(folder: str) -> None:
    groups = draw_groups(1)
    found = find_anchors(load_policy(folder, CONFIG, dtype=torch.float32), groups, CONFIG)
    torch.testing.assert_close(found, logprobs_of(load_plain(folder), groups), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("chunk", "block"), [(1, 1), (7, 3), (9, 1000), (1000, 7)])
def test_chunks_change_nothing(folder: str, chunk: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = draw_groups(2)
    policy = load_policy(folder, CONFIG, dtype=torch.float32)
    sums, gradients = find_gradients(policy, groups, CONFIG)
    monkeypatch.setattr(head, "CHUNK", chunk)
    monkeypatch.setattr(head, "BLOCK", block)
    again, same = find_gradients(policy, groups, CONFIG)
    assert again == pytest.approx(sums, rel=1e-5)
    assert worst_difference(same, gradients) < 1e-5
    assert worst_difference(same, reference(folder, groups, CONFIG)[1]) < 1e-4


@pytest.mark.slow
def test_compiled_layers_take_rows_of_any_layout_as_they_are(folder: str) -> None:
    """Traced by Dynamo, run as it is: a row of other lengths is not compiled again."""
    policy = load_policy(folder, CONFIG, dtype=torch.float32)
    for layer in find_layers(policy):
        layer.compile(dynamic=True, backend="eager")
    for seed, sizes in enumerate([(4, 1, 3), (2, 2), (5,), (1, 1, 1, 6)]):
        groups = draw_groups(seed, sizes)
        with torch._dynamo.config.patch(error_on_recompile=seed > 1):
            sums, gradients = find_gradients(policy, groups, CONFIG)
        expected, theirs = find_gradients(load_policy(folder, CONFIG, dtype=torch.float32), groups, CONFIG)
        assert sums == pytest.approx(expected, rel=1e-5)
        assert worst_difference(gradients, theirs) < 1e-5


def test_gradient_checkpointing_changes_nothing(folder: str) -> None:
    groups = draw_groups(3)
    plain, kept = (
        find_gradients(
            load_policy(folder, CONFIG.model_copy(update={"gradient_checkpointing": on}), dtype=torch.float32),
            groups,
            CONFIG,
        )
        for on in (False, True)
    )
    assert kept[0] == pytest.approx(plain[0], rel=1e-6)
    assert worst_difference(kept[1], plain[1]) < 1e-6


def test_bfloat16_is_near_and_its_masters_move_by_less_than_it_can_show(folder: str) -> None:
    groups = draw_groups(4)
    policy = load_policy(folder, CONFIG)
    exact = reference(folder, groups, CONFIG)
    sums, gradients = find_gradients(policy, groups, CONFIG)
    assert sums[1] == pytest.approx(exact[0][1], rel=0.02)
    assert all(gradient.dtype == torch.float32 for gradient in gradients.values())
    assert worst_difference(gradients, exact[1]) < 0.5
    before = policy.state()["model.norm.weight"].clone()
    train_step(policy, build_optimiser(policy, CONFIG), groups, CONFIG.model_copy(update={"learning_rate": 1e-5}), 0)
    moved = policy.state()["model.norm.weight"] - before
    assert 0 < moved.abs().max() < 1e-4
    weights = dict(policy.lm.named_parameters())
    assert all(torch.equal(weights[name], master.to(torch.bfloat16)) for name, master in policy.masters.items())


def test_gradients_of_micro_batches_add_up_in_float32(folder: str) -> None:
    groups = draw_groups(5, [2] * 12)
    policy = load_policy(folder, CONFIG)
    whole = find_gradients(policy, groups, CONFIG.model_copy(update={"microbatch_tokens": 4096}))[1]
    parts = find_gradients(policy, groups, CONFIG)[1]
    assert any(not torch.equal(one, one.to(torch.bfloat16).float()) for one in parts.values())
    assert worst_difference(parts, whole) < 0.1


@pytest.mark.parametrize("config", [CONFIG, LORA], ids=["full", "lora"])
def test_what_is_saved_is_loaded_by_name_and_says_the_same(folder: str, config: TrainConfig, tmp_path: Path) -> None:
    with_tokenizer(folder)
    groups = draw_groups(6)
    policy = load_policy(folder, config, dtype=torch.float32)
    optimiser = build_optimiser(policy, config)
    before = find_anchors(policy, groups, config)
    for step in range(3):
        train_step(policy, optimiser, groups, config, step)
    after = find_anchors(policy, groups, config)
    assert (after - before).abs().max() > 0.1
    save_policy(policy, tmp_path / "out")
    plain = load_plain(str(tmp_path / "out"))
    assert (logprobs_of(plain, groups) - after).abs().mean() < 0.05
    exported = dict(policy.export_weights())
    tied = load_plain(folder).config.tie_word_embeddings
    assert exported.keys() == set(load_plain(folder).state_dict()) - ({"lm_head.weight"} if tied else set())
    assert {weight.dtype for weight in exported.values()} == {torch.bfloat16}
    weights = load_plain(str(tmp_path / "out"), torch.bfloat16).state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in exported.items())


def test_an_export_gathers_one_weight_at_a_time_and_in_bfloat16(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered: list[torch.Tensor] = []
    gather = policy_module._whole

    def note(weight: torch.Tensor) -> torch.Tensor:
        gathered.append(weight)
        return gather(weight)

    monkeypatch.setattr(policy_module, "_whole", note)
    exported = load_policy(folder, TrainConfig(), dtype=torch.float32).export_weights()
    for number, _ in enumerate(exported, 1):
        assert len(gathered) == number
    assert len(gathered) > 10
    assert {weight.dtype for weight in gathered} == {torch.bfloat16}


def test_adapters_alone_learn(folder: str) -> None:
    policy = load_policy(folder, LORA)
    names = [name for name, weight in policy.lm.named_parameters() if weight.requires_grad]
    assert names
    assert all(".lora_" in name for name in names)
    assert policy.masters.keys() == set(names)
    assert not any("lm_head" in name for name in names)
    frozen = {n: p.clone() for n, p in policy.lm.named_parameters() if not p.requires_grad}
    train_step(policy, build_optimiser(policy, LORA), draw_groups(7), LORA, 0)
    assert all(torch.equal(p, frozen[n]) for n, p in policy.lm.named_parameters() if n in frozen)


@pytest.mark.parametrize("config", [CONFIG, LORA], ids=["full", "lora"])
def test_a_restored_policy_and_optimiser_go_on_to_the_same_weights(folder: str, config: TrainConfig) -> None:
    groups = draw_groups(8)
    first = load_policy(folder, config)
    optimiser = build_optimiser(first, config)
    train_step(first, optimiser, groups, config, 0)
    state = {name: weight.clone() for name, weight in first.state().items()}
    moments = copy.deepcopy(optimiser.state_dict())
    second = load_policy(folder, config)
    second.restore(state)
    resumed = build_optimiser(second, config)
    resumed.load_state_dict(moments)
    for policy, steps in ((first, optimiser), (second, resumed)):
        train_step(policy, steps, groups, config, 1)
    assert all(torch.equal(one, second.state()[name]) for name, one in first.state().items())


def test_weights_of_another_model_are_not_restored(folder: str) -> None:
    policy = load_policy(folder, CONFIG)
    with pytest.raises(InputError, match="another model"):
        policy.restore(load_policy(folder, LORA).state())


@pytest.mark.parametrize("name", ["logit_scale", "final_logit_softcapping"])
def test_a_model_that_scales_its_logits_is_refused(folder: str, name: str) -> None:
    lm = load_plain(folder)
    setattr(lm.config, name, 30.0)
    with pytest.raises(InputError, match=name):
        Policy(lm, folder)


def test_a_prompt_forwarded_once_is_as_good_as_one_for_each_completion(folder: str) -> None:
    (group,) = draw_groups(9, [5], prompt=40)
    alone = [Group("a", group.prompt, (one,), (0.0,), (True,), 15) for one in group.rollouts]
    policy = load_policy(folder, CONFIG, dtype=torch.float32)
    torch.testing.assert_close(
        find_anchors(policy, [group], CONFIG), find_anchors(policy, alone, CONFIG), atol=1e-4, rtol=1e-4
    )


def with_tokenizer(folder: str) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({str(n): n for n in range(97)}, unk_token="0"))
    PreTrainedTokenizerFast(tokenizer_object=made).save_pretrained(folder)


def test_an_empty_group_of_targets_has_a_gradient_of_nothing(folder: str) -> None:
    from trainer.batch import Stakes, pack
    from trainer.objective import build_objective
    from trainer.step import accumulate

    rollout = Rollout((1, 2), (-1.0, -1.0), "", "stop", (0, 0))
    shares = pack([Group("a", (3,), (rollout,), (1.0,), (True,), 2)], Stakes([[1.0]], [[0.5]]), 64, ranks=2)
    policy = load_policy(folder, CONFIG, dtype=torch.float32)
    sums = accumulate(policy, shares[1][0], build_objective(CONFIG, 2))
    assert sums.tolist() == [0] * (2 + len(MEASURES))
    assert all(master.grad is not None and not master.grad.any() for master in policy.masters.values())


SMALL: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("Lfm2", {"full_attn_idxs": [1]}),
        ("Qwen3Next", {"layer_types": ["linear_attention", "full_attention"]}),
        ("FalconH1", {}),
        ("GraniteMoeHybrid", {"layer_types": ["mamba", "attention"], "mamba_n_heads": 8, "logits_scaling": 1.0}),
    ],
)
def test_models_whose_tokens_meet_outside_attention_are_refused(family: str, settings: dict[str, Any]) -> None:
    import transformers

    with torch.device("meta"):
        config = getattr(transformers, f"{family}Config")(**SMALL, **settings)
        lm = getattr(transformers, f"{family}ForCausalLM")(config)
    with pytest.raises(InputError, match="carries state along the row"):
        Policy(lm, "a hybrid")


@pytest.mark.parametrize("family", ["Llama", "Qwen3", "Mistral"])
def test_models_of_attention_alone_are_taken(family: str) -> None:
    import transformers

    with torch.device("meta"):
        lm = getattr(transformers, f"{family}ForCausalLM")(getattr(transformers, f"{family}Config")(**SMALL))
    assert Policy(lm, "plain").masters


@pytest.fixture
def mixture(tmp_path: Path) -> str:
    """A mixture that chooses its experts by a bias which is no weight (DeepSeek-V3, GLM-4.5)."""
    from transformers import Glm4MoeConfig, Glm4MoeForCausalLM

    torch.manual_seed(0)
    experts = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_shared_experts": 1}
    lm = Glm4MoeForCausalLM(Glm4MoeConfig(**SMALL, **experts, first_k_dense_replace=1, head_dim=8))
    lm.model.layers[1].mlp.gate.e_score_correction_bias.copy_(torch.rand(4))
    folder = str(tmp_path / "mixture")
    lm.save_pretrained(folder)
    with_tokenizer(folder)
    return folder


def test_what_a_model_keeps_beside_its_weights_is_exported_as_it_is(mixture: str, tmp_path: Path) -> None:
    name = "model.layers.1.mlp.gate.e_score_correction_bias"
    policy = load_policy(mixture, CONFIG)
    bias = load_plain(mixture).get_buffer(name)
    assert not torch.equal(bias, bias.bfloat16().float()), "rounded it would be another"
    exported = dict(policy.export_weights())
    assert [*policy.list_exports()] == [*exported]
    assert torch.equal(exported.pop(name), bias)
    assert {weight.dtype for weight in exported.values()} == {torch.bfloat16}
    save_policy(policy, tmp_path / "out")
    assert torch.equal(load_plain(str(tmp_path / "out")).get_buffer(name), bias)


def test_adapters_of_such_a_model_are_never_pushed_alone(mixture: str) -> None:
    """The file that they would be merged with would be rounded."""
    assert load_policy(mixture, LORA).find_merge() is None
