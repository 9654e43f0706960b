"""What a machine offers, and that children of ours import our packages wherever they are started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.inference.machine import ROOT, find_project, list_gpus


@pytest.mark.parametrize("start", [["-m", "pipeline.inference.machine"], ["-c", "import pipeline"]])
def test_a_folder_of_the_user_s_does_not_stand_for_ours_in_a_child(start: list[str], tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit('the user has a folder of that name')")
    done = subprocess.run(
        [sys.executable, *start], cwd=tmp_path, env=find_project(os.environ), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_user_s_path_has_comes_after_ours() -> None:
    assert find_project({"PYTHONPATH": "/theirs"})["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/theirs"]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("2, 0", ["2", "0"]),
        ("GPU-8f1a,MIG-03c2", ["GPU-8f1a", "MIG-03c2"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0,-1,1", ["0"]),
    ],
)
def test_the_gpus_are_those_that_cuda_sees(visible: str, expected: list[str]) -> None:
    assert list_gpus({"CUDA_VISIBLE_DEVICES": visible}) == expected
