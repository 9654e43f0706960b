"""Goldilocks for your own Python: verify completions, reward them in a trainer, read a run, detect a language.

The packages below this one have common names (`schemas`, `pipeline`), so a folder of the same name beside a user's
script can hide them. Importing this package checks that first: it raises HiddenPackageError with the folder's path.
"""

from goldilocks._hidden import HiddenPackageError, check_hidden

check_hidden()

from goldilocks._run import Run  # noqa: E402
from goldilocks._verify import verify, verify_many, write_label  # noqa: E402
from pipeline.language import detect_language, is_consistent, keeps_language  # noqa: E402
from pipeline.reward.rewarder import Answered, Graded, Rewarder  # noqa: E402
from pipeline.reward.trl import TrlReward  # noqa: E402
from schemas.config import SandboxConfig, VerifyConfig  # noqa: E402
from schemas.errors import InputError  # noqa: E402
from schemas.reasons import Verdict  # noqa: E402

__all__ = [
    "Answered",
    "Graded",
    "HiddenPackageError",
    "InputError",
    "Rewarder",
    "Run",
    "SandboxConfig",
    "TrlReward",
    "Verdict",
    "VerifyConfig",
    "detect_language",
    "is_consistent",
    "keeps_language",
    "verify",
    "verify_many",
    "write_label",
]
