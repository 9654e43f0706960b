"""Contest packages and APPS' folders become rows, whoever's tools made them, in a folder or an archive."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.files import read_packages, read_rows
from schemas.conform import WHERE, InvalidRow, conform_rows

BASE = {
    "data/sample/1.in": "1 2\n",
    "data/sample/1.ans": "3\n",
    "data/secret/group/2.in": "5 5\n",
    "data/secret/group/2.ans": "10\n",
    "submissions/accepted/a.py": "print(sum(map(int, input().split())))",
}
KATTIS = BASE | {"problem.yaml": "name: Sum", "problem_statement/problem.en.tex": "Add."}
ICPC = BASE | {
    "problem.yaml": "problem_format_version: 2023-07\nname: {en: Sum, sv: Summa}\ntype: pass-fail\nlicense: cc by-sa\n",
    "statement/problem.sv.md": "Addera.",
    "statement/problem.en.md": "Add.",
    "data/secret/test_group.yaml": "output_validator_args: [float_tolerance, '1e-6']\n",
}
BAPC = BASE | {
    "problem.yaml": "name: Sum\nauthor: Us\nvalidation: default\n",
    "domjudge-problem.ini": "timelimit='2'\n",
    "problem_statement/problem.tex": "Add.",
    "generators/generators.yaml": "solution: /submissions/accepted/a.py\n",
    "problem_statement/solution.tex": "No statement.",
}
DOMJUDGE = BASE | {
    "domjudge-problem.ini": "name = 'Sum'\ntimelimit=1\nspecial_compare_args = \"float_tolerance 1e-4\"\n",
    "problem.html": "<html><head><title>x</title></head><body><p>Add &lt;two&gt;</p><p>numbers.</p></body></html>",
    "problem.pdf": "%PDF",
}
PLAIN = {"float_tolerance": None, "ignore_case": True, "strict_whitespace": None}


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def pack(path: Path, files: dict[str, str], top: str = "") -> Path:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, text in files.items():
            archive.writestr(top + name, text)
    path.write_bytes(sink.getvalue())
    return path


@pytest.mark.parametrize("how", ["folder", "itself", "zip", "zip with a folder"])
@pytest.mark.parametrize(
    ("files", "statement", "title", "checker"),
    [
        (KATTIS, "Add.", "Sum", PLAIN),
        (ICPC, "Add.", "Sum", PLAIN | {"float_tolerance": 1e-6}),
        (BAPC, "Add.", "Sum", PLAIN),
        (DOMJUDGE, "Add <two>\n\nnumbers.", "Sum", PLAIN | {"float_tolerance": 1e-4}),
    ],
    ids=["kattis", "icpc", "bapctools", "domjudge"],
)
def test_a_package_of_each_kind(
    files: dict[str, str], statement: str, title: str, checker: dict[str, Any], how: str, tmp_path: Path
) -> None:
    if how.startswith("zip"):
        place = pack(tmp_path / "sum.zip", files, "sum/" if how != "zip" else "")
    else:
        place = lay(tmp_path / "all" / "sum", files)
    [row] = read_rows(place.parent if how == "folder" else place)
    assert (row["statement"], row["source_id"], row["checker"]) == (statement, "sum", checker)
    assert [test["id"] for test in row["tests"]] == ["sample/1", "secret/group/2"]
    assert [solution["id"] for solution in row["solutions"]] == ["accepted/a.py"]
    assert row["extra"]["title"] == title
    assert row["extra"].get("checker") is None
    problems, rejected = conform_rows([row], "s")
    assert (problems.height, rejected.height) == (1, 0)


@pytest.mark.parametrize(
    ("files", "seconds"),
    [
        (KATTIS, None),
        (BAPC, 2.0),
        (DOMJUDGE, 1.0),
        (ICPC | {"problem.yaml": "problem_format_version: 2023-07\nname: Sum\nlimits: {time_limit: 1.5}\n"}, 1.5),
        (KATTIS | {"problem.yaml": "name: Sum\nlimits: {memory: 512, time_multiplier: 5}\n"}, None),
        (KATTIS | {".timelimit": "3\n"}, 3.0),
    ],
)
def test_a_packages_time_limit_is_read(files: dict[str, str], seconds: float | None, tmp_path: Path) -> None:
    problems, _ = conform_rows(read_rows(lay(tmp_path / "sum", files)), "s")
    assert problems["time_limit"].to_list() == [seconds]


@pytest.mark.parametrize(
    "more",
    [
        {"problem.yaml": "name: Sum\nvalidation: custom interactive\n"},
        {"problem.yaml": "name: Sum\ntype: [interactive, scoring]\n"},
        {"domjudge-problem.ini": "special_run = 'guess'\n"},
    ],
)
def test_a_package_that_talks_has_a_checker_of_its_own(more: dict[str, str], tmp_path: Path) -> None:
    [row] = read_rows(lay(tmp_path / "sum", KATTIS | more))
    assert row["extra"]["interactive"] is True
    assert row["extra"]["checker"] == "custom"


@pytest.mark.parametrize("name", ["output_validators/v/validate.py", "output_validator/validate.py"])
def test_a_validator_in_the_package_is_its_checker(name: str, tmp_path: Path) -> None:
    [row] = read_rows(lay(tmp_path / "sum", KATTIS | {name: "x"}))
    assert row["checker"] == {"language": "python", "code": "x", "protocol": "kattis", "flags": None}


def test_a_package_in_another_language_says_so(tmp_path: Path) -> None:
    files = {name: text for name, text in KATTIS.items() if "statement" not in name}
    [row] = read_rows(lay(tmp_path / "sum", files | {"problem_statement/problem.sv.tex": "Addera."}))
    assert (row["statement"], row["language"]) == ("Addera.", "sv")


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"problem.pdf": "%PDF"}, "no statement that is text: only problem.pdf"),
        ({}, "no statement; looked for"),
        ({"problem.yaml": "- a\n"}, "problem.yaml is no mapping"),
        ({"problem.md": "Add.", "problem.yaml": "validator_flags: float_tolerance few\n"}, "wants a number, not 'few'"),
    ],
)
def test_a_package_that_cannot_be_read_costs_itself_only(more: dict[str, str], wrong: str, tmp_path: Path) -> None:
    files = {name: text for name, text in KATTIS.items() if "statement" not in name}
    lay(tmp_path / "bad", files | more)
    lay(tmp_path / "good", KATTIS)
    bad, good = read_packages(tmp_path)
    assert isinstance(bad, InvalidRow)
    assert wrong in bad.detail
    assert good["source_id"] == "good"


def test_programs_of_several_files_and_of_old_python_are_left_out(tmp_path: Path) -> None:
    more = {
        "submissions/accepted/alone/main.cpp": "int main() {}",
        "submissions/accepted/two/main.cpp": "int main() {}",
        "submissions/accepted/two/helper.cpp": "int f();",
        "submissions/accepted/old.py": "#!/usr/bin/env python2\nprint 1",
        "submissions/wrong_answer/w.py": "print(0)",
    }
    [row] = read_rows(lay(tmp_path / "sum", KATTIS | more))
    ids = [solution["id"] for solution in row["solutions"]]
    assert ids == ["accepted/a.py", "accepted/alone/main.cpp", "wrong_answer/w.py"]


APPS = {
    "question.txt": "Add.\r\nTwo numbers.",
    "input_output.json": json.dumps({"inputs": ["1 2"], "outputs": ["3"]}),
    "solutions.json": json.dumps(["print(3)"]),
    "metadata.json": json.dumps({"difficulty": "interview", "question": "no"}),
}


@pytest.mark.parametrize("archived", [False, True])
def test_a_folder_of_apps_is_a_row_of_apps(archived: bool, tmp_path: Path) -> None:
    folder = tmp_path / "APPS"
    files = {f"train/0000/{name}": text for name, text in APPS.items()} | {"train/0001/question.txt": "Only this."}
    place = pack(tmp_path / "APPS.zip", files) if archived else lay(folder, files)
    first, second = read_rows(place)
    shown = "train/0000"
    assert first[WHERE] == f"{place}/{shown}"
    del first[WHERE]
    assert first == {
        "question": "Add.\nTwo numbers.",
        "input_output": APPS["input_output.json"],
        "solutions": APPS["solutions.json"],
        "problem_id": shown,
        "folder": "train",
        "difficulty": "interview",
    }
    assert second["question"] == "Only this."


def test_no_part_of_an_apps_folder_is_a_link_out_of_it(tmp_path: Path) -> None:
    place = lay(tmp_path / "APPS" / "train" / "0000", APPS)
    (tmp_path / "secret").write_text("secret")
    (place / "solutions.json").unlink()
    (place / "solutions.json").symlink_to(tmp_path / "secret")
    [row] = read_rows(tmp_path / "APPS")
    assert isinstance(row, InvalidRow)
    assert "a link out of" in row.detail


def test_data_beside_packages_are_read_too_and_files_in_them_are_not(tmp_path: Path) -> None:
    lay(tmp_path / "sum", KATTIS | {"data/secret/notes.json": "{}"})
    (tmp_path / "more.jsonl").write_text('{"statement": "x"}\n')
    assert [row["statement"] for row in read_rows(tmp_path)] == ["x", "Add."]
