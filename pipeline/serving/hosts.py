"""Which requests were meant for this server: its own name in the Host header, its own pages in the Origin header.

A web page elsewhere can make a browser send requests to loopback, and by DNS rebinding under the page's own name; what
a browser then says in these two headers tells.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_PORT = 5


@dataclass(frozen=True)
class HostGuard:
    """Where a server listens: the name or address that it was given, and the port."""

    host: str
    port: int

    def allows_host(self, header: str) -> bool:
        """Whether a Host header names this server: loopback names; beyond loopback also the machine's own names and
        plain addresses, which no foreign name server can claim.
        """
        name, port = split_host(header)
        if port != self.port:
            return False
        if name in ("localhost", "127.0.0.1", "::1", self.host.lower()):
            return True
        if is_loopback(self.host):
            return False
        return is_address(name) or name in (socket.gethostname().lower(), socket.getfqdn().lower())

    def is_own_page(self, headers: Mapping[str, str]) -> bool:
        """Whether the Origin header names this server, as a browser's does for a form of a page of it."""
        origin, host = headers.get("origin", ""), headers.get("host", "")
        same = origin in (f"http://{host}", f"https://{host}")
        return same and headers.get("sec-fetch-site", "same-origin") == "same-origin"

    def allows_origin(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from no web page at all, or from one of this server."""
        from_page = "origin" in headers or headers.get("sec-fetch-site", "none") != "none"
        return not from_page or self.is_own_page(headers)


def split_host(header: str) -> tuple[str, int]:
    """(`localhost`, 8420) of `localhost:8420`; (`::1`, 80) of `[::1]`. Port -1 where it is no port."""
    name, colon, port = header.rpartition(":")
    if not colon or header.endswith("]"):
        name, port = header, "80"
    plain = port.isascii() and port.isdigit() and len(port) <= LONGEST_PORT
    return name.strip("[]").lower(), int(port) if plain else -1


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    return name == "localhost" or (is_address(name) and ipaddress.ip_address(name).is_loopback)
