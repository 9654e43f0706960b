"""What the vLLM worker does around vLLM: a prompt's opening tag stands before its completions. The engine is a
stand-in."""

import queue
from multiprocessing import Pipe
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.inference.engine import Request, SamplingParams
from pipeline.inference.messages import Done, Sleep, Wake, WorkerSettings
from pipeline.inference.prompts import Prompt
from pipeline.inference.vllm_worker import _Loop


class StandInTokenizer:
    """A token a character; its chat template opens thoughts."""

    chat_template = "there is one"
    all_special_tokens = ("<s>", "[THINK]")

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [1] * add_special_tokens + [ord(letter) for letter in text]

    def apply_chat_template(self, turns: list[dict[str, str]], **_: Any) -> str:
        return f"{turns[-1]['content']}<think>\n"


class StandInEngine:
    """Notes its requests."""

    def __init__(self) -> None:
        self.requests: dict[str, Any] = {}
        self.asleep: set[str] = set()
        self.model_config = SimpleNamespace(max_model_len=1000)

    def get_tokenizer(self) -> StandInTokenizer:
        return StandInTokenizer()

    def sleep(self, level: int, mode: str) -> None:
        self.asleep |= {"weights", "kv_cache"}
        self.slept = (level, mode)

    def wake_up(self, tags: list[str]) -> bool:
        self.asleep -= set(tags)
        return not self.asleep

    def add_request(self, number: str, prompt: dict[str, Any], _: Any) -> None:
        self.requests[number] = prompt["prompt_token_ids"]


@pytest.mark.parametrize(
    ("prompt", "tokens", "text"),
    [
        (Prompt((("user", "q"),), None, ""), [ord(letter) for letter in "q<think>\n"], "<think>\n5"),
        (Prompt(None, "q", ""), [1, ord("q")], "5"),
        (Prompt(None, "q[THINK]", ""), [1, *(ord(letter) for letter in "q[THINK]")], "[THINK]5"),
    ],
)
def test_a_completion_begins_with_the_tag_that_its_prompt_ended_in(
    monkeypatch: pytest.MonkeyPatch, prompt: Prompt, tokens: list[int], text: str
) -> None:
    engine = StandInEngine()
    pipe, _ = Pipe()
    loop = _Loop(pipe, queue.SimpleQueue(), engine, WorkerSettings({}))
    monkeypatch.setattr(loop, "read_params", lambda request: None)
    loop.generate("7", Request(prompt, 1, SamplingParams(8)))
    assert engine.requests == {"7": tokens}
    assert loop.keep_special
    output = SimpleNamespace(
        request_id="7",
        outputs=[SimpleNamespace(text="5", token_ids=[3, 2], finish_reason="stop")],
        prompt_token_ids=tokens,
    )
    answer = loop.read(output, 0.0)
    assert [(one.text, one.tokens) for one in answer.completions] == [(text, 2)]
    assert not loop.openings


def test_an_engine_that_sleeps_generates_again_when_weights_and_cache_are_both_awake() -> None:
    engine = StandInEngine()
    pipe, theirs = Pipe()
    loop = _Loop(pipe, queue.SimpleQueue(), engine, WorkerSettings({}))
    loop.handle(Sleep(1))
    assert (loop.paused, engine.slept) == (True, (2, "keep"))
    loop.handle(Wake(2, "weights"))
    assert loop.paused
    loop.handle(Wake(3, "kv_cache"))
    assert not loop.paused
    assert [theirs.recv() for _ in range(3)] == [Done(0.0, number) for number in (1, 2, 3)]
