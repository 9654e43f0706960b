"""Completions that say that their problem lacks something, and reasoning that only sounds like it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.sample.abstention import CONCLUSION, says_missing


@pytest.mark.parametrize(
    "text",
    [
        "There is not enough information to find how many marbles Lena had.",
        "We cannot determine the total uniquely without knowing the price of a ticket.",
        "The problem does not specify how fast the second pump works, so I assume 3. \\boxed{3}",
        "Additional information is needed.",
        "It seems to be missing the number of boys. If there were 12, the answer is \\boxed{24}.",
        "The question about roses is unrelated to the birds.",
        "题目条件不足, 无法确定答案。",
        "Il manque d'informations pour conclure.",
        "Es gibt nicht genügend Informationen.",
        "Недостаточно данных для решения.",
    ],
)
def test_it_says_so(text: str) -> None:
    assert says_missing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Without loss of generality let $a < b$. Hence the minimum is \\boxed{3}.",
        "We cannot have $x = 0$, so $x = 5$. The answer is \\boxed{5}.",
        "Note that no two of the numbers can be equal, which gives \\boxed{24}.",
        "There are 12 ways without the first condition and 7 with it. \\boxed{5}",
        "The missing number is $20 - 13 = 7$, so the answer is \\boxed{7}.",
        "Using the information given in the problem, the speed is \\boxed{60} miles per hour.",
        "",
    ],
)
def test_reasoning_is_no_complaint(text: str) -> None:
    assert not says_missing(text)


def test_only_the_conclusion_counts() -> None:
    doubt = "There is not enough information here. "
    assert says_missing(doubt)
    assert not says_missing(doubt + "Wait, the second sentence gives it. " * (CONCLUSION // 30))


def test_real_completions_of_whole_problems_hardly_ever_say_so(shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "math-completions.jsonl").open(encoding="utf-8")]
    said = [says_missing(completion["text"]) for row in rows for completion in row["completions"]]
    assert sum(said) <= 0.02 * len(said)


def test_texts_are_read_as_the_people_who_read_them_did(shared_data: Path) -> None:
    """The stance was read by words as well: four texts in 28 differ, three of them by that reading's fault."""
    rows = [json.loads(line) for line in (shared_data / "missing-premise-responses.jsonl").open(encoding="utf-8")]
    read = Counter((row["stance"] in ("abstains", "hedges"), says_missing(row["response"])) for row in rows)
    assert read[True, True] + read[False, False] >= 0.85 * read.total()
