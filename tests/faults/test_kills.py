"""The flow, killed: at any operation on its files, and at any moment of the clock. It resumes to the same result."""

import random
import shutil
import time

import pytest

from tests.faults.conftest import Make, Undisturbed, check
from tests.faults.figures import LONG
from tests.faults.flow import Fault, Moment, finish, start

pytestmark = pytest.mark.model
MOMENTS: tuple[Moment, ...] = ("before", "torn", "after")


def test_killed_at_a_file_operation_it_goes_on_to_the_same_result(
    make_trial: Make, undisturbed: Undisturbed, chance: random.Random
) -> None:
    """Twice in one run, at operations that are drawn; in the long form at every operation in turn."""
    trial = make_trial()
    last = undisturbed.operations
    drawn = [sorted(chance.sample(range(1, last + 1), 2)) for _ in range(2)]
    rounds = [[at] for at in range(1, last + 1)] if LONG else drawn
    for points in rounds:
        faults = 0
        for at in points:
            # A resumed run has fewer operations before it: what is done is not done again.
            code = trial.curate(Fault(at - faults, chance.choice(MOMENTS)))
            assert code in (-9, 0), trial.said()
            faults += code == -9
        assert trial.curate() == 0, trial.said()
        check(trial, undisturbed.result, "kills of the flow at a file operation", faults)
        shutil.rmtree(trial.run)


def test_killed_at_a_moment_it_goes_on_to_the_same_result(
    make_trial: Make, undisturbed: Undisturbed, chance: random.Random
) -> None:
    trial = make_trial()
    for _ in range(25 if LONG else 2):
        process = start(trial.config, trial.log)
        time.sleep(chance.random() * undisturbed.seconds)
        process.kill()
        faults = finish(process) == -9
        assert trial.curate() == 0, trial.said()
        check(trial, undisturbed.result, "kills of the flow at a moment", faults)
        shutil.rmtree(trial.run)
