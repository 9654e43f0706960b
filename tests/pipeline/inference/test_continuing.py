"""A completion that was cut goes on from its tokens and becomes the text that one request would have given."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.inference.continuing import BROKEN, join_text, keep_tokens

SPOKEN = st.text(st.sampled_from("ab \n=é世🎉√"), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def tokenizer(embedded_model: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(embedded_model)


@given(SPOKEN, st.data())
@settings(max_examples=200, deadline=None)
def test_wherever_it_was_cut_the_text_is_whole(tokenizer: Any, text: str, data: st.DataObject) -> None:
    """Between two tokens of one character too, where an engine gives out no part of it."""
    tokens = tokenizer.encode(text, add_special_tokens=False)
    at = data.draw(st.integers(0, len(tokens)))
    first = tokenizer.decode(tokens[:at])
    begun = "<think>\n" + first.rstrip(BROKEN)
    assert join_text(begun, first, tokenizer.decode(tokens), ()) == ("<think>\n" + text, False)


@given(SPOKEN, st.integers(0, 30), st.text(st.sampled_from("ab \n="), min_size=1, max_size=3))
def test_a_stop_string_ends_it_also_across_the_cut(text: str, at: int, stop: str) -> None:
    begun = text[:at]
    assume(stop not in begun)
    assert join_text(begun, begun, text, (stop, "never")) == (text.split(stop)[0], stop in text)


def test_tokens_are_kept_as_they_are() -> None:
    assert list(keep_tokens((0, 151_935, 5))) == [0, 151_935, 5]
