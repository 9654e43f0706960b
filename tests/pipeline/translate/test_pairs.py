"""Translations that were written for this: good ones pass, broken ones do not, and what is missed is known."""

import pytest

from pipeline.translate.check import check_translation
from tests.pipeline.translate.pairs import BROKEN, GOOD, MISSED


@pytest.mark.parametrize(("language", "original", "translation"), GOOD, ids=lambda text: text[:16])
def test_what_says_the_same_passes(language: str, original: str, translation: str) -> None:
    assert check_translation(original, translation, language) is True


@pytest.mark.parametrize(("language", "original", "translation"), BROKEN, ids=lambda text: text[:16])
def test_what_says_something_else_is_refused(language: str, original: str, translation: str) -> None:
    assert isinstance(check_translation(original, translation, language), tuple)


@pytest.mark.xfail(strict=True, reason="no rule of words or numbers tells these")
@pytest.mark.parametrize(("language", "original", "translation"), MISSED, ids=lambda text: text[:16])
def test_what_is_missed_is_known(language: str, original: str, translation: str) -> None:
    assert isinstance(check_translation(original, translation, language), tuple)
