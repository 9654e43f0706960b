"""Judge completions by their labels, with the verifier that curates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reward.rewarder import Answered, Graded, Rewarder
from pipeline.verify.label_codec import write_truth
from pipeline.verify.problem import read_label
from schemas.config import SandboxConfig, VerifyConfig
from schemas.errors import InputError

Label = str | Mapping[str, Any]
"""A math problem's answer, the `ground_truth` of an export, or the row of a problem."""


def verify(
    completion: str, label: Label, config: VerifyConfig | None = None, sandbox: SandboxConfig | None = None
) -> Graded:
    """Verdict and reward of one completion; for many, `verify_many` or a `Rewarder` starts the processes once.

    Raises InputError for a code label that cannot be read.
    """
    return verify_many([completion], [label], config, sandbox)[0]


def verify_many(
    completions: Sequence[str],
    labels: Sequence[Label],
    config: VerifyConfig | None = None,
    sandbox: SandboxConfig | None = None,
) -> list[Graded]:
    """Verdicts and rewards of several completions, each with the label at its index, judged at the same time.

    A verdict that could not be reached is `unknown`, its reward None. Raises InputError for lists of different length
    and for a code label that cannot be read, before anything is judged.
    """
    if len(completions) != len(labels):
        raise InputError(f"{len(completions)} completions and {len(labels)} labels: give a label for each completion")
    answered = [Answered(write_label(label, config), text) for text, label in zip(completions, labels, strict=True)]
    with Rewarder(config, sandbox) as rewarder:
        rewarder.check(answered)
        return rewarder.grade(answered)


def write_label(label: Label, config: VerifyConfig | None = None) -> str:
    """A label as one text, which `Answered` and the reward service take: of a row, what the exports call
    `ground_truth`."""
    if isinstance(label, str):
        return label
    return write_truth(read_label(label, config or VerifyConfig()))
