"""The problems' resources server for NeMo Gym: what the verifier says of a response is the reward of its rollout."""

import asyncio
from typing import Any

from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseRunRequest,
    BaseVerifyRequest,
    BaseVerifyResponse,
    SimpleResourcesServer,
)

from pipeline.reward.client import UnknownVerdict, judge


class ProblemRunRequest(BaseRunRequest):  # type: ignore[misc]
    """A row of the data: its label as text, and its statement, in whose language a reply should be."""

    ground_truth: str
    statement: str | None = None


class ProblemVerifyRequest(ProblemRunRequest, BaseVerifyRequest):  # type: ignore[misc]
    """A row with the model's response."""


class ProblemVerifyResponse(BaseVerifyResponse):  # type: ignore[misc]
    """The reward, the verdict that it rests on and what the verifier says of it. NeMo Gym leaves out a rollout whose
    `mask_sample` is set, where it knows the word."""

    verdict: str
    verdict_detail: str | None = None
    mask_sample: bool = False


def read_completion(response: Any) -> str:
    """The text of a response: the model's thoughts in their tags, as the verifier expects them, and its messages."""
    thoughts, texts = [], []
    for item in response.output:
        if item.type == "reasoning":
            thoughts += [part.text for part in item.summary or ()]
        elif item.type == "message":
            texts += [part.text for part in item.content if part.type == "output_text"]
    text = "".join(texts)
    return f"<think>{''.join(thoughts)}</think>{text}" if thoughts else text


class ProblemsServer(SimpleResourcesServer):  # type: ignore[misc]
    """Asks the verifier where `goldilocks reward` listens (GOLDILOCKS_REWARD_URL), or in this process."""

    config: BaseResourcesServerConfig

    async def verify(self, body: ProblemVerifyRequest) -> ProblemVerifyResponse:
        """The reward of a response. Without a verdict it is masked, or an error where this NeMo Gym cannot mask:
        infrastructure trouble is never a zero."""
        completion = read_completion(body.response)
        item = {"ground_truth": body.ground_truth, "completion": completion, "statement": body.statement}
        [result] = await asyncio.to_thread(judge, [item])
        unknown = result["reward"] is None
        if unknown and "mask_sample" not in BaseVerifyResponse.model_fields:
            raise UnknownVerdict(f"no verdict on a completion: {result['detail']}")
        return ProblemVerifyResponse(
            **body.model_dump(),
            reward=0.0 if unknown else float(result["reward"]),
            verdict=result["verdict"],
            verdict_detail=result["detail"],
            mask_sample=unknown,
        )


if __name__ == "__main__":
    ProblemsServer.run_webserver()
