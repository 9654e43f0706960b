"""Dedup or decontamination by a peer over a JSONL file, as its own guide runs it; FOLDER/took.json says what it took.

    python benchmarks/scale_peers.py PEER TEXTS.jsonl ITEMS.jsonl FOLDER

Run by the Python of an environment that has them; imports nothing of ours but the script of
`benchmarks/dedup.py`.
TEXTS.jsonl and ITEMS.jsonl (a benchmark's items) have `id` and `text`.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
dedup_peers = importlib.import_module("dedup_peers")
WORKERS = dedup_peers.WORKERS


def decontaminate_datatrove(texts: Path, items: Path, folder: Path) -> int:
    """datatrove's n-gram index of the items and its filter over the texts, with their defaults (12-grams)."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config, parts, index = NGramsDecontConfig(), folder / "parts", folder / "index"
    parts.mkdir(parents=True)
    index.mkdir()
    write_index(items, index, config)
    lines = texts.read_text(encoding="utf-8").splitlines(keepends=True)
    for part in range(WORKERS):
        (parts / f"{part}.jsonl").write_text("".join(lines[part::WORKERS]), encoding="utf-8")
    writer = JsonlWriter(str(folder / "kept"), compression=None)
    LocalPipelineExecutor(
        pipeline=[JsonlReader(str(parts)), NGramsDecontFilter(str(index), config=config), writer],
        tasks=WORKERS,
        workers=WORKERS,
        logging_dir=str(folder / "log"),
        start_method="fork",
    ).run()
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (folder / "kept").glob("*.jsonl"))


def write_index(items: Path, index: Path, config: object) -> None:
    """The indexer's file for items of our own; its command takes lighteval's tasks only, from the Hub."""
    import numpy as np
    from datatrove.pipeline.decont.n_grams import NGramsDecontIndexer

    NGramsDecontIndexer._requires_dependencies = []  # lighteval's tasks are not wanted
    indexer = NGramsDecontIndexer(str(index), lighteval_tasks=[], config=config)
    hashes: set[int] = set()
    for line in items.read_text(encoding="utf-8").splitlines():
        hashes.update(indexer.compute_hashes(json.loads(line)["text"]))
    (index / "items.index.hashes").write_bytes(np.array(sorted(hashes), dtype=np.uint64).tobytes())


def dedup_data_juicer(texts: Path, folder: Path) -> int:
    """Data-Juicer's `document_minhash_deduplicator` with its defaults, through its own executor."""
    from data_juicer.config import init_configs
    from data_juicer.core import DefaultExecutor

    folder.mkdir(parents=True)
    recipe = folder / "recipe.yaml"
    out = folder / "kept.jsonl"
    settings = {
        "dataset_path": str(texts),
        "export_path": str(out),
        "np": WORKERS,
        "process": [{"document_minhash_deduplicator": None}],
    }
    recipe.write_text(json.dumps(settings))
    DefaultExecutor(init_configs(["--config", str(recipe)])).run()
    return len(out.read_text(encoding="utf-8").splitlines())


def main(name: str, texts: Path, items: Path, folder: Path) -> None:
    """Run one, and write {"seconds", "cpu", "gb", "kept"}; memory is that of the largest of its processes."""
    began = time.monotonic()
    if name == "datatrove dedup":
        kept = len(dedup_peers.run_datatrove(texts, folder))
    elif name == "datatrove decontaminate":
        kept = decontaminate_datatrove(texts, items, folder)
    else:
        kept = dedup_data_juicer(texts, folder)
    seconds = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu, peak = sum(part.ru_utime + part.ru_stime for part in used), max(part.ru_maxrss for part in used)
    took = {"seconds": seconds, "cpu": cpu, "gb": peak * 1024 / 1e9, "kept": kept}
    (folder / "took.json").write_text(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:5]))
