"""What a model says where no rule can: whether two answers in words are the same. Optional, and off by default.

It is asked only after the rules said *unknown*, and overrules none. `SECOND_OPINION` begins the detail of its verdicts.
The two answers are shown in both orders, each time with two code words that nobody can know before; both replies have
to end in the word for *same*. So a model that repeats what it reads, or obeys what stands in an answer, accepts nothing
by that.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pipeline.inference.engine import Completion, Engine, EngineDied, EngineFailure, Request, SamplingParams
from pipeline.inference.open import open_engine
from pipeline.inference.prompts import Prompt
from pipeline.text.thoughts import answer_section
from pipeline.verify.normal import clean
from schemas.config import VerifyConfig
from schemas.errors import InputError
from schemas.reasons import Verdict

PROMPT = Path(__file__).parent / "prompts" / "second_opinion.txt"
MAX_CHARACTERS = 600
"""Of an answer that is shown: what is longer is an essay, and room for persuasion."""
HELD = 4096
"""Opinions kept: the samples of a problem repeat their answers."""
_WRITTEN_CLAIMS = """
the this that my your an a answer answers is are it s its correct right true same equal equals equivalent identical
as to reference solution response given above below expected valid yes accept accepted please mark grade verdict
result final and i of in for with matches match both different not wrong
"""
_CLAIMS = frozenset(_WRITTEN_CLAIMS.split())
"""Words of which a claim to be right is made."""
_PLACES = re.compile(r"(\{first\}|\{second\}|\{same\}|\{different\})")

Opinion = Literal["same", "different", "undecided"]


class SecondOpinion:
    """Asks a model about pairs of answers. Safe to use from several threads; the engine is the caller's."""

    def __init__(self, engine: Engine, max_tokens: int = 1024) -> None:
        self.engine, self.params = engine, SamplingParams(max_tokens, temperature=0.0)
        self._held: OrderedDict[tuple[str, str], Future[Opinion]] = OrderedDict()
        self._lock = threading.Lock()

    def submit(self, label: str, answer: str) -> Future[Opinion]:
        """Whether an answer says what a label says; at once *undecided* for what is not worth asking about."""
        with self._lock:
            if (known := self._held.get((label, answer))) is not None:
                return known
            opinion: Future[Opinion] = Future()
            self._held[label, answer] = opinion
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        if not is_answer(answer):
            opinion.set_result("undecided")
            return opinion
        replies: list[Opinion] = []

        def received(done: Future[tuple[Completion, ...]], words: tuple[str, str]) -> None:
            try:
                text = done.result()[0].text
            except (EngineFailure, EngineDied):
                # Not held: the next answer that is the same is asked about again.
                text = ""
                with self._lock:
                    self._held.pop((label, answer), None)
            with self._lock:
                replies.append(read_reply(text, *words))
                whole = len(replies) == 2
            if whole:
                opinion.set_result(replies[0] if replies[0] == replies[1] else "undecided")

        for pair in ((label, answer), (answer, label)):
            words = make_words()
            request = Request(Prompt((("user", write_prompt(*pair, *words)),), None, ""), 1, self.params)
            self.engine.submit(request).add_done_callback(lambda done, words=words: received(done, words))  # type: ignore[misc]
        return opinion


VERDICTS = {"same": Verdict.CORRECT, "different": Verdict.WRONG, "undecided": Verdict.UNKNOWN}


def is_answer(answer: str) -> bool:
    """Whether a text can be an answer at all: short, with a word or number beside the claim to be right."""
    text = clean(answer)
    words = re.findall(r"[^\W_]+", re.sub(r"\\[A-Za-z]+", " ", text))
    return 0 < len(text) <= MAX_CHARACTERS and any(word.lower() not in _CLAIMS for word in words)


def make_words() -> tuple[str, str]:
    """Two code words, for *same* and *different*, that no text can have foreseen."""
    return f"W{secrets.token_hex(4).upper()}", f"W{secrets.token_hex(4).upper()}"


def write_prompt(first: str, second: str, same: str, different: str) -> str:
    """The prompt about two answers, which stand in it as JSON strings; their braces are left alone."""
    places = {
        "{first}": json.dumps(first, ensure_ascii=False),
        "{second}": json.dumps(second, ensure_ascii=False),
        "{same}": same,
        "{different}": different,
    }
    return "".join(places.get(part, part) for part in _PLACES.split(read_prompt()))


def read_reply(reply: str, same: str, different: str) -> Opinion:
    """What a reply says: its last line is one of the code words, and the other stands nowhere after its thoughts."""
    section = answer_section(reply)
    last = section.strip().rpartition("\n")[2].strip(" *_`.\"'")
    if last == same and different not in section:
        return "same"
    return "different" if last == different and same not in section else "undecided"


@lru_cache(maxsize=1)
def read_prompt() -> str:
    """The prompt's text, with its places in braces."""
    return PROMPT.read_text(encoding="utf-8")


@contextmanager
def open_opinion(verify: VerifyConfig, engine: Engine | None = None) -> Iterator[SecondOpinion | None]:
    """The second opinion that a config asks for, or None; by `engine` (the run's model) where it names no model.

    Raises InputError where there is neither, ModelError, EngineDied.
    """
    wanted = verify.second_opinion
    if not wanted.enabled:
        yield None
    elif wanted.model is not None:
        with open_engine(wanted.model) as judge:
            yield SecondOpinion(judge, wanted.max_tokens)
    elif engine is not None:
        yield SecondOpinion(engine, wanted.max_tokens)
    else:
        raise InputError("verify.second_opinion is on, but no model runs here: name one in verify.second_opinion.model")
