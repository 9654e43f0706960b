"""A logged prompt is recognised by the problem in it."""

import pytest

from pipeline.publish.curriculum.recognise import Prompts

STATEMENT = "Tom has 3 bags.\n\nEach holds 4 marbles. How many are there?"
PROMPT = f"{STATEMENT}\n\nPut the answer in \\boxed{{}}."
TEMPLATES = {
    "Qwen": "system\nYou are a helpful assistant.\nuser\n{}\nassistant\n",
    "ChatML with its marks": "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "Mistral": "<s>[INST] {} [/INST]",
    "Llama 2": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n{} [/INST]",
    "Gemma": "<bos><start_of_turn>user\n{}<end_of_turn>\n<start_of_turn>model\n",
    "DeepSeek": "<\uff5cbegin\u2581of\u2581sentence\uff5c><\uff5cUser\uff5c>{}<\uff5cAssistant\uff5c>",
    "plain": "{}",
    "named": "User: {}\nAssistant:",
}


def recognise(prompt: str, problems: dict[str, tuple[str, str]]) -> str | None:
    prompts = Prompts([prompt])
    for id, (whole, statement) in problems.items():
        prompts.look_for(id, {True: whole, False: statement})
    return prompts.name(prompt)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_whatever_a_chat_template_puts_around_it(template: str) -> None:
    problems = {"other": (f"{PROMPT} Now.", "Something else?"), "this": (PROMPT, STATEMENT)}
    assert recognise(template.format(PROMPT), problems) == "this"


def test_by_its_statement_where_the_trainer_has_a_prompt_of_its_own() -> None:
    assert recognise(f"user\nThink hard.\n{STATEMENT}\nassistant\n", {"this": (PROMPT, STATEMENT)}) == "this"


def test_the_longer_of_two_that_are_in_it() -> None:
    part = "Each holds 4 marbles. How many are there?"
    assert recognise(f"user\n{STATEMENT}", {"part": (part, part), "whole": (STATEMENT, STATEMENT)}) == "whole"


def test_the_language_that_is_asked_for_tells_copies_apart() -> None:
    copies = {language: (f"{STATEMENT}\nWrite {language}.", STATEMENT) for language in ("Python", "C++")}
    assert recognise(f"user\n{STATEMENT}\nWrite C++.\nassistant", copies) == "C++"
    assert recognise(f"user\n{STATEMENT}\nassistant", copies) is None


def test_what_is_no_problem_of_these_is_none() -> None:
    assert recognise("user\nHow many marbles are there?", {"this": (PROMPT, STATEMENT)}) is None
    assert recognise("", {"this": (PROMPT, STATEMENT)}) is None
    assert recognise("user\nx", {"empty": ("", "")}) is None
