"""Code problems: how solutions and tests are checked against each other."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


class AuthorConfig(Strict):
    """Programs that the grading model writes: generators and validators of test inputs for problems that lack tests,
    checkers for those with several right answers."""

    enabled: bool = False
    """Off: it needs a model that can program; mutations and a problem's own generator come first."""
    max_tokens: Annotated[int, Field(ge=1)] = 2048
    """Thoughts and a program of a page."""


class CodeTestsConfig(Strict):
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
    another problem, or one with several answers; the problem goes, unless so many programs agree that no other
    explanation holds. A tenth of wrong outputs stays well below."""
    generate: bool = True
    """Make tests where there are fewer than min_tests; off, such problems go."""
    languages: tuple[Literal["python", "cpp"], ...] = ("python", "cpp")
    """Statements are duplicated to ask for each of these where it applies (function calls are Python only); with none
    they stay as they are, and either language will do."""
    author: AuthorConfig = AuthorConfig()
