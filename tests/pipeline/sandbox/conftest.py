"""The sandbox that the tests share."""

from collections.abc import Iterator

import pytest

from pipeline.sandbox import Limits, Sandbox, SandboxUnavailable

LIMITS = Limits(wall=0.5, cpu=1, compile_seconds=3)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One worker with short limits; skips where this machine has no sandbox."""
    try:
        with Sandbox(workers=1, limits=LIMITS) as made:
            yield made
    except SandboxUnavailable as error:
        pytest.skip(str(error))
