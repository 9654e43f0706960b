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
    python_factor: Annotated[float, Field(gt=0)] = 5.0
    """A problem with a time limit of its own (`time_limit`) has that one times this for Python, in the place of `wall`:
    limits are set for C++, and judges that have one a language (HackerEarth) give Python five times as much."""
    cpp_factor: Annotated[float, Field(gt=0)] = 2.0
    """The same for C++: this is not the judge's machine, and several programs run on it at once."""
    machine_factor: Annotated[float, Field(gt=0)] = 1.0
    """Times both: more for a machine that is slower than judges' are."""
    longest: Annotated[float, Field(gt=0)] = 15.0
    """Seconds a test that no problem's own limit exceeds: an endless program takes all of it."""
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
