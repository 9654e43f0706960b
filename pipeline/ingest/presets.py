"""Presets: how the sets that people start from say what the contract asks. Each says where its row form was looked up.

What a set says beside statement and label goes into `extra` under the set's own column names. Worked solutions are text
and stay there too (`solutions` holds programs), so the same problem from two sets has one id.
"""

import difflib
from dataclasses import dataclass, field

from pipeline.ingest.code_presets import CODE_PRESETS
from pipeline.ingest.labels import How
from schemas.errors import InputError


@dataclass(frozen=True)
class Preset:
    """How one set's rows become problems."""

    name: str
    about: str
    """The set and its row form, with where that form was seen."""
    datasets: tuple[str, ...] = ()
    """Its names on the Hub, the usual one first; a source with one of them needs no `preset`."""
    subset: str | None = None
    split: str = "train"
    columns: dict[str, str] = field(default_factory=dict)
    """Contract name -> column; dots reach into structs, numbers into lists."""
    label: How = "given"
    """How the label stands in the column of `answer`."""
    missing: tuple[str, ...] = ()
    """What the set writes for "no label"."""
    prefix: str = ""
    suffix: str = ""
    """Instructions that the set writes around each statement; taken off."""
    extra: dict[str, str] = field(default_factory=dict)
    """Name in `extra` -> column, where the set's own name would mislead."""
    without: tuple[str, ...] = ()
    """Columns that are left behind: long, and of no use here."""
    domain: str = "math"
    language: str = "en"


CONTRACT = Preset(
    name="contract",
    about="rows with our own column names; only `statement` and (when the source does not say it) `domain` are needed",
)

_ALL = (
    CONTRACT,
    Preset(
        name="gsm8k",
        about="GSM8K: question, answer (a worked solution with <<48/2=24>> calculator notes, then `#### 72`); card "
        "of openai/gsm8k, and the files of github.com/openai/grade-school-math",
        datasets=("openai/gsm8k", "gsm8k"),
        subset="main",
        columns={"statement": "question", "answer": "answer"},
        label="hashes",
        extra={"solution": "answer"},
    ),
    Preset(
        name="math",
        about="MATH: problem, level, type, solution with the label in its last \\boxed{}; card of "
        "EleutherAI/hendrycks_math (seven subsets, one a subject) and of "
        "DigitalLearningGmbH/MATH-lighteval (all of them as `default`)",
        datasets=("DigitalLearningGmbH/MATH-lighteval", "EleutherAI/hendrycks_math", "hendrycks/competition_math"),
        subset="default",
        columns={"statement": "problem", "answer": "solution"},
        label="boxed",
        extra={"solution": "solution"},
    ),
    Preset(
        name="math-500",
        about="MATH-500 and the sets of its form: problem, solution, answer, subject, level, unique_id; card of "
        "HuggingFaceH4/MATH-500 (a test set: decontaminate against it, do not train on it)",
        datasets=("HuggingFaceH4/MATH-500", "nlile/hendrycks-MATH-benchmark"),
        split="test",
        columns={"statement": "problem", "answer": "answer", "source_id": "unique_id"},
    ),
    Preset(
        name="numinamath",
        about="NuminaMath-1.5: problem, solution, answer (`proof` and `notfound` among them), problem_type, "
        "question_type, problem_is_valid, solution_is_valid, source, synthetic; dataset_info of its card",
        datasets=("AI-MO/NuminaMath-1.5",),
        columns={"statement": "problem", "answer": "answer"},
        missing=("notfound",),
    ),
    Preset(
        name="big-math",
        about="Big-Math: problem, answer, source, domain (a list), llama8b_solve_rate; dataset_info of the card of "
        "SynthLabsAI/Big-Math-RL-Verified",
        datasets=("SynthLabsAI/Big-Math-RL-Verified", "open-r1/Big-Math-RL-Verified-Processed"),
        columns={"statement": "problem", "answer": "answer"},
    ),
    Preset(
        name="dapo",
        about="DAPO-Math-17k: data_source, prompt (one chat message, the problem between two instructions), ability, "
        "reward_model {ground_truth, style}, extra_info {index}; every row about a hundred times over; schema of "
        "BytedTsinghua-SIA/DAPO-Math-17k in its viewer",
        datasets=("BytedTsinghua-SIA/DAPO-Math-17k",),
        columns={
            "statement": "prompt.0.content",
            "answer": "reward_model.ground_truth",
            "source_id": "extra_info.index",
        },
        prefix="Solve the following math problem step by step. The last line of your response should be of the form "
        "Answer: $Answer (without quotes) where $Answer is the answer to the problem.",
        suffix='Remember to put your answer on its own line after "Answer:".',
        without=("prompt",),
    ),
    Preset(
        name="dapo-processed",
        about="DAPO-Math-17k, each problem once: prompt (the problem alone), solution (the label), data_source, "
        "source_prompt, ability, reward_model, extra_info; card of open-r1/DAPO-Math-17k-Processed (subsets "
        "all, en, cn)",
        datasets=("open-r1/DAPO-Math-17k-Processed",),
        subset="en",
        columns={"statement": "prompt", "answer": "solution", "source_id": "extra_info.index"},
        without=("source_prompt",),
    ),
    Preset(
        name="openr1-math",
        about="OpenR1-Math-220k: problem, solution, answer, problem_type, question_type, source, uuid, "
        "is_reasoning_complete, generations, correctness_math_verify, correctness_llama, finish_reasons, "
        "correctness_count, messages; features of open-r1/OpenR1-Math-220k",
        datasets=("open-r1/OpenR1-Math-220k",),
        subset="default",
        columns={"statement": "problem", "answer": "answer", "source_id": "uuid"},
        missing=("notfound",),
        without=("generations", "messages"),
    ),
    Preset(
        name="deepmath",
        about="DeepMath-103K: question, final_answer, difficulty, topic, r1_solution_1, _2, _3; card of "
        "zwhe99/DeepMath-103K",
        datasets=("zwhe99/DeepMath-103K",),
        columns={"statement": "question", "answer": "final_answer"},
        without=("r1_solution_1", "r1_solution_2", "r1_solution_3"),
    ),
    Preset(
        name="omni-math",
        about="Omni-MATH: domain (a list), difficulty, problem, solution, answer, source; card of KbsdJames/Omni-MATH, "
        "whose one split is `test`",
        datasets=("KbsdJames/Omni-MATH",),
        split="test",
        columns={"statement": "problem", "answer": "answer"},
    ),
    Preset(
        name="deepscaler",
        about="DeepScaleR: problem, answer, solution (often empty); agentica-org/DeepScaleR-Preview-Dataset, one "
        "JSON array",
        datasets=("agentica-org/DeepScaleR-Preview-Dataset",),
        columns={"statement": "problem", "answer": "answer"},
    ),
)
PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}


def choose_preset(name: str | None, dataset: str | None) -> Preset:
    """The preset called `name`; without one, that of the Hub name `dataset`, and else the contract's own names.

    Raises InputError with the nearest name for one that is not there.
    """
    if name is not None:
        if name in PRESETS:
            return PRESETS[name]
        near = difflib.get_close_matches(name.lower(), [*PRESETS, *CODE_PRESETS], n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(f"there is no preset {name!r}; {hint}there are: {', '.join([*PRESETS, *CODE_PRESETS])}")
    return next((preset for preset in PRESETS.values() if dataset in preset.datasets), CONTRACT)
