"""The evidence store under any order of appending, flushing, sealing and dying: nothing flushed is lost, nothing
counts twice.
"""

import os
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.run.evidence import read_samples
from pipeline.run.storage import RunFolder
from pipeline.sample import store as store_module
from pipeline.sample.store import EvidenceStore, params_hash, verifier_hash
from schemas.config import ModelConfig, SamplingConfig, SecondOpinionConfig, VerifyConfig
from schemas.sample import SAMPLE_DTYPES, SAMPLE_KEY

NEVER = 1e9


class Killed(BaseException):
    """The process is killed here."""


class MortalFolder(RunFolder):
    """Dies at the k-th change of the disk: before it, or between writing the temporary file and renaming it."""

    def __init__(self, root: str, lives: int) -> None:
        super().__init__(root)
        self.lives = lives

    def write_bytes(self, name: str, data: bytes) -> None:
        def rename(*names: str) -> None:
            self._live()
            os.rename(*names)

        self._live()
        with mock.patch("pipeline.run.storage.os.replace", rename):
            super().write_bytes(name, data)

    def remove(self, name: str) -> None:
        self._live()
        super().remove(name)

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Killed


def row(index: int, verdict: str = "correct", problem: str = "p") -> dict[str, Any]:
    return {
        "problem_id": problem,
        "prompt": "k",
        "model": "m",
        "revision": "r",
        "params": "s",
        "index": index,
        "completion": f"text {index}",
        "tokens": 3,
        "finish_reason": "stop",
        "answer": "1",
        "answer_key": "1",
        "verdict": verdict,
        "verdict_detail": None,
        "verifier": "v",
        "seconds": 0.5,
    }


def verdicts(table: pl.DataFrame) -> dict[int, str]:
    assert dict(table.schema) == SAMPLE_DTYPES
    assert table.select(SAMPLE_KEY).is_duplicated().sum() == 0
    return dict(table.select("index", "verdict").iter_rows())


@pytest.mark.parametrize("sealed", [False, True])
def test_samples_of_an_older_run_lack_what_came_later_and_stay(tmp_path: Path, sealed: bool) -> None:
    folder = RunFolder(str(tmp_path))
    older = pl.DataFrame([row(0), row(1)], schema=SAMPLE_DTYPES).drop("says_missing")
    name = "samples/00000.parquet" if sealed else "samples/00000/part-00000.parquet"
    folder.write_table(name, older)
    store = EvidenceStore(folder, "00000", NEVER)
    assert store.load()["says_missing"].to_list() == [None, None]
    store.append([row(2) | {"says_missing": True}])
    store.seal()
    assert store.load().sort("index")["says_missing"].to_list() == [None, None, True]
    folder.write_table("samples/00001.parquet", older)
    names = ["samples/00000.parquet", "samples/00001.parquet"]
    both = read_samples(folder, names, ["verdict", "says_missing"])
    assert dict(both.select("index", "says_missing").iter_rows()) == {0: None, 1: None, 2: True}


@pytest.mark.parametrize("gone", ["all parts, into the sealed shard", "all parts but one, into that one"])
def test_samples_are_read_wherever_a_running_flow_has_put_them_since_they_were_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setattr(store_module, "MERGE", 4)
    folder = RunFolder(str(tmp_path))
    folder.write_table("samples/00001.parquet", pl.DataFrame([row(9, problem="q")], schema=SAMPLE_DTYPES))
    store = EvidenceStore(folder, "00000", NEVER)
    for index in range(3):
        store.append([row(index)])
        store.flush()
    listed = folder.list("samples")
    if "sealed" in gone:
        store.seal()
    else:
        store.append([row(2)])
        store.flush()
    assert not set(listed) <= set(folder.list("samples"))
    read = read_samples(folder, listed, ["verdict"])
    assert sorted(read.select("problem_id", "index").rows()) == [("p", 0), ("p", 1), ("p", 2), ("q", 9)]


def test_a_file_that_is_gone_with_all_of_its_shard_is_no_samples(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    assert read_samples(folder, ["samples/00000.parquet"]).is_empty()


STEPS = st.one_of(
    st.tuples(
        st.just("append"), st.lists(st.integers(0, 12), min_size=1, max_size=4), st.sampled_from(["correct", "wrong"])
    ),
    st.tuples(st.just("flush")),
    st.tuples(st.just("seal")),
    st.tuples(st.just("reopen")),
)


@pytest.mark.slow
@given(st.lists(STEPS, max_size=14), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_nothing_flushed_is_lost_and_nothing_counts_twice(steps: list[tuple[Any, ...]], lives: int) -> None:
    with tempfile.TemporaryDirectory() as root, mock.patch.object(store_module, "MERGE", 3):
        flushed: dict[int, str] = {}
        buffered: dict[int, str] = {}
        store = EvidenceStore(MortalFolder(root, lives), "00000", NEVER)
        try:
            for step in steps:
                if step[0] == "append":
                    store.append([row(index, step[2]) for index in step[1]])
                    buffered |= dict.fromkeys(step[1], step[2])
                elif step[0] == "reopen":
                    buffered = {}
                    store = EvidenceStore(store.folder, "00000", NEVER)
                else:
                    store.flush() if step[0] == "flush" else store.seal()
                    flushed |= buffered
                    buffered = {}
        except Killed:
            pass
        found = verdicts(EvidenceStore(RunFolder(root), "00000").load())
        may = {**flushed, **buffered}
        assert found.keys() >= flushed.keys()
        assert all(found[index] in (flushed.get(index), may[index]) for index in found)
        again = EvidenceStore(RunFolder(root), "00000")
        again.seal()
        assert verdicts(again.load()) == found
        assert RunFolder(root).list("samples") == ["samples/00000.parquet"] * bool(found)


@given(st.integers(1, 4), st.data())
@settings(max_examples=60, deadline=None)
def test_a_torn_part_is_set_aside_and_only_its_own_samples_are_asked_for_again(parts: int, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = RunFolder(root)
        store = EvidenceStore(folder, "00000", NEVER)
        for part in range(parts):
            store.append([row(2 * part), row(2 * part + 1)])
            store.flush()
        names = folder.list("samples")
        torn = data.draw(st.integers(0, parts - 1))
        path = Path(root) / names[torn]
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(
            data.draw(st.sampled_from([whole[:cut], whole[:cut] + b"\0" * (len(whole) - cut - 4) + b"PAR1"]))
        )
        with mock.patch.object(store_module.log, "warning") as warned:
            found = verdicts(EvidenceStore(folder, "00000").load())
        rest = {i for part in range(parts) if part != torn for i in (2 * part, 2 * part + 1)}
        # Where what was cut off was padding alone, the part still reads whole.
        lost = found.keys() != {*rest, 2 * torn, 2 * torn + 1}
        assert rest <= found.keys()
        assert (found.keys() == rest) is lost
        assert [call.args[1] for call in warned.call_args_list] == [names[torn]] * lost
        assert (names[torn] in folder.list("samples")) is not lost
        assert (Path(root) / f"{names[torn]}.damaged").exists() is lost


def test_a_later_verdict_on_the_same_completion_replaces_the_earlier_one(tmp_path: Path) -> None:
    store = EvidenceStore(RunFolder(str(tmp_path)), "00000", NEVER)
    store.append([row(0, "unknown"), row(1)])
    store.seal()
    store.append([row(0, "correct")])
    store.flush()
    assert verdicts(store.load()) == {0: "correct", 1: "correct"}
    store.seal()
    assert verdicts(store.load()) == {0: "correct", 1: "correct"}


def test_appended_rows_are_written_once_they_are_due(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    patient, hasty = EvidenceStore(folder, "a", NEVER), EvidenceStore(folder, "b", 0.0)
    assert patient.due_in() is None
    patient.append([row(0)])
    hasty.append([row(0)])
    assert NEVER - 60 < float(patient.due_in() or 0) <= NEVER
    assert hasty.due_in() is None
    assert folder.list("samples") == ["samples/b/part-00000.parquet"]


def test_sealing_a_sealed_shard_leaves_its_file_alone(tmp_path: Path) -> None:
    store = EvidenceStore(RunFolder(str(tmp_path)), "00000")
    store.append([row(0)])
    store.seal()
    before = (tmp_path / "samples/00000.parquet").stat()
    store.seal()
    assert (tmp_path / "samples/00000.parquet").stat() == before


def test_no_evidence_is_an_empty_table_of_the_contract(tmp_path: Path) -> None:
    assert verdicts(EvidenceStore(RunFolder(str(tmp_path)), "00000").load()) == {}


@pytest.fixture
def sampling() -> SamplingConfig:
    return SamplingConfig()


def test_params_are_what_shapes_a_completion_and_not_how_many_there_are(sampling: SamplingConfig) -> None:
    base = params_hash(sampling)
    assert params_hash(sampling.model_copy(update={"n": 4, "stop": "full"})) == base
    changes = ({"temperature": 0.1}, {"top_p": 0.5}, {"max_tokens": 5}, {"stop_strings": ("\n",)})
    for change in (*changes, {"top_k": 20}, {"min_p": 0.1}):
        assert params_hash(sampling.model_copy(update=change)) != base


def test_samples_from_before_a_parameter_was_there_still_count(sampling: SamplingConfig) -> None:
    assert params_hash(sampling) == "47abfd9e33c78229"


def test_a_verdict_rests_on_label_and_rules_and_not_on_limits() -> None:
    base = verifier_hash(VerifyConfig(), "5")
    assert verifier_hash(VerifyConfig(timeout=9, workers=7, memory_mb=512), "5") == base
    assert verifier_hash(VerifyConfig(), "6") != base
    assert verifier_hash(VerifyConfig(), None) != verifier_hash(VerifyConfig(), "None")
    assert verifier_hash(VerifyConfig(extract="last"), "5") != base


def test_a_judge_that_is_reached_elsewhere_judges_nothing_again() -> None:
    def hash_with(**model: Any) -> str:
        opinion = SecondOpinionConfig(enabled=True, model=ModelConfig(**{"name": "judge"} | model))
        return verifier_hash(VerifyConfig(second_opinion=opinion), "a cat")

    here = hash_with(url="http://here:8000/v1")
    assert hash_with(url="http://there:8000/v1", api_key_env="KEY", concurrency=7, timeout=1) == here
    assert hash_with(name="other", url="http://here:8000/v1") != here
    assert hash_with(revision="v2", url="http://here:8000/v1") != here


def test_a_disk_that_cannot_be_read_is_no_damage(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    store = EvidenceStore(folder, "00000")
    store.append([row(0)])
    store.flush()
    with mock.patch.object(folder, "read_bytes", side_effect=OSError("the network is away")), pytest.raises(OSError):  # noqa: PT011
        store.load()
    assert folder.list("samples") == ["samples/00000/part-00000.parquet"]
