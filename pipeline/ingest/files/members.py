"""The files of a folder that is one row: together of a bounded size, and none outside of it whatever its links say."""

from pipeline.ingest.files.trees import FolderTree, Tree


class Members:
    """Files below one folder of a tree, by their paths in it."""

    def __init__(self, tree: Tree, folder: str, most: int) -> None:
        self._tree, self._folder = tree, folder
        self._most = self._left = most
        paths = tree.walk(folder) if isinstance(tree, FolderTree) else tree.list_files(folder)
        self.names = [path.removeprefix(f"{folder}/") if folder else path for path in paths]
        self._paths = dict(zip(self.names, paths, strict=True))

    def has(self, name: str) -> bool:
        return name in self._paths

    def list_below(self, folder: str) -> list[str]:
        """Names below a folder, in order. Raises LeadsOut where the folder itself is a link out."""
        if self.has(folder):
            self.check(folder)
        return [name for name in self.names if name.startswith(f"{folder}/")]

    def check(self, name: str) -> None:
        """Raise LeadsOut for a link out of the folder, and for what is no plain file."""
        self._tree.check(self._paths[name], self._folder)

    def read(self, name: str, errors: str = "strict") -> str:
        """The text of a file. Raises LeadsOut, and ValueError past the limit of all."""
        return self._decode(name, self._read(name, self._left), errors)

    def read_short(self, name: str, most: int) -> str | None:
        """The text of a file, `?` for what is no UTF-8; None for one of over `most` bytes. Raises as `read`."""
        data = self._read(name, min(most, self._left))
        return None if len(data) > most else self._decode(name, data, "replace")

    def _read(self, name: str, most: int) -> bytes:
        """At most one byte more than `most`."""
        self.check(name)
        with self._tree.open(self._paths[name]) as file:
            return file.read(most + 1)

    def _decode(self, name: str, data: bytes, errors: str) -> str:
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"{name}: the files of one problem are over {self._most >> 20} MiB (reading.row_mb)")
        return data.decode("utf-8", errors).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
