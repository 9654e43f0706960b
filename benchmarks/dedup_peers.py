"""MinHash of datatrove or text-dedup over a JSONL file, as their own guides run it; prints what it took as JSON.

    python benchmarks/dedup_peers.py datatrove|text_dedup TEXTS.jsonl FOLDER

Run by the Python of an environment that has them; imports nothing of ours. TEXTS.jsonl has `id` and `text`. Kept ids
are written to FOLDER/kept.json.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

WORKERS = 2


def run_datatrove(texts: Path, folder: Path) -> list[str]:
    """The four steps of datatrove's example `minhash_deduplication`, with its defaults (5-grams, 14 bands of 8)."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config, parts = MinhashConfig(), folder / "parts"
    parts.mkdir(parents=True)
    lines = texts.read_text(encoding="utf-8").splitlines(keepends=True)
    for part in range(WORKERS):
        (parts / f"{part}.jsonl").write_text("".join(lines[part::WORKERS]), encoding="utf-8")
    reader = JsonlReader(str(parts))
    writer = JsonlWriter(str(folder / "kept"), compression=None)
    steps = (
        ([reader, MinhashDedupSignature(str(folder / "signatures"), config=config)], WORKERS),
        (
            [MinhashDedupBuckets(str(folder / "signatures"), str(folder / "buckets"), config=config)],
            config.num_buckets,
        ),
        ([MinhashDedupCluster(str(folder / "buckets"), str(folder / "gone"), config=config)], 1),
        ([reader, MinhashDedupFilter(str(folder / "gone")), writer], WORKERS),
    )
    for number, (pipeline, tasks) in enumerate(steps):
        LocalPipelineExecutor(
            pipeline=pipeline,
            tasks=tasks,
            workers=min(tasks, WORKERS),
            logging_dir=str(folder / f"log{number}"),
            start_method="fork",  # so that the workers are this process's children, and their time and memory count
        ).run()
    kept = (folder / "kept").glob("*.jsonl")
    return [json.loads(line)["id"] for path in kept for line in path.read_text(encoding="utf-8").split("\n") if line]


def run_text_dedup(texts: Path, folder: Path) -> list[str]:
    """`python -m text_dedup.minhash` with its defaults (5-grams, 250 permutations, threshold 0.7)."""
    import datasets

    options = f"--path json --data_files {texts} --split train --cache_dir {folder / 'cache'} --output {folder / 'out'}"
    options += f" --column text --batch_size 10000 --num_proc {WORKERS}"
    command = [sys.executable, "-m", "text_dedup.minhash", *options.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return list(datasets.load_from_disk(str(folder / "out"))["id"])


def main(name: str, texts: Path, folder: Path) -> None:
    """Run one, and print {"seconds", "cpu seconds", "gb"}; memory is that of the largest of its processes."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    kept = {"datatrove": run_datatrove, "text_dedup": run_text_dedup}[name](texts, folder)
    seconds = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    (folder / "kept.json").write_text(json.dumps(kept))
    cpu, peak = sum(part.ru_utime + part.ru_stime for part in used), max(part.ru_maxrss for part in used)
    print(json.dumps({"seconds": seconds, "cpu seconds": cpu, "gb": peak / 2**20}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
