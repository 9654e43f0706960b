"""Units and currencies that prose names, in seven languages."""

from pipeline.text.units import compare_units, find_units


def test_a_unit_is_its_kind_in_every_language() -> None:
    for prose, language in (("3 miles", "en"), ("3 millas", "es"), ("3 Meilen", "de"), ("3 英里", "zh")):
        assert find_units(prose, language)[0] == {"mile"}


def test_a_part_of_a_word_is_no_unit() -> None:
    assert find_units("a smile and a footnote", "en") == (set(), set())


def test_a_conversion_is_a_unit_gone_and_a_unit_new() -> None:
    assert compare_units("3 miles", "3 kilomètres", "fr") == ({"mile"}, {"kilometre"})
    assert compare_units("3 miles", "3 milles", "fr") == (set(), set())
