"""What a child gives up before it runs a line of somebody else's program: resources, system calls, the file system.

The seccomp filter lists the system calls that are allowed (x86-64); every other answers ENOSYS, so that an unknown call
is a plain error to the program and a new kernel brings no hole. It is written as classic BPF by hand (seccomp(2),
linux/filter.h) because a library would have to be mounted. Landlock (landlock(7)) stands in where there are no
namespaces.
"""

import ctypes
import errno
import fcntl
import os
import resource
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pipeline.sandbox.inside.system_calls import X86_64 as _CALLS

_libc = ctypes.CDLL(None, use_errno=True)
_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS = 1, 4, 22, 38
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_AUDIT_ARCH_X86_64, _X32 = 0xC000003E, 0x40000000
_NUMBER, _ARCH, _ARG0, _ARG1, _ARG5 = 0, 4, 16, 24, 56
_EMPTY_PATH = 0x1000
_THREAD, _NEW_NAMESPACES = 0x00010000, 0x7E020000

_FILES = """
    read write open close stat fstat lstat poll lseek pread64 pwrite64 readv writev access pipe select dup dup2
    flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir readlink statfs fstatfs getdents64
    fadvise64 openat newfstatat readlinkat faccessat pselect6 ppoll eventfd2 dup3 pipe2 preadv pwritev statx
    close_range faccessat2
"""
_MEMORY = """
    mmap mprotect munmap brk mremap msync mincore madvise
"""
_SIGNALS = """
    rt_sigaction rt_sigprocmask rt_sigreturn pause getitimer alarm setitimer rt_sigpending rt_sigtimedwait
    rt_sigsuspend sigaltstack
"""
_TIME = """
    nanosleep gettimeofday time clock_gettime clock_getres clock_nanosleep
"""
_THREADS = """
    sched_yield sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min gettid futex
    sched_getaffinity set_tid_address set_robust_list get_robust_list getcpu membarrier rseq futex_waitv
"""
_SELF = """
    getpid exit wait4 uname umask getrlimit getrusage sysinfo times getuid getgid geteuid getegid getppid getpgrp
    getgroups getresuid getresgid getpgid getsid getpriority arch_prctl setrlimit exit_group epoll_wait epoll_ctl
    waitid epoll_pwait epoll_create1 getrandom epoll_pwait2
"""
_PLAIN = _FILES + _MEMORY + _SIGNALS + _TIME + _THREADS + _SELF
"""Allowed whatever their arguments are."""
_FORKS = "fork vfork"
_SOCKETS = "socket connect socketpair"
_MAKE_FILES = """
    rename mkdir rmdir creat link unlink symlink chmod mknod mkdirat mknodat unlinkat renameat linkat symlinkat
    fchmodat renameat2
"""
_TCGETS, _TIOCGWINSZ, _FIONREAD, _FIONCLEX, _FIOCLEX = 0x5401, 0x5413, 0x541B, 0x5450, 0x5451
_IOCTLS = (_TCGETS, _TIOCGWINSZ, _FIONREAD, _FIONCLEX, _FIOCLEX)
_PR_SET_NAME, _PR_GET_NAME = 15, 16
_F_OFD_GETLK, _F_OFD_SETLK, _F_OFD_SETLKW = 36, 37, 38
_F_SETPIPE_SZ, _F_GETPIPE_SZ, _F_GET_SEALS = 1031, 1032, 1034
_FCNTLS = (
    fcntl.F_DUPFD,
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_SETFL,
    fcntl.F_GETLK,
    fcntl.F_SETLK,
    fcntl.F_SETLKW,
    _F_OFD_GETLK,
    _F_OFD_SETLK,
    _F_OFD_SETLKW,
    fcntl.F_DUPFD_CLOEXEC,
    _F_SETPIPE_SZ,
    _F_GETPIPE_SZ,
    _F_GET_SEALS,
)
"""Descriptors are copied, locked and asked; F_SETOWN, F_SETSIG, F_SETLEASE and F_NOTIFY, which send signals, are not
here, and neither is F_ADD_SEALS. Constants that Python 3.9 lacks are written out."""

_Code = list[tuple[int, ...]]
_Range = tuple[int, _Code]
_OWN_PID = 0x7FABCDEF
"""Stands for the process's own id in a filter until there is a process."""
_KEY = (0x7FABCDED, 0x7FABCDEE)
"""Stand for the two halves of a key until there is one."""


def write_filter(execute: bool) -> bytes:
    """The BPF program of a child, which may signal itself (_OWN_PID) alone; `execute` lets whoever has the _KEY become
    another program.

    A binary search over the calls' numbers: the kernel runs a new filter once for every call there is, and with a list
    in place of the search that takes half as long as the fork.
    """
    unknown: _Code = [(_RETURN, _ERRNO | errno.ENOSYS)]
    answers: dict[str, _Code] = {name: [(_RETURN, _ALLOW)] for name in _PLAIN.split()}
    for names, error in ((_FORKS, errno.EAGAIN), (_SOCKETS, errno.EACCES), (_MAKE_FILES, errno.EPERM)):
        answers.update({name: [(_RETURN, _ERRNO | error)] for name in names.split()})
    answers["clone"] = [
        (_LOAD, _ARG0),
        (_ANY_BIT, _NEW_NAMESPACES, 1, 0),
        (_ANY_BIT, _THREAD, 1, 0),
        (_RETURN, _ERRNO | errno.EAGAIN),
        (_RETURN, _ALLOW),
    ]
    answers["kill"] = answers["tgkill"] = _allow_only(_ARG0, _OWN_PID)
    answers["prlimit64"] = _allow_only(_ARG0, 0, _OWN_PID)
    answers["prctl"] = _allow_only(_ARG0, _PR_SET_NAME, _PR_GET_NAME)
    answers["ioctl"] = _allow_only(_ARG1, *_IOCTLS)
    answers["fcntl"] = _allow_only(_ARG1, *_FCNTLS)
    if execute:
        low, high = _KEY
        refuse = (_RETURN, _ERRNO | errno.EPERM)
        answers["execveat"] = [
            *((_LOAD, _ARG5), (_EQUAL, low, 1, 0), refuse),
            *((_LOAD, _ARG5 + 4), (_EQUAL, high, 1, 0), refuse),
            (_RETURN, _ALLOW),
        ]
    ranges: list[_Range] = []
    by_number = {_CALLS[name]: answer for name, answer in answers.items()}
    for number in range(max(by_number) + 2):
        answer = by_number.get(number, unknown)
        if not ranges or ranges[-1][1] != answer:
            ranges.append((number, answer))
    code = [
        (_LOAD, _ARCH),
        (_EQUAL, _AUDIT_ARCH_X86_64, 1, 0),
        (_RETURN, _KILL),
        (_LOAD, _NUMBER),
        (_AT_LEAST, _X32, 0, 1),
        (_RETURN, _KILL),
        *_search(ranges),
    ]
    return b"".join(_instruction(*one) for one in code)


def _allow_only(offset: int, *values: int) -> _Code:
    code: _Code = [(_LOAD, offset)]
    for value in values:
        code += [(_EQUAL, value, 0, 1), (_RETURN, _ALLOW)]
    return [*code, (_RETURN, _ERRNO | errno.EPERM)]


def _search(ranges: list[_Range]) -> _Code:
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    return [(_AT_LEAST, ranges[middle][0], len(below), 0), *below, *above]


def _instruction(operation: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", operation, true, false, value)


_FILTERS = {execute: write_filter(execute) for execute in (False, True)}


def filter_for(pid: int, key: bytes | None = None) -> bytes:
    """The filter with the process's own id in it, and the eight bytes of a `key` that let it execute."""
    code = _FILTERS[key is not None].replace(struct.pack("I", _OWN_PID), struct.pack("I", pid))
    if key is not None:
        code = code.replace(struct.pack("I", _KEY[0]), key[:4]).replace(struct.pack("I", _KEY[1]), key[4:])
    return code


def execute(fd: int, key: bytes, more: Sequence[str] = ()) -> NoReturn:
    """Become the program at `fd`, with its name and `more` as arguments and an empty environment; raises OSError where
    it cannot be run.

    execveat takes five arguments and the filter sees six: the key is the sixth. It is new for each process and gone
    with the memory and the registers of the one that calls this, so what was executed can execute nothing, whatever it
    puts at which descriptor.
    """
    words = [b"prog", *(word.encode("utf-8", "surrogateescape") for word in more)]
    arguments = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    environment = (ctypes.c_char_p * 1)(None)
    os.set_inheritable(fd, False)
    number, sixth = _CALLS["execveat"], ctypes.c_uint64(int.from_bytes(key, "little"))
    _libc.syscall(number, fd, b"", arguments, environment, _EMPTY_PATH, sixth)
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def forbid_calls(execute_key: bytes | None = None) -> None:
    """Install the filter on this process, for good; raises OSError where the kernel refuses."""
    code = filter_for(os.getpid(), execute_key)
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(held))
    if _libc.prctl(_SECCOMP, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refuses a seccomp filter")


def give_up_privileges() -> None:
    """No new privileges, no core file, no look into this process from outside; it dies with its parent."""
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_DUMPABLE, 0, 0, 0, 0)
    _libc.prctl(_PDEATHSIG, 9, 0, 0, 0)


def limit_resources(limits: Mapping[str, Any], more_files: int) -> None:
    """The rlimits of one child, with `more_files` descriptors beside the program's own. Its tests share one CPU
    limit."""
    cpu = int(limits["cpu"])
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
    return max(0, int(_libc.syscall(_CALLS["landlock_create_ruleset"], None, 0, 1)))


def confine_files(read: tuple[str, ...], write: tuple[str, ...] = (), devices: tuple[str, ...] = ()) -> None:
    """Landlock: leave `read` to read and execute, `write` to do anything in, `devices` to read and write; no TCP, and
    no signals outwards where the kernel can forbid them. Raises OSError where Landlock is missing."""
    abi = landlock_abi()
    if abi < 1:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    everything = (1 << 13) - 1 | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    rules = struct.pack("QQQ", everything, 3, 3)[:size]
    ruleset = _libc.syscall(_CALLS["landlock_create_ruleset"], rules, size, 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses a Landlock ruleset")
    read_execute, read_write = 0b1101, 0b0110
    for paths, rights in ((read, read_execute), (write, everything), (devices, read_write)):
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            _libc.syscall(_CALLS["landlock_add_rule"], ruleset, 1, struct.pack("=QI", rights & everything, fd), 0)
            os.close(fd)
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    refused = _libc.syscall(_CALLS["landlock_restrict_self"], ruleset, 0)
    os.close(ruleset)
    if refused:
        raise OSError(ctypes.get_errno(), "the kernel refuses Landlock")
