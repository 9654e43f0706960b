"""What the fault suite tries, and what it counted.

`FAULTS=long` is the long form (`make faults`): every file operation, and many more random moments. `FAULTS_SEED`
repeats the random ones of an earlier session, which prints its seed.
"""

import os
import random
from dataclasses import dataclass, field

LONG = os.environ.get("FAULTS") == "long"
SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(10**6) if LONG else 0))


@dataclass
class Figures:
    """What the suite did. A fault that ended in another result has failed its test."""

    tried: dict[str, int] = field(default_factory=dict)
    problems: int = 0
    samples: int = 0
    lost: int = 0
    doubled: int = 0

    def count(self, kind: str, faults: int = 1) -> None:
        self.tried[kind] = self.tried.get(kind, 0) + faults

    def add(self, tried: dict[str, int], problems: int, samples: int, lost: int, doubled: int) -> None:
        """Those of another process too."""
        for kind, faults in tried.items():
            self.count(kind, faults)
        self.problems += problems
        self.samples += samples
        self.lost += lost
        self.doubled += doubled

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.tried.items()))
        return (
            f"faults tried: {sum(self.tried.values())} ({kinds}; seed {SEED}). Rows lost: {self.lost}, samples stored "
            f"twice: {self.doubled}, of {self.problems:,} problems and {self.samples:,} samples compared."
        )


FIGURES = Figures()
