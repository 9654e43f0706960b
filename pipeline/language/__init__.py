"""Language: which one a text is in, and whether problem, thoughts and answer agree (Magistral, arXiv 2506.10910).

detect_language("Trova il valore di $x$.")                         # "it"; None where it cannot be determined
is_consistent(problem, thoughts, answer)                           # True, False, or None: undecided
reward(verdict, format_ok, language_ok=keeps_language(statement, completion))
"""

from pipeline.language.consistency import is_consistent, keeps_language
from pipeline.language.detect import LANGUAGES, detect_language

__all__ = ["LANGUAGES", "detect_language", "is_consistent", "keeps_language"]
