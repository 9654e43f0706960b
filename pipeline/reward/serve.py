"""Run the reward service in this process until it is told to stop."""

import os
import socket

from pipeline.reward.rewarder import Rewarder
from pipeline.serving.hosts import HostGuard, is_loopback
from pipeline.text.visible import print_visible
from schemas.config import Config
from schemas.errors import InputError

CONNECTIONS = 1024
"""At once; past it 503. A trainer of a few hundred workers with a connection each."""


def serve_rewards(config: Config, host: str, port: int) -> None:
    """Serve until interrupted; port 0 takes a free one. Raises InputError where others could reach it without a
    token."""
    import uvicorn

    from pipeline.reward.service import make_app
    from pipeline.serving.protocol import ImpatientProtocol

    name = config.reward.token_env
    token = os.environ.get(name) or None
    if token is None and not is_loopback(host):
        raise InputError(
            f"--host {host}: others reach it there, and it runs the programs that it is sent; set a token in the "
            f"environment variable {name}, or listen on 127.0.0.1"
        )
    with listen(host, port) as listening:
        where = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        guarded = f"with the token of {name}" if token else "without a token"
        print_visible(f"rewards at {where}, {guarded}; up or not: {where}/health")
        app = make_app(Rewarder.of(config), config.reward, token, HostGuard(host.lower(), listening.getsockname()[1]))
        settings = uvicorn.Config(app, http=ImpatientProtocol, log_level="warning", limit_concurrency=CONNECTIONS)
        uvicorn.Server(settings).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises InputError where the address cannot be had."""
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        made = socket.socket(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(CONNECTIONS)
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port}: {error}; give another --host or --port") from None
    return made
