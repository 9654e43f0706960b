"""Benchmarks that most people measure on, as the Hub has them. Each says where its row form was seen."""

import difflib

from schemas.config import Benchmark
from schemas.errors import InputError

PRESETS: dict[str, Benchmark] = {
    # Card of openai/gsm8k: question, answer (a worked solution, `#### 18` at its end, so no plain label).
    "gsm8k": Benchmark(name="gsm8k", dataset="openai/gsm8k", subset="main", text="question", answer=None),
    # Card of HuggingFaceH4/MATH-500: problem, solution, answer, subject, level, unique_id.
    "math-500": Benchmark(name="math-500", dataset="HuggingFaceH4/MATH-500", id="unique_id"),
    # Card of HuggingFaceH4/aime_2024: id, problem, solution, answer, url, year; one split, `train`.
    "aime-2024": Benchmark(name="aime-2024", dataset="HuggingFaceH4/aime_2024", split="train", id="id"),
    # Files of math-ai/aime25: test.jsonl with problem, answer, id.
    "aime-2025": Benchmark(name="aime-2025", dataset="math-ai/aime25", id="id"),
    # Card of openai/openai_humaneval: task_id, prompt, canonical_solution, test, entry_point.
    "humaneval": Benchmark(
        name="humaneval", dataset="openai/openai_humaneval", text="prompt", id="task_id", answer=None
    ),
    # Card of google-research-datasets/mbpp, subset `full`: task_id, text, code, test_list.
    "mbpp": Benchmark(
        name="mbpp", dataset="google-research-datasets/mbpp", subset="full", text="text", id="task_id", answer=None
    ),
    # Files of lighteval/code_generation_lite, the Parquet form of livecodebench/code_generation_lite (which has a
    # loading script, and `datasets` no longer runs those): question_content, question_id, and gigabytes of tests.
    "livecodebench": Benchmark(
        name="livecodebench",
        dataset="lighteval/code_generation_lite",
        subset="release_v6",
        streaming=True,
        text="question_content",
        id="question_id",
        answer=None,
    ),
}


def choose_benchmark(asked: str | Benchmark) -> Benchmark:
    """The benchmark meant by a preset's name or given in full. Raises InputError for a name that no preset has."""
    if isinstance(asked, Benchmark):
        return asked
    if asked in PRESETS:
        return PRESETS[asked]
    near = difflib.get_close_matches(asked, PRESETS, n=1)
    hint = f", did you mean {near[0]!r}?" if near else ";"
    raise InputError(
        f"decontaminate.benchmarks: there is no preset {asked!r}{hint} the presets are: {', '.join(PRESETS)}; "
        "a set of your own is {name: ..., dataset: HUB_NAME} or {name: ..., files: PATH, text: COLUMN}"
    )
