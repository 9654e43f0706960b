"""Each preset makes problems of rows in the real form of its set, from files and through `datasets`."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.ingest.presets import PRESETS, choose_preset
from pipeline.ingest.source import read_source
from schemas.config import Source
from schemas.conform import conform_rows
from schemas.errors import InputError
from tests.pipeline.ingest.preset_forms import FORMS


def test_every_preset_has_rows_of_its_form_here() -> None:
    assert set(FORMS) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("kind", ["jsonl", "parquet", "dataset", "saved"])
def test_rows_of_the_set_become_problems(name: str, kind: str, tmp_path: Path) -> None:
    form = FORMS[name]
    split = PRESETS[name].split
    if kind == "jsonl":
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in form.rows))
        source = Source(name="mine", files=str(file), preset=name)
    elif kind == "parquet":
        pl.DataFrame(form.rows).write_parquet(tmp_path / "rows.parquet")
        source = Source(name="mine", files=str(tmp_path / "*.parquet"), preset=name)
    elif kind == "dataset":
        pl.DataFrame(form.rows).write_parquet(tmp_path / f"{split}-00000-of-00001.parquet")
        source = Source.model_validate(Source(name="mine", dataset=str(tmp_path), preset=name).model_dump())
    else:
        import datasets

        datasets.DatasetDict({split: datasets.Dataset.from_list(form.rows)}).save_to_disk(str(tmp_path / "set"))
        source = Source(name="mine", dataset=str(tmp_path / "set"), preset=name)

    problems, rejected = conform_rows(read_source(source), "mine")

    assert rejected.is_empty(), rejected["detail"].to_list()
    assert problems["statement"].to_list() == form.statements
    assert problems["answer"].to_list() == form.answers
    assert set(problems["domain"]) == {"math"}
    assert set(problems["language"]) == {"en"}
    assert set(problems["source"]) == {"mine"}
    assert all(item == [] for item in problems["solutions"].to_list())
    # A row without a name of its own is named after its place in the split.
    placed = [f"{split}-{n}" if kind in ("dataset", "saved") else None for n in range(len(form.rows))]
    assert problems["source_id"].to_list() == (form.source_ids or placed)
    for text, expected in zip(problems["extra"], form.extra, strict=True):
        extra = json.loads(text or "{}")
        assert {key: extra.get(key) for key in expected} == expected
        assert not set(extra) & set(form.gone)


def test_the_hub_name_of_a_set_is_enough() -> None:
    assert choose_preset(None, "openai/gsm8k").name == "gsm8k"
    assert choose_preset(None, "someone/else").name == "contract"
    assert choose_preset("math", "openai/gsm8k").name == "math"


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'gsm8k'"):
        choose_preset("GSM8", None)
