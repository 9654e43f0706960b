"""Recognise what the columns of a set are by what stands in its first rows, where neither config nor preset says it."""

from pipeline.ingest.recognize.reading import Reading, recognise, suggest_columns

__all__ = ["Reading", "recognise", "suggest_columns"]
