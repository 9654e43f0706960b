"""Weights into running servers, by vLLM's endpoints for training, which a server has in its development mode.

The server reads a checkpoint where it stands: a folder or file on a disk that both see, under one path. Our part of its
workers (trainer/weights.py) refuses a checkpoint that leaves out a weight. A server names the weights that it has; a
reader compares that name, so that completions of other weights are not taken for the wanted ones.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.inference.engine import EngineDied
from pipeline.inference.models import folder_revision
from schemas.config import ModelConfig
from schemas.errors import InputError

if TYPE_CHECKING:
    import httpx

FIRST = "default"
"""vLLM's name of the weights that a server was started with."""
DAMAGED = "damaged"
"""Ours for weights of which only some were loaded."""
LAUNCH = (
    "VLLM_SERVER_DEV_MODE=1 vllm serve NAME --enable-scale-out --no-async-scheduling "
    "--worker-extension-cls trainer.weights.WeightReceiver"
)
"""How a server is started that takes weights; docs/cluster.md says what each part is for."""
ANSWER_SECONDS = 30.0

log = logging.getLogger(__name__)


def root_of(url: str) -> str:
    """The server's address, under which the endpoints beside OpenAI's lie."""
    return url.rstrip("/").removesuffix("/v1")


async def read_version(client: "httpx.AsyncClient", url: str) -> str | None:
    """What the server calls the weights that it has; None where it has no such endpoint. Raises httpx.HTTPError."""
    answer = await client.get(f"{root_of(url)}/weight_info", timeout=ANSWER_SECONDS)
    if answer.status_code != 200:
        return None
    try:
        return str(answer.json()["weight_version"])
    except (ValueError, KeyError, TypeError):
        # What stands before a server may answer every path, with a page or with what it answers to others.
        return None


async def load_weights(client: "httpx.AsyncClient", url: str, path: str, version: str, drain: bool) -> None:
    """Make the server take all weights from `path` (empty: those it was started with) and call them `version`.

    What it has in flight is finished before with `drain`, and else goes on under the new weights. Raises EngineDied,
    httpx.HTTPError; a server that could not read them to the end calls its weights damaged.
    """
    import httpx

    root = root_of(url)
    await _post(client, url, f"{root}/pause", params={"mode": "wait" if drain else "keep"})
    try:
        await _post(client, url, f"{root}/update_weight_version", json={"new_version": DAMAGED})
        body = {"method": "load_weights_from", "args": [path]}
        await _post(client, url, f"{root}/collective_rpc", json=body)
        if drain:
            await _post(client, url, f"{root}/reset_prefix_cache")
        await _post(client, url, f"{root}/update_weight_version", json={"new_version": version})
    except BaseException:
        # What went wrong first is what is said.
        with suppress(EngineDied, httpx.HTTPError):
            await _post(client, url, f"{root}/resume")
        raise
    await _post(client, url, f"{root}/resume")


def name_weights(model: ModelConfig) -> str:
    """What the servers of a model call the weights that it is to answer with."""
    return FIRST if model.weights is None else model.revision or folder_revision(Path(model.weights))


def give_weights(model: ModelConfig) -> None:
    """Load `model.weights` into every server of `model.url`, or give back those that they were started with.

    A server that has them already is left alone, and one that does not answer is left out: it has its first weights
    when it comes back, and nobody who wants others asks it. Raises InputError where one takes no weights, EngineDied
    where one could not read them or none is left.
    """
    asyncio.run(_give_weights(model))


@contextmanager
def lend_weights(model: ModelConfig) -> Iterator[None]:
    """`give_weights` until the block ends; then those that the servers were started with. Raises as it does."""
    give_weights(model)
    try:
        yield
    finally:
        try:
            give_weights(model.model_copy(update={"weights": None}))
        except (EngineDied, InputError) as error:
            log.warning("%s; start it again, or run the loop again, before it is asked for anything else", error)


async def _give_weights(model: ModelConfig) -> None:
    import httpx

    version = name_weights(model)
    async with httpx.AsyncClient(timeout=model.timeout) as client:

        async def give(url: str) -> Exception | None:
            try:
                has = await read_version(client, url)
                if has is None:
                    raise InputError(f"train.on_servers: {url} takes no weights; start it by `{LAUNCH}`")
                if has != version:
                    await load_weights(client, url, model.weights or "", version, drain=True)
            except (httpx.HTTPError, EngineDied, InputError) as error:
                return error
            return None

        failures = await asyncio.gather(*map(give, model.urls))
    lost = [error for error in failures if error is not None]
    for error in lost:
        if not isinstance(error, httpx.HTTPError):
            raise error
    if len(lost) == len(model.urls):
        raise EngineDied(f"model.url {', '.join(model.urls)}: no server answers ({lost[0]!r})")


async def _post(client: "httpx.AsyncClient", url: str, address: str, **body: Any) -> Any:
    answer = await client.post(address, **body)
    if answer.status_code != 200:
        raise EngineDied(
            f"{url}: {address} says HTTP {answer.status_code}: {answer.text[:300]}; start the server by `{LAUNCH}`, "
            "with this package where it runs and the run's folder under the same path"
        )
    return answer
