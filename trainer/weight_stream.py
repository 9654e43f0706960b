"""New weights into the engines of this machine, through a bucket that is filled again and again.

The trainer gathers one tensor after the other, and their bytes go through buckets of BUCKET bytes: while the workers
read one, the next is filled. Neither the host nor a GPU ever holds the model a second time. A worker on the trainer's
own GPU reads a bucket where it lies in that GPU's memory (CUDA IPC); all others read it from the host's memory, in a
file without a name. What is said beside the bytes goes through a Unix socket, for processes of the same user alone.

Adapters (`train.lora`) go merged into their weights: for workers to read the frozen ones from the model's files took
longer, on a card (docs/gpu.md).

NCCL, between GPUs of one machine or of several, is not written: two GPUs are needed to run it.
"""

import mmap
import os
import secrets
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Self

import torch
from torch import Tensor

BUCKET = 1 << 28
"""Bytes: a larger one saves nothing, as a worker copies some GB a second; a tensor may be larger than it."""
BUCKETS = 2
SCHEME = "stream:"


@dataclass(frozen=True)
class Hello:
    """A worker's first word: one of `workers` that load the same weights for the same engine, and on which GPU."""

    engine: int
    workers: int
    gpu: str


@dataclass(frozen=True)
class Opening:
    """The answer: the path of each bucket, or what opens it in the GPU's memory."""

    paths: tuple[str, ...] = ()
    handles: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A part of a tensor in a bucket: `size` bytes from `at` in the bucket, and from `start` in the tensor."""

    name: str
    dtype: torch.dtype
    shape: torch.Size
    start: int
    at: int
    size: int


@dataclass(eq=False)
class _Reader:
    connection: Connection
    hello: Hello | None = None
    done: int = 0
    """Buckets that it has finished."""


@dataclass
class _Buckets:
    """On the trainer's GPU for those who can read there, in the host's memory for the others; either may be absent."""

    gpu: tuple[Tensor, ...] = ()
    host: tuple[Tensor, ...] = ()
    paths: tuple[str, ...] = ()

    def fill(self, number: int, at: int, some: Tensor) -> None:
        into = (self.gpu or self.host)[number % BUCKETS]
        into[at : at + some.numel()].copy_(some)

    def finish(self, number: int, size: int) -> None:
        """Make what was filled the readers' own."""
        if self.gpu and self.host:
            self.host[number % BUCKETS][:size].copy_(self.gpu[number % BUCKETS][:size])
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()


class WeightSender:
    """Gives weights to the workers of some engines, in `run`, which takes a thread of its own.

    An engine is told `address` of its number, and `release` says that it is through with it or has died.
    """

    def __init__(self, weights: Iterable[tuple[str, Tensor]], engines: Iterable[int]) -> None:
        self._weights = weights
        self._loading = set(engines)
        self._readers: list[_Reader] = []
        self._came: dict[int, int] = {}
        """Workers of each engine that have come so far."""
        self._name = f"goldilocks-{secrets.token_hex(8)}"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # In the kernel's own list of names: nothing in a folder to be left behind, and no longest path.
        self._listener.bind(f"\0{self._name}")
        self._listener.listen()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        os.close(self._bell)

    def address(self, engine: int) -> str:
        return f"{SCHEME}{self._name}:{engine}"

    def release(self, engine: int) -> None:
        """From any thread: do not wait for this engine."""
        self._loading.discard(engine)
        os.eventfd_write(self._bell, 1)

    def run(self) -> None:
        """Returns when every engine has all weights or was released; raises what gathering them raises.

        The workers then see the stream end in the middle, and their engines do not go on.
        """
        try:
            self._wait(self._is_complete)
            if not self._readers:
                return
            with ExitStack() as owned:
                buckets = self._open(owned)
                self._send(buckets)
                # They read until they let go.
                self._wait(lambda: not self._readers)
            del buckets
            if torch.cuda.is_initialized():
                torch.cuda.ipc_collect()
        finally:
            for reader in self._readers:
                reader.connection.close()

    def _send(self, buckets: _Buckets) -> None:
        number, at = 0, 0
        pieces: list[Piece] = []

        def give() -> None:
            nonlocal number, at, pieces
            buckets.finish(number, at)
            self._tell(pieces)
            number, at, pieces = number + 1, 0, []
            # The next one is filled over what was read before this one.
            self._wait(lambda: all(reader.done > number - BUCKETS for reader in self._readers))

        for name, tensor in self._weights:
            data = tensor.detach().contiguous().view(-1).view(torch.uint8)
            start, size = 0, data.numel()
            while True:
                some = data[start : start + BUCKET - at]
                buckets.fill(number, at, some)
                pieces.append(Piece(name, tensor.dtype, tensor.shape, start, at, some.numel()))
                start, at = start + some.numel(), at + some.numel()
                if at == BUCKET:
                    give()
                if start == size:
                    break
            if not self._readers:
                return
            del tensor, data, some
        if pieces:
            give()
        self._tell(None)

    def _tell(self, pieces: list[Piece] | None) -> None:
        for reader in list(self._readers):
            try:
                reader.connection.send(pieces)
            except OSError:
                self._forget(reader)

    def _wait(self, enough: Callable[[], bool]) -> None:
        while not enough():
            # Bound at each turn: workers come and go.
            readers = {reader.connection: reader for reader in self._readers}
            for ready in wait([self._listener, self._bell, *readers]):
                if ready is self._listener:
                    self._accept()
                elif isinstance(ready, Connection):
                    self._hear(readers[ready])
                else:
                    os.eventfd_read(self._bell)

    def _accept(self) -> None:
        link, _ = self._listener.accept()
        _, user, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        if user != os.getuid():
            link.close()
            return
        self._readers.append(_Reader(Connection(link.detach())))

    def _hear(self, reader: _Reader) -> None:
        try:
            said = reader.connection.recv()
        except (EOFError, OSError):
            self._forget(reader)
            return
        if isinstance(said, Hello):
            reader.hello = said
            self._came[said.engine] = self._came.get(said.engine, 0) + 1
        else:
            reader.done += 1

    def _forget(self, reader: _Reader) -> None:
        reader.connection.close()
        self._readers.remove(reader)

    def _is_complete(self) -> bool:
        """Whether every worker has come of every engine that is loading."""
        expected = {reader.hello.engine: reader.hello.workers for reader in self._readers if reader.hello is not None}
        spoke = all(reader.hello is not None for reader in self._readers)
        return spoke and all(self._came.get(engine, 0) >= expected.get(engine, 1) for engine in set(self._loading))

    def _open(self, owned: ExitStack) -> _Buckets:
        own = find_gpu(torch.device("cuda")) if torch.cuda.is_initialized() else ""
        beside = [reader for reader in self._readers if own and reader.hello is not None and reader.hello.gpu == own]
        buckets = _Buckets()
        if beside:
            buckets.gpu = tuple(torch.empty(BUCKET, dtype=torch.uint8, device="cuda") for _ in range(BUCKETS))
        if len(beside) < len(self._readers):
            files = [_make_file(owned) for _ in range(BUCKETS)]
            buckets.host = tuple(_map(file, owned, pin=bool(own)) for file in files)
            buckets.paths = tuple(f"/proc/{os.getpid()}/fd/{file}" for file in files)
        for reader in list(self._readers):
            if reader in beside:
                # Each export is counted by torch, and ended by the one process that opens it.
                opening = Opening(handles=tuple(_export(bucket) for bucket in buckets.gpu))
            else:
                opening = Opening(paths=buckets.paths)
            try:
                reader.connection.send(opening)
            except OSError:
                self._forget(reader)
        return buckets


@dataclass(eq=False)
class WeightReader:
    """A worker's end: `read` gives the tensors that were pushed, on `device`."""

    connection: Connection
    device: torch.device
    _buckets: list[Tensor] = field(default_factory=list)
    _owned: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def connect(cls, address: str, device: torch.device, workers: int) -> Self:
        """Come to the sender at an address that it gave, as one of an engine's `workers`. Raises EOFError."""
        name, _, engine = address.removeprefix(SCHEME).rpartition(":")
        with _telling_the_end():
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.connect(f"\0{name}")
            connection = Connection(link.detach())
            connection.send(Hello(int(engine), workers, find_gpu(device)))
            opening: Opening = connection.recv()
            reader = cls(connection, device)
            for path in opening.paths:
                # Written by nobody here; torch takes no memory that it could not write to.
                file = os.open(path, os.O_RDWR)
                reader._owned.callback(os.close, file)
                reader._buckets.append(_map(file, reader._owned, pin=False))
        reader._buckets += [_import(handle, device) for handle in opening.handles]
        return reader

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._buckets.clear()
        self._owned.close()
        self.connection.close()

    def read(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor once, in memory of its own. Raises EOFError where the sender ended before the last one."""
        number = 0
        while (pieces := self._hear()) is not None:
            bucket = self._buckets[number % BUCKETS]
            for piece in pieces:
                if piece.start == 0:
                    tensor = torch.empty(piece.shape, dtype=piece.dtype, device=self.device)
                    data = tensor.view(-1).view(torch.uint8)
                end = piece.start + piece.size
                data[piece.start : end].copy_(bucket[piece.at : piece.at + piece.size])
                if end == data.numel():
                    yield piece.name, tensor
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            with _telling_the_end():
                self.connection.send(number)
            number += 1

    def _hear(self) -> list[Piece] | None:
        with _telling_the_end():
            said: list[Piece] | None = self.connection.recv()
        return said


def find_gpu(device: torch.device) -> str:
    """The identity of a GPU, whatever its number is in this process; empty for a CPU."""
    return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else ""


@contextmanager
def _telling_the_end() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError) as error:
        raise EOFError(f"the trainer's stream of weights ended before the last of them: {error!r}") from None


def _make_file(owned: ExitStack) -> int:
    """Memory of the host that has no name in any folder: the kernel frees it with its last user."""
    file = os.memfd_create("weights")
    owned.callback(os.close, file)
    os.truncate(file, BUCKET)
    return file


def _map(file: int, owned: ExitStack, *, pin: bool) -> Tensor:
    """A bucket of the host as a tensor; pinned, a GPU copies into it without a copy between."""
    tensor = torch.frombuffer(mmap.mmap(file, 0), dtype=torch.uint8)
    if pin and int(torch.cuda.cudart().cudaHostRegister(tensor.data_ptr(), tensor.numel(), 0)) == 0:
        owned.callback(torch.cuda.cudart().cudaHostUnregister, tensor.data_ptr())
    return tensor


def _export(bucket: Tensor) -> Any:
    from torch.multiprocessing.reductions import reduce_tensor

    return reduce_tensor(bucket)[1]


def _import(handle: Any, device: torch.device) -> Tensor:
    from torch.multiprocessing.reductions import rebuild_cuda_tensor

    arguments = list(handle)
    # The number that the GPU has in this process.
    arguments[6] = torch.cuda.current_device() if device.index is None else device.index
    return rebuild_cuda_tensor(*arguments)
