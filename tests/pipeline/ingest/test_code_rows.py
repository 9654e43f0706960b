"""Rows in the form of the public code sets become problems of the contract."""

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.code_packed import read_packed
from pipeline.ingest.code_presets import CODE_PRESETS
from pipeline.ingest.code_rows import convert_human_eval
from pipeline.ingest.files import read_packages
from pipeline.ingest.files.packages import read_flags
from schemas.conform import conform_rows
from schemas.errors import InputError


def pack(value: Any, protocol: int = 4) -> str:
    """As LiveCodeBench writes its private tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(value, protocol))).decode()


ROWS: dict[str, tuple[dict[str, Any], list[tuple[str, str | None]], int, str | None]] = {
    "apps": (
        {
            "problem_id": 7,
            "question": "Add.",
            "solutions": json.dumps(["print(sum(map(int, input().split())))"]),
            "input_output": json.dumps({"inputs": ["1 2\n"], "outputs": ["3\n"]}),
            "difficulty": "interview",
        },
        [("1 2\n", "3\n")],
        1,
        None,
    ),
    "taco": (
        {
            "question": "Add.",
            "solutions": json.dumps(["class Solution:\n    def add(self, a, b):\n        return a + b\n"]),
            "input_output": json.dumps({"fn_name": "add", "inputs": [[1, 2]], "outputs": [[3]]}),
        },
        [("[1, 2]", "3")],
        1,
        "add",
    ),
    "code-contests": (
        {
            "name": "1_A",
            "description": "Add.",
            "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
            "private_tests": {"input": ["2 2\n"], "output": ["4\n"]},
            "generated_tests": {"input": [], "output": []},
            "solutions": {"language": [3, 2, 4], "solution": ["print(3)", "int main() {}", "class A {}"]},
            "incorrect_solutions": {"language": [3], "solution": ["print(0)"]},
        },
        [("1 2\n", "3\n"), ("2 2\n", "4\n")],
        3,
        None,
    ),
    "codeforces": (
        {
            "id": "1/A",
            "description": "Add.",
            "input_format": "Two numbers.",
            "output_format": "One.",
            "examples": [{"input": "1 2", "output": "3"}],
            "official_tests": [{"input": "1 2", "output": "3"}, {"input": "5 5", "output": "10"}],
        },
        [("1 2", "3"), ("5 5", "10")],
        0,
        None,
    ),
    "livecodebench": (
        {
            "question_id": "x",
            "question_content": "Add.",
            "public_test_cases": json.dumps([{"input": "[1, 2]\n3", "output": "6", "testtype": "functional"}]),
            "private_test_cases": pack(json.dumps([{"input": "[]\n7", "output": "7", "testtype": "functional"}])),
            "metadata": json.dumps({"func_name": "add"}),
        },
        [("[[1, 2], 3]", "6"), ("[[], 7]", "7")],
        0,
        "add",
    ),
    "mbpp": (
        {
            "task_id": 1,
            "text": "Add.",
            "code": "def add(a, b):\n    return a + b",
            "test_list": ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"],
            "challenge_test_list": [],
            "test_setup_code": "",
        },
        [("add(1, 2)", "3"), ("add(-1, 1)", "0")],
        1,
        "add",
    ),
    "humaneval": (
        {
            "task_id": "HumanEval/0",
            "prompt": "def add(a, b):\n    '''Add.'''\n",
            "canonical_solution": "    return a + b\n",
            "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(1, b=1) == 2\n",
            "entry_point": "add",
        },
        [("add(1, 2)", "3"), ("add(1, b=1)", "2")],
        1,
        "add",
    ),
    "humaneval-plus": (
        {
            "task_id": "HumanEval/0",
            "prompt": "def add(a, b):\n",
            "canonical_solution": "    return a + b\n",
            "test": "",
            "entry_point": "add",
            "base_input": [[1, 2]],
            "plus_input": [[3, 4]],
        },
        [("add(1, 2)", None), ("add(3, 4)", None)],
        1,
        "add",
    ),
    "judged-code": (
        {
            "id": "code-1",
            "statement": "Add.",
            "checker": {"type": "tokens", "float_tol": 1e-6, "case_sensitive": False},
            "tests": [{"tid": "t0", "sample": True, "input": "1 2\n", "output": "3\n"}],
            "submissions": [{"sid": "s0", "language": "cpp", "code": "int main() {}"}],
        },
        [("1 2\n", "3\n")],
        1,
        None,
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_each_set_becomes_a_problem(name: str) -> None:
    row, tests, solutions, entry_point = ROWS[name]
    problems, bad = conform_rows([CODE_PRESETS[name].convert(row)], source=name)
    assert bad.height == 0
    found = problems.row(0, named=True)
    assert [(t["input"], t["expected"]) for t in found["tests"]] == tests
    assert len(found["solutions"]) == solutions
    assert found["entry_point"] == entry_point
    assert "add" in found["statement"].lower()


class Bomb:
    ran = False

    def __reduce__(self) -> Any:
        return (setattr, (Bomb, "ran", True))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_packed_string_is_read_whatever_the_protocol(protocol: int) -> None:
    text = json.dumps([{"input": "\u00e9\n" * 300, "output": "7"}], ensure_ascii=False)
    assert read_packed(pack(text, protocol)) == text


@pytest.mark.parametrize(
    "text",
    [
        pack(Bomb()),
        pack([Bomb(), "[]"]),
        pack(["[]"]),
        pack(3),
        pack("[]")[:-8],
        base64.b64encode(zlib.compress(b"\x80\x04garbage")).decode(),
        "no base64!",
    ],
)
def test_what_is_packed_is_never_unpickled(text: str) -> None:
    with pytest.raises(ValueError, match="packed tests"):
        read_packed(text)
    assert not Bomb.ran


def test_a_decompression_bomb_is_refused() -> None:
    squeezer = zlib.compressobj(9)
    data = b"".join(squeezer.compress(bytes(1 << 20)) for _ in range(257)) + squeezer.flush()
    with pytest.raises(ValueError, match="over 256 MB"):
        read_packed(base64.b64encode(data).decode())


def test_what_stands_before_the_function_of_a_prompt_is_its_prelude() -> None:
    head = "import math\n\ndef poly(xs, x):\n    return sum(c * math.pow(x, i) for i, c in enumerate(xs))"
    row = {"prompt": head + "\n\ndef find_zero(xs):\n    '''Add.'''\n", "entry_point": "find_zero", "test": ""}
    assert convert_human_eval(row)["extra"] == {"prelude": head}
    assert convert_human_eval({**row, "prompt": "def find_zero(xs):\n"})["extra"] is None


def test_every_preset_is_tried_on_a_row() -> None:
    assert set(ROWS) == {name for name, preset in CODE_PRESETS.items() if not preset.packages}


def test_asserts_that_only_compare_nearly_are_test_programs() -> None:
    lines = ["assert math.isclose(area(3), 28.27, rel_tol=0.001)", "assert math.isclose(area(1), 3.14, rel_tol=0.001)"]
    code = "import math\ndef half(x):\n    return x / 2\ndef area(r):\n    return 4 * half(half(math.pi * r * r))"
    problem = CODE_PRESETS["mbpp"].convert({"task_id": 4, "text": "Area.", "code": code, "test_list": lines})
    assert problem["entry_point"] == "area"
    assert [(t["input"], t["expected"]) for t in problem["tests"]] == [(f"import math\n{line}", None) for line in lines]
    broken = {"task_id": 4, "text": "Area.", "code": "def area(", "test_list": lines}
    assert CODE_PRESETS["mbpp"].convert(broken)["tests"] == []


def write_package(place: Path, validation: str = "default") -> None:
    for name, text in {
        "problem.yaml": f"name: Adding\nlicense: cc0\nvalidation: {validation}\n"
        "validator_flags: float_tolerance 1e-4\n",
        "problem_statement/problem.en.tex": "Add the numbers.",
        "data/sample/1.in": "1 2\n",
        "data/sample/1.ans": "3\n",
        "data/secret/big/2.in": "5 5\n",
        "data/secret/big/2.ans": "10\n",
        "data/secret/3.in": "no answer beside it\n",
        "submissions/wrong_answer/bad.py": "print(0)",
        "submissions/accepted/good.cpp": "int main() {}",
        "submissions/accepted/Other.java": "class Other {}",
    }.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_contest_packages_become_problems(tmp_path: Path) -> None:
    write_package(tmp_path / "adding")
    write_package(tmp_path / "other", validation="custom")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "problem.yaml").write_text("name: Nothing\n")
    first, empty, other = read_packages(tmp_path)
    assert [(t["id"], t["expected"]) for t in first["tests"]] == [("sample/1", "3\n"), ("secret/big/2", "10\n")]
    assert [s["id"] for s in first["solutions"]] == ["accepted/good.cpp", "wrong_answer/bad.py"]
    assert first["checker"] == {"float_tolerance": 1e-4, "ignore_case": True, "strict_whitespace": None}
    assert "checker" not in first["extra"]
    assert other["extra"]["checker"] == "custom"
    assert "no statement" in empty.detail
    problems, bad = conform_rows([first, empty, other], source="packages")
    assert (problems.height, bad.height) == (2, 1)


def test_a_folder_without_packages_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"problem\.yaml"):
        list(read_packages(tmp_path))


def test_validator_flags_become_a_checker() -> None:
    assert read_flags(["case_sensitive", "space_change_sensitive"]) == {
        "float_tolerance": None,
        "ignore_case": None,
        "strict_whitespace": True,
    }
    with pytest.raises(ValueError, match="float_tolerance"):
        read_flags(["float_tolerance", "much"])
