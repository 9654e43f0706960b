"""Code problems: the court and the sandbox."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


class AuthorConfig(Strict):
    """Generators and validators of test inputs that the grading model writes for problems that lack tests."""

    enabled: bool = False
    """Off: it needs a model that can program; mutations and a problem's own generator come first."""
    max_tokens: Annotated[int, Field(ge=1)] = 2048
    """Thoughts and a program of a page."""


class CourtConfig(Strict):
    """Code: solutions and tests judged by each other (paper section 4.2, which prints none of these numbers)."""

    min_solutions: Annotated[int, Field(ge=2)] = 3
    """Distinct agreeing solutions that may set or repair an expected output: two can share a mistake by chance."""
    min_share: Annotated[float, Field(gt=0.5, le=1)] = 0.6
    """Share of the trusted votes that must agree: a clear majority, not a bare one."""
    min_tests: Annotated[int, Field(ge=1)] = 5
    """Fewer trusted tests let too many wrong programs pass; a problem with fewer gets generated ones, or goes."""
    max_tests: Annotated[int, Field(ge=1)] = 20
    """Generated tests are cut to the most telling, until there are this many: the paper's reward draws 20."""
    max_repair: Annotated[float, Field(ge=0, le=1)] = 0.4
    """Where the solutions contradict more than this share of the given outputs, that is no accident of a test set but
    another problem, or one with several answers; the problem goes. A tenth of wrong outputs stays well below."""
    generate: bool = True
    """Make tests where there are fewer than min_tests; off, such problems go."""
    candidates: Annotated[int, Field(ge=1)] = 40
    """Inputs made in one round."""
    rounds: Annotated[int, Field(ge=1)] = 4
    """Rounds of inputs at most; it stops once every solution that can be told wrong is."""
    min_kill: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Share of the known-wrong programs that generated tests must catch; below it another round is made."""
    languages: tuple[Literal["python", "cpp"], ...] = ("python", "cpp")
    """Statements are duplicated to ask for each of these where it applies (function calls are Python only); with none
    they stay as they are, and either language will do."""
    author: AuthorConfig = AuthorConfig()
    seed: int = 0
    """Of the mutations: the same tests on every run."""


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
