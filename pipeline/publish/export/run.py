"""Export a run: every curated problem, a shard at a time, into the files of one format."""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.progress import advance, track
from pipeline.publish.export.formats import FORMATS, Format
from pipeline.publish.export.item import Item, Message, read_item
from pipeline.publish.export.rows import Row, Unsayable
from pipeline.publish.export.sidecars import BESIDE, name_data_folder
from pipeline.publish.export.traces import Trace, count_rows, list_traces, pair_traces, read_completions
from pipeline.publish.export.write import Files
from pipeline.publish.held_out import find_families, is_held_out
from pipeline.publish.manifest import describe_bytes
from pipeline.run.evidence import find_graded, find_samples, last_pass
from pipeline.run.layout import CURATED, MANIFEST, shard_of
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.errors import InputError
from schemas.load import build_config

NAME = "export.json"
LEFT_OUT = "left_out.json"
"""Names each problem that gave no row, with the reason; there is none where every problem gave some."""
TRAIN, TEST = "train", "test"
LEFTOVER = r"(^|/)\.[^/]"
"""A hidden file, or one below a hidden folder: what a killed writer left."""


@dataclass
class Exported:
    """What came of an export: rows by file, problems that gave some, and those left out with the reason."""

    format: str
    out: str
    problems: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    named: list[dict[str, str]] = field(default_factory=list)
    """The id, the source and the reason of each problem that was left out."""

    def leave_out(self, id: str, source: str, why: str) -> None:
        """Count a problem that gives no row, and name it."""
        self.left_out[why] += 1
        self.named.append({"id": id, "source": source, "why": why})


def read_run_config(run: str, overrides: Sequence[str] = ()) -> tuple[RunFolder, Config]:
    """A run's folder and its own config with `overrides`. Raises InputError where no finished run is."""
    folder = RunFolder(run)
    if not folder.exists(MANIFEST):
        raise InputError(f"{run}: no {MANIFEST} here; give the folder of a run that was curated or graded")
    return folder, build_config({**folder.read_json(MANIFEST)["config"], "run": run}, overrides, f"{run}/{MANIFEST}")


def export_run(name: str, run: str, out: str, overrides: Sequence[str] = ()) -> Exported:
    """Write the curated problems of `run` to `out` as the format `name`: train, and test where the run holds some out.

    Held out is `train.evaluation.share`, the same problems as for our own trainer. An export of the same format that is
    in `out` is replaced; anything else there is left alone and refused. Raises InputError.
    """
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise InputError(f"there is no format {name!r}{hint} the formats are: {', '.join(FORMATS)}; and curriculum")
    format = FORMATS[name]
    folder, config = read_run_config(run, overrides)
    target = RunFolder(out)
    before = check_target(target, name)
    exported = Exported(name, out)
    chat = config.prompt.chat or format.chat_only
    whole = sum(map(folder.count_rows, folder.list(CURATED)))
    with (
        track("export", whole),
        Files(target, format.suffix, format.schema(chat), config.publish.row_group_rows) as files,
    ):
        place = name_data_folder(name, run)
        for split, rows in _write_shards(folder, config, format, exported):
            files.write(f"{place}{split}", rows)
        if not exported.problems:
            why = "; ".join(f"{count} {reason}" for reason, count in exported.left_out.items())
            raise InputError(f"{run}: nothing to export as {name}: {why or 'no curated problem'}")
    exported.rows = files.counts
    written = {file: {"rows": rows, **describe_bytes(target, file)} for file, rows in files.counts.items()}
    beside = BESIDE[name](config, files.counts) if name in BESIDE else {}
    if exported.named:
        beside[LEFT_OUT] = json.dumps(exported.named, indent=1, ensure_ascii=False) + "\n"
    for file, text in beside.items():
        target.write_bytes(file, text.encode())
        written[file] = describe_bytes(target, file)
    target.write_json(NAME, describe_export(folder, config, exported) | {"files": written})
    for file in before - written.keys():
        target.remove(file)
    return exported


def describe_export(folder: RunFolder, config: Config, exported: Exported) -> dict[str, Any]:
    """What export.json says of the run, of what was exported and of what was left out."""
    manifest = folder.read_json(MANIFEST)
    return {
        "format": exported.format,
        "goldilocks": manifest["goldilocks"],
        "run": {"created": manifest["created"], "model": manifest["model"]},
        "problems": exported.problems,
        "left_out": dict(exported.left_out),
        "held_out": config.train.evaluation.share,
        "prompt": config.prompt.model_dump(mode="json"),
        "verify": config.verify.model_dump(mode="json"),
    }


def list_files(target: RunFolder) -> list[str]:
    """Every file of a folder, relative to it; none where there is no folder."""
    if not target.exists(""):
        return []
    root = target.path.rstrip("/") + "/"
    return [str(path).removeprefix(root) for path in target.fs.find(target.path)]


def check_target(target: RunFolder, name: str) -> set[str]:
    """The files of the export that is there and will be replaced. Raises InputError for anything else."""
    if target.exists(NAME):
        there = target.read_json(NAME)
        if there.get("format") != name:
            raise InputError(
                f"{target.root}: an export as {there.get('format')} is here; give {name} a folder of its own"
            )
        return set(there.get("files", ()))
    if any(not re.search(LEFTOVER, name) for name in list_files(target)):
        raise InputError(f"{target.root}: something else is here; give the export a folder of its own")
    return set()


def _write_shards(
    folder: RunFolder, config: Config, format: Format, exported: Exported
) -> Iterator[tuple[str, list[Row]]]:
    graded, samples, grading_pass = find_graded(folder), find_samples(folder), last_pass(folder)
    number: Counter[str] = Counter()
    for name in folder.list(CURATED):
        shard = shard_of(name)
        problems = folder.read_table(name)
        families = find_families(folder.read_table(graded.get(shard, name), ["id", "parent_id"]))
        traces: dict[str, list[Row]] = {}
        if format.data != "problems":
            chosen = _choose(folder, shard, samples.get(shard, []), problems, config, format, grading_pass)
            traces = _fetch(folder, samples.get(shard, []), chosen)
        rows: dict[str, list[Row]] = {TRAIN: [], TEST: []}
        for row in problems.iter_rows(named=True):
            held = is_held_out(families.get(row["id"], row["id"]), config.train.evaluation.share)
            split = TEST if held else TRAIN
            item = read_item(row, config)
            if format.write is None:
                made = [_write_trace(item, trace, format) for trace in traces.get(item.id, ())]
                if not made:
                    what = "correct trace" if format.data == "traces" else "pair of similar length"
                    exported.leave_out(item.id, item.source, f"have no {what}")
            else:
                made = []
                try:
                    made.append(format.write(item, number[split], split))
                except Unsayable as why:
                    exported.leave_out(item.id, item.source, str(why))
            exported.problems += bool(made)
            number[split] += len(made)
            rows[split] += made
        yield from rows.items()
        advance(problems.height)


def _choose(
    folder: RunFolder,
    shard: str,
    files: list[str],
    problems: pl.DataFrame,
    config: Config,
    format: Format,
    grading_pass: int,
) -> pl.DataFrame:
    """The samples that a shard's problems give: their key and `column` (completion, chosen or rejected) and `row`,
    which counts the rows of a problem; a repeated trace is there as often as it is repeated.
    """
    table = list_traces(folder, shard, files, problems["id"], grading_pass)
    rates = dict(problems.select("id", "pass_rate").iter_rows())
    chosen: list[tuple[int, str, int]] = []
    numbered = table.with_row_index("number").select("number", "problem_id", "text", "length", "correct")
    for (id,), part in numbered.group_by("problem_id", maintain_order=True):
        traces = [Trace(*cells) for cells in part.select("number", "text", "length", "correct").iter_rows()]
        if format.data == "pairs":
            for row, (right, wrong) in enumerate(pair_traces(traces, config.export)):
                chosen += [(right.number, "chosen", row), (wrong.number, "rejected", row)]
            continue
        right_ones = [trace for trace in traces if trace.correct]
        distinct, rows = count_rows(len(right_ones), rates[str(id)] or 0.0, config.export)
        chosen += [(right_ones[row % distinct].number, "completion", row) for row in range(rows if distinct else 0)]
    places = pl.DataFrame(chosen, schema={"number": pl.UInt32, "column": pl.String, "row": pl.Int64}, orient="row")
    return places.join(table.with_row_index("number"), on="number", maintain_order="left")


def _fetch(folder: RunFolder, files: list[str], chosen: pl.DataFrame) -> dict[str, list[Row]]:
    """Problem -> its rows: `model` and the text of each column."""
    keys = [name for name in chosen.columns if name in ("problem_id", "prompt", "model", "revision", "params", "index")]
    texts = pl.concat(read_completions(folder, files, chosen)).unique(keys, keep="last")
    traces: dict[str, list[Row]] = {}
    for row in chosen.join(texts, on=keys, maintain_order="left").sort("number", "row").iter_rows(named=True):
        there = traces.setdefault(row["problem_id"], [])
        while len(there) <= row["row"]:
            there.append({})
        there[row["row"]] |= {"model": row["model"], row["column"]: row["completion"]}
    return traces


def _write_trace(item: Item, trace: Row, format: Format) -> Row:
    about = {**item.about(), "model": trace["model"]}
    if format.name == "sft-messages":
        return {"messages": [*item.chat, _say(trace["completion"])], **about}
    texts = {name: text for name, text in trace.items() if name != "model"}
    columns = texts if isinstance(item.prompt, str) else {name: [_say(text)] for name, text in texts.items()}
    return {"prompt": item.prompt, **columns, **about}


def _say(text: str) -> Message:
    return {"role": "assistant", "content": text}
