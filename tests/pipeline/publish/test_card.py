"""The dataset card: metadata that the Hub's own parser takes, and the run's numbers."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.publish.card import size_category, write_card, write_metadata
from pipeline.publish.manifest import build_manifest
from pipeline.run.storage import RunFolder
from pipeline.text.visible import make_visible
from schemas.config import Config
from tests.pipeline.publish.small_runs import MODEL, make_config, make_run, publish


def make_card(folder: RunFolder, **more: Any) -> str:
    made = make_run(folder)
    config = make_config(folder.root, **more) if more else made
    publish(folder, config)
    return write_card(folder, config, build_manifest(folder, config))


def test_the_hub_reads_its_metadata(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard, DatasetCardData

    make_card(RunFolder(str(tmp_path / "run")))
    data = DatasetCard.load(tmp_path / "run" / "README.md").data
    assert isinstance(data, DatasetCardData)
    assert yaml.safe_load(data.to_yaml()) == {
        "pretty_name": "run",
        "license": "mit",
        "language": ["en"],
        "task_categories": ["text-generation"],
        "size_categories": ["n<1K"],
        "tags": ["reinforcement-learning", "reasoning", "verifiable-rewards", "math", "goldilocks"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "curated/*.parquet"}]}],
    }


def test_the_folder_loads_as_the_dataset_that_the_card_describes(tmp_path: Path) -> None:
    import datasets

    make_card(RunFolder(str(tmp_path / "run")))
    loaded = datasets.load_dataset(str(tmp_path / "run"), cache_dir=str(tmp_path / "cache"))
    assert {split: table["source_id"] for split, table in loaded.items()} == {"train": ["s0"]}


def test_it_says_how_the_set_was_made(tmp_path: Path) -> None:
    text = make_card(RunFolder(str(tmp_path / "run")))
    for said in (
        "1 problem worth reinforcement learning on, out of 7",
        f"neither too easy nor too\nhard for {MODEL}",
        "| screen | 6 | 5 | 1 | proof 1 |",
        "up to 16 samples at temperature 0.7",
        "61 samples\nwere taken of 80 planned, 610 tokens in all.",
        "| keep | 1 to 12 of 16 samples correct",
        "| label_contradicted | most samples agree on another answer than the label | 1 |",
        "more than 50% of the samples",
        "| source | from | in | ingest | screen | decide | problems here |",
        "| sums | some/sums main train | 7 | 1 | 1 | 4 | 1 |",
        "compared with no benchmark",
        "Licence: mit.",
    ):
        assert said in text


def test_nothing_is_made_up_where_nothing_is_known(tmp_path: Path) -> None:
    """No licence stated and nothing kept: no licence and no language in the metadata, and a card all the same."""
    text = make_card(RunFolder(str(tmp_path / "run")), keep={"min": 16, "max": 16}, publish={"title": 'A "set": #1'})
    metadata = yaml.safe_load(text.split("---\n")[1])
    assert "license" not in metadata
    assert "language" not in metadata
    assert metadata["pretty_name"] == 'A "set": #1'
    assert "No licence was stated" in text
    assert "0 problems worth" in text


HOSTILE = (
    "<script>alert(1)</script>",
    "a | b | 0 |\n| forged | row | 9 |",
    "x\n---\nlicense: forged\n---\n# Forged",
    "`code` **bold** [text](javascript:alert(1)) ![picture](http://x/y.png)",
    "\x1b[31mred\x1b]0;title\x07\x00\x85\u2028\u202e",
    "&lt;b&gt; <!-- <img src=x onerror=alert(1)> $\\int$ ~~s~~ {{ config }} {% raw %}",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_data_is_shown_as_text_and_does_nothing(tmp_path: Path, text: str) -> None:
    from huggingface_hub import DatasetCard
    from markdown_it import MarkdownIt

    folder = RunFolder(str(tmp_path / "run"))
    make_run(folder)
    given = {
        "run": folder.root,
        "sources": [{"name": text, "dataset": text}, {"name": "n", "files": [f"dir/{text}.jsonl"]}],
        "publish": {"title": text, "license": text},
    }
    config = Config.model_validate(given)
    publish(folder, config)
    written = write_card(folder, config, build_manifest(folder, config))
    card = DatasetCard.load(tmp_path / "run" / "README.md")
    line = " ".join(make_visible(text).replace("\u2028", " ").split())
    assert card.data.to_dict()["pretty_name"] == line
    assert card.data.to_dict()["license"] == line
    assert set(card.data.to_dict()) == set(yaml.safe_load(write_metadata(config, "t", 0, {"en": 1}, {"math": 1})))
    assert not {c for c in written if c not in "\n" and not c.isprintable()}

    plain = RunFolder(str(tmp_path / "plain"))
    make_run(plain)
    shapes = []
    for content in (card.text, DatasetCard(_named(plain, given, "x")).text):
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").parse(content)
        kinds = [inner.type for token in tokens for inner in (token, *(token.children or ()))]
        shapes.append([kind for kind in kinds if kind not in ("text", "text_special")])
    assert shapes[0] == shapes[1]


def _named(folder: RunFolder, given: dict[str, Any], name: str) -> str:
    sources = [{"name": name, "dataset": name}, {"name": "n", "files": [f"dir/{name}.jsonl"]}]
    config = Config.model_validate(
        given | {"run": folder.root, "sources": sources, "publish": {"title": name, "license": name}}
    )
    publish(folder, config)
    return write_card(folder, config, build_manifest(folder, config))


@pytest.mark.parametrize(
    ("rows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (700_000, "100K<n<1M"), (10**7, "10M<n<100M"), (10**9, "n>100M")],
)
def test_sizes_are_in_the_hubs_words(rows: int, category: str) -> None:
    assert size_category(rows) == category


def test_sources_are_named_without_the_folders_of_this_machine(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    make_run(folder)
    given = {
        "run": folder.root,
        "sources": [
            {"name": "files", "files": [str(tmp_path / "a.jsonl"), "s3://bucket/b.parquet"]},
            {"name": "gym", "reasoning_gym": "chain_sum", "seed": 3},
        ],
    }
    config = Config.model_validate(given)
    publish(folder, config)
    text = write_card(folder, config, build_manifest(folder, config))
    assert "| files | a.jsonl, b.parquet | 0 | 0 | 0 | 0 | 0 |" in text
    assert "| gym | reasoning_gym task chain_sum, seed 3 | 0 | 0 | 0 | 0 | 0 |" in text
    assert str(tmp_path) not in text
