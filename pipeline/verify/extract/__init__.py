"""Finds the final answer in a completion: the boxes of its final statement, or what it names as its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.text.thoughts import answer_section
from pipeline.verify.extract.boxes import read_boxes
from pipeline.verify.extract.statements import find_announced, find_last

How = Literal["boxed", "last"]


@dataclass(frozen=True, slots=True)
class Extracted:
    """An answer as it was written, None where there is none.

    `together` are the answers of all boxes of the final statement, where there are several: they count where the label
    has several values. `alternatives`: they are joined by "or", so that the last of them is no answer by itself.
    """

    text: str | None
    together: tuple[str, ...] = ()
    alternatives: bool = False


NOTHING = Extracted(None)


def extract(completion: str, how: How, cut: bool = False) -> Extracted:
    """The final answer of a completion, from the section after its thoughts. Linear in the completion's length.

    `boxed` (the paper's way, arXiv 2506.10910, 2.2): the inside of the last `\\boxed{}` (or `\\fbox{}`). An empty box
    is no answer, and neither is a last box that is never closed: the completion was cut off inside its answer.

    `last`: what the completion itself marks as its answer (the last box, else an `<answer>` tag, else what follows the
    last `####`, else what follows the last "answer is", "Answer:" or its like in the seven languages), and without a
    mark the last value: a bold one of the last paragraph, else a formula or a number, with its sign, currency and
    percent sign. Base models go on with a new question of their own after an answer: give the sampler stop strings
    ("\\n\\n", "Question:") so that the last value is the answer's.

    `cut`: the completion ended because its tokens were used up. Then only what is marked and ended is an answer, never
    the last value that happens to stand there.
    """
    section = answer_section(completion)
    statement = read_boxes(section)
    if statement is not None:
        return Extracted(statement.last, statement.together, statement.alternatives)
    if how == "boxed":
        return NOTHING
    answer = find_announced(section, whole=not cut)
    if answer is None and not cut:
        answer = find_last(section)
    return Extracted(answer)


def extract_answer(completion: str, how: How, cut: bool = False) -> str | None:
    """`extract`, the text alone: the last box where there are several."""
    return extract(completion, how, cut).text


__all__ = ["Extracted", "How", "extract", "extract_answer"]
