"""Which files a file, folder, glob or URL stands for, and which form each has."""

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.ingest.files.forms import KNOWN, Form, is_data, name_form, sniff_form
from pipeline.ingest.files.streams import check_head
from pipeline.ingest.files.trees import FolderTree, Tree, open_filesystem
from schemas.errors import InputError

PACKAGE_FILES = ("problem.yaml", "domjudge-problem.ini")
POLYGON_FILE = "problem.xml"
POLYGON_FOLDERS = ("statements/", "statement-sections/", "tests/")
"""One of them lies beside a problem.xml that is Polygon's."""
APPS_FILE = "question.txt"
_ADVICE = "give a path, a glob such as data/*.jsonl, or a URL such as s3://..."
_DATABASE = "a database: export its table (sqlite3 -header -csv FILE 'select * from TABLE' > problems.csv)"
_ELSEWHERE = {
    ".pkl": "a pickle runs code when it is read: write it again as Parquet",
    ".pickle": "a pickle runs code when it is read: write it again as Parquet",
    ".pt": "a pickle runs code when it is read: write it again as Parquet",
    ".7z": "unpack it first",
    ".rar": "unpack it first",
    ".txt": "write one JSON object a line, or a CSV with a header",
    ".db": _DATABASE,
    ".sqlite": _DATABASE,
    ".sqlite3": _DATABASE,
    ".md": "write one JSON object a line, or a CSV with a header",
    ".py": "a set that comes with its own loader: fetch its data files, or write them as Parquet",
}


@dataclass(frozen=True)
class Place:
    """A file that holds rows, or a folder that is one row."""

    tree: Tree
    path: str
    name: str
    """What messages call it."""
    form: Form
    compression: str | None = None
    below: str = ""
    """Its path below the folder or archive that was named; empty where it was named itself."""


def find_files(where: str | os.PathLike[str] | Sequence[str]) -> list[Place]:
    """Every file meant, and every folder that is a row of its own, in the order of their names. Raises InputError where
    there is none, and for a link out of the folder that was named."""
    places: list[Place] = []
    for place in [where] if isinstance(where, str | os.PathLike) else where:
        places += _find(os.fspath(place))
    return places


def _find(place: str) -> list[Place]:
    fs, path = open_filesystem(place)
    try:
        if fs.isfile(path):
            tree = FolderTree(fs, path.rpartition("/")[0])
            form, compression = _form_of(tree, path, place)
            return [Place(tree, path, place, form, compression)]
        if fs.isdir(path):
            tree = FolderTree(fs, path)
            places = list(find_in(tree))
            if not places:
                raise InputError(
                    f"{place}: a folder without {KNOWN}, and without contest packages (problem.yaml, "
                    f"Polygon's problem.xml); {_ADVICE}"
                )
            return places
        paths = sorted(p for p in fs.glob(path) if fs.isfile(p)) if any(c in path for c in "*?[") else []
    except (OSError, ValueError, ImportError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place}: cannot be opened: {error}; check the address and your access to it") from error
    if not paths:
        raise InputError(f"{place}: no such file{_near(fs, path)}; {_ADVICE}")
    tree = FolderTree(fs, _fixed(paths[0], fs._strip_protocol(place)))
    for path in paths:
        tree.check(path)
    return [Place(tree, path, tree.show(path), *_form_of(tree, path, path), below=tree.cut(path)) for path in paths]


def find_in(tree: Tree) -> Iterator[Place]:
    """The files and folders with rows in a folder or archive: contest packages, problems in the form of APPS, and
    files of a known form that belong to none of them."""
    files = tree.list_files()
    taken: dict[str, Form] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        if name in PACKAGE_FILES:
            taken[folder] = "package"
        elif name == APPS_FILE:
            taken.setdefault(folder, "apps")
        elif name == POLYGON_FILE and _is_polygon(folder, files):
            taken.setdefault(folder, "polygon")
    shown: set[str] = set()
    for path in files:
        owner = _owner(path, taken)
        if owner is None:
            if is_data(tree.cut(path)):
                tree.check(path)
                form, compression = name_form(path) or ("json", None)
                yield Place(tree, path, tree.show(path), form, compression, tree.cut(path))
        elif owner not in shown:
            shown.add(owner)
            yield Place(tree, owner, tree.show(owner), taken[owner], below=tree.cut(owner) or owner)


def _is_polygon(folder: str, files: Sequence[str]) -> bool:
    above = f"{folder}/" if folder else ""
    return any(path.startswith(tuple(above + below for below in POLYGON_FOLDERS)) for path in files)


def _owner(path: str, taken: dict[str, Form]) -> str | None:
    """The innermost folder above `path` that is a row."""
    folder = path.rpartition("/")[0]
    while taken:
        if folder in taken:
            return folder
        if not folder or folder == "/":
            return None
        folder = folder.rpartition("/")[0]
    return None


def _form_of(tree: Tree, path: str, name: str) -> tuple[Form, str | None]:
    """Raises InputError for a file whose form neither its name nor its first bytes say."""
    named = name_form(path)
    if named is not None:
        return named
    with tree.open(path) as file:
        head = file.read(1024)
    check_head(head, name)
    form = sniff_form(head)
    if form is None:
        end = os.path.splitext(path.lower())[1]
        fix = _ELSEWHERE.get(end, f"its name must be one of {KNOWN}")
        raise InputError(f"{name}: what kind of file this is does not show; {fix}")
    return form


def _near(fs: object, path: str) -> str:
    """The file beside a missing one whose name is nearest."""
    folder, _, name = path.rpartition("/")
    try:
        there = [str(entry).rpartition("/")[2] for entry in fs.ls(folder or ".", detail=False)]  # type: ignore[attr-defined]
    except Exception:
        return ""
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.6)
    return f", but {near[0]!r}" if near else ""


def _fixed(path: str, pattern: str) -> str:
    """The part of `path` that a glob named itself: the folders before its first wildcard."""
    named = pattern.split("/")
    fixed = next((at for at, part in enumerate(named) if any(c in part for c in "*?[")), len(named) - 1)
    return "/".join(path.split("/")[:fixed]) or "/"
