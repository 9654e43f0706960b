"""What a child gives up before it runs a line of somebody else's program: resources, system calls, the file system.

seccomp is a list of what is allowed (x86-64), everything else answers ENOSYS, so that an unknown call is a plain error
to the program and a new kernel brings no hole. Written as classic BPF by hand (seccomp(2), linux/filter.h): a library
would have to be mounted. Landlock (landlock(7)) stands in where there are no namespaces.
"""

import ctypes
import os
import resource
import struct
from collections.abc import Mapping
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS = 1, 4, 22, 38
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X86_64, _X32 = 0xC000003E, 0x40000000
_EPERM, _EAGAIN, _EACCES, _ENOSYS = 1, 11, 13, 38
_NUMBER, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24
_THREAD, _NEW_NAMESPACES = 0x00010000, 0x7E020000

# By number, from the kernel's syscall_64.tbl.
_READ_WRITE = (0, 1, 2, 3, 4, 5, 6, 7, 8, 17, 18, 19, 20, 21, 22, 23, 32, 33, 73, 74, 75, 76, 77, 78, 79, 80, 81, 89)
_MORE_FILES = (137, 138, 217, 221, 257, 262, 267, 269, 270, 271, 290, 292, 293, 295, 296, 332, 436, 439)
_MEMORY = (9, 10, 11, 12, 25, 26, 27, 28)
_SIGNALS = (13, 14, 15, 34, 36, 37, 38, 127, 128, 130, 131)
_TIME = (35, 96, 201, 228, 229, 230)
_THREADS = (24, 143, 145, 146, 147, 186, 202, 204, 218, 273, 274, 309, 324, 334, 449)
_SELF = (39, 60, 61, 63, 95, 97, 98, 99, 100, 102, 104, 107, 108, 110, 111, 115, 118, 120, 121, 124, 140, 158, 160)
_MORE_SELF = (231, 232, 233, 247, 281, 291, 318, 441)
_PLAIN = (*_READ_WRITE, *_MORE_FILES, *_MEMORY, *_SIGNALS, *_TIME, *_THREADS, *_SELF, *_MORE_SELF)
_FORKS = (57, 58)
_SOCKETS = (41, 42, 53)
_MAKE_FILES = (82, 83, 84, 85, 86, 87, 88, 90, 133, 258, 259, 263, 264, 265, 266, 268, 316)
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)
_THREAD_NAMES = (15, 16)
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032, 1034)
_CLONE, _KILL_CALL, _TGKILL, _PRLIMIT, _PRCTL, _IOCTL, _EXECVEAT, _FCNTL = 56, 62, 234, 302, 157, 16, 322, 72

EXEC_FD = 3
"""The descriptor of a compiled program: the only one that may be executed."""


_Code = list[tuple[int, ...]]
_Range = tuple[int, _Code]
_OWN_PID = 0x7FABCDEF
"""Stands for the process's own id in a filter until there is a process."""


def write_filter(execute: bool) -> bytes:
    """The BPF program of a child, which may signal itself (_OWN_PID) alone; `execute` lets it become the program at
    descriptor EXEC_FD.

    A binary search over the calls' numbers: the kernel runs a new filter once for every call there is, and with a list
    in place of the search that takes half as long as the fork.
    """
    unknown: _Code = [(_RETURN, _ERRNO | _ENOSYS)]
    answers: dict[int, _Code] = {number: [(_RETURN, _ALLOW)] for number in _PLAIN}
    for numbers, error in ((_FORKS, _EAGAIN), (_SOCKETS, _EACCES), (_MAKE_FILES, _EPERM)):
        answers.update({number: [(_RETURN, _ERRNO | error)] for number in numbers})
    answers[_CLONE] = [
        (_LOAD, _ARG0),
        (_ANY_BIT, _NEW_NAMESPACES, 1, 0),
        (_ANY_BIT, _THREAD, 1, 0),
        (_RETURN, _ERRNO | _EAGAIN),
        (_RETURN, _ALLOW),
    ]
    answers[_KILL_CALL] = answers[_TGKILL] = _allow_only(_ARG0, _OWN_PID)
    answers[_PRLIMIT] = _allow_only(_ARG0, 0, _OWN_PID)
    answers[_PRCTL] = _allow_only(_ARG0, *_THREAD_NAMES)
    answers[_IOCTL] = _allow_only(_ARG1, *_IOCTLS)
    answers[_FCNTL] = _allow_only(_ARG1, *_FCNTLS)
    if execute:
        answers[_EXECVEAT] = _allow_only(_ARG0, EXEC_FD)
    ranges: list[_Range] = []
    for number in range(max(answers) + 2):
        answer = answers.get(number, unknown)
        if not ranges or ranges[-1][1] != answer:
            ranges.append((number, answer))
    code = [
        (_LOAD, _ARCH),
        (_EQUAL, _X86_64, 1, 0),
        (_RETURN, _KILL),
        (_LOAD, _NUMBER),
        (_AT_LEAST, _X32, 0, 1),
        (_RETURN, _KILL),
        *_search(ranges),
    ]
    return b"".join(_instruction(*one) for one in code)


def _allow_only(offset: int, *values: int) -> _Code:
    found: _Code = [(_LOAD, offset)]
    for value in values:
        found += [(_EQUAL, value, 0, 1), (_RETURN, _ALLOW)]
    return [*found, (_RETURN, _ERRNO | _EPERM)]


def _search(ranges: list[_Range]) -> _Code:
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    return [(_AT_LEAST, ranges[middle][0], len(below), 0), *below, *above]


def _instruction(operation: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", operation, true, false, value)


_FILTERS = {execute: write_filter(execute) for execute in (False, True)}


def filter_for(pid: int, execute: bool) -> bytes:
    """The filter with the process's own id in it."""
    return _FILTERS[execute].replace(struct.pack("I", _OWN_PID), struct.pack("I", pid))


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def forbid_calls(execute: bool = False) -> None:
    """Install the filter on this process, for good; raises OSError where the kernel refuses."""
    code = filter_for(os.getpid(), execute)
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(held))
    if _libc.prctl(_SECCOMP, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refuses a seccomp filter")


def give_up_privileges() -> None:
    """No new privileges, no core file, no look into this process from outside; it dies with its parent."""
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_DUMPABLE, 0, 0, 0, 0)
    _libc.prctl(_PDEATHSIG, 9, 0, 0, 0)


def limit_resources(limits: Mapping[str, Any], tests: int, more_files: int) -> None:
    """The rlimits of one child that runs `tests` tests with `more_files` descriptors beside the program's own."""
    cpu = int(limits["cpu"] * tests)
    files = int(limits["files"]) + more_files
    for what, soft, hard in (
        (resource.RLIMIT_AS, limits["address_mb"] << 20, limits["address_mb"] << 20),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_FSIZE, limits["output_mb"] << 20, limits["output_mb"] << 20),
        (resource.RLIMIT_STACK, limits["stack_mb"] << 20, limits["stack_mb"] << 20),
        (resource.RLIMIT_NOFILE, files, files),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_SIGPENDING, 256, 256),
    ):
        resource.setrlimit(what, (soft, hard))
    if limits["threads"]:
        resource.setrlimit(resource.RLIMIT_NPROC, (limits["threads"], limits["threads"]))


def landlock_abi() -> int:
    """The kernel's Landlock version, 0 where it has none (or has it switched off)."""
    return max(0, int(_libc.syscall(444, None, 0, 1)))


def confine_files(read: tuple[str, ...], write: tuple[str, ...] = (), devices: tuple[str, ...] = ()) -> None:
    """Landlock: leave `read` to read and execute, `write` to do anything in, `devices` to read and write; no TCP, and
    no signals outwards where the kernel can forbid them. Raises OSError where Landlock is missing."""
    abi = landlock_abi()
    if abi < 1:
        raise OSError(_ENOSYS, "this kernel has no Landlock")
    everything = (1 << 13) - 1 | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    rules = struct.pack("QQQ", everything, 3, 3)[:size]
    ruleset = _libc.syscall(444, rules, size, 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses a Landlock ruleset")
    read_execute, read_write = 0b1101, 0b0110
    for paths, rights in ((read, read_execute), (write, everything), (devices, read_write)):
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            _libc.syscall(445, ruleset, 1, struct.pack("=QI", rights & everything, fd), 0)
            os.close(fd)
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    refused = _libc.syscall(446, ruleset, 0)
    os.close(ruleset)
    if refused:
        raise OSError(ctypes.get_errno(), "the kernel refuses Landlock")
