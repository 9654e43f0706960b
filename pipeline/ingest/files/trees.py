"""Places that hold files: a folder on any filesystem of fsspec, and an archive that is read where it lies.

Nothing is unpacked into a folder, and no path leads out: links out of a folder are not followed, and an archive has
only its own members.
"""

import os
import stat
import tarfile
import zipfile
from abc import ABC, abstractmethod
from typing import Any, BinaryIO

import fsspec

from pipeline.ingest.inside import LeadsOut, check_inside
from schemas.errors import InputError


class Tree(ABC):
    """Files by their paths, which are of the tree's own kind: what `list_files` says is what the others take."""

    @abstractmethod
    def list_files(self, below: str = "") -> list[str]:
        """Paths of all files, or of those below a folder of it, in order of their names."""

    @abstractmethod
    def open(self, path: str) -> BinaryIO: ...

    @abstractmethod
    def size(self, path: str) -> int:
        """Bytes that a file takes where it lies, compressed."""

    @abstractmethod
    def check(self, path: str, folder: str | None = None) -> None:
        """Raise LeadsOut for a path that leads out of `folder` (the whole tree), or to no plain file."""

    @abstractmethod
    def show(self, path: str) -> str:
        """What a path is called in messages."""

    @abstractmethod
    def cut(self, path: str) -> str:
        """The part of a path below the folder or archive that was named."""


class FolderTree(Tree):
    """A folder, or the one file in it that was named."""

    def __init__(self, fs: Any, root: str) -> None:
        self.fs, self.root = fs, root.rstrip("/") or "/"

    @property
    def is_local(self) -> bool:
        return "file" in ((self.fs.protocol,) if isinstance(self.fs.protocol, str) else self.fs.protocol)

    def list_files(self, below: str = "") -> list[str]:
        return sorted(self.fs.find(below or self.root))

    def walk(self, folder: str) -> list[str]:
        """Files below a folder, also behind links to folders within it. A link that leads out is listed itself."""
        if not self.is_local:
            return self.list_files(folder)
        files: list[str] = []
        seen: set[str] = set()
        open_ = [folder]
        while open_:
            place = open_.pop()
            if (real := os.path.realpath(place)) in seen:
                continue
            seen.add(real)
            for entry in os.scandir(place):
                within = not entry.is_symlink() or self._is_within(entry.path, folder)
                (open_ if within and entry.is_dir() else files).append(entry.path)
        return sorted(files)

    @staticmethod
    def _is_within(path: str, folder: str) -> bool:
        try:
            check_inside(path, folder)
        except LeadsOut:
            return False
        return True

    def open(self, path: str) -> BinaryIO:
        file: BinaryIO = self.fs.open(path, "rb")
        return file

    def size(self, path: str) -> int:
        return int(self.fs.size(path) or 0)

    def check(self, path: str, folder: str | None = None) -> None:
        if self.is_local:
            check_inside(path, folder or self.root)

    def show(self, path: str) -> str:
        if not self.is_local:
            return str(self.fs.unstrip_protocol(path))
        near = os.path.relpath(path)
        return path if near.startswith("..") else near

    def cut(self, path: str) -> str:
        return path.removeprefix(self.root.rstrip("/") + "/")


class _Archive(Tree):
    """An archive, whose members are looked up and never laid down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._sizes: dict[str, int] = {}
        self._links: set[str] = set()

    def _add(self, path: str, size: int, is_file: bool) -> None:
        path = path.replace("\\", "/").removeprefix("./")
        if path.startswith("/") or ".." in path.split("/"):
            raise LeadsOut(f"{self.name}: its member {path[:200]!r} leads out of the archive; it is not read")
        self._sizes[path] = size
        if not is_file:
            self._links.add(path)

    def list_files(self, below: str = "") -> list[str]:
        return sorted(path for path in self._sizes if not below or path.startswith(f"{below}/"))

    def size(self, path: str) -> int:
        return self._sizes[path]

    def check(self, path: str, folder: str | None = None) -> None:
        if path in self._links:
            raise LeadsOut(f"{self.show(path)}: a link in an archive; it is not followed")

    def show(self, path: str) -> str:
        return f"{self.name}/{path}"

    def cut(self, path: str) -> str:
        return path


class ZipTree(_Archive):
    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(name)
        self._zip = zipfile.ZipFile(file)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._zip.infolist():
            if not member.is_dir():
                mode = member.external_attr >> 16
                self._add(member.filename, member.compress_size, stat.S_IFMT(mode) in (0, stat.S_IFREG))
                self._members[member.filename.replace("\\", "/").removeprefix("./")] = member

    def open(self, path: str) -> BinaryIO:
        member = self._members[path]
        if member.flag_bits & 1:
            raise InputError(f"{self.show(path)}: encrypted; unpack the archive yourself")
        return self._zip.open(member)  # type: ignore[return-value]


class TarTree(_Archive):
    """A tar archive out of its compression."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(name)
        self._tar = tarfile.TarFile(fileobj=file)
        self._members: dict[str, tarfile.TarInfo] = {}
        for member in self._tar:
            if not member.isdir():
                self._add(member.name, member.size, member.isreg())
                self._members[member.name.removeprefix("./")] = member

    def open(self, path: str) -> BinaryIO:
        file = self._tar.extractfile(self._members[path])
        if file is None:
            raise LeadsOut(f"{self.show(path)}: no plain file")
        return file  # type: ignore[return-value]


def open_filesystem(place: str) -> tuple[Any, str]:
    """(filesystem, path there). Raises InputError for an address that nothing here can open."""
    try:
        fs, path = fsspec.url_to_fs(place)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{place}: cannot be opened: {error}; check the address and your access to it") from error
    return fs, path
