"""Completions of a vLLM server that may be continued: asked for by the tokens of the prompt, and of what was begun.

A server's chat takes messages, and text only as a message of its own; its completions take tokens. The prompt's are
those that its own `/tokenize` gives, so a chat is rendered by the template that it serves. What comes back is what the
model wrote, with the tags of its thoughts: no parser has taken them out.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.inference.continuing import BROKEN, join_text, keep_tokens
from pipeline.inference.engine import Completion, Request
from pipeline.inference.prompts import Prompt
from pipeline.inference.server_weights import root_of
from pipeline.inference.servers import Server
from pipeline.text.thoughts import open_thoughts, opened_by
from schemas.sample import CUT


async def complete_by_tokens(
    server: Server, request: Request, asked: Mapping[str, Any]
) -> tuple[list[Completion], int]:
    """(completions of a request that is `resumable` or has `begun`, tokens generated). `asked` is what the client is
    asked for beside the prompt. Raises RuntimeError where the server is not vLLM's, or one that gives no tokens.
    """
    if not server.is_vllm:
        raise RuntimeError("only vLLM's servers continue a completion; leave sampling.first_tokens out")
    began = time.monotonic()
    tokens = await _tokenize(server, asked["model"], request.prompt)
    begun, first = request.begun, ""
    if begun is not None:
        tokens = [*tokens, *begun.tokens]
        first = await _detokenize(server, asked["model"], begun.tokens)
    answer: Any = await server.client.completions.create(
        **{
            **asked,
            "prompt": tokens,
            "max_tokens": request.tokens_left,
            # vLLM takes the whole prompt for new text where it ends within a character.
            "stop": None if first.endswith(BROKEN) else asked["stop"],
            "extra_body": {**asked["extra_body"], "skip_special_tokens": False},
        }
    )
    seconds = time.monotonic() - began
    if any(getattr(choice, "token_ids", None) is None for choice in answer.choices):
        raise RuntimeError("the server gives no token ids; start a newer vLLM, or leave sampling.first_tokens out")
    generated = sum(len(choice.token_ids) for choice in answer.choices)
    if begun is None:
        opening = opened_by(await _detokenize(server, asked["model"], tokens))
        return [_read(choice, opening, seconds) for choice in answer.choices], generated
    more = answer.choices[0]
    whole = [*begun.tokens, *more.token_ids]
    ended = more.finish_reason != CUT and not isinstance(more.stop_reason, str)
    decoded = await _detokenize(server, asked["model"], whole[:-1] if ended else whole)
    text, stopped = join_text(begun.text, first, decoded, request.params.stop)
    reason = "stop" if stopped else str(more.finish_reason)
    return [Completion(text, len(whole), reason, seconds)], generated


def _read(choice: Any, opening: str, seconds: float) -> Completion:
    cut = keep_tokens(choice.token_ids) if choice.finish_reason == CUT else None
    text = open_thoughts(choice.text, opening)
    return Completion(text, len(choice.token_ids), str(choice.finish_reason), seconds, cut)


async def _tokenize(server: Server, model: str, prompt: Prompt) -> list[int]:
    if prompt.messages is None:
        return list((await _post(server, "tokenize", model=model, prompt=prompt.text))["tokens"])
    turns = [{"role": role, "content": content} for role, content in prompt.messages]
    return list((await _post(server, "tokenize", model=model, messages=turns))["tokens"])


async def _detokenize(server: Server, model: str, tokens: Sequence[int]) -> str:
    return str((await _post(server, "detokenize", model=model, tokens=list(tokens)))["prompt"])


async def _post(server: Server, name: str, **body: Any) -> Any:
    """Through the server's client, so that it fails as its other requests do."""
    return await server.client.post(f"{root_of(server.url)}/{name}", cast_to=object, body=body)
