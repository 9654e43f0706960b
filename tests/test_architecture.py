"""The house: imports go one way, files stay readable, nothing points to where it was built."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("schemas", "pipeline", "trainer", "flows")
MODULES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
HEAVY = {"torch", "vllm", "transformers", "datasets", "prefect", "reasoning_gym", "math_verify", "sympy"}
LINES = 450
EXEMPT = ("tests/test_architecture.py", "tests/pipeline/sandbox/attacks/")
"""Hostile programs look for such places; that is what they are for."""


def imports(path: Path, top_only: bool = False) -> set[str]:
    """The first names of all that a module imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    assert not imports(path) & above


def test_no_room_of_the_pipeline_needs_one_that_needs_it() -> None:
    rooms: dict[str, set[str]] = {}
    for path in MODULES:
        layer, room, *_ = path.relative_to(ROOT).with_suffix("").parts
        if layer == "pipeline":
            names = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
            needed = {name.split(".")[1] for name in names if name and name.startswith("pipeline.")}
            rooms.setdefault(room, set()).update(needed - {room})
    assert len(list(graphlib.TopologicalSorter(rooms).static_order())) >= 15


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES


def test_prefect_stays_in_flows() -> None:
    outside = [p for p in MODULES if p.relative_to(ROOT).parts[0] != "flows" and "prefect" in imports(p)]
    assert outside == []


def test_a_stage_that_needs_no_model_loads_no_heavy_library() -> None:
    code = (
        "import sys; from pipeline.stage_file import run_stage; from schemas.load import build_config;"
        "config = build_config({'run': 'r', 'sources': [{'name': 'a', 'files': 'b'}]});"
        "import pathlib, tempfile; out = tempfile.mkdtemp(); file = pathlib.Path(out, 'in.jsonl');"
        'file.write_text(\'{"domain": "math", "statement": "What is 2 + 2?", "answer": "4"}\\n\');'
        "run_stage('screen', str(file), out, config); print(*sorted(set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


def test_no_file_names_an_index_or_a_home() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    secret = re.compile(
        r"https?://[^\s\"']*(pypi|/simple\b|npmjs|download\.pytorch)|/(root|home/\w+|work)/|file:///opt"
    )
    told = [
        f"{name}: {line.strip()[:80]}"
        for name in listed
        if name and (ROOT / name).is_file() and not name.startswith(EXEMPT)
        for line in (ROOT / name).read_text(errors="replace").splitlines()
        if secret.search(line)
    ]
    assert told == []
