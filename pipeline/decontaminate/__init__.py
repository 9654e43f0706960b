"""Decontaminate: nothing that a benchmark asks stays in the set.

    kept, rejected = decontaminate(problems, DecontaminateConfig(benchmarks=("gsm8k", "math-500")))

Items are found by rare word runs and by their numbers (`index.py`), and judged by what they share (`match.py`).
"""

from pipeline.decontaminate.decontaminate import STAGE, decontaminate, open_index
from pipeline.decontaminate.index import Index

__all__ = ["STAGE", "Index", "decontaminate", "open_index"]
