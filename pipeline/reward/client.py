"""Verdicts for a trainer in an environment of its own: from the reward service, or in this process where there is none.

This file needs nothing but Python: `goldilocks export` writes it, with the run's settings, beside the data together
with the form that a trainer calls. GOLDILOCKS_REWARD_URL is where `goldilocks reward` listens, GOLDILOCKS_REWARD_TOKEN
its token.
"""

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from typing import Any

SETTINGS: dict[str, Any] = {}
"""`verify` and `sandbox` of the run's config."""
ATTEMPTS = 3
"""Times that a completion is judged before its verdict stays unknown; a busy machine is the commonest reason for
one."""
BATCH = 256
"""Completions in one request: well below what the service takes."""
PATIENCE = 120.0
"""Seconds for which a service that is full, or not there, is asked again."""


class UnknownVerdict(RuntimeError):
    """No verdict on a completion, for a trainer that has no word for that; the message says why and what can be
    done."""


def judge(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`verdict`, `reward` (None where the verdict is unknown) and `detail` of each item.

    An item has `ground_truth` and `completion`, and where they are known `statement`, `tokens`, `l_max`, `l_cache`,
    `prompt` (its end will do) and `finish_reason`.
    """
    url = os.environ.get("GOLDILOCKS_REWARD_URL")
    results: dict[int, dict[str, Any]] = {}
    for _ in range(ATTEMPTS):
        ungraded = [at for at in range(len(items)) if results.get(at, {}).get("reward") is None]
        for first in range(0, len(ungraded), BATCH):
            places = ungraded[first : first + BATCH]
            some = [items[at] for at in places]
            results |= dict(zip(places, _ask(url, some) if url else _judge_here(some), strict=True))
    return [results[at] for at in range(len(items))]


def _ask(url: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The service's answer. Raises RuntimeError with what it said, and ConnectionError where it stays away."""
    verify = SETTINGS.get("verify", {})
    body = {
        "items": items,
        "verify": {name: verify[name] for name in ("extract", "format", "thoughts") if name in verify},
    }
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("GOLDILOCKS_REWARD_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{url.rstrip('/')}/verify", json.dumps(body).encode(), headers)
    until, trouble = time.monotonic() + PATIENCE, ""
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                results: list[dict[str, Any]] = json.load(answer)["results"]
                return results
        except urllib.error.HTTPError as error:
            trouble = f"{error.code} {error.read().decode(errors='replace')[:500]}"
            if error.code not in (429, 503):
                raise RuntimeError(f"the reward service at {url} says {trouble}") from None
            time.sleep(float(error.headers.get("Retry-After") or 1))
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error)
            time.sleep(1)
    raise ConnectionError(f"no answer from the reward service at {url} in {PATIENCE:g} s: {trouble}")


_lock = threading.Lock()
_rewarder: Any = None


def _judge_here(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    global _rewarder
    try:
        from goldilocks import Answered, Rewarder, SandboxConfig, VerifyConfig
    except ModuleNotFoundError as error:
        if error.name != "goldilocks":
            raise
        raise RuntimeError(
            "Goldilocks is not installed beside this trainer: start `goldilocks reward` elsewhere and give its address "
            "in GOLDILOCKS_REWARD_URL"
        ) from None
    except ImportError as error:
        raise RuntimeError(
            f"{error}; or start `goldilocks reward` and give its address in GOLDILOCKS_REWARD_URL"
        ) from error
    with _lock:
        if _rewarder is None:
            verify = VerifyConfig.model_validate(SETTINGS.get("verify", {}))
            _rewarder = Rewarder(verify, SandboxConfig.model_validate(SETTINGS.get("sandbox", {})))
    answered = [Answered(**{"truth" if k == "ground_truth" else k: v for k, v in item.items()}) for item in items]
    return [
        {"verdict": one.verdict.value, "reward": one.reward, "detail": one.detail} for one in _rewarder.grade(answered)
    ]
