"""Two runs on one folder, and sources that are not what they were."""

import random
import time

import pytest

from flows.cli.errors import Exit
from tests.faults.conftest import Make, Undisturbed, check
from tests.faults.figures import FIGURES, LONG
from tests.faults.flow import Fault, finish, start
from tests.faults.problems import STORIES, make_rows, write_rows
from tests.faults.result import read_result

pytestmark = pytest.mark.model


def test_of_runs_on_one_folder_one_works_and_the_others_are_told(
    make_trial: Make, undisturbed: Undisturbed, chance: random.Random
) -> None:
    trial = make_trial()
    runs = []
    for _ in range(3):
        runs.append(start(trial.config, trial.log))
        time.sleep(chance.random() * undisturbed.seconds / 4)
    codes = sorted(finish(run) for run in runs)
    assert codes[0] == 0, trial.said()
    assert set(codes) <= {0, Exit.BAD_INPUT}
    assert (Exit.BAD_INPUT in codes) == ("another process is working on this run" in trial.said())
    check(trial, undisturbed.result, "second runs on a folder", codes.count(Exit.BAD_INPUT))


def test_a_source_that_changed_between_runs_takes_nothing_away(make_trial: Make, chance: random.Random) -> None:
    """Rows gone, changed, new and in another order, while the run was killed half way: what it knew stays, what is new
    comes in, and the result is that of one run over the old rows and then the new ones.
    """
    old = make_rows()
    changed = {**old[0], "statement": STORIES[5].format(a=512, b=64), "answer": "576"}
    sums = [(at, at + 300) for at in range(31, 36)]
    more = [
        {"source_id": f"n{a}", "domain": "math", "statement": STORIES[5].format(a=a, b=b), "answer": str(a + b)}
        for a, b in sums
    ]
    expected = make_trial("expected", rows=[*old, changed, *more])
    assert expected.curate() == 0, expected.said()
    wanted = read_result(expected.run)
    for number in range(6 if LONG else 1):
        trial = make_trial(f"trial-{number}", rows=old)
        assert trial.curate() == 0, trial.said()
        now = [*old[2:], changed, *more]
        shuffled = now if number == 0 else chance.sample(now, len(now))
        write_rows(trial.problems_file, shuffled)
        faults = trial.curate(Fault(chance.randrange(1, 30), "torn")) == -9
        assert trial.curate() == 0, trial.said()
        found = read_result(trial.run)
        assert set(wanted["problems"]["id"]) == set(found["problems"]["id"])
        for name in ("decisions", "curated"):
            key = "problem_id" if name == "decisions" else "id"
            assert set(found[name][key]) == set(wanted[name][key])
        FIGURES.count("changed sources", 1 + faults)
        columns = ["problem_id", "decision", "correct", "wrong", "unknown", "majority_answer"]
        assert (
            found["decisions"]
            .select(columns)
            .sort("problem_id")
            .equals(wanted["decisions"].select(columns).sort("problem_id"))
        )
