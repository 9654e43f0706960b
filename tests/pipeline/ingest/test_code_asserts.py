"""Tests are read out of test programs, and what a name stands for only where nothing changes it."""

import pytest

from pipeline.ingest.code_asserts import read_asserts, read_check


def test_asserts_of_other_forms_are_passed_over() -> None:
    code = "assert f(1) == 2\nassert abs(f(2) - 3) < 1e-6\nassert not f(0)\nassert f(3)\n"
    code += "assert f(4) == g(4)\nassert f(5) in (1, 2)"
    assert read_asserts(code, "f") == [("f(1)", "2"), ("f(0)", "False"), ("f(3)", "True")]
    assert read_asserts("assert (") == []


def test_unittest_and_pytest_are_read() -> None:
    code = "class T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1), 2)\n"
    code += "        self.assertTrue(f(3))\ndef test_b():\n    got = f([4])\n    want = [5]\n    assert got == want\n"
    assert sorted(read_asserts(code, "f")) == [("f(1)", "2"), ("f(3)", "True"), ("f([4])", "[5]")]


@pytest.mark.parametrize(
    "code",
    [
        "xs = [3]\nxs.append(4)\nassert f(xs) == 7",
        "xs = [3]\nshuffle(xs)\nassert f(xs) == 7",
        "xs = [3]\nxs[0] = 4\nassert f(xs) == 4",
        "xs = [3]\nxs = [4]\nassert f(xs) == 4",
        "xs = [3]\nassert f(xs) == 3\nassert f(xs) == 4",
        "got = f(3)\ngot.sort()\nassert got == [3]",
        "for x in [3]:\n    assert f(x) == 3",
    ],
)
def test_what_is_changed_after_it_is_set_is_not_taken_for_its_value(code: str) -> None:
    assert not {("f([3])", "7"), ("f([3])", "4"), ("f(3)", "[3]"), ("f(3)", "3")} & set(read_asserts(code, "f"))


def test_the_argument_of_check_is_the_function_whatever_it_is_called() -> None:
    for argument in ("candidate", "f", "fn"):
        assert read_check(f"def check({argument}):\n    assert {argument}(1) == 2\n", "f") == [("f(1)", "2")]


def test_names_that_stand_for_ever_more_are_left() -> None:
    code = "a = [1, 2]\n" + "".join(f"{y} = [{', '.join([x] * 40)}]\n" for x, y in zip("abcdef", "bcdefg", strict=True))
    [(call, _)] = read_asserts(code + "assert f(g) == 1\n", "f")
    assert len(call) < 1 << 20
