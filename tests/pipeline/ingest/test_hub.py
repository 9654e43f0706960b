"""Datasets in local folders of the forms that the Hub has; what is missing is answered with what there is."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.ingest.hub import read_dataset, read_license
from schemas.config import Source
from schemas.conform import WHERE
from schemas.errors import InputError

CARD = """---
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: main/test-*
- config_name: socratic
  data_files:
  - split: train
    path: socratic/train-*
---
# A set
"""


@pytest.fixture
def carded(tmp_path: Path) -> str:
    for place, count in (("main/train", 3), ("main/test", 1), ("socratic/train", 2)):
        file = tmp_path / f"{place}-00000-of-00001.parquet"
        file.parent.mkdir(exist_ok=True)
        rows = [{"question": f"{place} {n}", "answer": f"#### {n}", "long": "-"} for n in range(count)]
        pl.DataFrame(rows).write_parquet(file)
    (tmp_path / "README.md").write_text(CARD)
    return str(tmp_path)


@pytest.mark.parametrize("streaming", [True, False])
def test_a_split_of_a_subset(carded: str, streaming: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    rows = list(read_dataset(carded, "main", "train", streaming=streaming, without=frozenset({"long"})))
    assert [row["question"] for row in rows] == ["main/train 0", "main/train 1", "main/train 2"]
    assert rows[2][WHERE] == f"{carded} main train row 2"
    assert rows[2]["source_id"] == "train-2"
    assert "long" not in rows[0]


def test_the_usual_subset_is_taken_where_the_set_has_it(carded: str) -> None:
    assert next(read_dataset(carded, preferred="socratic"))["question"] == "socratic/train 0"


def test_a_missing_split_or_subset_is_answered_with_those_there_are(carded: str) -> None:
    with pytest.raises(InputError, match=r"no split 'tran'; there are: train, test"):
        next(read_dataset(carded, "main", "tran"))
    with pytest.raises(InputError, match=r"no split 'tran'; there are: train, test"):
        next(read_dataset(carded, "main", "tran", streaming=False))
    with pytest.raises(InputError, match=r"no subset 'mian'; there are: main, socratic"):
        next(read_dataset(carded, "mian"))
    with pytest.raises(InputError, match=r"several subsets; choose one with `subset`: main, socratic"):
        next(read_dataset(carded, preferred="other"))


def test_a_folder_of_jsonl(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"n": n}) + "\n" for n in range(3)))
    (tmp_path / "test.jsonl").write_text('{"n": 9}\n')
    assert [row["n"] for row in read_dataset(str(tmp_path))] == [0, 1, 2]
    assert [row["n"] for row in read_dataset(str(tmp_path), split="test")] == [9]


def test_folders_of_save_to_disk(tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_list([{"n": 1, "source_id": "own"}, {"n": 2, "source_id": None}])
    rows.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"train": rows, "test": rows.select([1])}).save_to_disk(str(tmp_path / "many"))
    assert [row["source_id"] for row in read_dataset(str(tmp_path / "one"))] == ["own", "train-1"]
    assert [row["n"] for row in read_dataset(str(tmp_path / "many"), split="test")] == [2]
    with pytest.raises(InputError, match="no split 'dev'; there are: train, test"):
        next(read_dataset(str(tmp_path / "many"), split="dev"))


def test_a_corrupt_file_in_the_middle_says_how_far_it_got(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"n": 1}\n' * 5 + '{"n": \n')
    with pytest.raises(InputError, match=f"dataset {tmp_path}"):
        list(read_dataset(str(tmp_path)))


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"\./nothere: no such folder"):
        next(read_dataset("./nothere"))


def test_without_a_network_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"openai/gsm8k: the Hub cannot be reached.*hf download.*files"):
        next(read_dataset("openai/gsm8k", "main"))


@pytest.mark.parametrize(
    ("card", "license"),
    [
        ("---\nlicense: mit\n---\n# Set", "mit"),
        ("---\nlicense:\n- cc-by-4.0\n---\n", "cc-by-4.0"),
        ("---\nlicense: [mit, apache-2.0]\n---\n", "other"),
        ("---\nlanguage: en\n---\n", None),
        ("---\n: [\n---\n", None),
        ("# A set without a head\nlicense: mit\n", None),
        (None, None),
    ],
)
def test_a_sets_card_states_its_licence(card: str | None, license: str | None, tmp_path: Path) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert read_license(Source(name="set", dataset=str(tmp_path))) == license
    assert read_license(Source(name="set", files=str(tmp_path))) == license


def test_a_card_that_links_out_of_its_set_states_nothing(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.md").write_text("---\nlicense: mit\n---\n")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "README.md").symlink_to(tmp_path / "elsewhere.md")
    assert read_license(Source(name="set", dataset=str(tmp_path / "set"))) is None
