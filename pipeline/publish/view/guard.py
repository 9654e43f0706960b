"""Who may ask: requests for this server by its own name, from its own pages, with its token where it has one.

The page is for one person on one machine. A web page elsewhere can make a browser send requests to loopback; so the
Host header must name this server (against DNS rebinding), and what changes the run must be sent by a page that this
server drew.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serving.hosts import HostGuard

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Guard(HostGuard):
    """Where the server listens, the token that a reader needs (None on loopback), and the secret of its forms."""

    token: str | None = None
    form: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def cookie(self) -> str:
        """Browsers share cookies between the ports of a host."""
        return f"goldilocks-{self.port}"

    def allows_change(self, headers: Mapping[str, str], form: Mapping[str, str]) -> bool:
        """Whether a form was sent by a page of this server."""
        return self.is_own_page(headers) and hmac.compare_digest(form.get("form", "").encode(), self.form.encode())

    def allows_read(self, headers: Mapping[str, str]) -> bool:
        """Whether what is asked for goes to no web page elsewhere. A link from there may be followed; an image, a frame
        or a script's request is work for this server that nobody sees.
        """
        followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        # A page's own styles and scripts come without an Origin; no page can write this header itself.
        own = headers.get("sec-fetch-site") == "same-origin"
        return self.allows_origin(headers) or ((followed or own) and "origin" not in headers)

    def knows(self, token: str | None) -> bool:
        return self.token is None or hmac.compare_digest((token or "").encode(), self.token.encode())


class GuardMiddleware:
    """Refuses what the guard does not allow, and sets the headers that keep a problem's text from doing anything."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self.guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refuse(scope)
        await (refused or self.app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        guard, request = self.guard, Request(scope)
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not guard.allows_host(host):
            return PlainTextResponse(f"This server is not {host[:100]!r}; use the address that it printed.\n", 421)
        if request.method in ("GET", "HEAD") and not guard.allows_read(headers):
            return PlainTextResponse("Asked for by a web page of another server.\n", 403)
        if guard.token is None:
            return None
        if "token" in request.query_params and guard.knows(request.query_params["token"]):
            rest = [pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] != "token"]
            answer = RedirectResponse(f"/?{urlencode(rest)}" if rest else "/", 303)
            answer.set_cookie(guard.cookie, guard.token, httponly=True, samesite="lax")
            return answer
        if guard.knows(request.cookies.get(guard.cookie)):
            return None
        return PlainTextResponse("A token is needed: open the whole address that `goldilocks view` printed.\n", 401)
