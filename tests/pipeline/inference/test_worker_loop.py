"""What the vLLM worker does around vLLM: a prompt's opening tag stands before its completions. The engine is a
stand-in."""

import queue
from multiprocessing import Pipe
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import TemplateError
from vllm.exceptions import VLLMNotFoundError, VLLMValidationError

from pipeline.inference.continuing import Begun, keep_tokens
from pipeline.inference.engine import Request, SamplingParams
from pipeline.inference.messages import Done, DropOlder, Dropped, Generate, Refused, Sleep, Wake, WorkerSettings
from pipeline.inference.prompts import Prompt
from pipeline.inference.vllm_worker import _Loop


class StandInTokenizer:
    """A token a character; its chat template opens thoughts."""

    chat_template = "there is one"
    all_special_tokens = ("<s>", "[THINK]")

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [1] * add_special_tokens + [ord(letter) for letter in text]

    def decode(self, tokens: list[int], **_: Any) -> str:
        return "".join(map(chr, tokens))

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


@pytest.mark.parametrize(
    ("more", "reason", "stop_reason", "text"),
    [
        ("d 5", "length", None, "<think>\nand 5"),
        ("d\0", "stop", None, "<think>\nand"),
        ("d\n", "stop", "\n", "<think>\nand"),
        ("\nd", "length", None, "<think>\na"),
    ],
    ids=["cut again", "ended", "stopped", "stopped across the cut"],
)
def test_a_completion_that_was_cut_is_continued_from_its_tokens_and_comes_whole(
    monkeypatch: pytest.MonkeyPatch, more: str, reason: str, stop_reason: str | None, text: str
) -> None:
    engine = StandInEngine()
    pipe, _ = Pipe()
    loop = _Loop(pipe, queue.SimpleQueue(), engine, WorkerSettings({}))
    monkeypatch.setattr(loop, "read_params", lambda request: None)
    begun = Begun("<think>\nan", keep_tokens([ord("a"), ord("n")]))
    stop = ("\n",) if stop_reason else ("n\n",)
    request = Request(Prompt((("user", "q"),), None, ""), 1, SamplingParams(8, stop=stop), begun=begun)
    assert request.tokens_left == 6
    loop.generate("7", request)
    assert engine.requests == {"7": [ord(letter) for letter in "q<think>\nan"]}
    output = SimpleNamespace(text="unread", token_ids=list(map(ord, more)), finish_reason=reason)
    output.stop_reason = stop_reason
    answer = loop.read(SimpleNamespace(request_id="7", outputs=[output]), 0.0)
    (one,) = answer.completions
    assert (one.text, one.tokens) == (text, 2 + len(more))
    assert one.finish_reason == ("length" if text.endswith("5") else "stop")
    assert not loop.requests


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


def test_a_request_is_as_old_as_the_first_token_of_any_of_its_completions() -> None:
    """7: its second completion began first and has ended. 8 began under newer weights. 9 has no token yet."""

    def state(*starts: str, parent: Any = None) -> Any:
        return SimpleNamespace(weight_version_starts=[(start, 0) for start in starts], parent_req=parent)

    ended = SimpleNamespace(weight_versions=[SimpleNamespace(version="2"), SimpleNamespace(version="3")])
    states = {
        "7": [state("3", "4", parent=SimpleNamespace(output_aggregator=[None, ended]))],
        "8": [state("3"), state("4")],
        "9": [state()],
    }
    engine: Any = StandInEngine()
    engine.output_processor = SimpleNamespace(
        request_states={f"{number}-{i}": one for number, some in states.items() for i, one in enumerate(some)},
        external_req_ids={number: [f"{number}-{i}" for i in range(len(some))] for number, some in states.items()},
    )
    engine.abort_request = lambda numbers: [engine.output_processor.external_req_ids.pop(one) for one in numbers]
    pipe, theirs = Pipe()
    loop = _Loop(pipe, queue.SimpleQueue(), engine, WorkerSettings({}, trains=True))
    loop.began = dict.fromkeys(states, 0.0)
    for version, dropped in ((2, ()), (3, (7,)), (4, (8,)), (99, ())):
        loop.handle(DropOlder(version, version))
        assert theirs.recv() == Dropped(version, dropped)
    assert list(loop.began) == ["9"]


class Refusing(StandInEngine):
    """Fails as it is told, for a prompt of two tokens."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def add_request(self, number: str, prompt: dict[str, Any], params: Any) -> None:
        if len(prompt["prompt_token_ids"]) == 2:
            raise self.error
        super().add_request(number, prompt, params)


def make_loop(monkeypatch: pytest.MonkeyPatch, engine: Any) -> tuple[_Loop, Any]:
    pipe, theirs = Pipe()
    loop = _Loop(pipe, queue.SimpleQueue(), engine, WorkerSettings({}))
    monkeypatch.setattr(loop, "read_params", lambda request: None)
    return loop, theirs


@pytest.mark.parametrize(
    "error", [VLLMValidationError("n must be 1"), VLLMNotFoundError("no"), ValueError("bad"), TypeError("worse")]
)
def test_what_vllm_finds_wrong_with_a_request_refuses_it_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    loop, theirs = make_loop(monkeypatch, engine := Refusing(error))
    for number, text in enumerate(("long enough", "q", "long too")):
        loop.handle(Generate(number, Request(Prompt(None, text, ""), 1, SamplingParams(8))))
    assert theirs.recv() == Refused(1, f"vLLM does not take the request: {error}", too_long=False)
    assert list(engine.requests) == list(loop.began) == ["0", "2"]


@pytest.mark.parametrize("error", [RuntimeError("CUDA error"), OSError("no space"), KeyError("block")])
def test_an_engine_that_is_broken_is_not_taken_for_a_request_that_is(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    loop, _ = make_loop(monkeypatch, Refusing(error))
    with pytest.raises(type(error)):
        loop.handle(Generate(1, Request(Prompt(None, "q", ""), 1, SamplingParams(8))))


def test_a_prompt_that_the_template_or_the_tokenizer_does_not_take_is_refused_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Templates refuse what they were not made for by errors of their own kind."""

    class Strict(StandInTokenizer):
        def apply_chat_template(self, turns: list[dict[str, str]], **more: Any) -> str:
            if turns[0]["role"] == "system":
                raise TemplateError("system role not supported")
            return super().apply_chat_template(turns, **more)

        def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
            if "\ud83d" in text:
                raise TypeError("TextEncodeInput must be Union[TextInputSequence]")
            return super().encode(text, add_special_tokens)

    engine: Any = StandInEngine()
    engine.get_tokenizer = Strict
    loop, theirs = make_loop(monkeypatch, engine)
    system, pair = Prompt((("system", "think"), ("user", "q")), None, ""), Prompt(None, "\ud83d", "")
    for number, prompt in enumerate((system, pair, Prompt((("user", "q"),), None, ""))):
        loop.handle(Generate(number, Request(prompt, 1, SamplingParams(8))))
    for number, reason in enumerate(("TemplateError: system role not supported", "TypeError: TextEncodeInput")):
        refused = theirs.recv()
        assert (refused.number, refused.too_long) == (number, False)
        assert reason in refused.reason
    assert list(engine.requests) == ["2"]
