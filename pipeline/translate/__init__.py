"""Translate: a tenth of the English problems in six other languages (Magistral, arXiv 2506.10910, section 2.2).

    translated = translate(problems, TranslateConfig(), generate)   # generate: prompts -> completions
    translated.translations, translated.counts

`check.py` is what lets a translation pass: it needs no model.
"""

from pipeline.translate.check import check_translation
from pipeline.translate.choose import choose_for_translation
from pipeline.translate.run import STAGE, Counts, Translated, add_counts, translate

__all__ = [
    "STAGE",
    "Counts",
    "Translated",
    "add_counts",
    "check_translation",
    "choose_for_translation",
    "translate",
]
