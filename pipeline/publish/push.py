"""A run as a dataset on the Hub: a config for every domain and language, train and test, and a card that says so.

The tree is written to a local folder first, and goes up in one commit: who loads the dataset sees the old one or the
new one. Problems held out of training (`train.evaluation.share`) are the split `test`.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.publish.card import render_card
from pipeline.publish.export.run import LEFTOVER, TEST, TRAIN, list_files, read_run_config
from pipeline.publish.export.write import Files
from pipeline.publish.held_out import find_families, is_held_out
from pipeline.publish.shards import CURATED_DTYPES
from pipeline.run.evidence import find_graded
from pipeline.run.layout import CARD, CURATED, MANIFEST, shard_of
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.errors import InputError

DATA_FOLDER = "data"
ROWS = 50_000
"""Of one file: some hundred MB of problems with tests."""
EVERYTHING = "default"
TAG = "goldilocks"


@dataclass
class Pushed:
    """What was written: rows by config and split, and the address where it went."""

    where: str
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def push_run(run: str, repo: str, public: bool = False, revision: str | None = None) -> Pushed:
    """Upload a run's curated problems to the dataset `repo` (OWNER/NAME) in one commit; made, private unless `public`,
    where it is not there.

    The token is huggingface_hub's: HF_TOKEN, or what `hf auth login` stored. Raises InputError for a name that none can
    have, without a token, or where it gives no right to write.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise InputError(f"{repo}: {error}") from None
    api = HfApi()
    with tempfile.TemporaryDirectory(prefix="goldilocks-push-") as place:
        pushed = write_tree(run, RunFolder(place), repo)
        try:
            made = api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
            if revision is not None:
                api.create_branch(repo, branch=revision, repo_type="dataset", exist_ok=True)
            api.upload_folder(
                repo_id=repo,
                repo_type="dataset",
                folder_path=place,
                revision=revision,
                commit_message=f"{sum(sum(c.values()) for c in pushed.rows.values())} problems, by Goldilocks",
                delete_patterns=[f"{DATA_FOLDER}/**"],
            )
        except LocalTokenNotFoundError as error:
            raise InputError(f"{repo}: {error}") from None
        except HfHubHTTPError as error:
            code = error.response.status_code if error.response is not None else 0
            if code in (401, 403, 404):
                raise InputError(
                    f"{repo}: the Hub says {code}; set HF_TOKEN, or run `hf auth login`, with a token that may write"
                ) from None
            raise
    pushed.where = str(made)
    return pushed


def write_tree(run: str, out: RunFolder, repo: str = "OWNER/NAME") -> Pushed:
    """Write what goes up to a folder of its own; it loads as the dataset on the Hub does. Raises InputError where
    something else is there."""
    folder, config = read_run_config(run)
    before = _check_place(out)
    pushed = Pushed(out.root)
    with Files(out, ".parquet", CURATED_DTYPES, config.publish.row_group_rows) as files:
        graded = find_graded(folder)
        for name in folder.list(CURATED):
            families = find_families(folder.read_table(graded.get(shard_of(name), name), ["id", "parent_id"]))
            _write_shard(folder.read_table(name), families, config, files, pushed)
        if not pushed.rows:
            raise InputError(f"{run}: nothing to push: no curated problem")
    configs = describe_configs(pushed.rows)
    load = write_load(repo, pushed.rows)
    card = render_card(folder, config, folder.read_json(MANIFEST), configs, load, with_rejected=False)
    out.write_bytes(CARD, card.encode())
    for file in before - files.counts.keys():
        out.remove(file)
    if not config.publish.license:
        pushed.warnings.append("no licence is stated: say one with publish.license, the sources decide it")
    return pushed


def _check_place(out: RunFolder) -> set[str]:
    """The data files of the tree that is there and will be replaced. Raises InputError for anything else."""
    names = {name for name in list_files(out) if not re.search(LEFTOVER, name)}
    if not names:
        return set()
    ours = CARD in names and f"- {TAG}\n" in out.read_bytes(CARD).decode(errors="replace")
    odd = sorted(name for name in names if name != CARD and not name.startswith(f"{DATA_FOLDER}/"))
    if not ours or odd:
        raise InputError(
            f"{out.root}: something else is here ({', '.join(odd[:3]) or CARD}); give it a folder of its own"
        )
    return names - {CARD}


def _write_shard(
    problems: pl.DataFrame, families: Mapping[str, str], config: Config, files: Files, pushed: Pushed
) -> None:
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in problems.iter_rows(named=True):
        held = is_held_out(families.get(row["id"], row["id"]), config.train.evaluation.share)
        rows.setdefault((f"{row['domain']}-{row['language']}", TEST if held else TRAIN), []).append(row)
    for (part, split), some in rows.items():
        counts = pushed.rows.setdefault(part, Counter())
        while some:
            number, filled = divmod(counts[split], ROWS)
            here, some = some[: ROWS - filled], some[ROWS - filled :]
            files.write(f"{DATA_FOLDER}/{part}/{split}-{number:05d}", here)
            counts[split] += len(here)


def describe_configs(rows: Mapping[str, Counter[str]]) -> list[dict[str, Any]]:
    """The card's `configs`: everything, each domain that has several languages, and each domain and language."""
    domains = Counter(part.partition("-")[0] for part in rows)
    wanted = {EVERYTHING: "*"} | {domain: f"{domain}-*" for domain, several in sorted(domains.items()) if several > 1}
    wanted |= {part: part for part in sorted(rows)}
    configs = []
    for name, pattern in wanted.items():
        here = [counts for part, counts in rows.items() if pattern in ("*", part, f"{part.partition('-')[0]}-*")]
        splits = [split for split in (TRAIN, TEST) if any(counts[split] for counts in here)]
        data = [{"split": split, "path": f"{DATA_FOLDER}/{pattern}/{split}-*.parquet"} for split in splits]
        configs.append({"config_name": name, "data_files": data, **({"default": True} if name == EVERYTHING else {})})
    return configs


def write_load(repo: str, rows: Mapping[str, Counter[str]]) -> str:
    """The lines of the card that load the whole and each part."""
    lines = [f'problems = load_dataset("{repo}")']
    lines += [
        f'problems = load_dataset("{repo}", "{part}")  # {", ".join(f"{n} {split}" for split, n in counts.items())}'
        for part, counts in sorted(rows.items())
    ]
    return "\n".join(lines)
