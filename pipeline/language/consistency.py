"""Whether problem, thoughts and answer are in one language: a part of the reward (Magistral, arXiv 2506.10910, 2.2)."""

from functools import lru_cache

from pipeline.language.detect import detect_language
from pipeline.text.thoughts import split_thoughts


def is_consistent(problem: str, thoughts: str, answer: str) -> bool | None:
    """True where one language is named for all three, False where two are named, else None (one is undecided)."""
    languages = {_name_problem(problem), detect_language(thoughts), detect_language(answer)}
    if len(languages - {None}) > 1:
        return False
    return None if None in languages else True


def keeps_language(statement: str, completion: str) -> bool:
    """Whether a completion earns the bonus for language: one is named for the statement, the thoughts and the answer.

    Thoughts are what stands before the tag that closes them, whether or not the prompt has opened them already; a
    completion without any tag is all answer. What is undecided (an answer that is only a box, a text in two languages)
    earns nothing, and neither do thoughts that were cut off.
    """
    sections = split_thoughts(completion)
    if sections.thoughts is None:
        language = detect_language(sections.answer)
        return language is not None and language == _name_problem(statement)
    return is_consistent(statement, sections.thoughts, sections.answer) is True


@lru_cache(maxsize=4096)
def _name_problem(statement: str) -> str | None:
    """A group of completions shares one problem."""
    return detect_language(statement)
