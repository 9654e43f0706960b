"""The reward service on loopback: completions a second, latency and refusals, beside the verifier in-process and TRL's
reward.

    python -m benchmarks.reward [OUT.json] [--pairs 120]

Completions of about 1,500 characters of work and a box, once with whole numbers alone and once with every kind of
answer of `verify_math`,  are graded four times: by `Rewarder` in this process,
by TRL's `accuracy_reward` (math-verify, on the main thread, a part of them), by a real `goldilocks reward` in batches
from one client, and in batches from many. No pair comes twice within a contender, and each has a fresh verifier. Then a
flood: more at once than a small queue takes, every refusal asked again until all are answered; what counts is that all
are, that none is lost to an error, and the service's peak memory. Last, bodies that take much more memory parsed than
sent, while another client asks a plain question again and again: how long it waits, and the peak memory.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx

from benchmarks.verify_math import make_kinds
from pipeline.reward import Rewarder
from pipeline.reward.rewarder import Answered

WORK = "We write down what is given, name what is asked for, and go from one to the other step by step. "
CLIENTS, BATCH = 16, 64
COMMON = "integers (GSM8K)"
SLOWER = 300
"""Completions for TRL's reward, which takes milliseconds each; the ratio is of rates."""
FLOOD = {"clients": 64, "batch": 64, "queue": 512}


def make_items(pairs: int, only: str | None = None, seed: int = 0) -> list[dict[str, str]]:
    """Completions of one kind of answer, or of all kinds mixed."""
    kinds = {name: kind for name, kind in make_kinds(pairs, seed).items() if only in (None, name)}
    items = [
        {"ground_truth": label, "completion": f"{n}. {WORK * 15}So \\boxed{{{answer}}}"}
        for kind in kinds.values()
        for n, (label, answer) in enumerate(kind)
    ]
    random.Random(seed).shuffle(items)
    return items


@contextmanager
def serving(*settings: str) -> Iterator[tuple[str, int]]:
    """The address and process id of a running service."""
    command = [sys.executable, "-m", "flows.cli.main", "reward", "--port", "0"]
    command += [word for setting in settings for word in ("--set", setting)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            yield service.stdout.readline().split()[2].rstrip(","), service.pid
        finally:
            service.terminate()


def read_peak(pid: int) -> float:
    """Peak resident memory of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def grade_here(items: list[dict[str, str]]) -> tuple[float, Counter[str]]:
    """Seconds and verdicts of the rewarder in this process."""
    with Rewarder() as rewarder:
        rewarder.grade([Answered("1/2", "\\boxed{\\frac{\\sqrt{x}}{y}}")])
        began = time.perf_counter()
        graded = rewarder.grade([Answered(item["ground_truth"], item["completion"]) for item in items])
        return time.perf_counter() - began, Counter(one.verdict.value for one in graded)


def grade_trl(items: list[dict[str, str]]) -> tuple[float, Counter[str]]:
    """Seconds and verdicts of TRL's accuracy reward; None, where it cannot read the label, is unknown."""
    from trl.rewards import accuracy_reward

    began = time.perf_counter()
    rewards = accuracy_reward(
        [[{"role": "assistant", "content": item["completion"]}] for item in items],
        [f"${item['ground_truth']}$" for item in items],
    )
    words = {1.0: "correct", 0.0: "wrong", None: "unknown"}
    return time.perf_counter() - began, Counter(words[reward] for reward in rewards)


async def load(address: str, items: list[dict[str, str]], clients: int, batch: int) -> dict[str, Any]:
    """Send every item in batches from `clients` at once; a refusal is asked again."""
    batches = iter([items[at : at + batch] for at in range(0, len(items), batch)])
    verdicts: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    seconds: list[float] = []

    async def work(client: httpx.AsyncClient) -> None:
        for some in batches:
            while True:
                began = time.perf_counter()
                answer = await client.post("/verify", json={"items": some})
                codes[answer.status_code] += 1
                if answer.status_code != 429:
                    break
                await asyncio.sleep(float(answer.headers["Retry-After"]))
            answer.raise_for_status()
            seconds.append(time.perf_counter() - began)
            verdicts.update(result["verdict"] for result in answer.json()["results"])

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        began = time.perf_counter()
        await asyncio.gather(*(work(client) for _ in range(clients)))
        whole = time.perf_counter() - began
    return {"seconds": whole, "verdicts": verdicts, "codes": dict(codes), "latencies": seconds}


def make_bodies(size: int = 60_000_000) -> dict[str, tuple[str, bytes]]:
    """Requests within every limit of bytes, whose parsed form is much larger or slower: name to path and body."""
    emoji = "\U0001f600" + "x" * (size // 1000)
    items = [{"ground_truth": "4", "completion": emoji} for _ in range(990)]
    slashes = b"\\\\" * (size // 2)
    return {
        "empty items, a tenth": ("/verify", b'{"items":[' + b"{}," * (size // 30) + b"{}]}"),
        "empty items": ("/verify", b'{"items":[' + b"{}," * (size // 3) + b"{}]}"),
        "depth": ("/verify", b'{"items":' + b"[" * size),
        "empty texts": ("/get_reward", b'{"query":[' + b'"",' * (size // 3) + b'""],"prompts":[],"labels":[]}'),
        "wide texts": ("/verify", json.dumps({"items": items}, ensure_ascii=False).encode()),
        "one text": ("/verify", b'{"items":[{"ground_truth":"4","completion":"' + slashes + b'"}]}'),
    }


def send_body(address: str, path: str, body: bytes) -> int:
    """The answer's code; 0 where the connection was closed while the body was on its way."""
    try:
        return httpx.post(address + path, content=body, timeout=120).status_code
    except httpx.HTTPError:
        return 0


def flood_with_bodies(at_once: int = 4) -> dict[str, Any]:
    """Each of `make_bodies` from several clients at once: answers, what a plain request waited, peak memory."""
    plain = {"items": [{"ground_truth": "4", "completion": "\\boxed{4}"}]}
    row: dict[str, Any] = {"codes": {}, "slowest_ms": {}}

    def attack(address: str, name: str, path: str, body: bytes) -> None:
        attackers = [pool.submit(send_body, address, path, body) for _ in range(at_once)]
        waits = []
        with httpx.Client(base_url=address, timeout=120) as client:
            while not all(one.done() for one in attackers):
                began = time.perf_counter()
                client.post("/verify", json=plain).raise_for_status()
                waits.append(time.perf_counter() - began)
                time.sleep(0.02)
        row["codes"][name] = dict(Counter(one.result() for one in attackers))
        row["slowest_ms"][name] = round(1000 * max(waits))

    with ProcessPoolExecutor(at_once, get_context("spawn")) as pool, serving() as (address, pid):
        for name, (path, body) in make_bodies().items():
            attack(address, name, path, body)
            row["peak_mb"] = round(read_peak(pid))
            print(
                f"{at_once} x {name:22} {row['codes'][name]}, others {row['slowest_ms'][name]} ms at most, "
                f"peak so far {row['peak_mb']} MB",
                flush=True,
            )
    return row


def describe(name: str, items: int, seconds: float, verdicts: Counter[str], base: float | None) -> dict[str, Any]:
    """A row, printed."""
    rate = items / seconds
    row = {"name": name, "items": items, "items_per_s": round(rate), "verdicts": dict(verdicts)}
    row["ratio"] = round(rate / base, 2) if base else 1.0
    print(f"{name:34} {rate:>8,.0f} completions/s  x{row['ratio']:<5} {dict(verdicts)}", flush=True)
    return row


def compare(name: str, items: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The rows of one load: in-process, TRL, and the service with one client and with many."""
    print(f"{name}: {len(items):,} completions")
    seconds, verdicts = grade_here(items)
    base = len(items) / seconds
    rows = [describe("in-process", len(items), seconds, verdicts, None)]
    slower = items[:SLOWER]
    rows.append(describe("TRL accuracy_reward", len(slower), *grade_trl(slower), base))
    for clients in (1, CLIENTS):
        with serving() as (address, _):
            warm = [{"ground_truth": "1/2", "completion": "\\boxed{\\frac{\\sqrt{x}}{y}}"}]
            asyncio.run(load(address, warm, 1, 1))
            load_report = asyncio.run(load(address, items, clients, BATCH))
        if load_report["verdicts"] != verdicts:
            raise AssertionError(f"the service says {load_report['verdicts']}, the verifier in-process {verdicts}")
        called = f"service, {clients} client{'s' * (clients > 1)} x {BATCH}"
        row = describe(called, len(items), load_report["seconds"], load_report["verdicts"], base)
        cuts = statistics.quantiles(load_report["latencies"], n=20)
        row |= {"requests_per_s": round(len(load_report["latencies"]) / load_report["seconds"], 1)}
        row |= {"p50_ms": round(cuts[9] * 1000), "p95_ms": round(cuts[18] * 1000)}
        print(f"{'':34} {row['requests_per_s']} requests/s, p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms")
        rows.append(row)
    return [{"load": name, **row} for row in rows]


def main(out: Path | None = None, pairs: int = 120) -> dict[str, Any]:
    """Measure, print, and write the figures as JSON to `out`."""
    items = make_items(pairs * 50, COMMON)
    rows = [*compare(COMMON, items), *compare("every kind", make_items(pairs))]
    flood = items * (1 + FLOOD["clients"] * FLOOD["batch"] // len(items))
    with serving(f"reward.queue={FLOOD['queue']}") as (address, pid):
        load_report = asyncio.run(load(address, flood, FLOOD["clients"], FLOOD["batch"]))
        peak = read_peak(pid)
    answered = load_report["verdicts"].total()
    refused = load_report["codes"].get(429, 0)
    errors = sum(count for code, count in load_report["codes"].items() if code not in (200, 429))
    print(
        f"flood of {len(flood):,} from {FLOOD['clients']} clients, a queue of {FLOOD['queue']}: {answered:,} answered, "
        f"{refused} requests refused and asked again, {errors} errors, {peak:.0f} MB at most"
    )
    met = answered == len(flood) and errors == 0 and refused > 0
    hostile = flood_with_bodies()
    result: dict[str, Any] = {"benchmark": "reward", "rows": rows}
    result["flood"] = {"items": len(flood), "answered": answered, "refused": refused, "errors": errors, "peak_mb": peak}
    result["flood"]["met"] = met
    result["hostile"] = hostile
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reward")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--pairs", type=int, default=120)
    given = parser.parse_args()
    main(given.out, given.pairs)
