"""The reward as verl calls it: `reward.custom_reward_function.path=reward.py`."""

from typing import Any

from pipeline.reward.client import UnknownVerdict, judge


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: dict[str, Any] | None = None,
    unknown: float | None = None,
    **_: Any,
) -> dict[str, float]:
    """What verl's naive reward manager asks for (verl 0.9.1): `score` is the reward, `acc` whether the answer is right.

    `known` is whether there is a verdict. verl has no word for an unknown one: it raises UnknownVerdict, unless
    `reward_kwargs` give a number for `unknown`.
    """
    statement = (extra_info or {}).get("statement")
    [result] = judge([{"ground_truth": ground_truth, "completion": solution_str, "statement": statement}])
    score = result["reward"]
    if score is None and unknown is None:
        raise UnknownVerdict(
            f"no verdict on a completion of {data_source}: {result['detail']}; verl has no word for that, so give a "
            "score for it: reward.custom_reward_function.reward_kwargs.unknown"
        )
    right = float(result["verdict"] == "correct")
    return {"score": float(unknown or 0) if score is None else score, "acc": right, "known": float(score is not None)}
