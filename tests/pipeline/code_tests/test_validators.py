"""Input validators bound what is made, once they have told known inputs from spoiled ones."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.code_tests import check_tests
from pipeline.code_tests.validators import find_validator, spoil, trust_validator
from pipeline.sandbox import Sandbox
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows

KNOWN = [f"{p}\n" for p in (2, 3, 5, 7, 11, 101, 499, 613, 887, 991)]
PRIME = """
import sys
text = sys.stdin.read()
assert text.endswith("\\n") and text[:-1].isdigit() and text == f"{int(text)}\\n"
n = int(text)
assert 2 <= n <= 1000 and all(n % d for d in range(2, n))
sys.exit(42)
"""
PRIME_CPP = """
#include <iostream>
#include <string>
int main() {
    std::string word;
    if (!(std::cin >> word) || word.size() > 4) return 43;
    for (char c : word) if (c < '0' || c > '9') return 43;
    int n = std::stoi(word);
    for (int d = 2; d < n; ++d) if (n % d == 0) return 43;
    return n >= 2 && n <= 1000 && !(std::cin >> word) ? 42 : 43;
}
"""
WORDS = PRIME.replace("sys.exit(42)", "print('valid')")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def package(code: str, language: str = "python", flags: str | None = None) -> dict[str, Any]:
    return {"input_validators": [{"language": language, "code": code, "flags": flags}]}


@pytest.mark.parametrize(
    ("extra", "written"),
    [(package(PRIME), None), (package(PRIME_CPP, "cpp"), None), ({}, WORDS), (package(PRIME), WORDS)],
    ids=["python", "compiled", "a model's", "both"],
)
def test_a_validator_says_which_inputs_keep_the_promise(
    sandbox: Sandbox, extra: dict[str, Any], written: str | None
) -> None:
    accept = find_validator(sandbox, extra, written, KNOWN)
    assert accept is not None
    assert accept(["31\n", "33\n", "997\n", "1009\n", "", "7 7\n"]) == [True, False, True, False, False, False]


UNTRUSTED = {
    "takes everything": "import sys\nsys.exit(42)",
    "takes nothing": "import sys\nsys.exit(43)",
    "takes what is not empty": "import sys\nsys.exit(42 if sys.stdin.read().strip() else 43)",
    "says it in words": "print(42)",
    "refuses a known input": PRIME.replace("2 <= n", "3 <= n"),
    "never ends": "while True:\n    pass",
    "looks for its input elsewhere": "import sys\nsys.exit(42 if open(sys.argv[1]).read() else 43)",
    "has no code": "",
}


@pytest.mark.parametrize("code", UNTRUSTED.values(), ids=UNTRUSTED.keys())
def test_a_validator_that_tells_nothing_apart_is_not_believed(sandbox: Sandbox, code: str) -> None:
    known = KNOWN[:3] if "while" in code else KNOWN
    assert find_validator(sandbox, package(code), None, known) is None


def test_one_that_is_broken_leaves_the_other(sandbox: Sandbox) -> None:
    rows = [*package(UNTRUSTED["takes nothing"])["input_validators"], *package(PRIME)["input_validators"]]
    accept = find_validator(sandbox, {"input_validators": rows}, None, KNOWN)
    assert accept is not None
    assert accept(["31\n", "33\n"]) == [True, False]


@pytest.mark.parametrize("rows", [None, 3, [None], [{"language": "java", "code": "x"}], [{"code": 3}]])
def test_what_is_no_validator_is_none(sandbox: Sandbox, rows: Any) -> None:
    assert find_validator(sandbox, {"input_validators": rows}, None, KNOWN) is None


def test_without_known_inputs_nothing_can_be_believed() -> None:
    assert not trust_validator(lambda inputs: [True] * len(inputs), [])


def test_spoiled_inputs_are_others() -> None:
    text = "3 4\nab 1 2.5\n"
    spoiled = list(spoil(text))
    assert len(spoiled) == 3
    assert all(other.split() != text.split() for other in spoiled)


PROGRAMS = [
    "print(int(input()) + 1)",
    "n = int(input())\nprint(sum(d for d in range(1, n + 1) if n % d == 0))",
    "n = int(input())\nprint(n if n < 1 else -~n)",
    "n = int(input())\nprint(n + len([d for d in range(2, n + 1) if n % d == 0]))",
]


def test_made_inputs_keep_the_promise_and_no_right_program_is_lost(sandbox: Sandbox) -> None:
    """Programs for primes split on other numbers, which says nothing against them."""
    row = {
        "domain": "code",
        "statement": "Given a prime number n (2 <= n <= 1000), print the sum of its divisors.",
        "tests": [{"id": f"t{i}", "input": text, "expected": str(int(text) + 1)} for i, text in enumerate(KNOWN)],
        "solutions": [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(PROGRAMS)],
        "extra": json.dumps(package(PRIME)),
    }
    problems, _ = conform_rows([row], source="planted")
    kept, _ = check_tests(problems, CodeTestsConfig(min_tests=12), sandbox)
    [tests] = kept["tests"].to_list()
    made = [int(test["input"]) for test in tests if test["origin"] == "generated"]
    assert made
    assert all(n % d for n in made for d in range(2, n))
    assert [s["id"] for s in kept["solutions"][0]] == ["s0", "s1", "s2", "s3"]
