"""Translation in a run: through a real server with a model too weak for it, and behind a stand-in that knows the words.

The stand-in answers on loopback with translations that were written down here; grading is by its own answers.
"""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from tests.conftest import Run, Served
from tests.flows.test_curate import configure, evidence, sums, write_rows
from tests.pipeline.inference.unruly import Unruly

TOLD = {
    "English": "A baker sells {n} loaves of bread every morning. How many loaves does the baker sell in a whole week?",
    "French": "Un boulanger vend {n} pains chaque matin. Combien de pains vend le boulanger en une semaine ?",
    "Spanish": "Un panadero vende {n} panes cada mañana. ¿Cuántos panes vende el panadero en una semana entera?",
    "Italian": "Un fornaio vende {n} pani ogni mattina. Quanti pani vende il fornaio in una settimana intera?",
    "German": "Ein Bäcker verkauft jeden Morgen {n} Brote. Wie viele Brote verkauft der Bäcker in einer ganzen Woche?",
    "Chinese": "一位面包师每天早上卖出{n}个面包。这位面包师在整整一个星期里一共卖出多少个面包？",
    "Russian": "Пекарь продаёт {n} хлебов каждое утро. Сколько хлебов пекарь продаёт за целую неделю?",
}


def loaves(first: int, count: int) -> list[dict[str, str]]:
    return [
        {"source_id": f"b{n}", "domain": "math", "statement": TOLD["English"].format(n=n), "answer": str(7 * n)}
        for n in range(first, first + count)
    ]


def speak(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
    """Translates what asks for it, one in French with another number; solves every second sample of the rest."""
    text = body["messages"][0]["content"] if "messages" in body else body["prompt"]
    n = int(re.findall(r"\d+", text)[-1])
    asked = re.search(r"from English into (\w+)", text)
    if asked:
        said = [f"<translation>{TOLD[asked[1]].format(n=n + 1 if asked[1] == 'French' else n)}</translation>"]
    else:
        said = [f" The answer is {7 * n if at % 2 else 1}." for at in range(body["n"])]
    choices = [
        {"index": at, "finish_reason": "stop", "message": {"role": "assistant", "content": one}, "text": one}
        for at, one in enumerate(said)
    ]
    usage = {"completion_tokens": 5, "prompt_tokens": 1, "total_tokens": 6}
    return 200, {}, {"id": "1", "object": "o", "created": 0, "model": "m", "choices": choices, "usage": usage}


@pytest.mark.server
def test_translations_are_problems_of_their_own_and_what_is_broken_stays_english(
    goldilocks: Run, tmp_path: Path
) -> None:
    server = Unruly(speak)
    write_rows(tmp_path / "problems.jsonl", loaves(40, 12))
    told = {"enabled": True, "share": 1.0}
    config = configure(tmp_path, Served(server.url, "m"), translate=told, sampling={"n": 4, "stop": "full"})
    printed = goldilocks("curate", str(config)).stdout
    run = RunFolder(str(tmp_path / "run"))
    check_counts(run)
    counts = run.read_json("manifest.json")["translation"]
    assert counts["tried"] == 12 == counts["passed"] + counts["left"]
    assert counts["left"] > 0
    assert "fr" not in counts["languages"]
    assert f"translations by m: {counts['passed']} of 12 passed the check" in printed

    curated = pl.concat(table for _, table in run.read_tables("curated"))
    english, others = curated.filter(language="en"), curated.filter(pl.col("language") != "en")
    assert (english.height, others.height) == (12, counts["passed"])
    answers = dict(english.select("id", "answer").iter_rows())
    assert all(answers[row["parent_id"]] == row["answer"] for row in others.iter_rows(named=True))
    assert dict(others["language"].value_counts().iter_rows()) == counts["languages"]
    notes = [json.dumps(history, default=str) for history in english["history"].to_list()]
    assert sum("left_in_english" in note for note in notes) == counts["left"]
    assert 'id="languages"' in run.read_bytes("report.html").decode()

    calls = server.calls
    goldilocks("curate", str(config))
    assert server.calls == calls
    goldilocks("curate", str(config), "--set", "translate.enabled=false")
    again = pl.concat(table for _, table in run.read_tables("curated"))
    assert set(again["id"]) == set(english["id"])
    assert run.read_json("manifest.json")["translation"] is None
    server.shutdown()


@pytest.mark.model
def test_a_weak_model_leaves_all_in_english_and_nothing_is_lost(
    goldilocks: Run, served_model: Served, tmp_path: Path
) -> None:
    write_rows(tmp_path / "problems.jsonl", [*sums(1, 2), *loaves(40, 2)])
    told = {"enabled": True, "share": 1.0, "attempts": 2, "max_tokens": 64}
    goldilocks("curate", str(configure(tmp_path, served_model, translate=told)))
    run = RunFolder(str(tmp_path / "run"))
    check_counts(run)
    counts = run.read_json("manifest.json")["translation"]
    assert counts["tried"] == 4 == counts["passed"] + counts["left"]
    assert evidence(tmp_path / "run")["problem_id"].n_unique() == 4 + counts["passed"]
