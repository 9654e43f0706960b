"""A program that judges outputs is tried before it is believed; with one that stood its trial the problem is kept."""

import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.code_tests import check_tests
from pipeline.code_tests.ask_checker import ask_in_parallel
from pipeline.code_tests.corrupt import make_attacks, make_content, make_cut, make_empty, shuffle_input
from pipeline.code_tests.trial import Tried, try_changed_outputs, try_programs
from pipeline.sandbox import Asked, Checked, CheckerProgram, Sandbox
from pipeline.verify.code import CodeVerifier, read_code_label
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows
from schemas.reasons import Verdict

STATEMENT = (
    "Given n people and m pairs that quarrel, print for each person the team, 1 or 2, so that no pair is in one."
)
READ = """
n, m = map(int, input().split())
near = {k: [] for k in range(1, n + 1)}
for _ in range(m):
    a, b = map(int, input().split())
    near[a].append(b)
    near[b].append(a)
"""
COLOUR = """
team = {}
for start in near:
    if start in team: continue
    team[start] = FIRST
    todo = [start]
    while todo:
        here = todo.pop()
        for there in near[here]:
            if there not in team:
                team[there] = 3 - team[here]
                todo.append(there)
print(*(team[k] for k in sorted(near)))
"""
RIGHT = [READ + COLOUR.replace("FIRST", first) for first in ("1", "2", "1 + start % 2")]
WRONG = [f"{READ}print(*(1 + k % 2 for k in near))", f"{READ}print(*(1 for k in near))"]
CHECKER = """
import sys
lines = open(sys.argv[1]).read().split("\\n")
n, m = map(int, lines[0].split())
teams = sys.stdin.read().split()
if len(teams) != n or not set(teams) <= {"1", "2"}:
    sys.exit(43)
"""
PAIRS = """
for line in lines[1 : m + 1]:
    a, b = map(int, line.split())
    if teams[a - 1] == teams[b - 1]:
        sys.exit(43)
"""
ACCEPT = "sys.exit(42)\n"
EVALUATING = """
import sys
lines = open(sys.argv[1]).read().split("\\n")
n, m = map(int, lines[0].split())
try:
    teams = [str(eval(word)) for word in sys.stdin.read().split()]
except Exception:
    sys.exit(43)
if len(teams) != n or not set(teams) <= {"1", "2"}:
    sys.exit(43)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def graph(seed: int) -> tuple[str, str]:
    """A random graph of two sides, and their teams."""
    rng = random.Random(seed)
    n = rng.randrange(6, 12)
    side = [rng.choice("12") for _ in range(n)]
    pairs = [(a + 1, b + 1) for a in range(n) for b in range(a) if side[a] != side[b] and rng.random() < 0.6]
    lines = [f"{n} {len(pairs)}", *(f"{a} {b}" for a, b in pairs)]
    return "\n".join(lines) + "\n", " ".join(side) + "\n"


def problem(code: str, programs: Sequence[str] = (*RIGHT, *WRONG), jury: bool = True, **columns: Any) -> pl.DataFrame:
    tests = [dict(zip(("id", "input", "expected"), (f"t{seed}", *graph(seed)), strict=True)) for seed in range(8)]
    names = [("accepted/" if code in RIGHT else "wrong_answer/") + f"{at}.py" for at, code in enumerate(programs)]
    verdicts = {"verdicts": {name: name.partition("/")[0] for name in names}} if jury else {}
    row = {
        "domain": "code",
        "statement": STATEMENT,
        "tests": tests,
        "solutions": [{"id": n, "language": "python", "code": c} for n, c in zip(names, programs, strict=True)],
        "checker": {"language": "python", "code": code, "protocol": "kattis"},
        "extra": json.dumps(verdicts),
    } | columns
    frame, bad = conform_rows([row], source="planted")
    assert bad.is_empty()
    return frame


def check(sandbox: Sandbox, frame: pl.DataFrame) -> tuple[str, dict[str, Any]]:
    """(`kept`, or the reason and its detail; the row)."""
    kept, rejected = check_tests(frame, CodeTestsConfig(), sandbox)
    assert kept.height + rejected.height == 1
    if kept.height:
        return "kept", kept.row(0, named=True)
    return f"{rejected['reason'][0]}: {rejected['detail'][0]}", rejected.row(0, named=True)


@pytest.mark.parametrize("jury", [True, False])
def test_a_checker_that_works_keeps_the_problem(sandbox: Sandbox, jury: bool) -> None:
    frame = problem(CHECKER + PAIRS + ACCEPT, jury=jury)
    outcome, row = check(sandbox, frame)
    assert outcome == "kept"
    assert [s["code"] for s in row["solutions"]] == RIGHT
    assert sorted(t["id"] for t in row["tests"]) == [f"t{seed}" for seed in range(8)]
    assert {t["origin"] for t in row["tests"]} == {"source"}
    assert row["checker"] == frame["checker"][0]
    report = json.loads(row["extra"])["code_tests"]
    assert (len(report["trusted"]), report["kill_rate"]) == (3, 1.0)
    with CodeVerifier(lambda: Sandbox(1)) as verifier:
        label = read_code_label(row, 20)
        judged = [verifier.judge(label, f"```python\n{code}\n```").verdict for code in (*RIGHT, *WRONG)]
    assert judged == [Verdict.CORRECT] * 3 + [Verdict.WRONG] * 2


BROKEN = {
    "it takes anything": (f"import sys\n{ACCEPT}", "accepts"),
    "it never reads the pairs": (CHECKER + ACCEPT, "beside any other input"),
    "it takes nothing": ("import sys\nsys.exit(43)\n", "rejects the output of accepted/0.py"),
    "it wants the jury's own answer": (
        "import sys\nsys.exit(42 if sys.stdin.read().split() == open(sys.argv[2]).read().split() else 43)\n",
        "rejects the output of accepted/",
    ),
    "it crashes": ("import nowhere\n", "gives no verdict"),
    "it says its verdict in words": ("print('accepted')\n", "gives no verdict"),
    "it evaluates what it reads": (EVALUATING + PAIRS + ACCEPT, "accepts \"__import__('os')._exit(42)"),
    "it crashes on what is wrong": (
        CHECKER.replace("    sys.exit(43)", "    raise ValueError")
        + PAIRS.replace("sys.exit(43)", "raise ValueError")
        + ACCEPT,
        "gives no verdict on",
    ),
}


@pytest.mark.parametrize(("code", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_checker_fails_its_trial(sandbox: Sandbox, code: str, words: str) -> None:
    outcome, row = check(sandbox, problem(code, RIGHT))
    assert outcome.startswith("needs_checker: its checker failed the trial: it ")
    assert words in outcome
    assert row["tests"]


def test_a_checker_that_takes_all_known_wrong_programs_fails(sandbox: Sandbox) -> None:
    outcome, _ = check(sandbox, problem(CHECKER + ACCEPT))
    assert "2 of 2 programs that are known to be wrong" in outcome


def test_without_any_program_the_answers_are_the_right_outputs(sandbox: Sandbox) -> None:
    assert check(sandbox, problem(CHECKER + PAIRS + ACCEPT, []))[0] == "kept"
    assert "outputs" in check(sandbox, problem("import sys\nsys.exit(43)", []))[0]


class Losing(Sandbox):
    """Loses the first checks that it is asked for."""

    losses = 0

    def submit_checks(self, checker: CheckerProgram, asked: Sequence[Asked]) -> "Future[list[Checked]]":
        if not self.losses:
            return super().submit_checks(checker, asked)
        self.losses -= 1
        future: Future[list[Checked]] = Future()
        future.set_result([Checked(None, "a worker was lost", infra=True)] * len(asked))
        return future


def test_trouble_of_the_sandbox_says_nothing_against_a_checker() -> None:
    with Losing(1) as losing:
        ask = ask_in_parallel(losing, CheckerProgram("python", CHECKER + PAIRS + ACCEPT))
        text, teams = graph(0)
        losing.losses = 2
        assert ask([Asked(text, teams, teams)]) == [Checked(True)]
        losing.losses = 3
        with pytest.raises(RuntimeError, match="a worker was lost"):
            ask([Asked(text, teams, "1\n")])


def test_a_checker_judges_no_function(sandbox: Sandbox) -> None:
    outcome, _ = check(sandbox, problem(CHECKER + PAIRS + ACCEPT, entry_point="f"))
    assert outcome.startswith("needs_checker: its checker judges text")


def test_few_tests_are_too_few_with_a_checker_too(sandbox: Sandbox) -> None:
    frame = problem(CHECKER + PAIRS + ACCEPT)
    few = frame.with_columns(pl.col("tests").list.head(3))
    _, rejected = check_tests(few, CodeTestsConfig(generate=False), sandbox)
    assert rejected["reason"][0] == "too_few_tests"
    assert rejected["detail"][0].startswith("3 tests")


def is_right(given: str, output: str) -> bool:
    """Whether a colouring is one, as `STATEMENT` has it."""
    (n, _), *pairs = [[int(word) for word in line.split()] for line in given.split("\n") if line]
    teams = output.split()
    return len(teams) == n and {*teams} <= {"1", "2"} and all(teams[a - 1] != teams[b - 1] for a, b in pairs)


def test_tests_are_made_whose_answers_come_from_trusted_programs(sandbox: Sandbox) -> None:
    """Where a made graph has no two sides, the checker takes no output, and the test stays out."""
    frame = problem(CHECKER + PAIRS + ACCEPT).with_columns(pl.col("tests").list.head(3))
    outcome, row = check(sandbox, frame)
    assert outcome == "kept"
    made = [test for test in row["tests"] if test["origin"] == "generated"]
    assert len(row["tests"]) == len(made) + 3 >= CodeTestsConfig().min_tests
    assert all(is_right(test["input"], test["expected"]) for test in row["tests"])
    assert [s["code"] for s in row["solutions"]] == RIGHT
    assert "generated" in [entry["action"] for entry in row["history"]]


def test_two_programs_without_a_jury_answer_no_made_test(sandbox: Sandbox) -> None:
    frame = problem(CHECKER + PAIRS + ACCEPT, RIGHT[:2], jury=False).with_columns(pl.col("tests").list.head(3))
    assert check(sandbox, frame)[0].startswith("too_few_tests: 3 tests")


def ask_model(sandbox: Sandbox, wrote: str | None, **columns: Any) -> tuple[list[str], pl.DataFrame, pl.DataFrame]:
    """(prompts, kept, rejected) of the problem without its checker, where a model `wrote` one."""
    prompts: list[str] = []

    def generate(asked: list[str]) -> list[str | None]:
        prompts.extend(asked)
        return [wrote and f"<think>no</think>Here it is:\n```python\n{wrote}\n```" for _ in asked]

    statement = f"{STATEMENT} If there are several ways, print any of them."
    frame = problem("", jury=False, **({"checker": None, "statement": statement} | columns))
    return prompts, *check_tests(frame, CodeTestsConfig(), sandbox, generate)


def test_a_model_writes_a_checker_that_stands_its_trial(sandbox: Sandbox) -> None:
    prompts, kept, _ = ask_model(sandbox, CHECKER + PAIRS + ACCEPT)
    row = kept.row(0, named=True)
    assert len(prompts) == 1
    assert STATEMENT in prompts[0]
    assert graph(0)[0].strip() in prompts[0] or graph(1)[0].strip() in prompts[0]
    assert row["checker"]["code"].strip() == (CHECKER + PAIRS + ACCEPT).strip()
    assert [s["code"] for s in row["solutions"]] == RIGHT
    assert ("checker", "a model wrote it") in [(entry["action"], entry["detail"]) for entry in row["history"]]
    with CodeVerifier(lambda: Sandbox(1)) as verifier:
        label = read_code_label(row, 20)
        judged = [verifier.judge(label, f"```python\n{code}\n```").verdict for code in (*RIGHT, *WRONG)]
    assert judged == [Verdict.CORRECT] * 3 + [Verdict.WRONG] * 2


@pytest.mark.parametrize("name", BROKEN)
def test_a_model_is_believed_no_more_than_anybody_else(sandbox: Sandbox, name: str) -> None:
    _, kept, rejected = ask_model(sandbox, BROKEN[name][0])
    assert kept.is_empty()
    assert rejected["reason"].to_list() == ["needs_checker"]
    assert "a model's checker was tried" in rejected["detail"][0]


def test_a_model_that_writes_nothing_changes_nothing(sandbox: Sandbox) -> None:
    _, kept, rejected = ask_model(sandbox, None)
    assert (kept.height, rejected["reason"].to_list()) == (0, ["needs_checker"])
    assert "model" not in rejected["detail"][0]


def test_no_model_is_asked_where_programs_talk_with_the_judge(sandbox: Sandbox) -> None:
    extra = json.dumps({"checker": "custom", "interactive": True})
    prompts, kept, _ = ask_model(sandbox, CHECKER + PAIRS + ACCEPT, extra=extra)
    assert (prompts, kept.height) == ([], 0)


def test_one_answer_in_an_order_of_ones_own_is_no_fault() -> None:
    """Who only compares sets with the jury's answer never reads the input, and takes every order."""

    def ask(asked: Sequence[Asked]) -> list[Checked]:
        return [Checked(sorted(one.output.split()) == sorted(one.answer.split())) for one in asked]

    rng = random.Random(1)
    answers = [" ".join(str(rng.randrange(99)) for _ in range(6)) for _ in range(10)]
    tests = [Tried(f"t{at}", f"3\n{at} 1\n{at} 2\n5 6\n", text, (text,)) for at, text in enumerate(answers)]
    assert try_changed_outputs(ask, tests).fault is None


def test_a_segment_of_the_right_length_is_not_enough() -> None:
    """Ends that are off together pass such a checker, beside any input."""

    def length(text: str) -> int:
        left, right = map(int, text.split())
        return right - left

    def ask(asked: Sequence[Asked]) -> list[Checked]:
        def fits(one: Asked) -> bool:
            words = one.output.split()
            return len(words) == 2 and all(w.isdigit() for w in words) and length(one.output) == length(one.answer)

        return [Checked(fits(one)) for one in asked]

    rng = random.Random(2)
    tests = []
    for at in range(10):
        left = rng.randrange(1, 50)
        numbers = "\n".join(str(rng.randrange(99)) for _ in range(60))
        tests.append(Tried(f"t{at}", f"60\n{numbers}\n", text := f"{left} {left + 2 + at}\n", (text,)))
    assert "shape" in (try_changed_outputs(ask, tests).fault or "")


def test_programs_that_print_nothing_say_nothing_of_a_checker() -> None:
    good, bad = Checked(True), Checked(False)
    assert try_programs({"a": [good, None]}, {"b": [None, None], "c": [bad, None]}, ["t0", "t1"]) is None
    assert "no verdict" in (try_programs({"a": [good, Checked(None, "x")]}, {}, ["t0", "t1"]) or "")


outputs = st.lists(st.lists(st.sampled_from(["1", "-7", "0.5", "ab", "#.#", "YES"]), min_size=1), min_size=1).map(
    lambda rows: "\n".join(" ".join(row) for row in rows) + "\n"
)


@given(outputs, st.randoms(use_true_random=False))
def test_changed_outputs_are_other_outputs_of_the_same_shape(output: str, rng: random.Random) -> None:
    for _, text in make_content(output, rng):
        assert text.split() != output.split()
        assert [len(line.split()) for line in text.split("\n")] == [len(line.split()) for line in output.split("\n")]
    for _, text in (*make_empty(output), *make_cut(output)):
        assert len(text.split()) < len(output.split())
    for _, text in make_attacks(output):
        assert text.split() != output.split()


@given(outputs, st.randoms(use_true_random=False))
def test_a_shuffled_input_has_the_same_first_line_and_shape(text: str, rng: random.Random) -> None:
    shuffled = shuffle_input(text, rng) or text
    before, after = text.rstrip().split("\n"), shuffled.rstrip().split("\n")
    assert (before[0], len(before)) == (after[0], len(after))
    assert sorted("".join(before[1:]).replace(" ", "")) == sorted("".join(after[1:]).replace(" ", ""))
