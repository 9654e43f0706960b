"""The system-call filter, run by hand on every call there is."""

import errno
import re
import struct
from pathlib import Path

import pytest

from pipeline.sandbox.inside.lockdown import filter_for
from pipeline.sandbox.inside.system_calls import X86_64 as CALLS

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
AUDIT_X86_64, AUDIT_I386 = 0xC000003E, 0x40000003
PID = 4321
KEY = bytes(range(1, 9))
SECRET = int.from_bytes(KEY, "little")


def answer(number: int, *args: int, arch: int = AUDIT_X86_64, key: bytes | None = None) -> int:
    """What the filter says of one call: a small interpreter of classic BPF."""
    data = struct.pack("<iIQ6Q", number, arch, 0, *(arg % 2**64 for arg in args), *(0,) * (6 - len(args)))
    code = [struct.unpack("HBBI", part) for (part,) in struct.iter_unpack("8s", filter_for(PID, key))]
    at = held = 0
    while True:
        op, true, false, value = code[at]
        at += 1
        if op == 0x20:
            (held,) = struct.unpack_from("<I", data, value)
        elif op == 0x06:
            return value
        else:
            met = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[op]
            at += true if met else false


FORBIDDEN = {
    "socket": 41,
    "connect": 42,
    "sendto": 44,
    "socketpair": 53,
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "clone3": 435,
    "ptrace": 101,
    "process_vm_readv": 310,
    "pidfd_getfd": 438,
    "pidfd_send_signal": 424,
    "tkill": 200,
    "rt_sigqueueinfo": 129,
    "mount": 165,
    "umount2": 166,
    "pivot_root": 155,
    "chroot": 161,
    "unshare": 272,
    "setns": 308,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "keyctl": 250,
    "shmget": 29,
    "semget": 64,
    "msgget": 68,
    "mq_open": 240,
    "memfd_create": 319,
    "setuid": 105,
    "setresuid": 117,
    "capset": 126,
    "setsid": 112,
    "kexec_load": 246,
    "init_module": 175,
    "reboot": 169,
    "clock_settime": 227,
    "settimeofday": 164,
    "fallocate": 285,
    "splice": 275,
    "personality": 135,
    "modify_ldt": 154,
    "seccomp": 317,
    "landlock_restrict_self": 446,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "mkdir": 83,
    "unlink": 87,
    "symlink": 88,
    "execveat": 322,
}


@pytest.mark.parametrize("number", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_forbidden_calls_answer_an_error_whatever_their_arguments(number: int) -> None:
    for first in (0, 1, 2, 3, PID, 2**32 - 1, 0x10000):
        assert answer(number, first, first, first) & 0xFFFF0000 == ERRNO


def test_an_unknown_call_is_unknown() -> None:
    assert {answer(number) for number in range(450, 1000)} == {ERRNO | errno.ENOSYS}


def test_other_gates_into_the_kernel_kill() -> None:
    for number in range(500):
        assert answer(number, arch=AUDIT_I386) == KILL
        assert answer(number | 0x40000000) == KILL


def test_signals_and_limits_reach_the_process_itself_alone() -> None:
    for name in ("kill", "tgkill", "prlimit64"):
        number = CALLS[name]
        assert answer(number, PID) == ALLOW
        for other in (1, -1, -PID, PID + 1, 2**32 - 1):
            assert answer(number, other) != ALLOW


def test_threads_are_allowed_and_processes_and_namespaces_are_not() -> None:
    thread = 0x3D0F00
    assert answer(CALLS["clone"], thread) == ALLOW
    assert answer(CALLS["clone"], 0x01200011) != ALLOW
    assert answer(CALLS["clone"], thread | 0x10000000) != ALLOW


def test_signals_by_descriptor_and_terminal_tricks_are_forbidden() -> None:
    assert all(answer(CALLS["fcntl"], 3, command) != ALLOW for command in (8, 10, 15, 1024, 1026, 1033))
    assert all(answer(CALLS["ioctl"], 3, command) != ALLOW for command in (0x5412, 0x8901, 0x8902, 0x5410))
    assert answer(CALLS["fcntl"], 3, 3) == ALLOW


@pytest.mark.parametrize("fd", [0, 3, 7])
def test_only_who_has_the_key_may_execute_whatever_the_descriptor(fd: int) -> None:
    def execute(sixth: int) -> int:
        return answer(CALLS["execveat"], fd, 0, 0, 0, 0x1000, sixth, key=KEY)

    assert execute(SECRET) == ALLOW
    for other in (0, 1, SECRET + 1, SECRET - 1, SECRET & 0xFFFFFFFF, SECRET >> 32 << 32, 2**64 - 1, 0x7FABCDEE7FABCDED):
        assert execute(other) != ALLOW
    assert answer(CALLS["execveat"], fd, 0, 0, 0, 0x1000, SECRET) != ALLOW
    assert answer(FORBIDDEN["execve"], fd, 0, 0, 0, 0, SECRET, key=KEY) != ALLOW


def test_the_table_has_the_numbers_of_this_machine_s_kernel_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers (linux-libc-dev)")
    numbers = {name: int(n) for name, n in re.findall(r"#define __NR_(\w+) (\d+)", header.read_text())}
    assert {name: numbers.get(name) for name in CALLS} == CALLS
    assert {name: numbers.get(name) for name in FORBIDDEN} == FORBIDDEN
