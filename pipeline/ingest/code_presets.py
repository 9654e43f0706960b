"""Presets of the code sets that people start from: which function turns their rows into the contract's names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.code_rows import (
    Row,
    convert_asserts,
    convert_code_contests,
    convert_codeforces,
    convert_human_eval,
    convert_input_output,
    convert_judged,
    convert_live_code_bench,
)


@dataclass(frozen=True)
class CodePreset:
    """How one code set becomes problems: `convert` takes a row as the set writes it, and says which form that is."""

    name: str
    convert: Callable[[Row], dict[str, Any]]
    datasets: tuple[str, ...] = ()
    split: str = "train"
    subset: str | None = None
    packages: bool = False
    """The source is a folder of contest packages, whose rows are in the contract's names already."""


_ALL = (
    CodePreset("apps", convert_input_output, ("codeparrot/apps",)),
    CodePreset("taco", convert_input_output, ("BAAI/TACO",)),
    CodePreset("code-contests", convert_code_contests, ("deepmind/code_contests",)),
    CodePreset("codeforces", convert_codeforces, ("open-r1/codeforces",), subset="default"),
    CodePreset("livecodebench", convert_live_code_bench, ("livecodebench/code_generation_lite",), "test"),
    CodePreset("mbpp", convert_asserts, ("google-research-datasets/mbpp", "mbpp"), subset="full"),
    CodePreset("humaneval", convert_human_eval, ("openai/openai_humaneval", "openai_humaneval"), "test"),
    CodePreset("humaneval-plus", convert_human_eval, ("evalplus/humanevalplus",), "test"),
    CodePreset("judged-code", convert_judged),
    CodePreset("kattis", dict, packages=True),
)
CODE_PRESETS: dict[str, CodePreset] = {preset.name: preset for preset in _ALL}


def choose_code_preset(name: str | None, dataset: str | None) -> CodePreset | None:
    """The code preset called `name`; without one that of the Hub name `dataset`; None where neither is code."""
    if name is not None:
        return CODE_PRESETS.get(name)
    return next((preset for preset in CODE_PRESETS.values() if dataset in preset.datasets), None)
