"""A package's own validators become programs of one file, with what stands beside them, or none."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.files import read_rows
from schemas.conform import conform_rows
from tests.pipeline.ingest.files.test_packages import ICPC, KATTIS, lay

HEADER = "#pragma once\nint accept() { return 42; }\n"
SOURCE = '#include <cstdio>\n#include "lib/validate.h"\n#include "validate.h"\nint main() { return accept(); }\n'


def read(tmp_path: Path, more: dict[str, str], base: dict[str, str] = KATTIS) -> dict[str, Any]:
    [row] = read_rows(lay(tmp_path / "sum", base | more))
    return dict(row)


def test_a_header_stands_in_the_place_of_its_include_once(tmp_path: Path) -> None:
    row = read(
        tmp_path,
        {
            "problem.yaml": "name: Sum\nvalidation: custom\nvalidator_flags: exact 3\n",
            "output_validators/v/validate.cpp": SOURCE,
            "output_validators/v/lib/validate.h": HEADER,
        },
    )
    checker = row["checker"]
    assert (checker["language"], checker["protocol"], checker["flags"]) == ("cpp", "kattis", "exact 3")
    assert checker["code"].count("int accept()") == 1
    assert '"' not in checker["code"]
    assert "#include <cstdio>" in checker["code"]
    assert "checker" not in row["extra"]
    problems, rejected = conform_rows([row], "s")
    assert (problems.height, rejected.height) == (1, 0)
    assert problems["checker"][0]["code"] == checker["code"]


def test_python_brings_the_modules_beside_it(tmp_path: Path) -> None:
    row = read(
        tmp_path,
        {
            "output_validator/validate.py": "import sys\nfrom rules import STATUS\nif __name__ == '__main__':\n"
            "    sys.exit(STATUS)\n",
            "output_validator/rules.py": "import numbers_of\nSTATUS = numbers_of.YES\n",
            "output_validator/numbers_of.py": "YES = 42\n",
        },
        ICPC,
    )
    assert (row["checker"]["language"], row["checker"]["flags"]) == ("python", "float_tolerance 1e-6")
    done = subprocess.run([sys.executable, "-I", "-c", row["checker"]["code"]], check=False)
    assert done.returncode == 42


@pytest.mark.parametrize(
    "more",
    [
        {"output_validators/v/Validate.java": "class Validate {}"},
        {"output_validators/v/build": "make", "output_validators/v/a.cpp": SOURCE},
        {"output_validators/a.py": "x", "output_validators/b.py": "y"},
        {"output_validators/a.cpp": SOURCE, "output_validators/B.java": "class B {}"},
        {"output_validators/v/a.cpp": "int f();", "output_validators/v/b.cpp": "int g();"},
        {"output_validators/v/a.py": "x", "problem.yaml": "name: Sum\nvalidation: custom interactive\n"},
        {"output_validators/v/a.py": "x", "problem.yaml": "name: Sum\nvalidation: custom score\n"},
    ],
    ids=["java", "build script", "two", "two of which one is java", "no main", "interactive", "scores"],
)
def test_what_cannot_be_run_is_a_checker_of_its_own(more: dict[str, str], tmp_path: Path) -> None:
    row = read(tmp_path, more)
    assert row["extra"]["checker"] == "custom"
    assert (row["checker"] or {}).get("code") is None


def test_input_validators_come_with_what_they_are_told(tmp_path: Path) -> None:
    row = read(
        tmp_path,
        {
            "input_validators/v/validate.cpp": SOURCE,
            "input_validators/v/lib/validate.h": HEADER,
            "input_validators/w.py": "import sys\nsys.exit(42)\n",
            "input_validators/x.ctd": "INT(1, 3)",
            "input_validators/Y.java": "class Y {}",
            "data/secret/testdata.yaml": "input_validator_flags: max 100\n",
        },
    )
    validators = row["extra"]["input_validators"]
    assert [(v["language"], v["flags"]) for v in validators] == [("cpp", "max 100"), ("python", "max 100")]
    assert "int accept()" in validators[0]["code"]
    assert "input_validators" not in read(tmp_path / "without", {})["extra"]


def test_a_validator_that_is_a_link_out_of_the_package_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.h").write_text("int secret;")
    folder = lay(tmp_path / "sum", KATTIS | {"output_validators/v/a.cpp": '#include "secret.h"\nint main() {}\n'})
    (folder / "output_validators/v/secret.h").symlink_to(tmp_path / "secret.h")
    [row] = read_rows(folder)
    assert "int secret" not in row["checker"]["code"]


def test_the_jury_s_verdicts_come_along(tmp_path: Path) -> None:
    row = read(tmp_path, {"submissions/wrong_answer/b.py": "print(0)"})
    assert row["extra"]["verdicts"] == {"accepted/a.py": "accepted", "wrong_answer/b.py": "wrong_answer"}
    assert row["checker"]["float_tolerance"] is None
