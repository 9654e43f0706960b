"""A clock that jumps while a run is at work: days forward, hours back. Nothing of a result hangs on it."""

import glob
import os
import random
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.faults.conftest import GUARD, Make, Undisturbed, check
from tests.faults.figures import LONG

pytestmark = pytest.mark.model
LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
JUMPS = ("+3d", "-26h", "+400d", "-7d", "+5s", "-1s")


@pytest.mark.skipif(not glob.glob(LIBRARY), reason="libfaketime is not installed")
def test_a_clock_that_jumps_changes_nothing(make_trial: Make, undisturbed: Undisturbed, chance: random.Random) -> None:
    """By libfaketime; the monotonic clock goes on, as it does where a clock is set."""
    for number in range(6 if LONG else 1):
        trial = make_trial(f"trial-{number}", seconds=0.3)
        clock = trial.folder / "clock"
        clock.write_text("+0s")
        fake = {"LD_PRELOAD": glob.glob(LIBRARY)[0], "FAKETIME_TIMESTAMP_FILE": str(clock)}
        fake |= {"FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        command = [sys.executable, "-m", "flows.cli.main", "curate", str(trial.config)]
        with trial.log.open("ab") as log:
            run = subprocess.Popen(command, cwd=ROOT, env=os.environ | fake, stdout=log, stderr=log)
        jumps = 0
        deadline = time.monotonic() + GUARD
        while run.poll() is None:
            assert time.monotonic() < deadline, trial.said()
            time.sleep(1 + 2 * chance.random())
            clock.write_text(JUMPS[jumps % len(JUMPS)])
            jumps += run.poll() is None
        assert run.returncode == 0, trial.said()
        assert trial.curate() == 0, trial.said()
        check(trial, undisturbed.result, "jumps of the clock", jumps)
        trial.stop()
