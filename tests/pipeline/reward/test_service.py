"""The reward service: verdicts in the order asked, null where nothing is known, and no for what is too much."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from pipeline.reward.rewarder import Answered, Graded, Rewarder
from pipeline.reward.service import Desk, make_app
from pipeline.verify.reward import NOTHING
from schemas.config import RewardConfig, VerifyConfig
from schemas.reasons import Verdict


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(make_app(Rewarder())) as made:
        yield made


def item(truth: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"ground_truth": truth, "completion": f"so \\boxed{{{answer}}}", **more}


def test_results_come_in_the_order_of_the_items(client: TestClient) -> None:
    items = [item(str(n), str(n if n % 3 else n + 1)) for n in range(50)]
    results = client.post("/verify", json={"items": items}).json()["results"]
    assert [one["verdict"] == "correct" for one in results] == [bool(n % 3) for n in range(50)]
    assert results[1]["parts"] == {"format": 0.1, "correctness": 0.9, "length": 0.0, "language": 0.0}


def test_an_unknown_verdict_is_null_with_its_detail_and_never_zero(client: TestClient) -> None:
    [result] = client.post("/verify", json={"items": [item("", "5")]}).json()["results"]
    assert (result["verdict"], result["reward"], result["parts"]) == ("unknown", None, None)
    assert "label" in result["detail"]


def test_length_and_language_count_where_the_request_says_enough(client: TestClient) -> None:
    long = {"tokens": 100, "l_max": 100, "l_cache": 10}
    results = client.post("/verify", json={"items": [item("4", "4"), item("4", "4", **long)]}).json()["results"]
    assert [one["reward"] for one in results] == pytest.approx([1.0, 0.9])


def test_openrlhf_asks_in_its_own_form(client: TestClient) -> None:
    asked = {"query": ["Q: \\boxed{3}<|im_end|>", "Q: \\boxed{4}"], "prompts": ["Q: ", "Q: "], "labels": ["3", "3"]}
    said = client.post("/get_reward", json=asked).json()
    assert (said["rewards"], said["scores"]) == (pytest.approx([1.0, 0.1]), [1.0, 0.0])
    unknown = client.post("/get_reward", json=asked | {"labels": ["", "3"]})
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "1")
    assert client.post("/get_reward", json=asked | {"labels": []}).status_code == 422


def test_health_counts_what_was_judged() -> None:
    with TestClient(make_app(Rewarder(VerifyConfig(extract="last")))) as client:
        client.post("/verify", json={"items": [item("4", "4"), item("4", "5"), item("", "4")]})
        told = client.get("/health").json()
    assert told["judged"] == {"correct": 1, "wrong": 1, "unknown": 1}
    assert (told["status"], told["waiting"], told["verify"]["extract"]) == ("ok", 0, "last")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"items": [{"ground_truth": "4"}]}, "body.items.0.completion"),
        ({"items": [item("4", "4", rewrad=1)]}, "rewrad"),
        ({"items": [item('{"domain": "code"}', "4")]}, "tests"),
        ({"items": "all"}, "body.items"),
        ([], "body"),
    ],
)
def test_a_body_of_another_form_is_refused_with_the_place(client: TestClient, body: Any, told: str) -> None:
    said = client.post("/verify", json=body)
    assert said.status_code == 422
    assert told in said.json()["detail"]


def test_text_that_is_no_json_and_lone_surrogates_do_no_harm(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.post("/verify", content=b"{", headers=headers).status_code == 422
    lone = b'{"items": [{"ground_truth": "4", "completion": "\\ud800 \\\\boxed{4}"}]}'
    assert client.post("/verify", content=lone, headers=headers).status_code in (200, 422)


def test_a_client_that_thinks_of_other_rules_is_told(client: TestClient) -> None:
    said = client.post("/verify", json={"items": [item("4", "4")], "verify": {"extract": "last"}})
    assert said.status_code == 409
    assert "verify.extract is 'boxed' here" in said.json()["detail"]
    same = {"items": [item("4", "4")], "verify": {"extract": "boxed", "format": "none"}}
    assert client.post("/verify", json=same).status_code == 200


def test_too_much_in_one_request_is_refused() -> None:
    with TestClient(make_app(Rewarder(), RewardConfig(batch=2, body_mb=1))) as client:
        assert client.post("/verify", json={"items": [item("4", "4")] * 3}).status_code == 413
        long = client.post("/verify", json={"items": [item("4", "4" * (1 << 20))]})
        assert (long.status_code, "at most" in long.json()["detail"]) == (413, True)
        assert client.post("/verify", content=(part for part in [b"{}"])).status_code == 411
        assert client.post("/verify", json={"items": [item("4", "4")] * 2}).status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer other", "Bearer ", "secret", "Basic secret"])
def test_no_token_no_verdict(header: str | None) -> None:
    with TestClient(make_app(Rewarder(), token="secret")) as client:
        headers = {} if header is None else {"Authorization": header}
        assert client.post("/verify", json={"items": []}, headers=headers).status_code == 401
        assert client.get("/docs", headers=headers).status_code == 401
        assert client.get("/health").status_code == 200
        right = {"Authorization": "Bearer secret"}
        assert client.post("/verify", json={"items": [item("4", "4")]}, headers=right).status_code == 200


class Slow(Rewarder):
    """A stand-in that judges nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Future[Graded]] = []

    def submit(self, answered: Answered) -> Future[Graded]:
        self.held.append(Future())
        return self.held[-1]

    def release(self) -> None:
        for future in self.held:
            if not future.done():
                future.set_result(Graded(Verdict.WRONG, NOTHING, None, "told to", True))


async def ask(client: httpx.AsyncClient, size: int, **more: Any) -> httpx.Response:
    return await client.post("/verify", json={"items": [item("4", "4", **more)] * size}, timeout=60)


def test_a_full_queue_says_so_and_what_was_accepted_is_answered() -> None:
    async def run() -> None:
        rewarder = Slow()
        app = make_app(rewarder, RewardConfig(queue=10))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            first = asyncio.create_task(ask(client, 8))
            while len(rewarder.held) < 8:
                await asyncio.sleep(0.01)
            full = await ask(client, 3)
            assert (full.status_code, full.headers["Retry-After"]) == (429, "1")
            second = asyncio.create_task(ask(client, 2))
            while len(rewarder.held) < 10:
                await asyncio.sleep(0.01)
            assert (await client.get("/health")).json()["waiting"] == 10
            rewarder.release()
            answers = await asyncio.gather(first, second)
            assert [len(answer.json()["results"]) for answer in answers] == [8, 2]
            third = asyncio.create_task(ask(client, 3))
            while len(rewarder.held) < 13:
                await asyncio.sleep(0.01)
            rewarder.release()
            assert (await third).status_code == 200
            assert (await client.get("/health")).json()["waiting"] == 0
        rewarder.close()

    asyncio.run(run())


def test_what_a_client_gave_up_still_counts_until_it_is_judged() -> None:
    async def run() -> None:
        rewarder, desk = Slow(), Desk(RewardConfig(queue=10))
        given_up = asyncio.create_task(desk.grade(rewarder, [Answered("4", "x")] * 8))
        while len(rewarder.held) < 8:
            await asyncio.sleep(0.01)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert desk.waiting == 8
        rewarder.release()
        while desk.waiting:
            await asyncio.sleep(0.01)
        assert desk.judged["wrong"] == 8
        rewarder.close()

    asyncio.run(run())


def test_a_label_that_cannot_be_read_stops_the_batch_before_it_begins() -> None:
    async def run() -> None:
        rewarder, desk = Slow(), Desk(RewardConfig())
        with pytest.raises(HTTPException, match="tests"):
            await desk.grade(rewarder, [Answered("4", "x"), Answered('{"domain": "code"}', "x")])
        assert (desk.waiting, rewarder.held) == (0, [])
        rewarder.close()

    asyncio.run(run())


def test_bytes_in_hand_are_bounded_too() -> None:
    async def run() -> None:
        rewarder = Slow()
        app = make_app(rewarder, RewardConfig(memory_mb=1))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            first = asyncio.create_task(ask(client, 1, statement="x" * 600_000))
            while not rewarder.held:
                await asyncio.sleep(0.01)
            full = await ask(client, 1, statement="x" * 600_000)
            assert (full.status_code, "MiB" in full.json()["detail"]) == (429, True)
            rewarder.release()
            assert (await first).status_code == 200
        rewarder.close()

    asyncio.run(run())


def test_a_verifier_that_is_closed_is_unavailable_not_wrong() -> None:
    rewarder = Rewarder()
    with TestClient(make_app(rewarder)) as client:
        rewarder.close()
        hard = {"ground_truth": "\\int_0^x t \\, dt", "completion": "\\boxed{\\frac{x^2}{2}}"}
        said = client.post("/verify", json={"items": [hard]})
    assert said.status_code == 503


def test_the_page_of_the_interface_names_the_paths(client: TestClient) -> None:
    told = json.loads(client.get("/openapi.json").text)
    assert {"/verify", "/get_reward", "/health"} <= told["paths"].keys()
