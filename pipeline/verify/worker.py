"""SymPy's own processes: a nursery that holds math-verify in memory, and the workers that it forks.

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
    """(verdict, detail) of one comparison; without an answer, whether the label can be read ("correct") at all.

    Only expressions are compared, by their values at points: what cannot be evaluated is unknown.
    """
    expected = read(label)
    if expected is None:
        return "unknown", "the label cannot be parsed"
    if answer is None:
        return "correct", "parsed"
    given = read(answer)
    if given is None:
        return "wrong", "the answer cannot be parsed"
    return _agree(expected, given)


NO_VALUES, NO_VALUE = "no numeric values", "the answer has no value"
"""Details of unknown verdicts: neither expression has values that can be compared, or only the label has."""


def _agree(expected: Any, given: Any) -> tuple[str, str]:
    """The verdict by the values of two expressions at fixed points, to 20 digits. What diverges equals nothing."""
    from sympy import Expr

    if not (isinstance(expected, Expr) and isinstance(given, Expr)):
        return "unknown", NO_VALUES
    sides = [side.doit() for side in (expected, given)]
    endless = [side.has(*_endless()) for side in sides]
    if any(endless):
        return ("unknown", NO_VALUES) if endless[0] else ("wrong", "the answer diverges")
    names = sorted(sides[0].free_symbols | sides[1].free_symbols, key=str)
    agreed = lacking = 0
    for turn in range(3 if names else 1):
        point = {name: _START + _STEP * (at + 7 * turn) for at, name in enumerate(names)}
        values = [_evaluate(side, point) for side in sides]
        if None in values:
            lacking += values[0] is not None
            continue
        gap, size = abs(values[0] - values[1]), max(map(abs, values))
        if gap > 1e-18 * max(size, 1e-30):
            return "wrong", "not equal"
        agreed += 1
    if agreed >= (2 if names else 1):
        return "correct", "equal"
    return "unknown", NO_VALUE if lacking and not agreed else NO_VALUES


_START, _STEP = 1.3, 0.37
"""Positive points, so that verdicts repeat."""


def _evaluate(side: Any, point: dict[Any, float]) -> Any:
    """A value to 25 digits, or None."""
    from sympy import Rational

    exact = {name: Rational(str(value)) for name, value in point.items()}
    try:
        value = side.subs(exact).evalf(25)
    except (ValueError, TypeError, NotImplementedError):
        return None
    if not value.is_number or not value.is_finite or value.has(*_unevaluated()):
        return None
    return value


@lru_cache(maxsize=1)
def _unevaluated() -> tuple[Any, ...]:
    from sympy import Integral, Limit, Product, Sum

    return Integral, Limit, Sum, Product


@lru_cache(maxsize=1)
def _endless() -> tuple[Any, ...]:
    from sympy import AccumBounds, nan, oo, zoo

    return AccumBounds, nan, oo, -oo, zoo


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
