"""TRL's GRPOTrainer trains by our verdicts, and learns nothing from what is unknown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.publish.export import export_run
from pipeline.reward.trl import TrlReward, read_completion
from pipeline.sandbox import describe_sandbox
from schemas.errors import InputError
from tests.pipeline.publish.export.runs import lay_mixed, save_reader
from tests.pipeline.publish.export.test_export import read_rows
from tests.pipeline.publish.export.test_trl import QUIET

GOOD, BAD = "It is \\boxed{4}", "It is \\boxed{5}"


@pytest.fixture(scope="module")
def reward() -> Iterator[TrlReward]:
    made = TrlReward()
    yield made
    made.close()


def chat(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


def test_texts_messages_and_parts_of_messages_are_one(reward: TrlReward) -> None:
    forms = [GOOD, chat(GOOD), [{"role": "assistant", "content": [{"type": "text", "text": GOOD}]}]]
    assert [read_completion(form) for form in forms] == [GOOD] * 3
    assert reward(completions=forms, ground_truth=["4"] * 3) == pytest.approx([1.0] * 3)


def test_what_a_tool_said_is_not_what_the_model_said() -> None:
    turns = [*chat("I ask. "), {"role": "tool", "content": "\\boxed{9}"}, *chat(GOOD), {"role": "assistant"}]
    assert read_completion(turns) == f"I ask. {GOOD}"


def test_an_unknown_verdict_is_none(reward: TrlReward) -> None:
    logged: dict[str, float] = {}
    rewards = reward(
        completions=[GOOD, BAD, GOOD, GOOD], ground_truth=["4", "4", "", "4"], log_metric=logged.__setitem__, id=[1] * 4
    )
    assert rewards == [pytest.approx(1.0), pytest.approx(0.1), None, pytest.approx(1.0)]
    assert logged == {"goldilocks/correct": 0.5, "goldilocks/unknown": 0.25}


def test_length_costs_where_it_is_asked_for() -> None:
    made = TrlReward(l_max=10, l_cache=4)
    rewards = made(completions=[GOOD] * 3, ground_truth=["4"] * 3, completion_ids=[[0] * 6, [0] * 8, [0] * 12])
    made.close()
    assert rewards == pytest.approx([1.0, 0.95, 0.9])


def test_a_dataset_of_another_form_is_refused_with_what_it_has(reward: TrlReward) -> None:
    with pytest.raises(InputError, match=r"no column ground_truth.*answer"):
        reward(completions=[GOOD], answer=["4"])


@pytest.mark.slow
def test_the_trainer_s_advantages_are_those_of_our_rewards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl", reason="TRL is what is tested; it comes with the extra `parity`")
    from datasets import load_dataset
    from trl import GRPOConfig, GRPOTrainer

    run = lay_mixed(tmp_path / "run")
    export_run("trl", run.root, str(tmp_path / "export"))
    data = load_dataset(str(tmp_path / "export"), split="train", cache_dir=str(tmp_path / "cache"))
    data = data.filter(lambda row: row["domain"] == "math").select(range(2))
    reward = TrlReward.of_run(run.root)
    steps = {**QUIET, "per_device_train_batch_size": 8}
    config = GRPOConfig(
        output_dir=str(tmp_path / "out"), num_generations=4, max_completion_length=4, scale_rewards="none", **steps
    )
    trainer = GRPOTrainer(save_reader(tmp_path / "model"), reward_funcs=reward, args=config, train_dataset=data)
    found: list[Any] = []

    def answer(prompts: Any, completions: Any, completion_ids: Any, ground_truth: Any, **columns: Any) -> Any:
        """What a random model would never say: of each group one right, one wrong, and one that nobody can judge."""
        said = [[truth, "-1", "-2", truth][at % 4] for at, truth in enumerate(ground_truth)]
        truths = ["" if at % 4 == 3 else truth for at, truth in enumerate(ground_truth)]
        told = [chat(f"\\boxed{{{one}}}") for one in said]
        rewards = TrlReward.__call__(
            reward, told, truths, columns["statement"], completion_ids, columns["log_metric"], id=columns["id"]
        )
        found.append(rewards)
        return rewards

    monkeypatch.setattr(trainer, "reward_funcs", [answer])
    prepared: list[Any] = []
    score = trainer._generate_and_score_completions

    def remember(inputs: Any) -> Any:
        prepared.append(score(inputs))
        return prepared[-1]

    monkeypatch.setattr(trainer, "_generate_and_score_completions", remember)
    trainer.train()
    reward.close()
    for group in range(2):
        right, wrong, other, unknown = found[0][4 * group : 4 * group + 4]
        assert (right, wrong, other, unknown) == (pytest.approx(1.0), pytest.approx(0.1), pytest.approx(0.1), None)
    gains = sorted(round(float(gain), 3) for gain in prepared[0]["advantages"])
    assert gains == pytest.approx([-0.3] * 4 + [0.0] * 2 + [0.6] * 2)
    assert trainer.state.log_history[0]["goldilocks/unknown"] == pytest.approx(0.25)


@pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
def test_what_was_exported_as_right_is_rewarded_as_right(tmp_path: Path) -> None:
    run = lay_mixed(tmp_path / "run")
    for name in ("trl", "sft", "dpo"):
        export_run(name, run.root, str(tmp_path / name))
    truths = {row["id"]: row["ground_truth"] for row in read_rows(tmp_path / "trl")}
    reward = TrlReward.of_run(run.root)
    for name, column, worth in (("sft", "completion", 1.0), ("dpo", "chosen", 1.0), ("dpo", "rejected", 0.1)):
        rows = read_rows(tmp_path / name)
        assert {row["domain"] for row in rows} == {"math", "code"}
        rewards = reward(completions=[row[column] for row in rows], ground_truth=[truths[row["id"]] for row in rows])
        assert rewards == pytest.approx([worth] * len(rows))
    reward.close()
