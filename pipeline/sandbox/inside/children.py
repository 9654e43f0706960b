"""The forked children: each reads its work from descriptors, locks itself down, runs one program and ends.

A child reports through its progress pipe: `s` once it is locked down, then one byte as each test but the last ends (`k`
it ended well, `x` it failed). The last test's end is the process's own. The program can write these bytes too: it can
lose a test by that, never win one, since what passes is decided outside from what it printed or returned within one
test's time. The tests of one process are in each other's reach: inputs and outputs, never what is expected.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.sandbox.inside import codec, objects
from pipeline.sandbox.inside.lockdown import (
    confine_files,
    execute,
    forbid_calls,
    give_up_privileges,
    limit_resources,
)

NOT_EXECUTABLE, NO_COMPILE, OUT_OF_MEMORY, TESTER_BROKEN, TESTER_FAILED, TESTER_PASSED = 44, 45, 46, 47, 48, 42
"""Exit codes with a meaning. A program may choose one of the first three and so choose how it fails."""
READABLE = ("/usr", "/lib", "/lib64", "/bin")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
MAX_LINE = 64 << 20


def read_all(fd: int) -> bytes:
    """All bytes of a memfd, whatever its offset."""
    return os.pread(fd, os.fstat(fd).st_size, 0)


def lock_down(limits: Mapping[str, Any], fds: Sequence[int], execute_key: bytes | None = None) -> None:
    """Close every descriptor from 3 on but `fds`, then give up all that a program has no use for. Whoever has the
    `execute_key` may execute a descriptor."""
    if execute_key is None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    low = 3
    for fd in sorted(fds):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, 4096)
    give_up_privileges()
    if limits["landlock"]:
        confine_files(READABLE, devices=DEVICES)
    limit_resources(limits, len(fds))
    if limits["seccomp"]:
        forbid_calls(execute_key)


def open_streams() -> None:
    """Python's own streams over descriptors 0, 1 and 2, in UTF-8 whatever the machine's locale."""
    for name, fd, mode, errors in (
        ("stdin", 0, "r", "surrogateescape"),
        ("stdout", 1, "w", "surrogateescape"),
        ("stderr", 2, "w", "backslashreplace"),
    ):
        stream = os.fdopen(fd, mode, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _compile(code: str) -> Any:
    try:
        return compile(code, "prog.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        traceback.print_exc(limit=0)
        sys.stderr.flush()
        os._exit(NO_COMPILE)


def _run_main(code: Any, arguments: Sequence[str] = ()) -> int:
    """Run a compiled program as `__main__` to its very end; its exit status."""
    main = type(sys)("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.argv = ["prog.py", *arguments]
    sys.setrecursionlimit(1000)
    status = 0
    try:
        exec(code, main.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            status = (end.code or 0) & 255
        else:
            print(end.code, file=sys.stderr)
            status = 1
    except MemoryError:
        status = OUT_OF_MEMORY
    except BaseException:
        traceback.print_exc()
        status = 1
    return _end_run(status, main.__dict__)


def _end_run(code: int, names: dict[str, Any] | None = None) -> int:
    """What an interpreter does at its end: wait for threads, call what is registered, drop the program's `names` (files
    that it opened are flushed by that), flush. The exit status."""
    threading = sys.modules.get("threading")
    if threading is not None:
        with contextlib.suppress(BaseException):
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and not thread.daemon:
                    thread.join()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    if names is not None:
        with contextlib.suppress(BaseException):
            names.clear()
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BaseException:
            code = code or 1
    return code


def run_program(limits: Mapping[str, Any], fds: Sequence[int], progress: int) -> int:
    """A Python program on stdin texts, one after the other: fds are job, stderr, then (stdin, stdout) a test."""
    job, errors, *streams = fds
    os.dup2(errors, 2)
    code = read_all(job).decode("utf-8", "surrogatepass")
    tests = len(streams) // 2
    lock_down(limits, [progress, *streams])
    os.write(progress, b"s")
    gc.enable()
    compiled, status = None, 0
    for test in range(tests):
        os.dup2(streams[2 * test], 0)
        os.dup2(streams[2 * test + 1], 1)
        if tests == 1:
            os.closerange(3, 64)
        open_streams()
        if compiled is None:
            compiled = _compile(code)
        status = _run_main(compiled)
        if test < tests - 1:
            os.write(progress, b"x" if status else b"k")
    return status


def run_executable(limits: Mapping[str, Any], fds: Sequence[int], progress: int) -> int:
    """A compiled program on one stdin text: fds are binary, stderr, stdin, stdout."""
    binary, errors, given, got = fds
    os.dup2(given, 0)
    os.dup2(got, 1)
    os.dup2(errors, 2)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    key = os.urandom(8)
    lock_down(limits, [binary, progress], execute_key=key)
    os.write(progress, b"s")
    try:
        execute(binary, key)
    except OSError as error:
        os.write(2, f"cannot be executed: {error.strerror}".encode())
        return NOT_EXECUTABLE


def run_checker(limits: Mapping[str, Any], fds: Sequence[int], progress: int) -> int:
    """A checker on one output: fds are job, stderr, input, answer, output, and the binary of a compiled one.

    It reads the three as files under /proc/self/fd, or the output on stdin, as the job's `arguments` say. What it
    prints goes nowhere: its exit status is all that is known of it.
    """
    job, errors, given, answer, output, *binary = fds
    work = json.loads(read_all(job))
    files = {"{input}": given, "{answer}": answer, "{output}": output}
    arguments = [f"/proc/self/fd/{files[word]}" if word in files else word for word in work["arguments"]]
    os.dup2(output if work["stdin"] else _null, 0)
    os.dup2(_null, 1)
    os.dup2(errors, 2)
    kept = [given, answer, *([] if work["stdin"] else [output])]
    for fd in kept:
        os.set_inheritable(fd, True)
    key = os.urandom(8) if binary else None
    lock_down(limits, [progress, *kept, *binary], execute_key=key)
    os.write(progress, b"s")
    if key is None:
        gc.enable()
        open_streams()
        return _run_main(_compile(work["code"]), arguments)
    try:
        execute(binary[0], key, arguments)
    except OSError as error:
        os.write(2, f"cannot be executed: {error.strerror}".encode())
        return NOT_EXECUTABLE


def find_function(names: dict[str, Any], entry: str) -> Callable[[], Callable[..., Any]]:
    """How to get at `entry`, dots and all; a method of a class `Solution` is found there, on a new object a call."""
    first, *rest = entry.split(".")
    if first not in names and isinstance(names.get("Solution"), type):
        first, rest = "Solution", [first, *rest]

    def get() -> Callable[..., Any]:
        target = names[first]
        for part in rest:
            target = getattr(target() if isinstance(target, type) else target, part)
        return target  # type: ignore[no-any-return]

    return get


def _load(code: str) -> dict[str, Any]:
    module = type(sys)("candidate")
    module.__dict__["__builtins__"] = builtins
    sys.modules["candidate"] = module
    exec(_compile(code), module.__dict__)
    return module.__dict__


def _call(get: Callable[[], Callable[..., Any]], names: dict[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if "expression" in call:
            value = eval(call["expression"], names)
        else:
            args, kwargs = codec.decode(call["args"]), codec.decode(call["kwargs"])
            value = get()(*args, **kwargs)
            if call.get("after"):
                value = [*args, *kwargs.values()]
        return {"ok": codec.encode(value)}
    except BaseException as error:
        return {"error": type(error).__name__, "message": _describe_error(error)}


def _describe_error(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except BaseException:
        return ""


def run_calls(limits: Mapping[str, Any], fds: Sequence[int], progress: int) -> int:
    """Calls of one function: fds are job, stderr, results. One line of JSON a call goes into results."""
    job, errors, results = fds
    os.dup2(_null, 0)
    os.dup2(_null, 1)
    os.dup2(errors, 2)
    work = json.loads(read_all(job))
    lock_down(limits, [progress, results])
    open_streams()
    os.write(progress, b"s")
    gc.enable()
    try:
        names = _load(work["code"])
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException:
        traceback.print_exc()
        return _end_run(1)
    get = find_function(names, work["entry"])
    for number, call in enumerate(work["calls"]):
        line = json.dumps(_call(get, names, call), separators=(",", ":")).encode() + b"\n"
        while line:
            line = line[os.write(results, line) :]
        if number < len(work["calls"]) - 1:
            os.write(progress, b"k")
    return 0


def _enter(limits: Mapping[str, Any], fds: Sequence[int], kept: Sequence[int]) -> Any:
    """Read the job of a split judge's side, and go behind the walls with `kept` descriptors."""
    job, errors = fds
    os.dup2(_null, 0)
    os.dup2(_null, 1)
    os.dup2(errors, 2)
    work = json.loads(read_all(job))
    lock_down(limits, list(kept))
    open_streams()
    return work


def serve_calls(limits: Mapping[str, Any], fds: Sequence[int], progress: int, asked: int, answers: int) -> int:
    """The candidate's side of a split judge: fds are job and stderr; it answers calls with data, and sees no test."""
    work = _enter(limits, fds, [progress, asked, answers])
    os.write(progress, b"c")
    os.close(progress)
    gc.enable()
    try:
        names = _load(work["code"])
    except BaseException:
        traceback.print_exc()
        return _end_run(1)
    get = find_function(names, work["entry"])
    shelf = objects.Shelf(objects.is_class(work["entry"]))
    with os.fdopen(asked, "rb") as requests, os.fdopen(answers, "wb") as replies:
        for line in requests:
            replies.write(json.dumps(_answer(get, shelf, json.loads(line))).encode() + b"\n")
            replies.flush()
    return 0


def _answer(get: Callable[[], Callable[..., Any]], shelf: objects.Shelf, request: dict[str, Any]) -> dict[str, Any]:
    """What the candidate says: `ok` is data, `after` what a call that returned nothing left in its arguments."""
    try:
        if "on" in request:
            return shelf.do(request)
        args = [shelf.take(item) for item in request["args"]]
        kwargs = {name: shelf.take(item) for name, item in request["kwargs"].items()}
        reply = shelf.give(get()(*args, **kwargs))
        if reply == {"ok": None} and any(isinstance(value, _CHANGING) for value in args):
            reply["after"] = [codec.encode(value) if isinstance(value, _CHANGING) else None for value in args]
        return reply
    except BaseException as error:
        return {"error": type(error).__name__, "message": _describe_error(error)}


_CHANGING = (list, dict, set)


def _write_back(args: Sequence[Any], after: Sequence[Any]) -> None:
    """Into the tester's own arguments what a call has left in them."""
    for value, tagged in zip(args, after, strict=True):
        if isinstance(value, _CHANGING) and tagged is not None:
            new = codec.decode(tagged)
            value.clear()
            value.extend(new) if isinstance(value, list) else value.update(new)


def run_tester(limits: Mapping[str, Any], fds: Sequence[int], progress: int, answers: int, asked: int) -> int:
    """The tester's side: fds are job and stderr. The candidate is a function that can give nothing but data."""
    work = _enter(limits, fds, [progress, asked, answers])
    os.write(progress, b"s")
    gc.enable()
    with os.fdopen(answers, "rb") as replies, os.fdopen(asked, "wb") as requests:

        def ask(call: dict[str, Any]) -> dict[str, Any]:
            requests.write(json.dumps(call).encode() + b"\n")
            requests.flush()
            line = replies.readline(MAX_LINE)
            if not line.endswith(b"\n"):
                raise CandidateGone("the program ended before it answered")
            reply: dict[str, Any] = json.loads(line)
            if "error" not in reply:
                return reply
            kind = getattr(builtins, str(reply["error"]), None)
            if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, _TAKEN_FOR_MORE):
                kind = RuntimeError
            try:
                error = kind(str(reply.get("message")))
            except Exception:
                error = RuntimeError(str(reply.get("message")))
            raise error

        def read(reply: dict[str, Any]) -> Any:
            if "object" in reply:
                return handles.make(reply["object"])
            if "method" in reply:
                return objects.METHOD
            if "end" in reply:
                raise StopIteration
            tagged = reply["items"] if "items" in reply else reply["ok"]
            if codec.has_nan(tagged):
                raise CandidateGone("it returned nan")
            return iter(codec.decode(tagged)) if "items" in reply else codec.decode(tagged)

        handles = objects.Handles(lambda call: read(ask(call)), CandidateGone)

        def candidate(*args: Any, **kwargs: Any) -> Any:
            call = {"args": [handles.pack(a) for a in args], "kwargs": {k: handles.pack(v) for k, v in kwargs.items()}}
            reply = ask(call)
            value = read(reply)
            if "after" in reply:
                _write_back(args, reply["after"])
            return value

        return _test(work, candidate)


_TAKEN_FOR_MORE = (AssertionError, StopIteration, StopAsyncIteration)
"""Errors that are no error to whoever calls: a loop over map(f, inputs) ends at a StopIteration as at its end."""


class CandidateGone(BaseException):
    """No answer, or none that counts. No test's `except Exception` catches it."""


def _test(work: Mapping[str, Any], candidate: Callable[..., Any]) -> int:
    try:
        code = compile(work["test"], "test.py", "exec", dont_inherit=True)
    except BaseException:
        traceback.print_exc(limit=0)
        return _end_run(TESTER_BROKEN)
    names: dict[str, Any] = {
        "__name__": "tester",
        "__builtins__": builtins,
        "candidate": candidate,
        work["entry"]: candidate,
    }
    try:
        exec(code, names)
        names[work["entry"]] = candidate
        if callable(names.get("check")):
            names["check"](candidate)
    except AssertionError:
        traceback.print_exc()
        return _end_run(TESTER_FAILED)
    except BaseException:
        traceback.print_exc()
        return _end_run(1)
    return TESTER_PASSED


_null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
