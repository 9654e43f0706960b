"""A running `vllm serve` as a rollout engine: anywhere, as long as it sees the folder of training under the same path.

Completions come from vLLM's tokens-in, tokens-out endpoint, which says which weights each of their tokens is of. The
server is started by the line in pipeline/inference/server_weights.py.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.inference.engine import EngineDied, EngineStats, PromptRefused
from pipeline.inference.prompts import Prompt, tokenise
from pipeline.inference.server import LOOKED_AT, TOO_LONG
from pipeline.inference.server_weights import LAUNCH, load_weights, root_of
from pipeline.progress import track
from pipeline.text.thoughts import loses_tags, open_thoughts, opened_by
from schemas.config import ModelConfig
from trainer.rollout import Rollout, Sampled, TooOld

if TYPE_CHECKING:
    import httpx

LOOK_SECONDS = 2.0


class RolloutServer:
    """As `trainer.rollout_engine.RolloutEngine`, over HTTP. `start` gives the server the weights of `folder`."""

    pid: int | None = None

    def __init__(self, model: ModelConfig, url: str, folder: Path, stop_strings: Sequence[str] = ()) -> None:
        self.version = 0
        self._model, self._url, self._folder, self._stop = model, url, folder.resolve(), tuple(stop_strings)
        # Another trainer's pushes have another name, so that none of its weights is taken for ours.
        self._session = secrets.token_hex(4)
        self._client: httpx.AsyncClient | None = None
        self._tokenizer: Any = None
        self._calls: dict[asyncio.Future[Any], int] = {}
        """What is in flight -> the version that the server had when it was asked."""
        self._in_hand = self._tokens = self._requests = 0
        self._busy = self._since = 0.0

    async def start(self) -> None:
        """Wait until the server answers, and load the first weights. Raises EngineDied."""
        import httpx
        from transformers import AutoTokenizer

        self._tokenizer = await asyncio.to_thread(AutoTokenizer.from_pretrained, self._folder)
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(timeout=self._model.timeout, limits=limits)
        try:
            with track("reach the rollout servers", unit="", part=True, note=self._url):
                await self._wait_until_up(self._client)
                await self.load(str(self._folder), 0)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the server, which stays up; what is unanswered fails with EngineDied."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled:
        """As `RolloutEngine.sample`."""
        try:
            text, tokens = tokenise(self._tokenizer, prompt)
        except ValueError as error:
            raise PromptRefused(str(error), too_long=False) from None
        body = {
            "model": self._model.name,
            "token_ids": tokens,
            "output_mode": "text",
            # The prefix cache outlives its weights; the salt keeps blocks of other weights apart.
            "cache_salt": self._name(self.version),
            "sampling_params": {
                "n": n,
                "max_tokens": min(max_tokens, max(1, self._model.max_model_len - len(tokens))),
                "temperature": temperature,
                "top_p": 1.0,
                "top_k": 0,
                "min_p": 0.0,
                "repetition_penalty": 1.0,
                "stop": list(self._stop),
                "skip_special_tokens": not loses_tags(self._tokenizer.all_special_tokens),
                "logprobs": 0,
            },
        }
        self._note_work(1)
        call = asyncio.ensure_future(self._post("/inference/v1/generate", body))
        self._calls[call] = self.version
        try:
            answer = await call
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if call not in self._calls and this is not None and not this.cancelling():
                raise TooOld(f"{self._url} was asked under weights that are too old now") from None
            call.cancel()
            raise
        finally:
            self._calls.pop(call, None)
            self._note_work(-1)
        opening = opened_by(text)
        rollouts = tuple(self._read(choice, opening) for choice in answer["choices"])
        self._requests += 1
        self._tokens += sum(len(rollout.tokens) for rollout in rollouts)
        return Sampled(tuple(tokens), rollouts)

    async def drop_older(self, version: int) -> None:
        """End every request that was asked under weights before `version`: a server says which weights its tokens are
        of at their end only. It stops generating when the connection closes.
        """
        for call in [call for call, asked in self._calls.items() if asked < version]:
            del self._calls[call]
            call.cancel()

    async def load(self, path: str, version: int) -> None:
        """Take all weights from a file or folder that the server sees; what is in flight goes on under them."""
        import httpx

        try:
            await load_weights(self._reach(), self._url, path, self._name(version), drain=False)
        except httpx.HTTPError as error:
            raise EngineDied(f"{self._url}: the weights did not get there: {error!r}") from None
        self.version = version

    async def pause(self) -> None:
        """Stop generating until `resume`; requests are taken and wait."""
        await self._post("/pause?mode=keep", {})

    async def resume(self) -> None:
        """Go on after `pause`."""
        await self._post("/resume", {})

    @property
    def stats(self) -> EngineStats:
        """`busy` are the seconds in which it had requests of ours."""
        running = time.monotonic() - self._since if self._in_hand else 0.0
        return EngineStats(tokens=self._tokens, requests=self._requests, busy=self._busy + running)

    async def _wait_until_up(self, client: "httpx.AsyncClient") -> None:
        import httpx

        until = time.monotonic() + self._model.timeout
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{root_of(self._url)}/health", timeout=LOOK_SECONDS)).status_code == 200:
                    return
            if time.monotonic() > until:
                raise EngineDied(f"{self._url} does not answer for {self._model.timeout:g} s (model.timeout)")
            await asyncio.sleep(LOOK_SECONDS)

    async def _post(self, where: str, body: dict[str, Any]) -> Any:
        """Raises PromptRefused, and EngineDied, also where the server is there but does not do as it should."""
        import httpx

        try:
            answer = await self._reach().post(root_of(self._url) + where, json=body)
        except (httpx.HTTPError, RuntimeError) as error:
            # A client that is closed under a request says so by a RuntimeError.
            raise EngineDied(f"{self._url} was lost: {error!r}") from None
        if answer.status_code == 200:
            return answer.json()
        what = f"{self._url}: HTTP {answer.status_code}: {answer.text[:300]}"
        if answer.status_code in LOOKED_AT:
            raise PromptRefused(what, too_long=bool(TOO_LONG.search(answer.text)))
        raise EngineDied(f"{what}; start the server by `{LAUNCH}`")

    def _reach(self) -> "httpx.AsyncClient":
        if self._client is None:
            raise EngineDied(f"{self._url}: the rollout engine is closed")
        return self._client

    def _read(self, choice: dict[str, Any], opening: str) -> Rollout:
        spans = [self._read_version(span["version"]) for span in choice["weight_versions"]]
        return Rollout(
            tuple(choice["token_ids"]),
            tuple(token["logprob"] for token in choice["logprobs"]["content"]),
            open_thoughts(choice["text"], opening),
            str(choice["finish_reason"]),
            (spans[0], spans[-1]),
        )

    def _name(self, version: int) -> str:
        return f"{self._session}-{version}"

    def _read_version(self, name: str) -> int:
        session, _, version = name.partition("-")
        if session != self._session:
            raise EngineDied(f"{self._url} has weights that were not pushed by this trainer ({name})")
        return int(version)

    def _note_work(self, change: int) -> None:
        now = time.monotonic()
        if self._in_hand:
            self._busy += now - self._since
        self._since, self._in_hand = now, self._in_hand + change
