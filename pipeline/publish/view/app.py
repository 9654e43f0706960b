"""The routes: addresses to pages, forms to flags."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pipeline.labels.flags import add_flag, withdraw_flag
from pipeline.publish.view.guard import Guard, GuardMiddleware
from pipeline.publish.view.pages import COPIES, Pages, choose_number
from pipeline.publish.view.runs import OpenRun
from schemas.errors import InputError

FORM = 32_768
"""Bytes of a form: a note of the longest kind in any script."""
NOT_SENT = (
    "The form was not sent from a page of this server as it now runs. Reload the page and send it again; nothing was "
    "written. The note was:"
)


def build_app(runs: Sequence[OpenRun], guard: Guard) -> Starlette:
    """The server for `runs`: the first is looked at and flagged, a second is what it is compared with."""
    pages = Pages(runs, guard)
    style = _read("report", "figures.css") + _read("report", "style.css") + _read("view", "view.css")
    script = _read("view", "view.js")

    def page(draw: Callable[[Request], str | None]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                drawn = draw(request)
            except InputError as error:
                return HTMLResponse(pages.draw_message("This cannot be shown", str(error)), 400)
            if drawn is None:
                return _missing(request)
            return HTMLResponse(drawn)

        return answer

    def _missing(request: Request) -> Response:
        place = request.url.path
        message = f"Nothing is at {place}. A problem that was here may have another id now: look for its text."
        return HTMLResponse(pages.draw_message("Not found", message), 404)

    async def change(request: Request, act: Callable[[dict[str, str]], str]) -> Response:
        form = await _read_form(request)
        if not guard.allows_change(request.headers, form):
            return HTMLResponse(pages.draw_message("Not written", NOT_SENT, form.get("note", "")), 403)
        try:
            back = await run_in_threadpool(act, form)
        except (InputError, OSError) as error:
            message = str(error) if isinstance(error, InputError) else f"The flag was not written: {error}"
            return HTMLResponse(pages.draw_message("Not written", message, form.get("note", "")), 400)
        return RedirectResponse(back, 303)

    async def flag(request: Request) -> Response:
        id_ = request.path_params["id"]

        def act(form: dict[str, str]) -> str:
            copy = choose_number(form.get("copy", "0"), COPIES, "copy")
            facts = runs[0].read(id_, copy)
            if facts is None:
                raise InputError(f"there is no problem {id_[:40]!r} in {runs[0].folder.root}")
            add_flag(runs[0].folder, id_, form.get("note", ""), pages.tell_seen(facts), form.get("answer"))
            return _back(form, f"/problem/{quote(id_)}")

        return await change(request, act)

    async def withdraw(request: Request) -> Response:
        def act(form: dict[str, str]) -> str:
            withdraw_flag(runs[0].folder, form.get("name", ""))
            return _back(form, "/flags")

        return await change(request, act)

    def asset(text: str, kind: str) -> Callable[[Request], Response]:
        return lambda request: Response(text, media_type=kind)

    def broken(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 404:
            return _missing(request)
        raise error

    return Starlette(
        routes=[
            Route("/", page(lambda r: pages.draw_list(r.query_params.multi_items()))),
            Route("/problem/{id}", page(lambda r: pages.draw_problem(r.path_params["id"], r.query_params))),
            Route("/compare", page(lambda r: pages.draw_compare(r.query_params))),
            Route("/flags", page(lambda r: pages.draw_flags())),
            Route("/problem/{id}/flag", flag, methods=["POST"]),
            Route("/withdraw", withdraw, methods=["POST"]),
            Route("/static/view.css", asset(style, "text/css")),
            Route("/static/view.js", asset(script, "text/javascript")),
        ],
        middleware=[Middleware(GuardMiddleware, guard=guard)],
        exception_handlers={404: broken},
    )


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM:
            raise HTTPException(413, "the form is too long")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise HTTPException(400, f"the form cannot be read: {error}") from None


def _back(form: dict[str, str], where: str) -> str:
    """The page that the form stood on; its question only, never another address."""
    asked = form.get("asked", "")
    return f"{where}?{quote(asked, safe='=&%+')}" if asked else where


def _read(package: str, name: str) -> str:
    return files("pipeline.publish").joinpath(package, name).read_text(encoding="utf-8")
