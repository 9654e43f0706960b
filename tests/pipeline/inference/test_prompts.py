"""What the model sees is what the template says, and its hash changes whenever that does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.inference.prompts import PromptError, build_prompt, load_template, parse_template
from schemas.config import PromptConfig

TEXT = st.text(min_size=1).filter(str.strip)


def test_the_papers_way_asks_for_thoughts_then_a_summary_with_a_boxed_answer() -> None:
    prompt = build_prompt({"id": "a", "statement": "What is 2+2?"}, PromptConfig(template="think"))
    assert prompt.messages is not None
    (system, asked), (user, statement) = prompt.messages
    assert (system, user, statement) == ("system", "user", "What is 2+2?")
    assert all(
        part in asked for part in ("<think>", "</think>", "\\boxed{}", "Markdown", "LaTeX", "language of the task")
    )


@given(TEXT)
def test_plain_is_the_statement_alone(statement: str) -> None:
    raw = build_prompt({"statement": statement}, PromptConfig(template="plain", chat=False))
    assert (raw.text, raw.messages) == (statement, None)
    chat = build_prompt({"statement": statement}, PromptConfig(template="plain"))
    assert (chat.text, chat.messages) == (None, (("user", statement),))
    assert chat.key != raw.key


@given(TEXT, TEXT)
def test_the_key_is_of_what_the_model_sees(one: str, other: str) -> None:
    def key(statement: str, template: str) -> str:
        return build_prompt({"statement": statement}, PromptConfig(template=template)).key

    assert (key(one, "plain") == key(other, "plain")) == (one == other)
    assert key(one, "plain") != key(one, "think")
    assert len(key(one, "plain")) == 16


@given(TEXT)
def test_a_statement_is_put_in_as_it_is_even_with_braces(statement: str) -> None:
    template = parse_template("Answer in \\boxed{}.\n---\nQ: {statement} {not_a_field}\nA:\n", "t")
    assert template.fill(statement) == ("Answer in \\boxed{}.", f"Q: {statement} {{not_a_field}}\nA:")


def test_a_space_at_the_end_is_the_prompts_and_one_newline_the_files() -> None:
    assert parse_template("{statement} \n", "t").user == "{statement} "
    assert parse_template("{statement}\n\n", "t").user == "{statement}\n"


def test_a_users_own_file_is_taken_by_path(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Be brief.\n---\nSolve: {statement}\n")
    prompt = build_prompt({"statement": "1+1"}, PromptConfig(template=str(own)))
    assert prompt.messages == (("system", "Be brief."), ("user", "Solve: 1+1"))
    raw = build_prompt({"statement": "1+1"}, PromptConfig(template=str(own), chat=False))
    assert raw.text == "Be brief.\n\nSolve: 1+1"


@pytest.mark.parametrize("text", ["no place", "{statement}\n---\nno place", ""])
def test_a_file_without_the_placeholder_is_named_with_what_it_lacks(tmp_path: Path, text: str) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text(text)
    with pytest.raises(PromptError, match=r"bad\.txt: the placeholder \{statement\} is missing"):
        load_template(str(bad))


def test_a_template_that_is_nowhere_is_an_error_with_the_names_that_are() -> None:
    with pytest.raises(PromptError, match=r"'thnik'.*plain.*think"):
        load_template("thnik")


@pytest.mark.parametrize("statement", [None, ""])
def test_a_problem_without_statement_makes_no_prompt(statement: str | None) -> None:
    with pytest.raises(PromptError, match="problem 77 has no statement"):
        build_prompt({"id": "77", "statement": statement}, PromptConfig())
