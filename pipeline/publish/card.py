"""README.md of a run: a dataset card that the Hub reads, with the numbers of the manifest and nothing made up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline.publish.provenance import NOT_STATED, Provenance, SourceRow, gather_provenance
from pipeline.run.layout import AUDIT, CARD, CURATED, table_name
from pipeline.run.storage import RunFolder
from pipeline.text.visible import make_line
from schemas.config import Config, Source
from schemas.reasons import Reason
from schemas.sample import IMPORTED

TEMPLATE = Path(__file__).with_name("card.jinja")
_ESCAPED = {"<": "&lt;", ">": "&gt;", "&": "&amp;"} | {c: "\\" + c for c in "\\`*[]|#!~$"}
"""What begins something in Markdown or HTML. The underscore does not within a word, and names are full of it."""
SIZES = ("1K", "10K", "100K", "1M", "10M", "100M")


CONFIGS = ({"config_name": "default", "data_files": [{"split": "train", "path": table_name(CURATED, "*")}]},)
"""Of a run's own folder: so `load_dataset(FOLDER)` and the Hub's viewer find the data (Hub, "Dataset cards")."""
LOAD = f'problems = load_dataset("parquet", data_files="{table_name(CURATED, "*")}", split="train")'


def write_card(folder: RunFolder, config: Config, manifest: Mapping[str, Any]) -> str:
    """Write the dataset card of a published run, from its `manifest` and its curated shards; returns its text."""
    text = render_card(folder, config, manifest)
    folder.write_bytes(CARD, text.encode())
    return text


def render_card(
    folder: RunFolder,
    config: Config,
    manifest: Mapping[str, Any],
    configs: Sequence[Mapping[str, Any]] = CONFIGS,
    load: str = LOAD,
    with_rejected: bool = True,
) -> str:
    """The text of a card: `configs` of its metadata block, the lines that `load` it, and whether rejects come along."""
    import jinja2

    languages: Counter[str] = Counter()
    domains: Counter[str] = Counter()
    for _, table in folder.read_tables(CURATED, ["language", "domain"]):
        languages.update(table["language"].to_list())
        domains.update(table["domain"].to_list())
    kept = domains.total()
    provenance = gather_provenance(folder, config, manifest)
    stages = manifest["stages"]
    reasons: Counter[str] = Counter()
    for stage in stages:
        reasons.update(stage["reasons"])
    places = {source.name: describe_source(source) for source in config.sources}
    title = config.publish.title or folder.path.rstrip("/").rpartition("/")[2]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.filters["text"] = write_text
    environment.filters["counts"] = write_counts
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        metadata=write_metadata(config, title, kept, languages, domains, configs, provenance.license),
        provenance=provenance,
        load=load,
        with_rejected=with_rejected,
        title=title,
        kept=kept,
        came=stages[0]["in"],
        version=manifest["goldilocks"],
        model=manifest["model"]["name"],
        imported=any(model["revision"] == IMPORTED for model in manifest["models"]),
        stages=stages,
        samples=manifest["samples"],
        audit=read_audit(folder, manifest),
        config=config,
        reasons=[(word, Reason(word).meaning, count) for word, count in reasons.most_common()],
        places=places,
        with_added=any(row.added for row in provenance.sources),
        licensed=any(license != NOT_STATED for row in provenance.sources for license in row.licenses),
        sources=[*provenance.sources, *_list_empty(places, provenance)],
    )


def read_audit(folder: RunFolder, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `goldilocks audit` found of this very decision; None where it was not run since."""
    audit = folder.read_json(AUDIT) if folder.exists(AUDIT) else None
    return audit if audit is not None and audit.get("of") == manifest.get("created") else None


def _list_empty(places: Mapping[str, str], provenance: Provenance) -> list[SourceRow]:
    """The sources of the config of which no row came."""
    known = {row.name for row in provenance.sources}
    return [SourceRow(name, 0, {}, 0, 0, {}) for name in places if name not in known]


def write_metadata(
    config: Config,
    title: str,
    kept: int,
    languages: Mapping[str, int],
    domains: Mapping[str, int],
    configs: Sequence[Mapping[str, Any]] = CONFIGS,
    license: str | None = None,
) -> str:
    """The YAML block, without its dashes: what it cannot know (a licence that nobody stated) is left out."""
    data: dict[str, Any] = {"pretty_name": make_line(title)}
    if license := license or config.publish.license:
        data["license"] = make_line(license)
    if languages:
        data["language"] = sorted(languages)
    data |= {
        "task_categories": ["text-generation"],
        "size_categories": [size_category(kept)],
        "tags": ["reinforcement-learning", "reasoning", "verifiable-rewards", *sorted(domains), "goldilocks"],
        "configs": [dict(each) for each in configs],
    }
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def write_text(text: Any) -> str:
    """A text from config or data on one line of Markdown, in a table too: shown as it is, and nothing else."""
    return "".join(_ESCAPED.get(c, c) for c in make_line(str(text)))


def write_counts(counts: Mapping[str, int]) -> str:
    """`phrase 3, retelling 1`, or 0."""
    return ", ".join(f"{write_text(what)} {count}" for what, count in counts.items()) or "0"


def size_category(rows: int) -> str:
    """The Hub's word for a size: n<1K, 1K<n<10K, ... n>100M."""
    for at, limit in enumerate(1000 * 10**power for power in range(len(SIZES))):
        if rows < limit:
            return f"{SIZES[at - 1]}<n<{SIZES[at]}" if at else f"n<{SIZES[0]}"
    return f"n>{SIZES[-1]}"


def describe_source(source: Source) -> str:
    """Where a source's problems come from, in a few words."""
    if source.dataset is not None:
        return " ".join(part for part in (source.dataset, source.subset, source.split) if part)
    if source.reasoning_gym is not None:
        return f"reasoning_gym task {source.reasoning_gym}, seed {source.seed}"
    files = (source.files,) if isinstance(source.files, str) else source.files or ()
    return ", ".join(file.rpartition("/")[2] for file in files)
