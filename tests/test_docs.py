"""README and docs/: every command runs in a copy of the checkout, links and names lead somewhere, examples hold."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from benchmarks.__main__ import BENCHMARKS, LONG
from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from pipeline.verify.math import MathVerifier
from schemas.config import Config
from tests.conftest import ROOT

LOOP = ROOT / "docs" / "training.md"
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if page != LOOP)]
TEXTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")})
"""All pages, of which some have no commands to run."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
UNTIL = "# until interrupted"
STARTED = ("scheduled:", "rewards at", "looking at")
"""What a command that runs for ever says when it is up."""
ELSEWHERE = "# needs a server"
"""Run by tests/flows/test_schedule.py, with a server and a worker."""
SERVE_SECONDS = 60


def commands(page: Path, kind: str = "bash") -> list[str]:
    return [line for found, body in BLOCK.findall(page.read_text()) if found == kind for line in body.splitlines()]


def to_run(page: Path) -> list[str]:
    """The commands of a page that this file runs."""
    return [command for command in commands(page) if command.strip() and ELSEWHERE not in command]


WITH_COMMANDS = [page for page in PAGES if to_run(page)]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, prefect_home: dict[str, str]) -> Path:
    """A copy of what is committed or about to be, with the quickstart curated by the real command."""
    copy = tmp_path_factory.mktemp("checkout") / "goldilocks"
    copy.mkdir()
    for name in ("configs", "docs", "tests/data", "prefect.yaml"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copy(ROOT / name, copy / name)
    run_to_its_end("goldilocks curate configs/quickstart.yaml", copy, prefect_home)
    return copy


def run_to_its_end(command: str, where: Path, environment: dict[str, str]) -> str:
    """What a command that must succeed has printed."""
    done = execute(command, where, environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def execute(command: str, where: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=where,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.model
def test_the_quickstart_does_what_the_readme_says(checkout: Path) -> None:
    run = RunFolder(str(checkout / "runs" / "quickstart"))
    check_counts(run)
    decisions = pl.concat(table for _, table in run.read_tables("decisions"))
    samples = pl.concat(table for _, table in run.read_tables("samples"))
    assert samples["problem_id"].n_unique() >= 64
    assert samples.filter(pl.col("completion").str.strip_chars() != "").height > 0
    assert "keep" in set(decisions["decision"])
    rejected = pl.concat([table.select("reason") for _, table in run.read_tables("rejected")])
    assert rejected["reason"].n_unique() >= 4
    for name in ("manifest.json", "README.md", "report.html", "funnel.svg"):
        assert run.exists(name)


def test_pages_with_commands_are_found() -> None:
    assert len(WITH_COMMANDS) >= 8
    assert ROOT / "README.md" in WITH_COMMANDS


@pytest.mark.model
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda p: p.name)
def test_every_command_runs(page: Path, checkout: Path, prefect_home: dict[str, str]) -> None:
    outputs = [
        serve_for_a_while(command, checkout, prefect_home)
        if UNTIL in command
        else run_to_its_end(command, checkout, prefect_home)
        for command in to_run(page)
    ]
    assert outputs


@pytest.mark.model
def test_the_loop_does_what_its_page_says(checkout: Path, prefect_home: dict[str, str]) -> None:
    run = RunFolder(str(checkout / "runs" / "quickstart"))
    first, *others = commands(LOOP)
    for command in (first, *others):
        run_to_its_end(command, checkout, prefect_home)
    check_counts(run)
    assert run.read_json("manifest.json")["grading_pass"] == 2
    passes = [{row["problem_id"] for row in table.iter_rows(named=True)} for table in read_passes(run)]
    assert passes[0] == passes[1]
    samples = pl.concat(table for _, table in run.read_tables("samples"))
    assert samples["revision"].n_unique() == 2
    assert 'id="passes"' in run.read_bytes("report.html").decode()
    log = (checkout / "runs" / "quickstart" / "training" / "log.jsonl").read_text()
    assert log.count("\n") == 4
    run_to_its_end(first, checkout, prefect_home)
    assert (checkout / "runs" / "quickstart" / "training" / "log.jsonl").read_text() == log
    assert pl.concat(table for _, table in run.read_tables("samples")).height == samples.height


def read_passes(run: RunFolder) -> list[pl.DataFrame]:
    """The decisions of the first and of the second pass."""
    tables = dict(run.read_tables("decisions"))
    return [pl.concat(table for name, table in tables.items() if f"/pass-{number}-" in name) for number in (1, 2)]


def serve_for_a_while(command: str, where: Path, environment: dict[str, str]) -> str:
    """What a command that runs for ever has printed once it says that it is up."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=where,
        env=environment | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        try:
            for line in process.stdout:
                said += line
                if any(word in line for word in STARTED):
                    break
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(SERVE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
    assert any(word in said for word in STARTED), f"{command}\n{said}"
    return said


def test_every_make_command_is_a_target() -> None:
    lines = [line for page in TEXTS for line in commands(page, "sh") if line.startswith("make ")]
    targets = {line.split()[1] for line in lines}
    targets |= {name for page in TEXTS for name in re.findall(r"`make\s(\w+)`", page.read_text())}
    assert targets >= {"curate", "loop", "check", "test"}
    for target in sorted(targets):
        dry = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert dry.returncode == 0, dry.stderr


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in its address."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page in TEXTS for link in re.findall(r"\]\(([^)]+)\)", page.read_text())]
    inside = [(page, *link.partition("#")) for page, link in links if not link.startswith("https://")]
    assert len(inside) >= 60
    targets = [(page, (page.parent / name).resolve() if name else page, anchor) for page, name, _, anchor in inside]
    assert [f"{page.name}: {target}" for page, target, _ in targets if not target.exists()] == []
    assert [f"{page.name}: {t.name}#{a}" for page, t, a in targets if a and a not in anchors(t)] == []


def test_contributing_names_every_folder() -> None:
    tree = (ROOT / "CONTRIBUTING.md").read_text()
    packages = {path.parent.name for layer in ("", "pipeline/") for path in ROOT.glob(f"{layer}*/__init__.py")}
    assert len(packages) >= 20
    assert sorted(name for name in packages if f"{name}/" not in tree) == []


def test_figures_are_of_benchmarks_that_there_are() -> None:
    headings = re.findall(r"^## .*\((`.+`)\)$", (ROOT / "docs" / "figures.md").read_text(), re.MULTILINE)
    named = {name for heading in headings for name in re.findall(r"`(\w+)`", heading)}
    pages = "".join(page.read_text() for page in PAGES)
    for names in re.findall(r"python -m benchmarks[. ]([a-z_ ]+)", pages):
        named |= set(names.split())
    assert "verify_math" in named
    assert named <= {*BENCHMARKS, *LONG}


def test_the_examples_of_right_and_wrong_answers_hold() -> None:
    rows = re.findall(r"^\| (`.+?`) \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "verify.md").read_text(), re.MULTILINE)
    assert len(rows) >= 6
    with MathVerifier() as verifier:
        for label, right, wrong in rows:
            for answers, verdict in ((right, "correct"), (wrong, "wrong")):
                for answer in re.findall(r"`(.+?)`", answers):
                    judged = verifier.judge(label.strip("`"), rf"\boxed{{{answer}}}")
                    assert (answer, judged.verdict.value) == (answer, verdict)


def test_yaml_examples_are_configs() -> None:
    import yaml

    examples = [body for page in PAGES for kind, body in BLOCK.findall(page.read_text()) if kind == "yaml"]
    assert len(examples) >= 5
    for body in examples:
        given = {"run": "r", "sources": [{"name": "s", "files": "f"}]} | yaml.safe_load(body)
        assert set(given) <= Config.model_validate(given).model_fields_set
