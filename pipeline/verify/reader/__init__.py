"""Reads an answer, LaTeX or plain text, into a typed value. Unreadable says which part cannot be read."""

from pipeline.verify.reader.values import Unreadable

__all__ = ["Unreadable"]
