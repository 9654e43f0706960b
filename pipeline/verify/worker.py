"""The slow path's own processes: a nursery that holds math-verify in memory, and the workers that it forks.

Importing SymPy and math-verify takes seconds; a fork of a process that has them takes milliseconds. So one nursery
imports them once and forks a worker whenever a slot of the pool needs one, which makes killing a worker cheap. The
nursery talks to the pool over a SEQPACKET socket and ends at its end of file: when the pool's process dies, however
it dies, the nursery ends, and the kernel kills its workers (PR_SET_PDEATHSIG). math-verify's own timeouts use
signals, and are off.

Run by `pipeline.verify.pool`, never by hand.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from functools import lru_cache
from typing import Any

_WARM_UP = (
    (r"\frac{x+1}{x^2-1}", r"\frac{1}{x-1}"),
    (r"y = c e^{1/x}", r"y = c \exp(\frac{1}{x})"),
    (r"\sin^2 x + \cos^2 x", "1"),
    (r"1 < x \le 2", r"(1, 2]"),
    (r"\begin{pmatrix} 1 \\ \sqrt{2} \end{pmatrix}", r"\begin{pmatrix} 1 \\ 1.414214 \end{pmatrix}"),
    (r"(0,1) \cup [2, \infty)", r"[2, \infty) \cup (0,1)"),
    (r"\log_2 8 + \ln e", "4"),
    (r"3 + 4i", r"4i + 3"),
)


@lru_cache(maxsize=512)
def read(text: str) -> Any:
    """The SymPy object that a LaTeX text writes, by math-verify's parser; None when it cannot be read as a whole."""
    from latex2sympy2_extended.latex2sympy2 import NormalizationConfig, latex2sympy, normalize_latex
    from math_verify.grader import should_treat_as_complex
    from sympy import nan, zoo

    config = NormalizationConfig(
        basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="none", equations=False
    )
    try:
        normal = normalize_latex(text, config)
        if not normal.strip():
            return None
        value = latex2sympy(
            normal, is_real=not should_treat_as_complex(normal), convert_degrees=False, normalization_config=None
        )
    except MemoryError:
        raise
    except Exception:
        return None
    if value is None or value is nan or value is zoo or (hasattr(value, "has") and value.has(nan, zoo)):
        return None
    return value


def decide(label: str, answer: str | None) -> tuple[str, str]:
    """(verdict, detail) of one comparison; without an answer, whether the label can be read ("correct") at all."""
    from math_verify import verify

    expected = read(label)
    if expected is None:
        return "unknown", "the label cannot be parsed"
    if answer is None:
        return "correct", "parsed"
    found = read(answer)
    if found is None:
        return "wrong", "the answer cannot be parsed"
    if _differ(expected, found) or not verify(expected, found, timeout_seconds=None):
        return "wrong", "not equal"
    return ("correct", "equal") if _confirm(expected, found) else ("wrong", "not equal")


def _differ(expected: Any, found: Any) -> bool:
    """Whether two expressions take clearly different values at a point: a proof that saves SymPy's `simplify`.

    Points are fixed and positive, so that verdicts repeat. Single letters are left to math-verify, which reads words
    as products of letters, and so is everything that has no plain value (relations, sets, matrices, percentages).
    """
    from sympy import Expr, Symbol, UnevaluatedExpr

    for side in (expected, found):
        if not isinstance(side, Expr) or isinstance(side, Symbol) or side.has(UnevaluatedExpr):
            return False
    try:
        names = sorted(expected.free_symbols | found.free_symbols, key=str)
        point = {name: (1.3 + 0.37 * position) for position, name in enumerate(names)}
        left, right = (complex(side.evalf(15, subs=point)) for side in (expected, found))
    except Exception:
        return False
    size = max(abs(left), abs(right))
    return bool(1e-280 < size < 1e280) and abs(left - right) > 1e-4 * max(size, 1.0)


def _confirm(expected: Any, found: Any) -> bool:
    """Looks again at two constants that were called equal: math-verify takes numbers below 1e-15 for zero."""
    from sympy import Expr, Float, N, simplify

    if not (isinstance(expected, Expr) and isinstance(found, Expr)):
        return True
    try:
        if expected.free_symbols or found.free_symbols:
            return True
        left, right = complex(N(expected, 30)), complex(N(found, 30))
        rough = expected.has(Float) or found.has(Float)
    except Exception:
        return True
    if abs(left - right) <= (1e-3 if rough else 1e-9) * max(abs(left), abs(right)):
        return True
    return not rough and bool(simplify(expected - found) == 0)


def _limit(memory: int) -> None:
    import resource

    with open("/proc/self/statm") as statm:
        held = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with_parent(parent: int) -> None:
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def serve(channel: socket.socket, memory: int) -> None:
    """Answers requests, one JSON line each, until the end of file or until the memory limit is met."""
    _limit(memory)
    lines = channel.makefile("rb")
    for line in lines:
        label, answer = json.loads(line)
        spent = False
        try:
            verdict, detail = decide(label, answer)
        except MemoryError:
            verdict, detail, spent = "unknown", "out of memory", True
        except RecursionError:
            verdict, detail = "unknown", "nested too deeply"
        except Exception as error:
            verdict, detail = "unknown", f"{type(error).__name__} in the comparison"
        channel.sendall(json.dumps([verdict, detail]).encode() + b"\n")
        if spent:
            return


def nurse(control: socket.socket, memory: int) -> None:
    """Forks a worker for each socket that arrives ("fork"), kills the one that is named ("kill PID"), ends at end of
    file."""
    import gc
    import logging

    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for label, answer in _WARM_UP:
        decide(label, answer)
    gc.collect()
    gc.freeze()
    workers: set[int] = set()
    myself = os.getpid()
    while True:
        select.select([control], [], [])
        message, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not message:
            break
        if message == b"fork":
            pid = os.fork()
            if pid == 0:
                _die_with_parent(myself)
                control.close()
                try:
                    serve(socket.socket(fileno=descriptors[0]), memory)
                finally:
                    os._exit(0)
            os.close(descriptors[0])
            workers.add(pid)
            control.send(str(pid).encode())
        else:
            pid = int(message.split()[1])
            if pid in workers:
                workers.discard(pid)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            control.send(b"dead")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for pid in workers:
        os.waitpid(pid, 0)


def main(descriptor: int, memory: int) -> None:
    """The nursery's entry point: `descriptor` is its end of the pool's socket."""
    nurse(socket.socket(fileno=descriptor), memory)
