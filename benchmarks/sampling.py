"""What sampling costs over generation alone, and what stopping early saves.

`python -m benchmarks.sampling [--quick]`, with the embedded model.

(1) The same requests (64 problems x 16 samples of one fixed length) three ways, in turn: the loop with store,
verifier and all (`sample_shard`), the same engine asked directly, and plain `vllm.LLM.generate` in a process of its
own. Every way has its engine loaded and warm; only the work is timed. The rounds are interleaved, so that a busy
minute hits all three. (2) Tokens with `stop: early` and with `stop: full` on arithmetic problems that the model
passes at rates from 0 to 1.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import Rules
from pipeline.inference.embedded import ensure_embedded
from pipeline.inference.engine import Completion, Engine, EngineStats, Request, SamplingParams
from pipeline.inference.machine import describe_engine, engine_environment
from pipeline.inference.open import open_engine
from pipeline.inference.prompts import build_prompt
from pipeline.run.storage import RunFolder
from pipeline.sample.shard import sample_shard
from pipeline.sample.store import EvidenceStore
from pipeline.verify.math import MathVerifier
from schemas.config import Config, ModelConfig, PromptConfig, SamplingConfig, Source, VerifyConfig

ROOT = Path(__file__).resolve().parents[1]
MAX_LEN = 256
SEQS = 256


def make_problems(count: int, seed: int) -> pl.DataFrame:
    """Sums of three kinds in equal parts, which the embedded model passes at rates from never to always."""
    import reasoning_gym

    kinds = [(2, 1), (3, 1), (2, 2)]
    rows = [
        row
        for place, (terms, digits) in enumerate(kinds)
        for row in reasoning_gym.create_dataset(
            "chain_sum",
            size=len(range(place, count, len(kinds))),
            seed=seed,
            min_terms=terms,
            max_terms=terms,
            min_digits=digits,
            max_digits=digits,
        )
    ]
    return pl.DataFrame(
        [(f"{i:016x}", row["question"], row["answer"]) for i, row in enumerate(rows)],
        schema={"id": pl.String, "statement": pl.String, "answer": pl.String},
        orient="row",
    )


def config_of(run: str, tokens: int, stop: str, n: int = 16) -> Config:
    return Config(
        run=run,
        sources=(Source(name="sums", reasoning_gym="chain_sum"),),
        model=ModelConfig(name="embedded", max_model_len=MAX_LEN, max_num_seqs=SEQS),
        prompt=PromptConfig(template="plain", chat=False),
        sampling=SamplingConfig(n=n, max_tokens=tokens, stop=stop),  # type: ignore[arg-type]
        verify=VerifyConfig(extract="last"),
    )


def time_loop(problems: pl.DataFrame, engine: Engine, verifier: MathVerifier, tokens: int) -> float:
    """Seconds to sample and verify everything into a fresh store."""
    with tempfile.TemporaryDirectory() as root:
        config = config_of(root, tokens, "full")
        began = time.perf_counter()
        stats = sample_shard(problems, EvidenceStore(RunFolder(root), "00000"), config, engine, verifier)
        seconds = time.perf_counter() - began
    assert stats.sampled == 16 * problems.height
    assert stats.tokens == tokens * stats.sampled
    return seconds


def time_engine(problems: pl.DataFrame, engine: Engine, tokens: int) -> float:
    """Seconds that the same engine takes for the same requests, all asked for at once and thrown away."""
    config = config_of("unused", tokens, "full")
    params = SamplingParams.of(config.sampling)
    began = time.perf_counter()
    futures = [
        engine.submit(Request(build_prompt(row, config.prompt), 16, params)) for row in problems.iter_rows(named=True)
    ]
    done = sum(completion.tokens or 0 for future in futures for completion in future.result())
    seconds = time.perf_counter() - began
    assert done == tokens * 16 * problems.height
    return seconds


class FixedLength:
    """An engine whose completions are all `max_tokens` long, so that every way does equal work."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.model, self.revision, self.capacity = engine.model, engine.revision, engine.capacity
        self.continues = engine.continues

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        return self.engine.submit(replace(request, params=replace(request.params, fixed_length=True)))

    def in_flight(self) -> int:
        return self.engine.in_flight()

    @property
    def is_dead(self) -> bool:
        return self.engine.is_dead

    @property
    def stats(self) -> EngineStats:
        return self.engine.stats

    def close(self) -> None:
        self.engine.close()


class Plain:
    """`vllm.LLM` in a process of its own, which generates once for every line that it is sent."""

    def __init__(self, problems: pl.DataFrame, tokens: int) -> None:
        prompt = config_of("unused", tokens, "full").prompt
        texts = [build_prompt(row, prompt).text for row in problems.iter_rows(named=True)]
        task = json.dumps({"model": str(ensure_embedded()), "texts": texts, "tokens": tokens})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sampling", "--plain", task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=engine_environment(os.environ),
        )
        self._read()

    def _read(self) -> float:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("seconds "):
                return float(line.split()[1])
        raise RuntimeError(f"plain vLLM ended with {self.process.wait()}")

    def time(self) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._read()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def generate_plainly(task: dict[str, Any]) -> None:
    """The inside of `Plain`."""
    from vllm import LLM, SamplingParams

    llm = LLM(
        task["model"],
        max_model_len=MAX_LEN,
        max_num_seqs=SEQS,
        enforce_eager=True,
        disable_log_stats=True,
        dtype="auto",
    )
    params = SamplingParams(n=16, temperature=0.7, max_tokens=task["tokens"], ignore_eos=True)
    llm.generate(task["texts"][:16], params, use_tqdm=False)
    print("seconds 0", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        done = llm.generate(task["texts"], params, use_tqdm=False)
        seconds = time.perf_counter() - began
        assert sum(len(one.token_ids) for output in done for one in output.outputs) == task["tokens"] * 16 * len(done)
        print(f"seconds {seconds}", flush=True)


def measure_overhead(count: int, tokens: int, rounds: int) -> dict[str, Any]:
    problems = make_problems(count, seed=1)
    config = config_of("unused", tokens, "full")
    seconds: dict[str, list[float]] = {"sample and verify": [], "engine alone": [], "vllm.LLM.generate": []}
    plain = Plain(problems, tokens)
    try:
        with open_engine(config.model) as opened, MathVerifier("last") as verifier:
            engine = FixedLength(opened)
            time_engine(problems.head(16), engine, tokens)
            for number in range(rounds):
                ways = {
                    "sample and verify": lambda: time_loop(problems, engine, verifier, tokens),
                    "engine alone": lambda: time_engine(problems, engine, tokens),
                    "vllm.LLM.generate": plain.time,
                }
                # The order turns with the rounds: none is always first.
                for name in [*ways][number % 3 :] + [*ways][: number % 3]:
                    seconds[name].append(ways[name]())
    finally:
        plain.close()
    best = {name: min(taken) for name, taken in seconds.items()}
    middle = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        "problems": count,
        "samples": 16 * count,
        "tokens": 16 * count * tokens,
        "seconds": seconds,
        "tokens_per_second": {name: 16 * count * tokens / taken for name, taken in middle.items()},
        "over_engine": middle["sample and verify"] / middle["engine alone"],
        "over_engine_best": best["sample and verify"] / best["engine alone"],
        "over_plain": middle["sample and verify"] / middle["vllm.LLM.generate"],
        "aim": 1.05,
    }


def measure_saving(count: int, tokens: int) -> dict[str, Any]:
    problems = make_problems(count, seed=2)
    config = config_of("unused", tokens, "full")
    saving: dict[str, Any] = {"problems": count}
    with open_engine(config.model) as engine, MathVerifier("last") as verifier:
        for stop in ("full", "early"):
            with tempfile.TemporaryDirectory() as root:
                run = config_of(root, tokens, stop)
                store = EvidenceStore(RunFolder(root), "00000")
                stats = sample_shard(problems, store, run, engine, verifier)
                samples = store.load()
            decided = decide_samples(samples, problems.select("id", "answer"), run.sampling.n, Rules.of(run))
            saving[stop] = {
                "samples": stats.sampled,
                "tokens": stats.tokens,
                "seconds": stats.seconds,
                "decisions": dict(decided["decision"].value_counts(sort=True).iter_rows()),
            }
    saving["saved_samples"] = 1 - saving["early"]["samples"] / saving["full"]["samples"]
    saving["saved_tokens"] = 1 - saving["early"]["tokens"] / saving["full"]["tokens"]
    return saving


def main(out: Path | None = None, quick: bool = False) -> dict[str, Any]:
    """Measure, print the table, and write the figures as JSON to `out`."""
    from rich.console import Console
    from rich.table import Table

    report = {
        "machine": describe_engine(),
        "overhead": measure_overhead(16 if quick else 64, 16, 3),
        "early": measure_saving(32 if quick else 64, 24),
    }
    if out is not None:
        out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    over, early = report["overhead"], report["early"]
    table = Table(title=f"Sampling: {over['samples']} samples, {over['tokens']} tokens, medians")
    for column in ("way", "seconds", "tokens/s"):
        table.add_column(column)
    for name, taken in over["seconds"].items():
        table.add_row(name, f"{statistics.median(taken):.2f}", f"{over['tokens_per_second'][name]:.0f}")
    console = Console()
    console.print(table)
    console.print(
        f"sample and verify / engine alone: {over['over_engine']:.3f} (aim {over['aim']}), "
        f"/ vllm.LLM.generate: {over['over_plain']:.3f}"
    )
    console.print(
        f"stop: early took {early['early']['tokens']} tokens where stop: full took {early['full']['tokens']} "
        f"({early['saved_tokens']:.0%} saved) on {early['problems']} problems"
    )
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="What sampling costs over generation alone, and what stopping early saves."
    )
    parser.add_argument("--quick", action="store_true", help="fewer problems and rounds")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plain:
        generate_plainly(json.loads(given.plain))
    else:
        main(given.out, given.quick)
