"""Imports go one way, files stay short, no file names a package index or a home folder."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("schemas", "pipeline", "trainer", "flows", "goldilocks")
EXPORTED = {"pipeline/reward/client.py"}
"""Written beside an export as a user's file, so it imports the public package as a user does."""
MODULES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
HEAVY = {"torch", "vllm", "transformers", "datasets", "prefect", "reasoning_gym", "math_verify", "sympy"}
LINES = 450
EXEMPT = ("tests/test_architecture.py", "tests/pipeline/sandbox/attacks/")
"""Hostile programs look for such places; that is what they are for."""


def imports(path: Path, top_only: bool = False) -> set[str]:
    """The first names of all that a module imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def test_imports_go_one_way() -> None:
    upward = {}
    for path in MODULES:
        layer = path.relative_to(ROOT).parts[0]
        name = str(path.relative_to(ROOT))
        allowed = {"goldilocks"} if name in EXPORTED else set()
        if above := imports(path) & set(LAYERS[LAYERS.index(layer) + 1 :]) - allowed:
            upward[name] = sorted(above)
    assert upward == {}, "these modules import a layer above their own"


def test_packages_of_the_pipeline_import_each_other_without_cycles() -> None:
    packages: dict[str, set[str]] = {}
    for path in MODULES:
        layer, package, *_ = path.relative_to(ROOT).with_suffix("").parts
        if layer == "pipeline":
            names = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
            needed = {name.split(".")[1] for name in names if name and name.startswith("pipeline.")}
            packages.setdefault(package, set()).update(needed - {package})
    assert len(list(graphlib.TopologicalSorter(packages).static_order())) >= 15


def test_files_can_be_read_in_one_go() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LINES} == {}, f"files of more than {LINES} lines"


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
    offenders = [
        f"{name}: {line.strip()[:80]}"
        for name in listed
        if name and (ROOT / name).is_file() and not name.startswith(EXEMPT)
        for line in (ROOT / name).read_text(errors="replace").splitlines()
        if secret.search(line)
    ]
    assert offenders == []
