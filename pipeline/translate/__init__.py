"""Translate: a tenth of the English problems in six other languages (Magistral, arXiv 2506.10910, section 2.2).

    translated = translate(problems, TranslateConfig(), generate)   # generate: prompts -> completions
    translated.translations, translated.counts

`run.py` has `translate`; `check.py` is what lets a translation pass, and needs no model; `counts.py` says what came of
it. None is loaded until it is asked for: report and manifest need the counts alone.
"""
