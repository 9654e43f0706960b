"""Translate: a tenth of the English problems in six other languages (Magistral, arXiv 2506.10910, section 2.2).

    translated = translate(problems, TranslateConfig(), ask_model(generate))   # generate: prompts -> completions
    translated.translations, translated.counts

`run.py` has `translate`; `asking.py` asks a model and `apertium.py` a program; `check.py` is what lets a translation
pass; `counts.py` says what came of it. None is loaded until it is asked for: report and manifest need the counts alone.
"""
