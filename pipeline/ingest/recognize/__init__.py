"""Recognise what the columns of a set are by what stands in its first rows, where neither config nor preset says it."""

from pipeline.ingest.recognize.nested import find_nested, unfold
from pipeline.ingest.recognize.reading import Reading, recognise, suggest_columns

__all__ = ["Reading", "find_nested", "recognise", "suggest_columns", "unfold"]
