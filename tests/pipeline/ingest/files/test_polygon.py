"""Polygon packages become code problems: statement, tests, checker, solutions with the jury's verdicts."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.files import read_packages, read_rows
from schemas.conform import InvalidRow, conform_rows
from tests.pipeline.ingest.files.test_packages import lay, pack

XML = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<problem revision="3" short-name="sum">
  <names><name language="russian" value="Сумма"/><name language="english" value="Sum"/></names>
  <statements>
    <statement language="russian" path="statements/russian/problem.tex" type="application/x-tex"/>
    <statement language="english" path="statements/english/problem.tex" type="application/x-tex"/>
  </statements>
  <judging input-file="" output-file="">
    <testset name="tests">
      <test-count>3</test-count>
      <input-path-pattern>tests/%02d</input-path-pattern>
      <answer-path-pattern>tests/%02d.a</answer-path-pattern>
      <tests><test method="manual" sample="true"/><test method="manual"/><test cmd="gen 7" method="generated"/></tests>
    </testset>
  </judging>
  <assets>
    <checker{name} type="testlib"><source path="files/check.cpp" type="cpp.g++17"/></checker>{interactor}
    <solutions>
      <solution tag="wrong-answer"><source path="solutions/wrong.py" type="python.3"/></solution>
      <solution tag="main"><source path="solutions/sum.cpp" type="cpp.g++20"/></solution>
      <solution tag="time-limit-exceeded-or-accepted"><source path="solutions/slow.py" type="python.pypy3"/></solution>
      <solution tag="accepted"><source path="solutions/Sum.java" type="java21"/></solution>
      <solution tag="do-not-run"><source path="solutions/notes.py" type="python.3"/></solution>
      <solution tag="accepted"><source path="solutions/old.py" type="python.2"/></solution>
    </solutions>
  </assets>
</problem>
"""
CHECKER = '#include "testlib.h"\nint main(int argc, char* argv[]) { registerTestlibCmd(argc, argv); }\n'


def write_package(name: str = ' name="check.cpp"', interactor: str = "") -> dict[str, str]:
    return {
        "problem.xml": XML.format(name=name, interactor=interactor),
        "statement-sections/english/legend.tex": "Add $a$ and $b$.",
        "statement-sections/english/input.tex": "Two integers.",
        "statement-sections/english/output.tex": "Their sum.",
        "statement-sections/russian/legend.tex": "Сложите $a$ и $b$.",
        "statements/english/problem.tex": "\\begin{problem}{Sum}",
        "tests/01": "1 2\n",
        "tests/01.a": "3\n",
        "tests/02": "5 5\n",
        "tests/02.a": "10\n",
        "files/check.cpp": CHECKER,
        "files/testlib.h": "#pragma once\nvoid registerTestlibCmd(int, char**);\n",
        "files/gen.cpp": "int main() {}",
        "solutions/sum.cpp": "int main() {}",
        "solutions/wrong.py": "print(3)",
        "solutions/slow.py": "print(sum(map(int, input().split())))",
        "solutions/Sum.java": "class Sum {}",
        "solutions/notes.py": "notes",
        "solutions/old.py": "print 3",
    }


def read_one(place: Path) -> dict[str, Any]:
    (row,) = read_rows(place)
    assert not isinstance(row, InvalidRow), row
    return row


@pytest.mark.parametrize("how", ["a folder of packages", "the package itself", "an archive"])
def test_a_package_is_a_row_with_all_that_it_has(tmp_path: Path, how: str) -> None:
    folder = lay(tmp_path / "sum-3", write_package())
    place = {"a folder of packages": tmp_path, "the package itself": folder}.get(how)
    row = read_one(place or pack(tmp_path / "sum.zip", write_package()))
    assert row["statement"] == "Add $a$ and $b$.\n\nInput\nTwo integers.\n\nOutput\nTheir sum."
    assert (row["domain"], row["language"], row["source_id"]) == ("code", "en", "sum")
    assert [(t["id"], t["input"], t["expected"]) for t in row["tests"]] == [
        ("sample/01", "1 2\n", "3\n"),
        ("test/02", "5 5\n", "10\n"),
    ]
    assert row["extra"]["tests_not_in_package"] == 1
    assert row["extra"]["title"] == "Sum"
    assert [(s["id"], s["language"]) for s in row["solutions"]] == [
        ("accepted/sum.cpp", "cpp"),
        ("wrong_answer/wrong.py", "python"),
        ("other/slow.py", "python"),
    ]
    assert row["extra"]["verdicts"] == {"accepted/sum.cpp": "accepted", "wrong_answer/wrong.py": "wrong_answer"}
    problems, rejected = conform_rows([row], "polygon")
    assert (problems.height, rejected.height) == (1, 0)


def test_a_checker_of_its_own_comes_with_the_header_that_the_package_brings(tmp_path: Path) -> None:
    checker = read_one(lay(tmp_path, write_package()))["checker"]
    assert (checker["language"], checker["protocol"]) == ("cpp", "testlib")
    assert "#pragma once" in checker["code"]
    assert '#include "testlib.h"' not in checker["code"]


def test_a_checker_without_its_header_cannot_be_run(tmp_path: Path) -> None:
    files = write_package()
    del files["files/testlib.h"]
    row = read_one(lay(tmp_path, files))
    assert row["checker"] is None
    assert row["extra"]["checker"] == "custom"


@pytest.mark.parametrize(
    ("name", "compared"),
    [
        ("std::wcmp.cpp", {"float_tolerance": None, "ignore_case": False, "strict_whitespace": None}),
        ("std::nyesno.cpp", {"float_tolerance": None, "ignore_case": True, "strict_whitespace": None}),
        ("std::rcmp6.cpp", {"float_tolerance": 1e-6, "ignore_case": None, "strict_whitespace": None}),
    ],
)
def test_testlibs_own_checkers_are_ways_to_compare(tmp_path: Path, name: str, compared: dict[str, Any]) -> None:
    assert read_one(lay(tmp_path, write_package(f' name="{name}"')))["checker"] == compared


def test_a_problem_with_an_interactor_needs_one_here(tmp_path: Path) -> None:
    asset = '<interactor><source path="files/interact.cpp" type="cpp.g++17"/></interactor>'
    row = read_one(lay(tmp_path, write_package(interactor=asset)))
    assert row["checker"] is None
    assert row["extra"]["interactive"] is True


def test_tests_that_are_only_counted_are_read(tmp_path: Path) -> None:
    files = write_package()
    listed = files["problem.xml"].partition("<tests>")[2].partition("</tests>")[0]
    files["problem.xml"] = files["problem.xml"].replace(f"<tests>{listed}</tests>", "<tests/>")
    assert [t["id"] for t in read_one(lay(tmp_path, files))["tests"]] == ["test/01", "test/02"]


def test_a_statement_is_the_document_where_it_has_no_sections(tmp_path: Path) -> None:
    files = {name: text for name, text in write_package().items() if not name.startswith("statement-sections/")}
    assert read_one(lay(tmp_path, files))["statement"] == "\\begin{problem}{Sum}"


@pytest.mark.parametrize(
    "xml",
    ["<problem", "<set/>", '<!DOCTYPE p [<!ENTITY a "x">]><problem/>', "<problem><statements/></problem>"],
    ids=["cut off", "another root", "entities", "no statement"],
)
def test_a_package_that_cannot_be_read_is_an_invalid_row(tmp_path: Path, xml: str) -> None:
    lay(tmp_path / "bad", {"problem.xml": xml, "tests/01": "1\n"})
    lay(tmp_path / "good", write_package())
    rows = list(read_packages(tmp_path))
    assert [isinstance(row, InvalidRow) for row in rows] == [True, False]


def test_an_xml_set_that_is_called_so_is_still_a_set(tmp_path: Path) -> None:
    items = "".join(f"<item><q>What is {n} + {n}?</q><a>{2 * n}</a></item>" for n in range(3))
    lay(tmp_path, {"problem.xml": f"<set>{items}</set>"})
    assert [row["a"] for row in read_rows(tmp_path)] == ["0", "2", "4"]
