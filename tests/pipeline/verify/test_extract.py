"""Where a completion's answer is found."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.verify.extract import answer_section, extract_answer

BOXED = [
    (r"so \boxed{5}", "5"),
    (r"\boxed{4} no, \boxed{5}", "5"),
    (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
    (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    (r"\boxed{\text{Monday}}", r"\text{Monday}"),
    (r"\fbox{7}", "7"),
    (r"\boxed {7}", "7"),
    (r"\boxed{\boxed{7}}", "7"),
    (r"\boxed{1 + \boxed{7}}", r"1 + \boxed{7}"),
    (r"\boxed 7", "7"),
    (r"$\boxed{x = 5}$.", "x = 5"),
    (r"<think>\boxed{4}</think>\boxed{5}", "5"),
    (r"a</think>\boxed{5}", "5"),
    (r"\boxed{5", None),
    (r"\boxed{4} and \boxed{5", None),
    (r"\boxed{}", None),
    (r"\boxed{5} then \boxed{}", None),
    (r"\boxed{ }", None),
    (r"<think>\boxed{4}</think> the answer is 4", None),
    (r"<think>\boxed{4}", None),
    (r"\boxedness{4}", None),
    ("the answer is 5", None),
    ("", None),
]


@pytest.mark.parametrize(("completion", "answer"), BOXED)
def test_last_box_of_the_answer_section(completion: str, answer: str | None) -> None:
    assert extract_answer(completion, "boxed") == answer


LAST = [
    ("3 + 4 = 7", "7"),
    ("3 + 4 = 7.", "7"),
    ("It costs $1,234.50 in all.", "$1,234.50"),
    ("a rise of 12.5%", "12.5%"),
    ("It is -3", "-3"),
    ("x = −3", "−3"),
    ("from 5-3", "3"),
    ("so 3/4 of it", "3/4"),
    ("it takes 1 1/2 hours", "1 1/2"),
    (r"gives \frac{3}{4} of it", r"\frac{3}{4}"),
    (r"that is -\frac{3}{4}", r"-\frac{3}{4}"),
    ("#### 42", "42"),
    ("#### $42\n\nQuestion: what is 7 + 7?", "$42"),
    ("The answer is 42. Is it 43?", "42"),
    ("The answer is: 42 apples", "42 apples"),
    ("The final answer is $x = 5$. I hope it is correct.", "x = 5"),
    ("**Answer:** 42", "42"),
    ("Answer: blue", "blue"),
    (r"so \boxed{42}, not 43", "42"),
    (r"so \boxed{}, or 43", None),
    ("<think>9</think> it is 8", "8"),
    ("in 2024 there were 1,000,000", "1,000,000"),
    ("take .5 of it", ".5"),
    ("nothing here", None),
    ("", None),
]


@pytest.mark.parametrize(("completion", "answer"), LAST)
def test_last_number_or_what_is_marked(completion: str, answer: str | None) -> None:
    assert extract_answer(completion, "last") == answer


@given(st.integers(-(10**12), 10**12), st.sampled_from(["", " apples", ".", "\n", " dollars in all.", "!"]))
def test_any_number_at_the_end_is_found(number: int, rest: str) -> None:
    assert extract_answer(f"First 3 and then 4 make {number}{rest}", "last") == str(number)
    assert extract_answer(f"First 3 and then 4 make {number:,}{rest}", "last") == f"{number:,}"


@given(st.text(alphabet=r"\{}boxedfrac12 ,$<think>/", max_size=80), st.sampled_from(["boxed", "last"]))
def test_anything_is_taken(completion: str, how: str) -> None:
    answer = extract_answer(completion, how)  # type: ignore[arg-type]
    assert answer is None or answer.strip()
    assert (answer or "") in answer_section(completion)


BALANCED = st.recursive(
    st.text(alphabet="abc 12", min_size=1, max_size=8),
    lambda inner: st.lists(inner | inner.map("{{{}}}".format), min_size=1, max_size=3).map("".join),
    max_leaves=8,
)


@given(BALANCED)
def test_a_box_gives_back_what_is_in_it(inside: str) -> None:
    assume(inside.strip())
    assert extract_answer(f"so \\boxed{{{inside}}} .", "boxed") == inside.strip()


def test_hostile_lengths_are_linear() -> None:
    for completion in [
        "\\boxed{" * 20_000,
        "{" * 100_000,
        "answer is " * 20_000,
        "1/" * 50_000,
        "1," * 50_000,
        "$" * 99_999,
    ]:
        answers = [extract_answer(completion, "boxed"), extract_answer(completion, "last")]
        assert [answer for answer in answers if answer is not None and answer not in completion] == []
