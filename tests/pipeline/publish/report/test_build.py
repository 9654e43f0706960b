"""The page: it says what the files say, in any state of a run, and text from data stays text."""

import random
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from pipeline.publish.report.build import write_report
from pipeline.publish.report.flow import count_flow
from pipeline.publish.report.gather import gather
from pipeline.run.storage import RunFolder
from schemas.config import Config, Source
from schemas.conform import REJECT_SCHEMA
from tests.pipeline.publish.report_runs import Told, decide, lay_run, tell_real, tell_small_run, tell_sums

VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Elements, ids, links and visible text of a page; fails on an element that is closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given[name] or "" for name in ("href", "src", "srcset", "action", "data") if name in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def read_page(folder: RunFolder) -> Page:
    return Page(folder.read_bytes(write_report(folder)).decode())


def config_of(folder: RunFolder) -> Config:
    return Config(run=folder.root, sources=(Source(name="x", files="x"),))


def test_the_page_says_what_happened(tmp_path: Path) -> None:
    told = tell_small_run()
    kept = sum(not t.rejected and decide(t)["decision"] == "keep" for t in told)
    folder = lay_run(tmp_path, told)
    page = read_page(folder)
    assert f"{len(told)} problems in, {kept} kept." in page.text
    for reason in ("proof", "multi_part", "figure_dependent", "invalid_row", "too_easy", "label_contradicted"):
        assert f"reason-{reason}" in page.ids
        assert f"#reason-{reason}" in page.links
    assert "13 of 16" in page.text, "the votes against the contradicted label"
    assert "Tom has 3 bags with 4 marbles each" in page.text
    assert "max_tokens: 1024" in page.text
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("#", "data:,")) for link in page.links), "nothing lies outside the page"
    assert all(link[1:] in page.ids for link in page.links if link.startswith("#"))


STATES = ["empty", "ingested", "rejected at the door", "killed half way", "nothing kept", "one problem", "grade only"]


def lay_state(root: Path, state: str) -> RunFolder:
    if state == "killed half way":
        return lay_run(root, tell_small_run(), shard_rows=10, finished=False)
    if state == "one problem":
        return lay_run(root, tell_sums(9)[8:])
    if state == "nothing kept":
        return lay_run(root, tell_sums(1))
    folder = RunFolder(str(root))
    if state == "empty":
        return folder
    whole = lay_run(root / "whole", tell_small_run())
    rooms = {
        "ingested": ["problems"],
        "rejected at the door": ["rejected"],
        "grade only": ["curated", "rejected", "samples"],
    }
    for room in rooms[state]:
        for name in whole.list(room):
            if state != "rejected at the door" or "/ingest-" in name:
                folder.write_table(name, whole.read_table(name))
    whole.fs.rm(whole.path, recursive=True)
    return folder


@pytest.mark.parametrize("state", STATES)
def test_a_run_in_any_state_has_a_page(tmp_path: Path, state: str) -> None:
    folder = lay_state(tmp_path, state)
    page = read_page(folder)
    stages, sources = count_flow(folder)
    came = stages[0].came if stages else 0
    assert ("No problem has come in yet." in page.text) == (came == 0)
    assert folder.exists("funnel.svg")
    assert folder.exists("pass-rates.svg")
    for stage in stages:
        assert stage.came == stage.kept + sum(stage.rejected.values()) + stage.waiting
    assert sum(source.came for source in sources) == came
    assert sum(source.waiting for source in sources) == sum(stage.waiting for stage in stages)
    for room in ("problems", "curated", "rejected"):
        assert sum(folder.count_rows(name) for name in folder.list(room)) <= came


def test_a_killed_run_says_what_still_waits(tmp_path: Path) -> None:
    folder = lay_state(tmp_path, "killed half way")
    page = read_page(folder)
    decided = sum(folder.count_rows(name) for name in folder.list("decisions"))
    waiting = sum(folder.count_rows(name) for name in folder.list("stages/screen")) - decided
    assert waiting > 0
    assert f"{waiting} still wait" in page.text
    assert "settings shown are the defaults" in page.text


@pytest.mark.parametrize("shard_rows", [3, 7, 1000])
def test_examples_and_audit_do_not_depend_on_how_the_run_was_cut(tmp_path: Path, shard_rows: int) -> None:
    told = tell_small_run()
    random.Random(5).shuffle(told)
    reference = lay_run(tmp_path / "a", tell_small_run())
    other = lay_run(tmp_path / "b", told, shard_rows=shard_rows)
    first, second = (gather(folder, config_of(folder)) for folder in (reference, other))
    assert {f: [e.problem["id"] for e in es] for f, es in first.examples.items()} == {
        f: [e.problem["id"] for e in es] for f, es in second.examples.items()
    }
    assert first.audit == second.audit
    assert first.rates == second.rates
    assert first.samples.tokens == second.samples.tokens
    kept = sorted(folder_id for _, t in reference.read_tables("curated", ["id"]) for folder_id in t["id"])
    assert [e.problem["id"] for e in first.examples["keep"]] == kept[:3], "the smallest ids, not the nicest problems"
    assert all(len(e.samples) == 16 for e in first.examples["keep"])


HOSTILE = (
    '</p><script>document.title="owned"</script><img src="https://example.com/x.png" onerror="document.title=1">'
    "</pre></style><svg onload=document.title=2> {{ 7 * 7 }} {% raw %} \u202e \x00 \x1b[2J ]]> &lt;b&gt;"
)


def tell_hostile() -> Told:
    samples = [(HOSTILE, HOSTILE, "correct")] * 5 + [(HOSTILE, None, "wrong")] * 11
    return Told(HOSTILE, HOSTILE, HOSTILE, HOSTILE, samples=samples)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    tame = read_page(lay_run(tmp_path / "tame", tell_sums(3)[2:]))
    wild = read_page(lay_run(tmp_path / "wild", [tell_hostile()], publish={"title": HOSTILE}))
    assert wild.tags["script"] == tame.tags["script"] == 1
    assert wild.tags["img"] == 0
    assert wild.tags["svg"] == tame.tags["svg"]
    assert "{{ 7 * 7 }}" in wild.text
    assert all(link.startswith(("#", "data:,")) for link in wild.links)


def test_long_completions_are_cut_in_the_middle(tmp_path: Path) -> None:
    long = "step " * 20_000 + "\\boxed{7}"
    folder = lay_run(
        tmp_path, [Told("What is 3 + 4?", "7", samples=[(long, "7", "correct")] * 4 + [(long, "8", "wrong")] * 12)]
    )
    page = read_page(folder)
    assert "characters left out" in page.text
    assert "\\boxed{7}" in page.text
    assert len(folder.read_bytes("report.html")) < 400_000


def test_rows_of_samples_that_could_not_be_used_are_no_problems(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_small_run())
    before, _ = count_flow(folder)
    row = folder.read_table("rejected/screen-00000.parquet").head(1)
    bad = row.with_columns(pl.lit("samples").alias("stage"), pl.lit("invalid_row").alias("reason"))
    folder.write_table("rejected/samples-00000.parquet", bad.select(list(REJECT_SCHEMA)))
    assert count_flow(folder)[0] == before
    assert "1 sample row could not be used" in read_page(folder).text


def test_stopping_early_is_told_and_counted(tmp_path: Path) -> None:
    short = [Told(t.statement, t.answer, t.source, t.source_id, samples=t.samples[:13]) for t in tell_sums(17)]
    page = read_page(lay_run(tmp_path, short))
    assert "17 problems stopped before 16 samples" in page.text
    assert re.search(r"of 272 planned: 19% saved by stopping early", page.text)


def test_a_manifest_of_another_version_stops_nothing(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_sums(4))
    folder.write_json("manifest.json", {"goldilocks": "9.0", "config": {"new": 1}, "model": None, "samples": None})
    assert "4 problems in" in read_page(folder).text


def test_a_real_run(tmp_path: Path, shared_data: Path) -> None:
    told = tell_real(shared_data)
    folder = lay_run(tmp_path, told, shard_rows=50)
    page = read_page(folder)
    assert f"{len(told)} problems in" in page.text
    gathered = gather(folder, config_of(folder))
    assert gathered.came == gathered.kept + sum(gathered.reasons.values())
    assert gathered.samples.taken == sum(len(t.samples) for t in told)
    assert {"keep", "too_easy", "proof", "multi_part"} <= set(gathered.examples)
