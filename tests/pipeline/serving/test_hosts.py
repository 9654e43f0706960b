"""Requests that were meant for this server, and those that a page elsewhere made a browser send."""

import pytest

from pipeline.serving.hosts import HostGuard, split_host

LOOPBACK = HostGuard("127.0.0.1", 8100)


@pytest.mark.parametrize("host", ["127.0.0.1:8100", "localhost:8100", "LOCALHOST:8100", "[::1]:8100"])
def test_loopback_is_known_by_its_names(host: str) -> None:
    assert LOOPBACK.allows_host(host)


@pytest.mark.parametrize(
    "host", ["evil.example:8100", "127.0.0.1.evil.example:8100", "127.0.0.1", "", "127.0.0.1:81", "10.0.0.1:8100", ":"]
)
def test_a_name_that_others_can_point_here_is_not_this_server(host: str) -> None:
    assert not LOOPBACK.allows_host(host)


@pytest.mark.parametrize("port", ["9" * 10_000, "-1", "٣", "²", "8100 ", "0x50", ""])
def test_what_is_no_port_is_port_minus_one(port: str) -> None:
    assert split_host(f"localhost:{port}") == ("localhost", -1)


def test_beyond_loopback_addresses_count_which_no_name_server_can_claim() -> None:
    guard = HostGuard("0.0.0.0", 8100)
    assert guard.allows_host("10.1.2.3:8100")
    assert not guard.allows_host("evil.example:8100")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": "http://127.0.0.1:8100"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8100"}, False),
        ({"sec-fetch-site": "none"}, True),
    ],
)
def test_a_request_of_a_page_elsewhere_is_told_by_its_origin(headers: dict[str, str], allowed: bool) -> None:
    assert LOOPBACK.allows_origin({"host": "127.0.0.1:8100", **headers}) is allowed
