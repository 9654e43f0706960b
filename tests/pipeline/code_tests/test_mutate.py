"""Mutations keep to the form of what is known."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code_tests.generate import find_samples, write_input
from pipeline.code_tests.mutate_calls import find_calls, learn_domains, mutate_call, read_call
from pipeline.code_tests.mutate_lines import learn_profile, mutate_text, read_document, read_limits

VALUES = st.recursive(
    st.integers(-50, 50) | st.booleans() | st.text("abc", max_size=4) | st.floats(-9, 9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(args=st.lists(VALUES, min_size=1, max_size=3), seed=st.integers(0, 999))
def test_a_mutated_call_has_the_same_function_and_types(args: list[Any], seed: int) -> None:
    call = read_call(f"f({', '.join(map(repr, args))})", "f")
    assert call is not None
    made = mutate_call(Random(seed), [call], learn_domains([call]))
    again = read_call(str(made), "f")
    assert again == made
    assert [type(a) for a in made.args] == [type(a) for a in args]


def test_what_all_known_lists_share_is_kept() -> None:
    calls = [read_call(text, "f") for text in ("f([1, 4, 9], 2)", "f([2, 3, 8, 20], 3)", "f([5, 6, 7, 11, 30], 1)")]
    known = [c for c in calls if c is not None]
    rng, domains = Random(1), learn_domains(known)
    for _ in range(300):
        items, number = mutate_call(rng, known, domains).args
        assert items == sorted(set(items))
        assert items
        assert 1 <= number <= 3


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 8), m=st.integers(1, 6))
def test_counts_go_with_what_they_count(seed: int, n: int, m: int) -> None:
    rng = Random(seed)
    texts = [
        f"{a} {b}\n" + "".join(f"{rng.randint(20, 99)} {rng.randint(20, 99)} {rng.randint(20, 99)}\n" for _ in range(b))
        for a, b in ((n, m), (n + 3, m + 1), (n + 1, m + 4))
    ]
    document = read_document(mutate_text(rng, learn_profile(texts)))
    assert int(document[0][1]) == len(document) - 1
    assert {len(line) for line in document[1:]} <= {3}


def test_a_word_keeps_the_length_that_the_line_before_says() -> None:
    profile = learn_profile(["4\nBWBW\n", "11\n.BW.WB..W..\n", "8\nBBBBW.BW\n"])
    rng = Random(2)
    for _ in range(200):
        first, second = read_document(mutate_text(rng, profile))
        assert int(first[0]) == len(second[0])
        assert set(second[0]) <= set("BW.")


def test_limits_are_read_from_statements() -> None:
    assert read_limits(r"$1 \leq n, m \leq 2\,000$ and $X \le 10^{100}$, 0 <= y < 50") == (50, 2000, 10**100)


def test_examples_in_a_statement_are_found() -> None:
    assert find_calls("so remove([5, 2], k=(1, 2)) returns [5]; remove(x) does not count", "remove") == [
        "remove([5, 2], k=(1, 2))"
    ]
    assert find_samples("Do it.\n\nSample Input 1\n3\n1 2 3\n\nSample Output 1\n6\n") == ["3\n1 2 3\n"]


def test_what_a_generator_returns_becomes_a_call() -> None:
    assert write_input("{'n': 3, 'xs': [1]}\n", "f") == "f(n=3, xs=[1])"
    assert write_input("[1, 'a']\n", "f") == "f(1, 'a')"
    assert write_input("'3\\n1 2 3\\n'\n", None) == "3\n1 2 3\n"
    assert write_input("oops", "f") is None


def test_numbers_that_python_does_not_read_are_mutated_as_words() -> None:
    """Sums of numbers with a hundred thousand digits are a common contest problem."""
    rng, texts = Random(1), [f"{digit * 5000} 3\n1 2\n" for digit in "789"]
    profile = learn_profile([*texts, "² 3\n1 2\n"])
    lengths = {len(read_document(mutate_text(rng, profile))[0][0]) for _ in range(50)}
    assert max(lengths) > 4300
