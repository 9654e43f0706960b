"""Which model exactly: a name from the config becomes something to load and a revision that changes whenever the
weights do.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.inference.embedded import REVISION, ModelError, cache_root, ensure_embedded, sha256_of
from pipeline.inference.engine import FOLDER_REVISION
from pipeline.progress import track
from schemas.config import ModelConfig

WEIGHTS = (".safetensors", ".bin", ".pt", ".gguf")
READ_TOO = (".json", ".txt", ".jinja", ".model")


@dataclass(frozen=True)
class ResolvedModel:
    """`path_or_name` is what vLLM loads; for a Hub name `revision` is the commit to load it at."""

    path_or_name: str
    revision: str
    local: bool


def resolve_model(config: ModelConfig) -> ResolvedModel:
    """Find the model that `config.name` means: `embedded`, a folder, or a Hub name. Raises ModelError."""
    if config.name == "embedded":
        return ResolvedModel(str(ensure_embedded()), REVISION, local=True)
    folder = Path(config.name).expanduser()
    if folder.is_dir():
        return ResolvedModel(str(folder), folder_revision(folder), local=True)
    if folder.is_absolute() or config.name.startswith((".", "~")) or config.name.count("/") > 1:
        raise ModelError(f"model.name {config.name!r}: there is no such folder")
    with track("ask the Hub for the model", unit="", part=True, note=config.name):
        return ResolvedModel(config.name, hub_commit(config.name, config.revision), local=False)


def fetch_model(config: ModelConfig) -> Path:
    """A local folder of the model; one on the Hub is downloaded. Raises ModelError."""
    resolved = resolve_model(config)
    if resolved.local:
        return Path(resolved.path_or_name)
    from huggingface_hub import snapshot_download

    with track("fetch the model", unit="", part=True, note=config.name):
        return Path(snapshot_download(resolved.path_or_name, revision=resolved.revision))


def folder_revision(folder: Path) -> str:
    """Hash what a model folder holds: weights, config, tokenizer and chat template, each in full.

    Hashes of files are remembered by size and time of change, so only a changed file is read again.
    """
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in WEIGHTS + READ_TOO)
    if not any(p.suffix in WEIGHTS for p in files):
        raise ModelError(f"{folder}: no weights in it ({', '.join(WEIGHTS)}); model.name wants a model's folder")
    memory = cache_root() / "hashes" / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}.json"
    known = _recall(memory)
    stamps = {p.name: _stamp(p) for p in files}
    with track("hash the model's files", len(files), "files", note=folder.name, part=True) as work:
        hashes = {}
        for p in files:
            hashes[p.name] = known.get(f"{p.name} {stamps[p.name]}") or sha256_of(p)
            work.advance()
    _remember(memory, {f"{name} {stamps[name]}": value for name, value in hashes.items()})
    return FOLDER_REVISION + hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16]


def hub_commit(name: str, revision: str | None) -> str:
    """The commit that a Hub name stands for now; the one in the local cache where the Hub is off or out of reach."""
    import huggingface_hub
    from huggingface_hub import constants

    trouble = "HF_HUB_OFFLINE is set"
    if not constants.HF_HUB_OFFLINE:
        try:
            commit = huggingface_hub.HfApi().model_info(name, revision=revision, timeout=30).sha
            if commit:
                return commit
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    cached = huggingface_hub.try_to_load_from_cache(name, "config.json", revision=revision)
    if isinstance(cached, str):
        return Path(cached).parent.name
    at = f" at {revision}" if revision else ""
    raise ModelError(
        f"model.name {name!r}{at}: the Hub does not answer for it ({trouble}) and it is not in the local cache; "
        "check the name, or set model.name to a folder or to embedded"
    )


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"


def _recall(memory: Path) -> dict[str, str]:
    try:
        hashes = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return hashes if isinstance(hashes, dict) else {}


def _remember(memory: Path, hashes: dict[str, str]) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        temporary = memory.with_name(f"{memory.name}.{os.getpid()}")
        temporary.write_text(json.dumps(hashes))
        os.replace(temporary, memory)
    except OSError:
        pass  # A cache that cannot be written costs time, nothing else.
