"""A run as the version before `code_tests` left it: old names of stages and keys, old form of the outcomes' keys."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.run.storage import RunFolder
from schemas.aliases import CONFIG_KEYS

SECTIONS = {"judge": ["screen", "judge"], "code_tests": ["court"]}
SOURCES = ("problems", "stages/screen", "stages/judge", "stages/dedup", "stages/court")


def make_old(root: Path) -> None:
    """Rewrite a finished run of today over one or more shards, whose stages are screen, judge, dedup and code_tests."""
    folder = RunFolder(str(root))
    manifest = folder.read_json("manifest.json")
    manifest["config"] = config = restore_names(manifest["config"])
    text = json.dumps(manifest).replace('"code_tests"', '"court"').replace("stages/code_tests/", "stages/court/")
    folder.write_bytes("manifest.json", text.replace("rejected/code_tests-", "rejected/court-").encode())
    (root / "stages" / "code_tests").rename(root / "stages" / "court")
    for path in (root / "rejected").glob("code_tests-*"):
        path.rename(path.with_name(path.name.replace("code_tests", "court")))
    for name in [*folder.list("stages/court"), *folder.list("rejected"), *folder.list("curated")]:
        folder.write_table(name, _name_court(folder.read_table(name)))
    _write_keys(folder, config, manifest["model"])


def restore_names(config: dict[str, Any]) -> dict[str, Any]:
    """The config under the names of that time, each key where it stood."""
    today = {
        f"{path.rpartition('.')[0]}.{new}".lstrip("."): path.rpartition(".")[2] for path, new in CONFIG_KEYS.items()
    }

    def restore(node: Any, path: str) -> Any:
        if isinstance(node, list):
            return [restore(item, f"{path}.*") for item in node]
        if not isinstance(node, dict):
            return node
        inner = {key: f"{path}.{key}".lstrip(".") for key in node}
        return {today.get(inner[key], key): restore(value, inner[key]) for key, value in node.items()}

    restored: dict[str, Any] = restore(config, "")
    return restored


def _name_court(table: pl.DataFrame) -> pl.DataFrame:
    rows = table.to_dicts()
    for row in rows:
        row["history"] = [
            {**entry, "stage": "court"} if entry["stage"] == "code_tests" else entry for entry in row["history"] or []
        ]
        if row.get("stage") == "code_tests":
            row["stage"] = "court"
    return pl.DataFrame(rows, schema=table.schema)


def _write_keys(folder: RunFolder, config: dict[str, Any], model: dict[str, str]) -> None:
    for stage, source in zip(("screen", "judge", "dedup", "court"), SOURCES, strict=False):
        paths = {"judge": ("screen.judge",), "court": ("court", "sandbox")}.get(stage, (stage,))
        rules = []
        for path in paths:
            section = config
            for part in path.split("."):
                section = section[part]
            kept = {key: value for key, value in section.items() if key not in ("mode", "workers")}
            rules.append(json.dumps(kept, separators=(",", ":")))
        keys = []
        for name in folder.list(source):
            shard = Path(name).stem
            content = hashlib.sha256(folder.read_bytes(name)).hexdigest()
            keys.append(_hash("\n".join([folder.root, stage, shard, "0.1.0", content, "\n".join(rules)])))
            key = _hash(f"{keys[-1]} {model['name']} {model['revision']}") if stage == "judge" else keys[-1]
            folder.write_bytes(f"stages/{stage}/{shard}.key", (_hash(key) if stage == "dedup" else key).encode())
        if stage == "dedup":
            folder.write_bytes("stages/dedup/set.key", _hash("\n".join(keys)).encode())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
