"""A real S3-compatible server on loopback: rclone's `serve s3` over a folder, out of its wheel."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import httpx

from tests.conftest import free_port

BUCKET = "goldilocks"
SECONDS = 60
"""A hang guard: it is there in half a second."""


@contextmanager
def serve_s3(place: Path) -> Iterator[dict[str, str]]:
    """The environment in which `s3://goldilocks` is a bucket of this server; objects lie below `place`."""
    (place / "objects" / BUCKET).mkdir(parents=True)
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(Path(sys.executable).parent / "rclone"), "serve", "s3", str(place / "objects")]
    command += ["--addr", url.removeprefix("http://"), "--no-cleanup", "--vfs-cache-mode", "writes"]
    command += ["--dir-cache-time", "1h", "--vfs-write-back", "0", "--cache-dir", str(place / "cache")]
    command += ["--config", str(place / "none")]
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            assert server.poll() is None, (place / "log").read_text()
            assert time.monotonic() < deadline
            try:
                httpx.get(url, timeout=2)
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_REGION": "us-east-1",
            # rclone answers for a part of an object with the checksum of the whole.
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
    finally:
        server.terminate()
        server.wait()


@contextmanager
def with_environment(more: dict[str, str]) -> Iterator[None]:
    """This process with `more` in its environment, and no file system of fsspec's kept from before."""
    old = {key: os.environ.get(key) for key in more}
    os.environ.update(more)
    fsspec.filesystem("s3").clear_instance_cache()
    try:
        yield
    finally:
        fsspec.filesystem("s3").clear_instance_cache()
        for key, value in old.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
