"""Where untrusted programs run."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


class SandboxConfig(Strict):
    """Where programs run that nobody trusts, and what one test may take."""

    mode: Literal["auto", "bubblewrap", "landlock", "unsafe"] = "auto"
    """`auto` takes namespaces, else Landlock with a warning; `unsafe`, which has no walls, has to be asked for."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Programs at once; none is one a core."""
    wall: Annotated[float, Field(gt=0)] = 4.0
    """Seconds a test, not counting those in which the machine had no core for it. A time-out costs as much as a
    thousand tests; contest problems allow one to three seconds in C++."""
    cpu: Annotated[int, Field(ge=1)] = 5
    """CPU seconds over all threads: threads do not multiply the time."""
    memory_mb: Annotated[int, Field(ge=16)] = 300
    """Resident memory at its peak: over the 256 MB that contest problems allow."""
    output_mb: Annotated[int, Field(ge=1)] = 16
    """Of one test; the longest expected outputs are a few MB."""
    files: Annotated[int, Field(ge=8)] = 32
    """Open descriptors: a program needs three."""
    compile_seconds: Annotated[int, Field(ge=1)] = 10
    """CPU seconds of the compiler; half a second is usual."""
    compile_memory_mb: Annotated[int, Field(ge=256)] = 2048
    """Heavy templates take one GB."""
