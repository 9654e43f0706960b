"""One table of LaTeX's synonyms: whoever compares formulas takes them for the same."""

import re

import pytest

from pipeline.dedup.reading import read_tokens
from pipeline.text.latex import LAYOUT, SYNONYMS, match_synonyms
from pipeline.translate.formulas import spell
from pipeline.verify.reader.tokens import tokenize


def write(command: str) -> str:
    """A formula with `command` in it; a single character stands for itself."""
    return f"x {command if len(command) == 1 else chr(92) + command} {{a}} {{b}}"


@pytest.mark.parametrize(("command", "same"), SYNONYMS.items())
def test_synonyms_are_the_same_to_dedup_and_the_verifier(command: str, same: str) -> None:
    assert tokenize(write(command)) == tokenize(write(same))
    assert read_tokens(write(command)) == read_tokens(write(same))


@pytest.mark.parametrize("same", ["frac", "le", "ge", "ne", "to", "|", "<", ">", "*"])
def test_synonyms_are_the_same_in_a_translation(same: str) -> None:
    names = [command for command, meant in SYNONYMS.items() if meant == same]
    assert names
    assert {spell(write(command)) for command in names} == {spell(write(same))}
    assert all(re.fullmatch(match_synonyms(same), "\\" + command) for command in names)
    assert not re.match(match_synonyms(same), "\\" + names[0] + "x")


@pytest.mark.parametrize("command", sorted(LAYOUT))
def test_layout_says_nothing(command: str) -> None:
    written = rf"\{command} (a + b)"
    assert [token.text for token in tokenize(written)] == [token.text for token in tokenize("(a + b)")]
    assert spell(written) == spell("(a + b)")
    assert read_tokens(written) == read_tokens("(a + b)")
