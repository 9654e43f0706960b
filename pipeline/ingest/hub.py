"""Rows of a dataset on the Hub, or of a local folder of the same form, through the `datasets` library."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.ingest.inside import check_inside
from schemas.config import Source
from schemas.conform import WHERE
from schemas.errors import InputError
from schemas.yaml_text import YamlError, read_yaml

CARDS = ("README.md", ".huggingface.yaml")
"""Where a set says which files it is made of."""


def read_dataset(
    name: str,
    subset: str | None = None,
    split: str = "train",
    revision: str | None = None,
    streaming: bool = True,
    without: frozenset[str] = frozenset(),
    preferred: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of one split of `name`: a Hub name, a folder with data files (and perhaps a card), or one of `save_to_disk`.

    Each row carries `_where` (`NAME SPLIT row N`, from 0, as `datasets` counts) and, unless it has one, `source_id`
    (`SPLIT-N`). Columns `without` are left out before they are decoded. `preferred` is the subset to take where none is
    asked for and the set has it. Raises InputError that names the splits or subsets there are, or says what to do with
    no network.
    """
    dataset = _open(name, subset, split, revision, streaming, preferred)
    unwanted = [column for column in dataset.column_names or () if column in without]
    if unwanted:
        dataset = dataset.remove_columns(unwanted)
    shown = name if subset is None else f"{name} {subset}"
    at = 0
    try:
        for row in dataset:
            row = dict(row)
            row[WHERE] = f"{shown} {split} row {at}"
            if row.get("source_id") is None:
                row["source_id"] = f"{split}-{at}"
            at += 1
            yield row
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"dataset {name}: reading stopped after {at} rows of {split!r}: {_describe_error(error)}; "
            "run again, or fetch the set again"
        ) from error


def _open(
    name: str, subset: str | None, split: str, revision: str | None, streaming: bool, preferred: str | None
) -> Any:
    import datasets

    folder = Path(name)
    if name.startswith((".", "/", "~")) and not folder.expanduser().is_dir():
        raise InputError(
            f"dataset {name}: no such folder; give a folder with data files, or a Hub name such as openai/gsm8k"
        )
    if name.startswith("~"):
        folder = folder.expanduser()
        name = str(folder)
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        return _open_saved(folder, split)
    is_folder = folder.is_dir()
    if is_folder:
        _check_cards(folder)
    try:
        if subset is None and preferred is not None:
            subset = preferred if preferred in datasets.get_dataset_config_names(name, revision=revision) else None
        named = datasets.load_dataset_builder(name, subset, revision=revision).config.data_files or {}
        _check_files(name, folder if is_folder else None, [str(file) for files in named.values() for file in files])
        return datasets.load_dataset(name, subset, split=split, revision=revision, streaming=streaming)
    except InputError:
        raise
    except Exception as error:
        raise InputError(_explain(error, name, subset, split)) from error


def _check_cards(folder: Path) -> None:
    """Raise InputError for a card that is no card: `datasets` follows every alias in it."""
    for card in (folder / name for name in CARDS):
        if card.is_file():
            check_inside(card, folder)
            try:
                _read_card(card)
            except YamlError as error:
                raise InputError(f"dataset {folder}: {card.name}: {error}") from None


def _read_card(card: Path) -> Any:
    """What a card says in its head. Raises YamlError."""
    text = card.read_text(encoding="utf-8", errors="replace")
    head = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.DOTALL) if card.suffix == ".md" else None
    return read_yaml(text if card.suffix != ".md" else head[1] if head else "")


def read_license(source: Source) -> str | None:
    """The licence that the card of a set states, where a source names a local folder with one, in the Hub's words
    (`other` for several); None where there is no such card, or none that can be read."""
    place = source.dataset or source.files
    if not isinstance(place, str) or not (folder := Path(place).expanduser()).is_dir():
        return None
    card = folder / CARDS[0]
    try:
        check_inside(card, folder)
        stated = _read_card(card)
    except (YamlError, InputError, OSError):
        return None
    license = stated.get("license") if isinstance(stated, dict) else None
    licenses = [license] if isinstance(license, str) else license if isinstance(license, list) else []
    named = [one.strip() for one in licenses if isinstance(one, str) and one.strip()]
    return named[0] if len(named) == 1 else "other" if named else None


def _check_files(name: str, folder: Path | None, files: Iterable[str]) -> None:
    """Raise InputError for data that a set's card names outside the set: a path of this machine, another address."""
    for file in files:
        if folder is not None and "://" not in file:
            check_inside(file, folder)
        elif folder is not None or not file.startswith("hf://"):
            raise InputError(f"dataset {name}: its card names {file[:200]}, which is not part of it; it is not read")


def _open_saved(folder: Path, split: str) -> Any:
    import datasets

    for file in folder.rglob("*"):
        check_inside(file, folder)
    saved = datasets.load_from_disk(str(folder))
    if not isinstance(saved, datasets.DatasetDict):
        return saved
    if split not in saved:
        raise InputError(f"dataset {folder}: no split {split!r}; there are: {', '.join(saved)}")
    return saved[split]


def _explain(error: Exception, name: str, subset: str | None, split: str) -> str:
    message = _describe_error(error)
    listed = re.search(r"(?:Available splits|Should be one of|Available|available configs)[^\[]*\[([^\]]*)\]", message)
    there = listed[1].replace("'", "") if listed else None
    if there is not None and re.match(r"(?:Bad split|Unknown split)", message):
        return f"dataset {name}: no split {split!r}; there are: {there}"
    if there is not None:
        missing = f"no subset {subset!r}; there are" if subset else "it has several subsets; choose one with `subset`"
        return f"dataset {name}: {missing}: {there}"
    kind = type(error).__name__
    if kind == "DatasetNotFoundError" and "gated" in message:
        return f"dataset {name}: its owner asks for consent; accept it on the Hub and set HF_TOKEN"
    if kind == "DatasetNotFoundError":
        return f"dataset {name}: not on the Hub, and no folder here: {message}; check the name (private: HF_TOKEN)"
    if isinstance(error, ConnectionError | TimeoutError) or "ffline" in kind + message or "connect" in message.lower():
        return (
            f"dataset {name}: the Hub cannot be reached ({message}); fetch it where there is a network "
            f"(`hf download --repo-type dataset {name} --local-dir FOLDER`) and write `dataset: FOLDER`, "
            "or name Parquet or JSONL files with `files`"
        )
    return f"dataset {name}: cannot be opened: {kind}: {message}"


def _describe_error(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
