"""Listen and serve: the only place that opens a socket."""

import secrets
import socket
import threading
from collections.abc import Callable

import uvicorn

from pipeline.publish.view.app import build_app
from pipeline.publish.view.guard import Guard
from pipeline.publish.view.runs import OpenRun
from pipeline.run.storage import RunFolder
from pipeline.serving.hosts import is_address, is_loopback
from pipeline.serving.protocol import ImpatientProtocol
from schemas.errors import InputError


def serve_runs(folders: list[RunFolder], host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the pages of `folders` until interrupted; `say` is told the address. Port 0 takes a free one.

    Beyond loopback a token is part of the address. Raises InputError where it cannot listen.
    """
    listener = listen(host, port)
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    guard = Guard(host.lower(), listener.getsockname()[1], token)
    runs = [OpenRun(folder) for folder in folders]
    config = uvicorn.Config(
        build_app(runs, guard),
        http=ImpatientProtocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    say(name_address(guard))
    for run in runs:
        threading.Thread(target=run.prepare, daemon=True).start()
    uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on, so that the address can be told before the server has started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); choose another --port (0 takes a free one)"
        ) from None
    return listener


def name_address(guard: Guard) -> str:
    """The address to open. Where it listens everywhere, by the machine's name."""
    host = socket.gethostname() if guard.host in ("0.0.0.0", "::") else guard.host
    name = f"[{host}]" if is_address(host) and ":" in host else host
    return f"http://{name}:{guard.port}/" + (f"?token={guard.token}" if guard.token else "")
