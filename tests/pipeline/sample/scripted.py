"""ScriptedEngine: a stand-in that answers from a script, for properties of the loop that need thousands of runs."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from random import Random

import polars as pl

from pipeline.inference.continuing import keep_tokens
from pipeline.inference.engine import Completion, EngineDied, EngineFailure, EngineStats, PromptRefused, Request
from schemas.config import Config, PromptConfig, SamplingConfig, Source, VerifyConfig


class ScriptedEngine:
    """Gives each prompt its own answers in their order; requests finish in an order drawn from `seed`.

    An answer has 3 tokens, or as many as `lengths` says in its place. One that is cut says nothing yet, and its tokens
    are the number of its answer, by which it is continued.
    `fails` says of a prompt whether its requests fail, `refuses` by which error its prompt is refused; after
    `dies_after` answered requests the engine is dead.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[str]],
        seed: int = 0,
        fails: Callable[[str], bool] = lambda text: False,
        refuses: Mapping[str, PromptRefused] | None = None,
        dies_after: int | None = None,
        capacity: int = 8,
        revision: str = "r1",
        taken: Mapping[str, int] | None = None,
        model: str = "scripted",
        lengths: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.lengths, self.generated = dict(lengths or {}), 0
        self.model, self.revision, self.capacity, self.continues = model, revision, capacity, True
        self.answers, self.fails, self.dies_after = answers, fails, dies_after
        self.refuses = dict(refuses or {})
        self.given: dict[str, int] = dict(taken or {})
        self.submitted = self.most_in_flight = self.answered = 0
        self._random = Random(seed)
        self._owed: list[tuple[Request, Future[tuple[Completion, ...]]]] = []
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        future: Future[tuple[Completion, ...]] = Future()
        with self._ready:
            self.submitted += request.n
            self._owed.append((request, future))
            self.most_in_flight = max(self.most_in_flight, sum(r.n for r, _ in self._owed))
            self._ready.notify()
        return future

    def in_flight(self) -> int:
        return len(self._owed)

    @property
    def stats(self) -> EngineStats:
        return EngineStats()

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._owed and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return
                request, future = self._owed.pop(self._random.randrange(len(self._owed)))
            text = request.prompt.text or ""
            if self.dies_after is not None and self.answered >= self.dies_after:
                future.set_exception(EngineDied("the script ends the engine here"))
            elif text in self.refuses:
                future.set_exception(self.refuses[text])
            elif self.fails(text):
                future.set_exception(EngineFailure("the script fails this request"))
            else:
                self.answered += 1
                start = self.given.get(text, 0)
                places = range(start, start + request.n)
                if request.begun is None:
                    self.given[text] = start + request.n
                else:
                    places = range(request.begun.tokens[0], request.begun.tokens[0] + 1)
                try:
                    future.set_result(tuple(self._complete(request, text, place) for place in places))
                except EngineFailure as failure:
                    future.set_exception(failure)

    def _complete(self, request: Request, text: str, place: int) -> Completion:
        said, lengths = self.answers[text], self.lengths.get(text, [3])
        length, most = lengths[place % len(lengths)], request.params.max_tokens
        self.generated += min(length, most) - (len(request.begun.tokens) if request.begun else 0)
        if length <= most:
            return Completion(said[place % len(said)], length, "stop", 0.01)
        return Completion("let me", most, "length", 0.01, keep_tokens([place] * most) if request.resumable else None)


def config_for(run: str, n: int = 16, stop: str = "full", **more: object) -> Config:
    """A config whose prompt is the bare statement and whose answer is the last number."""
    return Config(
        run=run,
        sources=(Source(name="s", files="unused.jsonl"),),
        prompt=PromptConfig(template="plain", chat=False),
        sampling=SamplingConfig(n=n, stop=stop),  # type: ignore[arg-type]
        verify=VerifyConfig(extract="last"),
        **more,  # type: ignore[arg-type]
    )


def problems_of(labels: Sequence[str | None]) -> pl.DataFrame:
    """One problem a label, with the statement `problem I`."""
    return pl.DataFrame(
        [(f"{i:016x}", f"problem {i}", label) for i, label in enumerate(labels)],
        schema={"id": pl.String, "statement": pl.String, "answer": pl.String},
        orient="row",
    )
