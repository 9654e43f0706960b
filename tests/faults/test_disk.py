"""A disk that is full, and one that has broken a file: the run says so, resumes, and comes to the same result."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.conftest import Make, Undisturbed, check
from tests.faults.figures import LONG
from tests.faults.flow import Fault

pytestmark = pytest.mark.model
FOLDERS = ("problems", "stages/screen", "stages/dedup", "stages/decontaminate", "rejected", "samples", "evidence")
FOLDERS += ("decisions", "curated")
TMPFS = """
set -u
mkdir -p "$RUN" && mount -t tmpfs -o size="$SIZE" tmpfs "$RUN" || exit 77
"$PYTHON" -m tests.faults.tape "$PORT" "$PROBLEMS" "$RUN" & server=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do sleep 0.1; done
"$PYTHON" -m flows.cli.main curate "$CONFIG"; first=$?
mount -o remount,size=64m "$RUN"
"$PYTHON" -m flows.cli.main curate "$CONFIG"; second=$?
kill $server
cp -a "$RUN" "$OUT"
echo "codes $first $second"
"""


def test_on_a_full_disk_nothing_is_lost(make_trial: Make, undisturbed: Undisturbed, chance: random.Random) -> None:
    """A stand-in for the disk: from one write on, half of a file is written and then there is no space left."""
    trial = make_trial()
    last, count = undisturbed.operations, trial.folder / "count"
    met = 0
    for at in range(1, last + 1, 3) if LONG else (chance.randrange(2, last // 2), chance.randrange(last // 2, last)):
        code = trial.curate(Fault(at, "full"), count)
        # Samples that arrive together are written together: a run may end before the operation is reached.
        full = int(count.read_text()) >= at
        assert code in ((1, 3) if full else (0,)), trial.said()
        assert ("No space left on device" in trial.log.read_text()) == full
        trial.log.unlink()
        met += full
        assert trial.curate() == 0, trial.said()
        assert not [path for path in trial.run.rglob(".*") if path.name != ".lock"]
        check(trial, undisturbed.result, "full disks (stand-in)", full)
        shutil.rmtree(trial.run)
    assert met


def test_on_a_real_file_system_that_is_full_nothing_is_lost(make_trial: Make, undisturbed: Undisturbed) -> None:
    """A tmpfs in a mount namespace of its own, too small for the run, then large enough."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine gives no mount namespace")
    for size in ("40k", "90k", "140k", "200k") if LONG else ("120k",):
        trial = make_trial(f"tmpfs-{size}")
        trial.stop()
        out = trial.folder / "out"
        told = {"RUN": trial.run, "SIZE": size, "PYTHON": sys.executable, "PORT": trial.port, "OUT": out}
        told |= {"PROBLEMS": trial.problems_file, "CONFIG": trial.config}
        # All within the namespace, the stand-in model too: outside of it the mount is not seen.
        done = subprocess.run(
            ["unshare", "-rm", "bash", "-c", TMPFS],
            cwd=ROOT,
            env=os.environ | {name: str(value) for name, value in told.items()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 77:
            pytest.skip("no tmpfs can be mounted here")
        first, second = map(int, done.stdout.rsplit("codes ", 1)[1].split())
        assert first in (1, 3), done.stderr
        assert second == 0, done.stderr
        trial.run.rmdir()
        out.rename(trial.run)
        check(trial, undisturbed.result, "full disks (tmpfs)")


def test_truncated_files_are_set_aside_and_made_again(
    make_trial: Make, undisturbed: Undisturbed, chance: random.Random
) -> None:
    """A file of every folder, cut at any byte: all in one run, and in the long form every file alone."""
    trial = make_trial()
    whole = {folder: sorted((undisturbed.run / folder).rglob("*.parquet")) for folder in FOLDERS}
    assert all(whole.values())
    rounds = [[chance.choice(paths) for paths in whole.values()]]
    rounds += [[path] for paths in whole.values() for path in paths] if LONG else []
    for paths in rounds:
        shutil.copytree(undisturbed.run, trial.run)
        for path in paths:
            truncate(trial.run / path.relative_to(undisturbed.run), chance)
        assert trial.curate() == 0, trial.said()
        check(trial, undisturbed.result, "truncated files", len(paths))
        shutil.rmtree(trial.run)


def truncate(path: Path, chance: random.Random) -> None:
    """Cut a file at any byte, its whole content included."""
    with path.open("r+b") as file:
        file.truncate(chance.randrange(path.stat().st_size))


def test_a_manifest_or_a_marker_that_is_torn_stops_nothing(make_trial: Make, undisturbed: Undisturbed) -> None:
    trial = make_trial()
    shutil.copytree(undisturbed.run, trial.run)
    for name in ("manifest.json", "stages/screen/00000.key", "stages/dedup/set.key"):
        path = trial.run / name
        path.write_bytes(path.read_bytes()[:7])
    assert trial.curate() == 0, trial.said()
    check(trial, undisturbed.result, "truncated files", 3)
