"""The reward service: verdicts in the order asked, null where nothing is known, and no for what is too much."""

import asyncio
import json
import sys
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from fastapi import HTTPException, Request
from starlette.testclient import TestClient

from pipeline.reward.intake import Memory
from pipeline.reward.rewarder import Answered, Graded, Rewarder, _Labels
from pipeline.reward.service import Desk, make_app
from pipeline.serving.hosts import HostGuard
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


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":[' + b"{}," * 60_000 + b"{}]}",
        b'{"items":[' + b"[" * 90_000,
        b'{"query":[' + b'"",' * 90_000 + b'""],"prompts":[],"labels":[]}',
        b'{"items":[{' + b",".join(b'"%d":0' % n for n in range(30_000)) + b"}]}",
        b'{"a\\":' + b'{"a\\":' * 60_000,
    ],
    ids=["empty objects", "depth", "empty texts", "keys", "depth by keys"],
)
@pytest.mark.parametrize("path", ["/verify", "/get_reward"])
def test_a_body_of_many_values_is_refused_before_any_is_parsed(body: bytes, path: str) -> None:
    with TestClient(make_app(Rewarder())) as client:
        tracemalloc.start()
        said = client.post(path, content=body)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (said.status_code, "JSON values" in said.json()["detail"]) == (413, True)
    assert peak < 10 * len(body)


def test_a_label_of_many_values_is_refused_before_it_is_parsed(client: TestClient) -> None:
    bomb = '{"domain": "code", "tests": [' + "{}," * 70_000 + "{}]}"
    said = client.post("/verify", json={"items": [item(bomb, "4")]})
    assert (said.status_code, "JSON values" in said.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "more",
    [
        {"tokens": 9, "l_max": 8, "l_cache": 9},
        {"tokens": 10**400},
        {"l_max": 10**400, "l_cache": 10**400},
        {"l_cache": 10**5000},
        {"tokens": -1},
        {"tokens": float("inf")},
        {"l_max": float("nan")},
    ],
)
def test_lengths_that_mean_nothing_are_the_client_s_error(client: TestClient, more: dict[str, Any]) -> None:
    sys.set_int_max_str_digits(0)
    try:
        body = json.dumps({"items": [item("4", "4"), item("4", "4", **more)]})
    finally:
        sys.set_int_max_str_digits(4300)
    said = client.post("/verify", content=body)
    assert said.status_code == 422
    assert "body" in said.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [{"ground_truth": "4", "completion": "\\ud800 \\\\boxed{4}"}]}',
        b'{"items": [{"ground_truth": "\\udfff", "completion": "4"}]}',
        b'{"items": [], "\\ud800": 1}',
        b'{"items": [{"\\ud800": 1}]}',
        b'{"items": [{"ground_truth": "4", "completion": "\xed\xa0\x80"}]}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_text_that_is_no_unicode_is_the_client_s_error(client: TestClient, body: bytes) -> None:
    assert client.post("/verify", content=body).status_code == 422


@pytest.mark.parametrize("length", ["9" * 5000, "9" * 20, "-1", "1e3", "²".encode().decode("latin-1"), ""])
def test_a_length_that_is_no_length_is_refused(length: str) -> None:
    async def run() -> None:
        app = make_app(Rewarder())
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        headers = [(b"host", b"here"), (b"content-length", length.encode("latin-1"))]
        scope = {"type": "http", "method": "POST", "path": "/verify", "headers": headers, "query_string": b""}
        await app(scope, receive, send)
        assert sent[0]["status"] in (411, 413)

    asyncio.run(run())


def test_a_body_that_does_not_come_gives_its_place_back_and_holds_only_what_came() -> None:
    async def run() -> None:
        memory = Memory(RewardConfig(body_seconds=0.2, memory_mb=1))
        seen: list[int] = []

        async def receive() -> dict[str, Any]:
            if seen:
                await asyncio.sleep(3600)
            seen.append(memory.bytes)
            return {"type": "http.request", "body": b"{" * 10, "more_body": True}

        headers = [(b"content-length", str(1 << 20).encode())]
        request = Request({"type": "http", "method": "POST", "path": "/verify", "headers": headers}, receive)
        with pytest.raises(HTTPException) as late:
            async with memory.receive(request):
                raise AssertionError("no body came")
        assert (late.value.status_code, seen, memory.bytes) == (408, [0], 0)

    asyncio.run(run())


def test_a_client_that_goes_away_is_no_fault_of_the_service() -> None:
    async def run() -> None:
        app, sent = make_app(Rewarder()), list[Any]()
        messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return next(messages)

        headers = [(b"host", b"here"), (b"content-length", b"10")]
        scope = {"type": "http", "method": "POST", "path": "/verify", "headers": headers, "query_string": b""}
        await app(scope, receive, send)
        assert sent[0]["status"] == 400

    asyncio.run(run())


def test_a_completion_of_millions_of_characters_is_refused_with_its_place(client: TestClient) -> None:
    said = client.post("/verify", json={"items": [item("4", "4"), item("4", "4" * (5 << 20))]})
    assert (said.status_code, "body.items.1.completion" in said.json()["detail"]) == (422, True)


def test_texts_count_as_wide_as_they_are() -> None:
    with TestClient(make_app(Rewarder(), RewardConfig(memory_mb=1))) as client:
        wide = client.post("/verify", json={"items": [item("4", "4", statement="x" * 500_000 + "\U0001f600")]})
        assert (wide.status_code, "memory_mb" in wide.json()["detail"]) == (413, True)
        plain = client.post("/verify", json={"items": [item("4", "4", statement="x" * 500_000)]})
        assert plain.status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "127.0.0.1:8100"}, 200),
        ({"host": "evil.example:8100"}, 421),
        ({"host": "127.0.0.1:" + "9" * 5000}, 421),
        ({"host": "127.0.0.1:8100", "origin": "http://evil.example"}, 403),
        ({"host": "127.0.0.1:8100", "sec-fetch-site": "cross-site"}, 403),
        ({"host": "127.0.0.1:8100", "origin": "http://127.0.0.1:8100"}, 200),
    ],
)
def test_a_web_page_elsewhere_reaches_nothing(headers: dict[str, str], code: int) -> None:
    with TestClient(make_app(Rewarder(), guard=HostGuard("127.0.0.1", 8100))) as client:
        for path in ("/verify", "/get_reward", "/health"):
            body = {"items": [item("4", "4")], "query": ["a"], "prompts": [""], "labels": ["4"]}
            wanted = body if path == "/get_reward" else {"items": body["items"]}
            said = (
                client.get(path, headers=headers)
                if path == "/health"
                else client.post(path, json=wanted, headers=headers)
            )
            assert said.status_code == code, path


def test_with_a_token_any_name_may_lead_here() -> None:
    with TestClient(make_app(Rewarder(), token="secret", guard=HostGuard("0.0.0.0", 8100))) as client:
        headers = {"host": "rewards.cluster.internal", "Authorization": "Bearer secret"}
        assert client.post("/verify", json={"items": [item("4", "4")]}, headers=headers).status_code == 200
        assert client.post("/verify", json={"items": []}, headers={"host": "evil.example"}).status_code == 401


def test_labels_kept_read_are_bounded_by_their_text() -> None:
    labels = _Labels(100)
    for n in range(50):
        labels.read(f"{n:040d}")
    assert sum(map(len, labels._held)) <= 100
    assert labels.read("x" * 1000) == "x" * 1000
    assert not labels._held


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
