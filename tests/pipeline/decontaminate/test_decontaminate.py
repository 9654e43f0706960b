"""Decontaminate: what a benchmark asks goes, however it is formatted; the rest stays, and says what it looks like."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.decontaminate import decontaminate, open_index
from pipeline.decontaminate.items import read_core, read_items
from pipeline.decontaminate.presets import PRESETS, choose_benchmark
from pipeline.stage_file import run_stage
from schemas.config import Benchmark, Config, DecontaminateConfig
from schemas.conform import conform_rows
from schemas.errors import InputError

ITEMS = [
    {
        "q": "Betty has 12 red beads and 7 blue beads on her string. She loses 3 beads. How many beads are left?",
        "n": "b1",
    },
    {"q": "Simplify $\\sqrt{242}$.", "n": "b2"},
    {"q": "Write a function to find the perimeter of a triangle.", "n": "b3"},
    {
        "q": 'def is_prime(n: int) -> bool:\n    """Return true if a given number is prime, and false otherwise.\n'
        '    >>> is_prime(6)\n    False\n    """\n',
        "n": "b4",
    },
    {"q": "Write a function to find the area of a square.", "n": "b5"},
]
BEADS = ITEMS[0]["q"]


@pytest.fixture
def config(tmp_path: Path) -> DecontaminateConfig:
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in ITEMS))
    return DecontaminateConfig(benchmarks=(Benchmark(name="beads", files=str(path), text="q", id="n"),))


def judge(text: str, config: DecontaminateConfig, **more: Any) -> tuple[str, str]:
    """(kept or rejected, the way and item that detail or history tell)."""
    problems, invalid = conform_rows([{"domain": "math", "statement": text, **more}], "a")
    assert invalid.is_empty()
    kept, rejected = decontaminate(problems, config)
    assert kept.height + rejected.height == 1
    if rejected.height:
        assert rejected["reason"].to_list() == ["contaminated"]
        return "rejected", str(rejected["detail"][0]).split(" (")[0]
    last = kept["history"][0].to_list()[-1:]
    return "kept", str(last[0]["detail"]).split(" (")[0] if last else ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BEADS, "copy of beads b1"),
        (BEADS.upper(), "copy of beads b1"),
        (BEADS.replace("Betty", "Olga"), "copy of beads b1"),
        (BEADS.replace("12", "twelve"), "copy of beads b1"),
        ("Please solve: " + BEADS + " Present the answer as an integer.", "copy of beads b1"),
        (
            "A pupil found this in a book with 96 pages. " + BEADS + " Another pupil took 8 minutes.",
            "contains of beads b1",
        ),
        ("Simplify \\( \\sqrt{242} \\)", "copy of beads b2"),
        ("Write a Python function. Return true if a given number is prime, and false otherwise.", "copy of beads b4"),
    ],
)
def test_an_item_in_any_dress_is_rejected(text: str, said: str, config: DecontaminateConfig) -> None:
    assert judge(text, config) == ("rejected", said)


@pytest.mark.parametrize(
    "text",
    [
        "Ann has 12 goats, sells 7 of them and buys 3 sheep. How many animals does Ann have?",
        "Simplify $\\sqrt{242} + x$.",
        "The perimeter of a triangle is 160 cm. Two of the sides are 40 cm and 50 cm. How long is the third side?",
        "Write a function to find the area of a triangle.",
        "Write a function to find the perimeter of a square.",
        "Return the number of primes in a list.",
    ],
)
def test_what_shares_only_phrases_stays(text: str, config: DecontaminateConfig) -> None:
    assert judge(text, config) == ("kept", "")


def test_other_numbers_are_kept_and_noted_or_rejected_by_policy(config: DecontaminateConfig) -> None:
    text = BEADS.replace("12", "15").replace("3", "6")
    assert judge(text, config) == ("kept", "variant of beads b1")
    assert judge(text, config.model_copy(update={"variants": "reject"})) == ("rejected", "variant of beads b1")


@pytest.mark.parametrize(
    ("sum", "said"),
    [
        ("4 + 4 - 4", ("kept", "variant of sums")),
        ("1 + 6 + 7", ("kept", "variant of sums")),
        ("1 + 1 + 8", ("rejected", "contains of sums")),
        ("1 + 1", ("rejected", "copy of sums")),
    ],
)
def test_a_sum_of_other_terms_is_a_variant(sum: str, said: tuple[str, str], tmp_path: Path) -> None:
    """Where a 1 is a term it counts, and so does how often it is there; elsewhere it may be the word `a`."""
    path, text = tmp_path / "sums.jsonl", "State the final answer to the following arithmetic problem: {} ="
    path.write_text(json.dumps({"problem": text.format("1 + 1")}))
    config = DecontaminateConfig(benchmarks=(Benchmark(name="sums", files=str(path)),))
    decision, detail = judge(text.format(sum), config)
    assert (decision, " ".join(detail.split()[:3])) == said


def test_a_translation_is_told_apart(config: DecontaminateConfig) -> None:
    text = "Betty hat 12 rote und 7 blaue Perlen auf ihrer Schnur. Davon verliert sie 3. Wie viele Perlen bleiben ihr?"
    assert judge(text, config) == ("rejected", "translation of beads b1")
    assert judge(text, config.model_copy(update={"translations": "keep"})) == ("kept", "translation of beads b1")


@pytest.mark.parametrize("text", ["Simplify 2y+3y+4y", "Expand $(2x+3)(4x-5)(x+7)$.", "simplify 12 7 3"])
def test_a_formula_is_no_translation_of_another(text: str, tmp_path: Path) -> None:
    path = tmp_path / "formulas.jsonl"
    items = ["simplify 2 3 4", "Expand $2 \\cdot 3 \\cdot 4 \\cdot 5 \\cdot 7$.", "Simplify $12+7-3$."]
    path.write_text("\n".join(json.dumps({"q": item, "n": str(at)}) for at, item in enumerate(items)))
    formulas = DecontaminateConfig(benchmarks=(Benchmark(name="formulas", files=str(path), text="q", id="n"),))
    assert "translation" not in judge(text, formulas)[1]


def test_a_function_under_another_name_is_the_same(tmp_path: Path) -> None:
    stub = (
        "Complete the function sort_by_ones(values), which sorts integers by the number of ones in their binary form.\n"
        "def sort_by_ones(values):\n    ...\nCall sort_by_ones on each list of the input."
    )
    path = tmp_path / "stubs.jsonl"
    path.write_text(json.dumps({"q": stub, "n": "s1"}))
    stubs = DecontaminateConfig(benchmarks=(Benchmark(name="stubs", files=str(path), text="q", id="n"),))
    assert judge(stub.replace("sort_by_ones", "arrange_integers"), stubs, domain="code") == (
        "rejected",
        "copy of stubs s1",
    )


def test_the_detail_shows_what_is_shared(config: DecontaminateConfig) -> None:
    problems, _ = conform_rows([{"domain": "math", "statement": BEADS}], "a")
    detail = decontaminate(problems, config)[1]["detail"][0]
    assert "betty has 12 red beads and 7 blue beads on her string" in detail


def test_the_index_is_built_once_for_the_same_items(config: DecontaminateConfig, tmp_path: Path) -> None:
    first = open_index(config)
    assert open_index(config) is first
    (tmp_path / "items.jsonl").write_text(json.dumps(ITEMS[0]))
    assert len(open_index(config).entries) == 1


def test_rows_without_statement_or_history_pass(config: DecontaminateConfig) -> None:
    kept, rejected = decontaminate(
        pl.DataFrame({"statement": [None, "", BEADS.replace("12", "15").replace("3", "6")]}), config
    )
    assert (kept.height, rejected.height) == (3, 0)
    assert kept.columns == ["statement"]
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="statement"):
        decontaminate(pl.DataFrame({"id": ["a"]}), config)


def test_the_core_of_a_stub_is_its_docstring_without_examples() -> None:
    assert read_core(ITEMS[3]["q"]) == "Return true if a given number is prime, and false otherwise."
    assert read_core(BEADS) == BEADS


def test_presets_are_whole_and_named() -> None:
    assert {name: preset.name for name, preset in PRESETS.items()} == {name: name for name in PRESETS}
    assert choose_benchmark("gsm8k").dataset == "openai/gsm8k"


def test_wrong_benchmarks_say_how_to_mend_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no set"):
        read_items(())
    with pytest.raises(InputError, match="did you mean 'gsm8k'"):
        read_items(("gsm8",))
    with pytest.raises(InputError, match=r"benchmark 'x': .*no such file"):
        read_items((Benchmark(name="x", files=str(tmp_path / "none.jsonl")),))
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"question": "How?"}))
    with pytest.raises(InputError, match=r"'problem'; it has: question; name the column with `text`"):
        read_items((Benchmark(name="x", files=str(path)),))
    path.write_text("")
    with pytest.raises(InputError, match="no rows"):
        read_items((Benchmark(name="x", files=str(path)),))
    path.write_text("{")
    with pytest.raises(InputError, match=r"benchmark 'x': .*not JSON"):
        read_items((Benchmark(name="x", files=str(path)),))


def test_a_set_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the Hub out of reach: never a set that is silently left out."""
    import datasets

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    for asking in ("get_dataset_config_names", "load_dataset_builder", "load_dataset"):
        monkeypatch.setattr(datasets, asking, refuse)
    with pytest.raises(InputError, match=r"benchmark 'math-500': dataset HuggingFaceH4/MATH-500: the Hub cannot be"):
        read_items(("math-500",))


def test_the_stage_runs_over_a_file(config: DecontaminateConfig, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "\n".join(json.dumps({"domain": "math", "statement": said}) for said in (BEADS, "What is 6 times 7?"))
    )
    whole = Config.model_validate(
        {
            "run": "r",
            "sources": [{"name": "a", "files": "b"}],
            "decontaminate": config.model_dump(),
            "flow": {"shard_rows": 1},
        }
    )
    counts = run_stage("decontaminate", str(path), str(tmp_path / "out"), whole)
    assert counts == {"in": 2, "kept": 1, "rejected": 1, "added": 0, "pending": 0}


def test_truth_set(shared_data: Path) -> None:
    """Edited copies are found, clean problems stay: the aims, with room for nothing on the clean side."""
    path = str(shared_data / "contamination-benchmarks.jsonl")
    config = DecontaminateConfig(benchmarks=(Benchmark(name="all", files=path, text="text", id="id", bench="bench"),))
    rows = [json.loads(line) for line in (shared_data / "contamination-train.jsonl").open()]
    truth = {row["id"]: row for row in map(json.loads, (shared_data / "contamination-train.truth.jsonl").open())}
    problems = pl.DataFrame({"id": [row["id"] for row in rows], "statement": [row["problem"] for row in rows]})
    gone = set(decontaminate(problems, config)[1]["id"])
    contaminated = {id for id, row in truth.items() if row["contaminated"] is True}
    clean = {id for id, row in truth.items() if row["contaminated"] is False}
    assert len(gone & contaminated) >= 0.93 * len(contaminated)
    assert not gone & clean


MUFFINS = {
    "q": "Nadia bakes 48 muffins and packs them into boxes of 6. She sells each box for $9 and then spends $15 on "
    "butter. How much money does Nadia have left?",
    "n": "m1",
    "answer": "57",
}
RETOLD = (
    "A woman at a market stall has put 48 fresh muffins into cardboard boxes, 6 to a box. Every box goes for $9 before "
    "noon, and buying butter costs her $15 afterwards. What amount of money remains in her purse at the end?"
)
VANS = (
    "48 children travel in vans with 6 seats. Each van pays $9 at the gate, but the school has a voucher worth $15. "
    "What does the school pay at the gate?"
)


@pytest.mark.parametrize(
    ("text", "answer", "gone"),
    [
        (RETOLD, "57", True),
        (RETOLD, "$57.00", True),
        # Another label, or none: the shared words are too few for a retelling.
        (RETOLD, "63", False),
        (RETOLD, None, False),
        # The same numbers and label, of another story.
        (VANS, "57", False),
    ],
)
def test_equal_numbers_and_an_equal_label_are_evidence_of_a_retelling(
    text: str, answer: str | None, gone: bool, tmp_path: Path
) -> None:
    path = tmp_path / "muffins.jsonl"
    path.write_text(json.dumps(MUFFINS))
    config = DecontaminateConfig(benchmarks=(Benchmark(name="muffins", files=str(path), text="q", id="n"),))
    said = judge(text, config, answer=answer)
    assert said == (("rejected", "paraphrase of muffins m1") if gone else ("kept", ""))
