"""The sandbox that the tests share."""

from collections.abc import Iterator

import pytest

from pipeline.sandbox import Limits, Sandbox, SandboxUnavailable
from pipeline.sandbox.describe import try_mode

LIMITS = Limits(wall=0.5, cpu=1, compile_seconds=3)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One worker with short limits; skips where this machine has no sandbox."""
    try:
        with Sandbox(workers=1, limits=LIMITS) as made:
            yield made
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def walled(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The same in each mode that has walls; skips those that this machine does not have."""
    trial = try_mode(request.param)
    if not trial.works:
        pytest.skip(f"{request.param}: {trial.why}")
    with Sandbox(workers=1, mode=request.param, limits=LIMITS) as made:
        yield made
