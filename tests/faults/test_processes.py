"""What a run leans on is killed while it works: verifier, sandbox, model server, engine, Prefect's server.

An infrastructure failure is unknown and never wrong: what it left unknown the next run judges again.
"""

import os
import random
import signal
import time
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from flows.cli.errors import Exit
from pipeline.sandbox import describe_sandbox
from tests.faults.conftest import Make, PrefectServer, Undisturbed, check
from tests.faults.figures import FIGURES, LONG
from tests.faults.flow import finish, start
from tests.faults.problems import N, Row
from tests.faults.result import read_result

pytestmark = pytest.mark.model
HARD = (r"\int_0^3 ({a}x+{b}) \, dx", r"\lim_{{x \to 2}} ({a}x+{b})", r"\int_0^3 {a}x \, dx + {b}")
"""Labels that only the slow verifier, in its own processes, can compare."""
ALIKE = (r"\int_0^3 ({b}+{a}x) \, dx", r"\lim_{{x \to 2}} ({b}+{a}x)", r"{b} + \int_0^3 {a}x \, dx")
VERIFIER, SANDBOX = "pipeline.verify.worker", "bwrap"


def hard_rows() -> list[Row]:
    rows = []
    for at in range(9):
        a, b, kind = 7 + at, 3 + at, at % 3
        right, alike = HARD[kind].format(a=a, b=b), ALIKE[kind].format(a=a, b=b)
        wrong = HARD[kind].format(a=a + 1, b=b)
        plays = [rf"\boxed{{{(right, alike, wrong, alike, wrong, '17', wrong, alike)[i]}}}" for i in range(N)]
        statement = f"Simplify expression number {at} of the sheet with parameters ${a}$ and ${b}$, in terms of $x$."
        rows.append({"source_id": f"h{at}", "domain": "math", "statement": statement, "answer": right, "plays": plays})
    return rows


def code_rows() -> list[Row]:
    rows = []
    for name, sign in (("add", "+"), ("sub", "-"), ("mul", "*")):
        right = [
            f"def {name}(a, b):\n    return a {sign} b\n",
            f"def {name}(a, b):\n    x = a {sign} b\n    return x\n",
        ]
        right.append(f"def {name}(a, b):\n    return (a) {sign} (b)\n")
        wrong = f"def {name}(a, b):\n    return a {sign} b + 1\n"
        said = [*right, wrong, wrong, f"def {name}(a, b):\n    while True: pass\n", right[0], wrong]
        tests = [{"id": f"t{n}", "input": f"{name}({n}, 9)", "expected": str(eval(f"{n} {sign} 9"))} for n in range(6)]
        row = {"source_id": name, "domain": "code", "entry_point": name, "tests": tests}
        row |= {"statement": f"Write a Python function {name}(a, b) that returns a {sign} b for two whole numbers."}
        row |= {"solutions": [{"id": f"s{n}", "language": "python", "code": text} for n, text in enumerate(right)]}
        rows.append(row | {"plays": [f"```python\n{text}```" for text in said]})
    return rows


def find_children(pid: int, sign: str) -> list[int]:
    """The processes below `pid` whose command line holds `sign`."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
    found = []
    for child in parents:
        above = child
        while above in parents and above != pid:
            above = parents[above]
        with suppress(OSError):
            if above == pid and child != pid and sign in (Path("/proc") / str(child) / "cmdline").read_text():
                found.append(child)
    return found


def hunt(process: ForkServerProcess, sign: str, chance: random.Random, kills: int) -> int:
    """Kill children of a run that bear `sign`, at random moments, until it ends; returns how many."""
    killed = 0
    while process.is_alive() and killed < kills:
        found = find_children(int(process.pid or 0), sign)
        if found:
            time.sleep(chance.random() * 0.3)
            with suppress(ProcessLookupError):
                os.kill(chance.choice(found), signal.SIGKILL)
                killed += 1
        time.sleep(0.02)
    return killed


@pytest.mark.parametrize(
    ("sign", "rows"),
    [
        pytest.param(VERIFIER, hard_rows(), id="verifier"),
        pytest.param(
            SANDBOX,
            code_rows(),
            id="sandbox",
            marks=pytest.mark.skipif(describe_sandbox()["mode"] != "bubblewrap", reason="no bubblewrap here"),
        ),
    ],
)
def test_a_killed_judge_is_unknown_and_asked_again(
    make_trial: Make, chance: random.Random, sign: str, rows: list[Row]
) -> None:
    changes: dict[str, Any] = {"verify": {"extract": "boxed"}, "decontaminate": {"benchmarks": []}}
    changes |= {"code_tests": {"languages": []}, "sandbox": {"wall": 1}}
    expected = make_trial("expected", rows, **changes)
    assert expected.curate() == 0, expected.said()
    wanted = read_result(expected.run)
    assert {"correct", "wrong"} <= set(wanted["samples"]["verdict"])
    histories = str(expected.folder)
    for number in range(5 if LONG else 1):
        trial = make_trial(f"trial-{number}", rows, **changes)
        process = start(trial.config, trial.log)
        kills = hunt(process, sign, chance, chance.randrange(3, 9))
        assert finish(process) in (0, Exit.UNFINISHED), trial.said()
        # A first run goes on where shards failed, a second judges again what was unknown.
        assert trial.curate() == 0, trial.said()
        assert trial.curate() == 0, trial.said()
        assert kills
        check(trial, wanted, f"kills of {'verifiers' if sign == VERIFIER else 'sandboxes'}", kills, moved=histories)


def test_a_model_server_that_dies_and_comes_back_costs_nothing(
    make_trial: Make, undisturbed: Undisturbed, chance: random.Random
) -> None:
    for number in range(10 if LONG else 1):
        trial = make_trial(f"trial-{number}", seconds=0.8)
        process = start(trial.config, trial.log)
        deadline = time.monotonic() + 100
        while not (trial.run / "evidence").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(chance.random())
        trial.stop()
        time.sleep(chance.random() * 2)
        trial.serve()
        assert finish(process) in (0, Exit.UNFINISHED), trial.said()
        assert trial.curate() == 0, trial.said()
        check(trial, undisturbed.result, "kills of the model server")
        trial.stop()


def test_without_prefects_server_a_run_ends_and_goes_on_later(
    make_trial: Make, undisturbed: Undisturbed, prefect: PrefectServer, chance: random.Random
) -> None:
    for number in range(5 if LONG else 1):
        trial = make_trial(f"trial-{number}")
        process = start(trial.config, trial.log)
        time.sleep((0.2 + 0.7 * chance.random()) * undisturbed.seconds)
        prefect.kill()
        try:
            finish(process)
        finally:
            prefect.start()
        assert trial.curate() == 0, trial.said()
        check(trial, undisturbed.result, "kills of the Prefect server")
        trial.stop()


@pytest.mark.skipif(not LONG, reason="a real model: the long form; tests/pipeline/sample has kills of its engine")
def test_a_killed_engine_loses_no_sample(make_trial: Make, undisturbed: Undisturbed, chance: random.Random) -> None:
    """Real vLLM, killed with the run and without it: all that does not hang on what the model says is the same."""
    model = {"name": "embedded", "url": None, "max_model_len": 256, "timeout": 300}
    for number in range(3):
        trial = make_trial(f"trial-{number}", model=model, sampling={"max_tokens": 12})
        process = start(trial.config, trial.log)
        kills = hunt(process, "vllm_worker", chance, 2)
        assert finish(process, 600) in (0, Exit.UNFINISHED, Exit.FAILED), trial.said()
        process = start(trial.config, trial.log)
        time.sleep(10 * chance.random())
        process.kill()
        finish(process)
        assert trial.curate() == 0, trial.said()
        FIGURES.count("kills of the engine", kills + 1)
        found = read_result(trial.run)
        for name in ("problems", "stages/screen", "stages/dedup", "stages/decontaminate"):
            assert_frame_equal(found[name], undisturbed.result[name])
        assert found["decisions"]["problem_id"].to_list() == undisturbed.result["decisions"]["problem_id"].to_list()
        key = ["problem_id", "index"]
        there, here = (result["samples"].select(key).sort(key) for result in (undisturbed.result, found))
        FIGURES.lost += max(0, there.height - here.height)
        FIGURES.doubled += here.height - here.unique().height
        assert_frame_equal(here, there)
