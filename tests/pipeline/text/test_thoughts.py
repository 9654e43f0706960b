"""Thoughts and answer are told apart for every family of models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.thoughts import (
    TAGS,
    TURN_ENDS,
    check_thoughts,
    closes_unopened,
    loses_tags,
    open_thoughts,
    opened_by,
    split_thoughts,
)

ANY_TAG = [tag for pair in TAGS for tag in pair]


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_each_family_is_known_everywhere(opening: str, closing: str) -> None:
    whole = f"{opening}let me see{closing}It is 5."
    assert split_thoughts(whole).thoughts == "let me see"
    assert split_thoughts(whole).answer == "It is 5."
    assert check_thoughts(whole) is True
    cut = f"{opening}let me see 5"
    assert split_thoughts(cut).answer == ""
    assert check_thoughts(cut) is not True
    by_prompt = f"let me see{closing}It is 5."
    assert split_thoughts(by_prompt) == split_thoughts(whole)
    assert closes_unopened(by_prompt)
    assert not closes_unopened(whole)
    assert check_thoughts(by_prompt) is not True
    assert check_thoughts(open_thoughts(by_prompt, opening)) is True


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("no tags at all", "no tags at all"),
        ("<think>a</think>b<think>c</think>d", "d"),
        ("<think>a</think>b<think>c", "b"),
        ("<think>I write <thinking> here</think>b", "b"),
        ("<think>a</thinking>b", "b"),
        ("b<|im_end|>\n<|im_start|>user\nc", "b"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>", "b"),
        ("analysisWe add.assistantfinalb", "b"),
        ("analysisWe add and", ""),
        ("analysis of the sum", "analysis of the sum"),
    ],
)
def test_the_answer_is_what_follows_the_thoughts(completion: str, answer: str) -> None:
    assert split_thoughts(completion).answer == answer


@pytest.mark.parametrize(
    "broken",
    ["<think>a</think>b[THINK]c[/THINK]", "<think>a</thinking>b", " <think>a</think>b", "<think>a</think>b</think>"],
)
def test_a_second_pair_or_a_mixed_one_breaks_the_format(broken: str) -> None:
    assert check_thoughts(broken) is not True


def test_a_prompt_shows_whether_it_opens_thoughts() -> None:
    assert opened_by("<|Assistant|><think>\n") == "<think>\n"
    assert opened_by("<|im_start|>assistant\n[THINK]") == "[THINK]"
    assert opened_by("<think>\n\n</think>\n\n") == ""
    assert opened_by("Use <think> tags.") == ""
    assert open_thoughts("a</think>b", "") == "a</think>b"
    assert open_thoughts("<think>a</think>b", "<think>\n") == "<think>a</think>b"


def test_a_decoder_that_drops_tags_is_told_to_keep_them() -> None:
    assert loses_tags(["<s>", "[THINK]"])
    assert loses_tags(["<|channel|>", "<|end|>"])
    assert not loses_tags(["<s>", "</s>", "<|im_start|>", "<|im_end|>"])


@given(st.lists(st.sampled_from([*ANY_TAG, *TURN_ENDS, "a", "\\boxed{5}", " "]), max_size=12).map("".join))
def test_the_answer_is_a_piece_of_the_completion_without_tags(completion: str) -> None:
    sections = split_thoughts(completion)
    assert sections.answer in completion
    assert not any(tag in sections.answer for tag in [*ANY_TAG, *TURN_ENDS])
