"""A run of samples that someone already has: verified, decided and published like our own, and with no model.

What is left out: screening. A problem is graded as it stands; only its label must be one that the verifier can compare.
"""

import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from flows.stopwatch import Stopwatch
from pipeline.decide.run import decide_run
from pipeline.ingest.files import find_files
from pipeline.progress import track
from pipeline.publish.run import publish_run
from pipeline.run.layout import IMPORTED_NOTE, TABLE_FOLDERS, samples_name, shard_of, stage_folder
from pipeline.run.storage import RunFolder
from pipeline.sample.offline import assign_indices, load_samples, read_problems, spill_samples, verify_samples
from pipeline.verify.problem import ADDED_LATER, LABEL_COLUMNS, ProblemVerifier, read_label
from pipeline.verify.second_opinion import open_opinion
from pipeline.verify.stage import STAGE
from schemas.config import Config, Source
from schemas.errors import InputError
from schemas.sample import IMPORTED


def grade_imported(problems: str, samples: str, out: str, config: Config) -> dict[str, Any]:
    """Grade the problems of one file by the samples of another into the run folder `out`; returns its manifest.

    `config` gives the settings; its source becomes the file. `problems`: Parquet or JSONL in the contract's names
    (domain math where neither row nor source gives one). `samples`: `problem_id` or `source_id`, `completion` and, when
    known, `index`, `model`, `tokens`, `finish_reason`; an index that is missing or taken is assigned. A sample row that
    cannot be used goes to rejected/samples-*.parquet with what is wrong. Memory is bounded by a shard of
    `config.flow.shard_rows` problems with its samples, and by the names of all problems. Raises InputError where a file
    cannot be read, where no sample row can be used, and where `out` holds another run.
    """
    folder = RunFolder(out)
    watch = Stopwatch()
    source = Source(name=PurePosixPath(problems).stem or IMPORTED, files=problems, domain=config.sources[0].domain)
    config = config.model_copy(update={"run": out, "sources": (source,)})
    _clear_folder(folder, problems, samples)
    with (
        open_opinion(config.verify) as opinion,
        ProblemVerifier(config.verify, config.sandbox, opinion) as verifier,
        tempfile.TemporaryDirectory(prefix="goldilocks-") as spill,
    ):
        with watch.measure("ingest"):
            places = read_problems(folder, problems, config, verifier.math)
            taken = spill_samples(folder, samples, places, Path(spill), config.reading)
        with watch.measure("verify"), track("verify", taken, "samples"):
            for name in folder.list(stage_folder(STAGE)):
                shard = shard_of(name)
                rows = folder.read_table(name, list(LABEL_COLUMNS), ADDED_LATER).iter_rows(named=True)
                labels = {row["id"]: read_label(row, config.verify) for row in rows}
                parts = sorted(Path(spill).glob(f"{shard}-*.parquet"))
                evidence = verify_samples(assign_indices(load_samples(parts)), labels, verifier, config, places.opened)
                folder.write_table(samples_name(shard), evidence)
                for part in parts:
                    part.unlink()
    with watch.measure("decide"):
        decide_run(folder, config)
    return publish_run(folder, config, watch.seconds)


def _clear_folder(folder: RunFolder, problems: str, samples: str) -> None:
    """Empty the folders of an earlier grading, and of nothing else; not before both files are known to be there."""
    find_files(problems)
    find_files(samples)
    filled = [tables for tables in TABLE_FOLDERS if folder.list(tables)]
    if filled and not folder.exists(IMPORTED_NOTE):
        raise InputError(f"{folder.root}: there is a run already ({filled[0]}/ is not empty); give another folder")
    for place in (problems, samples):
        if RunFolder(place).path.startswith(tuple(folder.at(tables) + "/" for tables in TABLE_FOLDERS)):
            raise InputError(f"{place}: lies in the folder to be written, {folder.root}; give another folder")
    for tables in TABLE_FOLDERS:
        folder.remove(tables)
    folder.write_json(IMPORTED_NOTE, {"problems": problems, "samples": samples})
