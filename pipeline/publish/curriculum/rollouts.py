"""The rollouts that other trainers log: what each says of one problem, whichever trainer wrote it.

- verl, `trainer.rollout_data_dir`: STEP.jsonl with `input`, `output`, `gts`, `score`, `step`, and what `compute_score`
  returned beside the score (ours: `acc`, `known`). Source: `RayPPOTrainer._dump_generations`.
- prime-rl: rollouts/step_N/train_rollouts.jsonl, a trace of verifiers a line: `task` with the row, `rewards` by name
  (a number, or `score` and `weight`), `errors`. Source: docs/replay.md and `verifiers.v1.trace.Trace`. Older ones have
  `prompt` and `reward`.
- TRL, `log_completions`: completions/completions_STEP.parquet with `step`, `prompt`, `completion`, a column for every
  reward function, `advantage`. Source: TRL 1.16, `GRPOTrainer.log`.

A rollout without a reward (an unknown verdict, an error) says nothing.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.run.storage import RunFolder
from schemas.errors import InputError

OURS = "goldilocks"
"""The name of our reward function in TRL's logs, and of our reward in verifiers' traces."""
NO_REWARD = frozenset({"step", "prompt", "completion", "advantage"})
"""Columns of TRL's logs that are no reward function's."""
TRAINED = "train_rollouts.jsonl"
STEP_OF_FOLDER = re.compile(r"step_(\d+)(/|$)")


@dataclass(frozen=True)
class Rollout:
    """One logged completion. `problem` is our id where the log has it; else `prompt` tells. `right` is None where the
    log has no verdict."""

    problem: str | None
    prompt: str
    step: int
    right: bool | None


def read_rollouts(logs: str, correct_reward: float, reward: str | None = None) -> Iterator[Rollout]:
    """Every rollout in a log, or in a folder of logs, of any of the three trainers.

    `correct_reward` is what a right one's reward exceeds. `reward` names the column of TRL's that counts, where there
    are several and none is ours. Raises InputError where no log is, and for one that no trainer of the three writes.
    """
    folder, _, last = logs.rstrip("/").rpartition("/")
    place = RunFolder(logs)
    if not place.exists(""):
        raise InputError(f"{logs}: nothing is here; give the file or the folder in which the trainer logs its rollouts")
    if place.fs.isdir(place.path):
        names = [*place.list("", ".jsonl"), *place.list("", ".parquet")]
        # Evaluations of prime-rl lie in the same folders, and say nothing of the training problems.
        names = [name for name in names if name.endswith(TRAINED)] or names
    else:
        place, names = RunFolder(folder or ("/" if logs.startswith("/") else ".")), [last]
    if not names:
        raise InputError(
            f"{logs}: no .jsonl and no .parquet is here; verl, prime-rl and TRL log their rollouts as such"
        )
    for name in names:
        where = f"{place.root.rstrip('/')}/{name}"
        rows = read_parquet_rows(place, name) if name.endswith(".parquet") else _read_lines(place, name, where)
        for number, row in enumerate(rows, 1):
            yield _read_row(row, f"{where}, row {number}", correct_reward, reward)


def _read_lines(place: RunFolder, name: str, where: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a JSONL file. A last line that was cut short, as a trainer that is killed leaves it, is passed
    over."""
    with place.fs.open(place.at(name), "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                if not line.endswith(b"\n"):
                    return
                raise InputError(f"{where}, line {number}: no JSON ({error})") from None
            if not isinstance(row, dict):
                raise InputError(f"{where}, line {number}: no JSON object; a rollout is one")
            yield row


def read_parquet_rows(place: RunFolder, name: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a table, or `columns` of them, a thousand at a time."""
    for batch in place.read_batches(name, 1000, columns):
        yield from batch.to_pylist()


def _read_row(row: Mapping[str, Any], where: str, correct_reward: float, reward: str | None) -> Rollout:
    if "score" in row and "input" in row:
        known = bool(row.get("known", True))
        value = row.get("acc", row["score"])
        limit = 0.5 if "acc" in row else correct_reward
        return Rollout(_read_id(row), str(row["input"]), _read_step(row, where), _judge(value, limit, known))
    if "task" in row or "rewards" in row or ("reward" in row and "completion" in row):
        return _read_trace(row, where, correct_reward)
    if "advantage" in row and "completion" in row:
        value = row[_choose_reward(row, where, reward)]
        prompt = row.get("prompt")
        return Rollout(_read_id(row), _read_text(prompt), _read_step(row, where), _judge(value, correct_reward))
    raise InputError(
        f"{where}: the columns {', '.join(map(str, row))} are not those of a rollout of verl (input, output, score), "
        "prime-rl (task, rewards) or TRL (prompt, completion, advantage)"
    )


def _read_trace(row: Mapping[str, Any], where: str, correct_reward: float) -> Rollout:
    """A trace of verifiers, or what prime-rl wrote before it had them."""
    task = row.get("task")
    data = task.get("data", task) if isinstance(task, dict) else {}
    rewards = row.get("rewards")
    failed = bool(row.get("errors") or row.get("error"))
    if isinstance(rewards, dict):
        values = [_read_reward(one) for one in ([rewards[OURS]] if OURS in rewards else rewards.values())]
        value = None if not values or None in values else sum(one for one in values if one is not None)
    else:
        value = row.get("reward")
    prompt = data.get("prompt", row.get("prompt"))
    return Rollout(
        _read_id(data) or _read_id(row.get("info") or {}),
        _read_text(prompt),
        _read_step(row, where),
        _judge(value, correct_reward, not failed),
    )


def _read_reward(one: Any) -> float | None:
    if isinstance(one, dict):
        return None if one.get("score") is None else float(one["score"]) * float(one.get("weight", 1.0))
    return None if one is None else float(one)


def _choose_reward(row: Mapping[str, Any], where: str, reward: str | None) -> str:
    """The column of the reward that says whether the answer is right."""
    numbers = [name for name, value in row.items() if name not in NO_REWARD and isinstance(value, int | float | None)]
    if reward is not None:
        if reward not in row:
            raise InputError(f"{where}: no column {reward!r} (--reward); there are {', '.join(numbers)}")
        return reward
    if OURS in row:
        return OURS
    if len(numbers) != 1:
        raise InputError(f"{where}: which reward says that an answer is right? --reward NAME, of {', '.join(numbers)}")
    return numbers[0]


def _judge(value: Any, limit: float, known: bool = True) -> bool | None:
    """Whether a rollout is right, by its reward; None where it has none."""
    if not known or value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return float(value) > limit


def _read_id(row: Mapping[str, Any]) -> str | None:
    for name in ("problem_id", "id"):
        if isinstance(row.get(name), str):
            return str(row[name])
    return None


def _read_step(row: Mapping[str, Any], where: str) -> int:
    """The step that a row is from: its own, or that of the folder or the file that it stands in."""
    if isinstance(row.get("step"), int):
        return int(row["step"])
    stamped = (row.get("info") or {}).get("prime_rl") if isinstance(row.get("info"), dict) else None
    if isinstance(stamped, dict) and isinstance(stamped.get("step"), int):
        return int(stamped["step"])
    steps = STEP_OF_FOLDER.findall(where.partition(", row")[0])
    return int(steps[-1][0]) if steps else 0


def _read_text(prompt: Any) -> str:
    """The text of a prompt: itself, or the contents of its messages."""
    if isinstance(prompt, str):
        return prompt
    messages: Iterable[Any] = prompt or ()
    return "\n".join(_read_content(message.get("content")) for message in messages if isinstance(message, dict))


def _read_content(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or () if isinstance(part, dict))
