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
)
CODE_PRESETS: dict[str, CodePreset] = {preset.name: preset for preset in _ALL}
