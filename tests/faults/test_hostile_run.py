"""A whole run over what an adversary would send: it ends as it says, within its memory, everything in its place."""

import gzip
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard

from flows.cli.errors import Exit
from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from tests.conftest import ROOT
from tests.faults.figures import LONG
from tests.pipeline.inference.unruly import Unruly
from tests.pipeline.ingest.test_hostile_files import SECRET, anchors, make_package, write_nested
from tests.pipeline.publish.report.test_browser import browse

pytestmark = [pytest.mark.slow, pytest.mark.browser]

MEMORY = 3 << 30
"""Of data, for each process of the run: what Polars, Prefect and the reader's buffers take, and no bomb."""
MARK = "goldilocks-was-run"
SCRIPTS = (
    f"<script>document.title='{MARK}'</script>",
    f"<img src=x onerror=\"document.title='{MARK}'\">",
    f"</style></title></textarea><svg onload=\"document.title='{MARK}'\">",
    f"$\\href{{javascript:document.title='{MARK}'}}{{x}}$ [x](javascript:document.title='{MARK}')",
    f"{{{{ 7 * 7 }}}}{{% raw %}}\"'><iframe srcdoc=\"<script>top.document.title='{MARK}'</script>\">",
    "| a | b |\n---\n# title\n\x1b]0;owned\x07\x1b[2J\x00\u202e\x85",
    "\\" * 3000 + "{" * 3000,
    "\\boxed{" * 3000 + "1" + "}" * 3000,
    "$" * 5000,
    "9" * 20_000,
    "9^{9^{9^{9}}} + 10^{10^{10}}!",
)
PROGRAMS = (
    "import os\nwhile True: os.fork()",
    "x = bytearray(2 << 30)",
    "import os\nos.kill(-1, 9)",
    "while True: print('x' * 9999)",
    "print(open('/etc/passwd').read())",
    "class E(int):\n    def __eq__(self, other): return True\ndef f(x): return E(1)",
)


GOOD_PACKAGES = 4
"""As many as the bad ones: a source most of whose rows cannot be read stops the run."""


def write_sources(folder: Path) -> list[dict[str, Any]]:
    """Everything hostile that can be read: statements, labels, names, solutions, tests, packages."""
    rows: list[dict[str, Any]] = []
    for number, text in enumerate(SCRIPTS):
        rows += [
            {"statement": f"What is {number} + 3, where {text}?", "answer": str(number + 3), "source_id": text},
            {"statement": f"What is {number} + 4 in all?", "answer": text},
            {"statement": text, "answer": text, "extra": {text: text}, text: text},
        ]
    rows += [{"statement": f"What is {n} plus {n}?", "answer": str(2 * n)} for n in range(8)]
    (folder / "math.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows) + '{"statement": "\\ud800"}\n[1\n'
    )
    tests = [{"id": f"t{n}", "input": f"{n}\n", "expected": str(n)} for n in range(6)]
    code = [
        {
            "domain": "code",
            "statement": f"Read a number and print it. {SCRIPTS[n % len(SCRIPTS)]}",
            "tests": tests if n % 2 else [{"input": program, "expected": program}],
            "solutions": [{"language": "python", "code": program}] * 3,
        }
        for n, program in enumerate(PROGRAMS)
    ]
    (folder / "code.jsonl").write_text("".join(json.dumps(row) + "\n" for row in code))
    linked = make_package(folder / "packages" / "linked")
    (folder / "secret").write_text(SECRET)
    (linked / "data" / "secret" / "1.ans").unlink()
    (linked / "data" / "secret" / "1.ans").symlink_to(folder / "secret")
    (make_package(folder / "packages" / "bomb") / "problem.yaml").write_text(anchors())
    (make_package(folder / "packages" / "twice") / "problem.yaml").write_text("name: a\nname: b\n")
    os.mkfifo(make_package(folder / "packages" / "pipe") / "data" / "secret" / "2.in")
    for number in range(GOOD_PACKAGES):
        make_package(folder / "packages" / f"good-{number}")
    return [
        {"name": f"m {SCRIPTS[0]} | x", "files": str(folder / "math.jsonl")},
        {"name": "code", "files": str(folder / "code.jsonl"), "domain": "code"},
        {"name": "packages", "files": str(folder / "packages"), "preset": "kattis"},
    ]


def write_config(folder: Path, url: str, sources: list[dict[str, Any]]) -> Path:
    path = folder / "run.yaml"
    config = {
        "run": str(folder / "run"),
        "sources": sources,
        "model": {"name": "m", "url": url, "timeout": 20},
        "prompt": {"template": "plain", "chat": False},
        "sampling": {"n": 4, "stop": "full", "max_tokens": 64},
        "keep": {"min": 1, "max": 3, "of": 4},
        "verify": {"extract": "last"},
        "sandbox": {"wall": 1, "cpu": 1, "workers": 1},
        "code_tests": {"min_tests": 1},
        "publish": {"title": SCRIPTS[0], "license": SCRIPTS[5]},
        "flow": {"retries": 0, "retry_delay": 0},
    }
    path.write_text(yaml.safe_dump(config))
    return path


def curate(config: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """`goldilocks curate`, each of whose processes may have MEMORY."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli.main", "curate", str(config)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=900,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
        check=False,
    )


@pytest.fixture
def server() -> Iterator[Unruly]:
    """A model whose completions are hostile too."""

    def behave(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
        texts = [SCRIPTS[(number + at) % len(SCRIPTS)] if at else f"so {number % 16}" for at in range(body.get("n", 1))]
        choices = [
            {"index": at, "text": text, "finish_reason": "stop", "logprobs": None} for at, text in enumerate(texts)
        ]
        usage = {"completion_tokens": 5 * len(texts), "prompt_tokens": 1, "total_tokens": 5 * len(texts) + 1}
        answer = {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": choices}
        return 200, {}, answer | {"usage": usage}

    made = Unruly(behave)
    yield made
    made.vanish()


def test_a_run_over_hostile_rows_ends_with_everything_in_its_place(
    tmp_path: Path, server: Unruly, prefect_home: dict[str, str]
) -> None:
    config = write_config(tmp_path, server.url, write_sources(tmp_path))
    done = curate(config, prefect_home)
    assert done.returncode in (Exit.DONE, Exit.UNFINISHED), done.stdout[-2000:] + done.stderr[-4000:]
    assert "\x1b]0;" not in done.stdout + done.stderr
    folder = RunFolder(str(tmp_path / "run"))
    check_all(folder)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    page = tmp_path / "run" / "report.html"
    shown = browse(page, tmp_path, "--dump-dom", "--virtual-time-budget=3000")
    assert f"<title>{MARK}" not in shown
    assert "<html" in shown


def check_all(folder: RunFolder) -> None:
    """Every row read is in problems/ or in the rejects, and every stage's counts add up."""
    problems = sum(table.height for _, table in folder.read_tables("problems"))
    refused = sum(folder.read_table(n).height for n in folder.list("rejected") if "/ingest-" in n)
    assert problems + refused == 3 * len(SCRIPTS) + 8 + 2 + len(PROGRAMS) + 4 + GOOD_PACKAGES
    assert "<script" not in DatasetCard(folder.read_bytes("README.md").decode()).text
    check_counts(folder)


@pytest.mark.skipif(not LONG, reason="the readers' own tests have these too: FAULTS=long")
@pytest.mark.parametrize("kind", ["gzip", "nested", "link", "values"])
def test_a_source_that_cannot_be_read_is_named_and_ends_the_run(
    tmp_path: Path, server: Unruly, prefect_home: dict[str, str], kind: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if kind == "gzip":
        with gzip.open(data / "bad.jsonl.gz", "wb") as file:
            for _ in range(300):
                file.write(b" " * (1 << 20))
    elif kind == "nested":
        write_nested(data / "bad.parquet")
    elif kind == "link":
        (data / "bad.jsonl").symlink_to("/etc/passwd")
    else:
        (data / "bad.jsonl").write_bytes(b'{"statement": [' + b"{}," * 3_000_000 + b"{}]}\n")
    done = curate(write_config(tmp_path, server.url, [{"name": "s", "files": str(data)}]), prefect_home)
    assert done.returncode == Exit.BAD_INPUT, done.stderr[-4000:]
    assert "bad." in done.stderr
