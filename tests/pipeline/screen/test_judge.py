"""The second look: prompts that carry the problem whole, replies that reject only when they say so."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.screen.judge import NAMED, build_prompts, parse_reply, screen_by_judge

ROWS = pl.DataFrame(
    {
        "domain": ["math", "code", "math"],
        "statement": ["Find {answer} in $\\{x\\}$.", "Sort it.", "Show it."],
        "answer": ["{statement}", None, None],
    }
)


def test_prompts_carry_statement_and_label_as_they_are() -> None:
    first, _, last = build_prompts(ROWS)
    assert "Find {answer} in $\\{x\\}$." in first
    assert "Label:\n{statement}\n" in first
    assert "None" not in last


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_clear_reply_rejects(name: str) -> None:
    assert parse_reply(f"Let me see.\n**VERDICT: {name}** - it says so") == (
        False,
        NAMED[name],
        "judged by a model: it says so",
    )


@given(
    st.one_of(st.none(), st.text(max_size=80), st.just("VERDICT: KEEP"), st.just("VERDICT: MAYBE"), st.just("PROOF"))
)
def test_anything_else_keeps(reply: str | None) -> None:
    assert parse_reply(reply) is True


def test_the_last_verdict_counts() -> None:
    assert parse_reply("VERDICT: PROOF - at first sight\nVERDICT: KEEP") is True


def test_a_judge_that_fails_rejects_nothing() -> None:
    kept, rejected = screen_by_judge(ROWS, lambda prompts: [None] * len(prompts))
    assert kept.equals(ROWS)
    assert rejected.is_empty()


def test_only_math_is_asked_about() -> None:
    asked: list[str] = []

    def generate(prompts: list[str]) -> list[str | None]:
        asked.extend(prompts)
        return ["VERDICT: KEEP", "VERDICT: PROOF - asks to show"]

    kept, rejected = screen_by_judge(ROWS, generate)
    assert len(asked) == 2
    assert kept["statement"].to_list() == ROWS["statement"].to_list()[:2]
    assert rejected.select("stage", "reason", "detail").rows() == [
        ("screen", "proof", "judged by a model: asks to show")
    ]


def test_a_wrong_number_of_replies_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 problems and gave 1"):
        screen_by_judge(ROWS, lambda prompts: ["VERDICT: KEEP"])
