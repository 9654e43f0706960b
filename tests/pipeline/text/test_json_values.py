"""The values of a JSON text, counted before any is built."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.json_values import ValueCounter, count_values

texts = st.text(alphabet=st.one_of(st.sampled_from('"\\,:{}[] '), st.characters()), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=40,
)


def count(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + count(item) for item in value.values())
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1


def containers(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, list | dict) + sum(map(containers, inner))


@given(values, st.booleans())
def test_the_count_is_of_values_and_keys_and_at_most_the_empty_ones_more(value: Any, plain: bool) -> None:
    text = json.dumps(value, ensure_ascii=plain)
    assert count(value) <= count_values(text) <= count(value) + containers(value)


@given(values, st.lists(st.integers(1, 9)))
def test_how_a_text_comes_in_pieces_changes_nothing(value: Any, cuts: list[int]) -> None:
    text = json.dumps(value).encode()
    counter, at = ValueCounter(), 0
    for size in [*cuts, len(text)]:
        counter.feed(text[at : at + size])
        at += size
    assert counter.values == count_values(text.decode())
