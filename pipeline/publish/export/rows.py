"""What a problem becomes for each reinforcement-learning trainer: its columns, or why it has no word for the problem.

The columns are those that the trainer's own loader reads; each function says where that is written. `ground_truth` (or
whatever the trainer calls it) is `pipeline.verify.label_codec.write_truth` of the label: a math answer as it stands, a
code problem's tests as JSON, so that `pipeline.reward` judges it as curation did.
"""

import ast
import json
import math
from typing import Any

from pipeline.publish.export.item import Item
from pipeline.verify.code import CodeLabel

Row = dict[str, Any]


GYM_SERVER, GYM_AGENT = "goldilocks", "goldilocks_simple_agent"
"""What NeMo Gym's config calls our resources server, and the agent that answers its rows."""


class Unsayable(Exception):
    """A problem that the format has no word for; the message says why, in words that are the same for each such one."""


def write_trl(item: Item, number: int, split: str) -> Row:
    """TRL: `prompt`, in its standard or conversational form; every other column reaches the reward function by name.

    Source: TRL 1.16, "Dataset formats and types" (prompt-only) and `GRPOTrainer._calculate_rewards`.
    """
    return {"prompt": item.prompt, "ground_truth": item.truth, **item.about()}


def write_verl(item: Item, number: int, split: str) -> Row:
    """verl: `data_source`, `prompt`, `ability`, `reward_model`, `extra_info`.

    Source: verl 0.9.1, "Prepare Data for Post-Training" and `verl.utils.dataset.rl_dataset.RLHFDataset`; the naive
    reward manager hands `reward_model.ground_truth` and `extra_info` to `compute_score`. No `data_source` of ours is
    one of verl's own scorers': a run without `custom_reward_function` ends with an error, not with other verdicts.
    """
    about = item.about()
    return {
        "data_source": f"goldilocks/{item.source}",
        "prompt": item.chat,
        "ability": item.domain,
        "reward_model": {"style": "rule", "ground_truth": item.truth},
        "extra_info": {"index": number, "split": split, **about},
    }


def write_openrlhf(item: Item, number: int, split: str) -> Row:
    """OpenRLHF: `input`, `label`, `datasource`.

    Source: OpenRLHF 0.11.2, `openrlhf.datasets.prompts_dataset.PromptDataset`: --data.input_key input, --data.label_key
    label, and --data.apply_chat_template where the prompt is a chat.
    """
    return {"input": item.prompt, "label": item.truth, "datasource": item.source, **item.about()}


def write_task(item: Item, number: int, split: str) -> Row:
    """verifiers' `TaskData`, as the task set that is written beside the rows loads it.

    Source: verifiers 0.4.0 (what prime-rl trains on), `verifiers.v1.task.TaskData`: `id`, `prompt`, `system_prompt`.
    """
    return {"prompt": item.user, "system_prompt": item.system, "ground_truth": item.truth, **item.about()}


def write_nemo_rl(item: Item, number: int, split: str) -> Row:
    """NeMo RL: `input` and `output`, which its math environment gets as `ground_truth`. The system's part is a file.

    Source: NeMo RL, `ResponseDataset` (docs/guides/sft.md, "Datasets") and `math_hf_data_processor`.
    """
    return {"input": item.user, "output": item.truth, **item.about()}


def write_nemo_gym(item: Item, number: int, split: str) -> Row:
    """NeMo Gym: `responses_create_params`, `agent_ref`, and what our resources server takes from the row.

    Source: NeMo Gym 0.4.0, `base_resources_server.BaseRunRequest` and `train_data_utils.compute_sample_metrics`.
    """
    return {
        "responses_create_params": {"input": item.chat},
        "agent_ref": {"type": "responses_api_agents", "name": GYM_AGENT},
        "ground_truth": item.truth,
        **item.about(),
    }


def write_open_instruct(item: Item, number: int, split: str) -> Row:
    """open-instruct: `messages`, `ground_truth`, `dataset`, the last of which names the verifier.

    Source: the dataset card of allenai/RLVR-GSM, and `build_all_verifiers` in open_instruct/ground_truth_utils.py. Its
    code verifiers take a JSON list: of `assert`s (`code`), or of `input` and `output` (`code_stdio`); they run Python
    alone and compare exactly, so a problem that asks for more is left out.
    """
    verifier, truth = ("math", item.truth) if item.code is None else _test_program(item.code)
    return {"messages": item.chat, "ground_truth": truth, "dataset": verifier, **item.about()}


def _test_program(label: CodeLabel) -> tuple[str, str]:
    """open-instruct's verifier for these tests, and the tests as it takes them. Raises Unsayable."""
    if label.language == "cpp":
        raise Unsayable("asks for C++, and its verifier runs Python alone")
    if label.checker:
        raise Unsayable("has a checker, and its verifier compares exactly")
    if label.prelude:
        raise Unsayable("needs code before the program")
    if not label.tests:
        raise Unsayable("has no tests")
    if label.entry_point is None:
        cases = [{"input": test.input, "output": test.expected} for test in label.tests]
        return "code_stdio", json.dumps(cases, ensure_ascii=False)
    asserts = [write_assert(test.input, test.expected, label.entry_point) for test in label.tests]
    return "code", json.dumps(asserts, ensure_ascii=False)


def write_assert(given: str, expected: str | None, entry_point: str) -> str:
    """A function's test as a line of Python. Raises Unsayable for a value that Python has no literal for."""
    from pipeline.sandbox.calls import NoLiteral, read_call, read_literal

    call = read_call(given, entry_point)
    if call is None:
        return given
    owner, _, method = entry_point.rpartition(".")
    called = call.expression
    if called is None:
        words = [_literal(value) for value in call.args]
        words += [f"{name}={_literal(value)}" for name, value in (call.kwargs or {}).items()]
        called = f"{f'{owner}().' if owner else ''}{method}({', '.join(words)})"
    if call.after:
        raise Unsayable("asks for what a call changes, and its verifier compares what it returns")
    try:
        value = read_literal(expected or "")
    except NoLiteral:
        raise Unsayable("has an expected value that is no literal") from None
    return f"assert {called} == {_literal(value)}"


def _literal(value: Any) -> str:
    text = repr(value)
    try:
        same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        same = False
    if not same or (isinstance(value, float) and not math.isfinite(value)):
        raise Unsayable("has a value that Python has no literal for")
    return text
