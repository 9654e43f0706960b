"""A stand-in for a model server: deterministic completions over the OpenAI protocol, on loopback.

`python -m tests.faults.tape PORT PROBLEMS RUN [SECONDS]`. Completion `index` of a problem is always the same text. A
request does not say which indices it is for; asked for fewer than all, the server plays those that the run's store
lacks, which is what its client asked for. Each answer takes up to SECONDS, so that faults find it at work.
"""

import json
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.inference.prompts import build_prompt
from schemas.config import PromptConfig
from tests.faults.problems import N, play

PLAIN = PromptConfig(template="plain", chat=False)


def main(port: int, problems_file: Path, run: Path, seconds: float = 0.02) -> None:
    """Serve until killed. The problems are read again for each request: sources may grow."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def reply(self, value: dict[str, Any], status: int = 200) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            model = {"id": "tape", "object": "model", "created": 0, "owned_by": "vllm", "root": "tape-1"}
            self.reply({"object": "list", "data": [model]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(random.random() * seconds)
            text, n = asked["prompt"], asked.get("n") or 1
            rows = [json.loads(line) for line in problems_file.read_text().splitlines()]
            row = next((row for row in rows if row["statement"] == text), None)
            if row is None:
                self.reply({"error": {"message": f"no problem says {text!r}"}}, 400)
                return
            indices = missing(run, text) if n < N else list(range(N))
            if len(indices) != n:
                self.reply({"error": {"message": f"asked for {n} completions, the run lacks {indices}"}}, 400)
                return
            said = [row["plays"][i] if "plays" in row else play(text, row["answer"], i) for i in indices]
            choices = [
                {"index": at, "text": one, "finish_reason": "stop", "token_ids": list(range(len(one.split())))}
                for at, one in enumerate(said)
            ]
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            self.reply(
                {"id": "1", "object": "text_completion", "created": 0, "model": "tape"}
                | {
                    "choices": choices,
                    "usage": usage,
                }
            )

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def missing(run: Path, statement: str) -> list[int]:
    """The indices that the store lacks of a problem; files may be merged away while they are read."""
    key = build_prompt({"statement": statement}, PLAIN).key
    while True:
        try:
            stored: set[int] = set()
            for path in sorted((run / "samples").rglob("[!.]*.parquet")):
                table = pl.read_parquet(path, columns=["prompt", "index"])
                stored.update(table.filter(pl.col("prompt") == key)["index"])
            return [index for index in range(N) if index not in stored]
        except OSError:
            time.sleep(0.01)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *map(float, sys.argv[4:]))
