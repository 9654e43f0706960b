"""Programs that differ only in white space, comments or names count as one."""

import pytest

from pipeline.code_tests.programs import fingerprint_program, read_solutions

PYTHON = "def f(xs):\n    best = xs[0]\n    for x in xs:\n        best = max(best, x)\n    return best\n"
CPP = "#include <iostream>\nusing namespace std;\nint main() { int n; cin >> n; cout << max(n, 3) << endl; }\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("best", "top"),
        ("    best = xs[0]", "    # the first\n    best   =  xs[0]"),
        ("(xs):\n", '(xs):\n    """Doc."""\n'),
    ],
)
def test_python_that_says_the_same_in_other_words_is_one_program(old: str, new: str) -> None:
    assert fingerprint_program("python", PYTHON.replace(old, new)) == fingerprint_program("python", PYTHON)


@pytest.mark.parametrize(("old", "new"), [("int n", "int  count_of"), (" cout", "\n  /* out */ cout")])
def test_cpp_that_says_the_same_in_other_words_is_one_program(old: str, new: str) -> None:
    other = CPP.replace(old, new)
    if "count_of" in other:
        other = other.replace(">> n", ">> count_of").replace("max(n", "max(count_of")
    assert fingerprint_program("cpp", other) == fingerprint_program("cpp", CPP)


def test_another_library_function_is_another_program() -> None:
    assert fingerprint_program("cpp", CPP.replace("max", "min")) != fingerprint_program("cpp", CPP)
    assert fingerprint_program("python", PYTHON.replace("max", "min")) != fingerprint_program("python", PYTHON)


def test_only_what_the_sandbox_runs_is_read_and_ids_are_unique() -> None:
    rows = [
        {"id": "a", "language": "PYTHON3", "code": "print(1)"},
        {"id": "a", "language": "C++", "code": "int main() {}"},
        {"id": None, "language": "java", "code": "class A {}"},
        {"id": None, "language": None, "code": " "},
    ]
    found = read_solutions(rows)
    assert [(s.row, s.id, s.language) for s in found] == [(0, "a", "python"), (1, "a'", "cpp")]
