"""A user's own folders can have the names of our packages: the message says which is in the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from goldilocks import HiddenPackageError
from goldilocks._hidden import NEEDED, check_hidden
from pipeline.publish.export import export_run
from tests.conftest import ROOT
from tests.pipeline.publish.export.runs import lay_mixed

VERIFY = "from goldilocks import verify\nprint(verify(r'\\boxed{4}', '4').verdict)\n"


def run_script(folder: Path, text: str, *options: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    """As a user runs it: a script in their own folder, Goldilocks installed in the environment."""
    (folder / "script.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLDILOCKS")}
    command = [sys.executable, *options, str(folder / "script.py")]
    return subprocess.run(
        command, cwd=folder, env=environment | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with packages of its own called schemas and pipeline."""
    for name in NEEDED:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWN = True\n")
    return tmp_path


def test_a_script_in_a_folder_of_its_own_needs_nothing_else(tmp_path: Path) -> None:
    done = run_script(tmp_path, VERIFY)
    assert (done.returncode, done.stdout) == (0, "correct\n"), done.stderr


def test_both_folders_are_named_with_what_to_do(folder: Path) -> None:
    done = run_script(folder, VERIFY)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("goldilocks._hidden.HiddenPackageError: ")
    for name in NEEDED:
        assert str(folder / name) in last
    assert "rename them" in last
    assert "python -P" in last


@pytest.mark.slow
def test_what_the_message_advises_works(folder: Path) -> None:
    done = run_script(folder, VERIFY, "-P")
    assert (done.returncode, done.stdout) == (0, "correct\n"), done.stderr
    for name in NEEDED:
        (folder / name).rename(folder / f"our_{name}")
    done = run_script(folder, VERIFY)
    assert (done.returncode, done.stdout) == (0, "correct\n"), done.stderr


@pytest.mark.parametrize("name", NEEDED)
def test_one_that_the_script_has_imported_already_is_named(folder: Path, name: str) -> None:
    (other,) = set(NEEDED) - {name}
    (folder / other / "__init__.py").unlink()
    (folder / other).rmdir()
    done = run_script(folder, f"import {name}\nassert {name}.OWN\n{VERIFY}")
    last = done.stderr.splitlines()[-1]
    assert str(folder / name) in last
    assert str(folder / other) not in last


def test_a_single_file_hides_a_package_too(tmp_path: Path) -> None:
    (tmp_path / "schemas.py").write_text("OWN = True\n")
    assert str(tmp_path / "schemas.py") in run_script(tmp_path, VERIFY).stderr.splitlines()[-1]


def test_a_folder_without_python_in_it_is_named_where_python_takes_it_for_ours(tmp_path: Path) -> None:
    """Python prefers a package to a bare folder, but asks the finder of an editable install last."""
    (tmp_path / "schemas").mkdir()
    editable = any("editable" in str(finder).lower() for finder in sys.meta_path)
    done = run_script(tmp_path, VERIFY)
    assert (done.stdout == "correct\n") is not editable
    assert (str(tmp_path / "schemas") in done.stderr) is editable


def test_a_folder_without_python_in_it_does_no_harm_where_ours_is_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    done = run_script(tmp_path, VERIFY, path=str(ROOT))
    assert (done.returncode, done.stdout) == (0, "correct\n"), done.stderr


def test_an_exported_reward_names_the_folder_and_the_service(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = lay_mixed(tmp_path_factory.mktemp("mixed") / "run", verify={"extract": "last"})
    out = tmp_path_factory.mktemp("exports") / "verl"
    export_run("verl", run.root, str(out))
    script = (out / "reward.py").read_text() + "\nprint(compute_score('sums', 'so 4', '4')['acc'])\n"
    last = run_script(folder, script).stderr.splitlines()[-1]
    assert last.startswith("RuntimeError: ")
    assert str(folder / "schemas") in last
    assert "GOLDILOCKS_REWARD_URL" in last
    done = run_script(folder, script, "-P")
    assert (done.returncode, done.stdout) == (0, "1.0\n"), done.stderr


def test_ours_in_their_own_place_are_fine_and_elsewhere_are_not(tmp_path: Path) -> None:
    check_hidden()
    with pytest.raises(HiddenPackageError, match="hide Goldilocks' own `schemas` and `pipeline`"):
        check_hidden(tmp_path)
