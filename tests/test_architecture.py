"""Imports go one way, files stay short, no file names a package index or a home folder."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

from pipeline.run import layout
from pipeline.run.storage import RunFolder

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("schemas", "pipeline", "trainer", "flows", "goldilocks")
EXPORTED = {"pipeline/reward/client.py"}
"""Written beside an export as a user's file, so it imports the public package as a user does."""
MODULES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
HEAVY = {"torch", "vllm", "transformers", "datasets", "prefect", "reasoning_gym", "math_verify", "sympy"}
LINES = 450
PARAMETERS = 7
LONG = {"plan", "stage", "shape_problem", "generate_tests", "conclude"}
"""Functions of more parameters: the options of commands, the fields of a problem, and what a check of tests begins and
ends with. No other is added: what belongs together is passed as one object."""
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


def test_functions_take_few_parameters() -> None:
    counts: dict[str, int] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = node.args
                named = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
                counts[node.name] = max(counts.get(node.name, 0), len({*named} - {"self", "cls"}))
    assert {name for name, count in counts.items() if count > PARAMETERS} <= LONG
    assert len(counts) > 1000, "the search finds functions"


FILES = {layout.MANIFEST, layout.REPORT, layout.FUNNEL, layout.PASS_RATES, layout.PLAN, layout.IMPORTED_NOTE}
FOLDERS = (*layout.TABLE_FOLDERS, layout.FLAGS, layout.TRAINING)
CALLS = {name for name in vars(RunFolder) if not name.startswith("_")}


def name_run_files(tree: ast.AST) -> list[str]:
    """The strings of a module that name a file or folder of a run: paths, and what is passed to a run's folder."""
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
    ]
    passed = [
        value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS
        for value in node.args[:1]
        if isinstance(value, ast.Constant) and value.value in FOLDERS
    ]
    paths = [text for text in texts if text in FILES or text.startswith(tuple(f"{name}/" for name in FOLDERS))]
    return sorted({*passed, *paths})


def test_no_name_of_a_runs_folder_stands_outside_its_package() -> None:
    outside = {
        name: names
        for path in MODULES
        if not (name := str(path.relative_to(ROOT))).startswith("pipeline/run/")
        and (names := name_run_files(ast.parse(path.read_text())))
    }
    assert outside == {}, "take the names from pipeline.run.layout"


def test_the_search_for_names_finds_them() -> None:
    code = (
        'folder.list("samples")\nx = f"{folder.list(\'stages\')}"\ny = f"samples/{shard}.parquet"\nz = "manifest.json"'
    )
    assert name_run_files(ast.parse(code)) == ["manifest.json", "samples", "samples/", "stages"]
    assert name_run_files(ast.parse('"""samples/00000.parquet"""\nrow["samples"]')) == []


def test_what_is_printed_is_made_visible() -> None:
    """But for what the sandboxed side says, which nobody prints."""
    bare = []
    for path in MODULES:
        nodes = ast.walk(ast.parse(path.read_text()))
        called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        if "print" in called and "sandbox/inside" not in str(path):
            bare.append(str(path.relative_to(ROOT)))
    assert bare == ["pipeline/text/visible.py"]


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
