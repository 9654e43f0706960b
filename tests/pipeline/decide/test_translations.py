"""A translation that is solved much less often than its original has lost something; others stay as they were."""

import polars as pl
import pytest

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import Rules
from pipeline.decide.translations import find_paired, match_translations
from schemas.config import DecideConfig, KeepConfig
from tests.pipeline.decide.test_decide import RIGHT, make_samples, make_table, wrong

PROBLEMS = pl.DataFrame(
    {
        "id": ["english", "french", "python", "orphan"],
        "answer": ["42"] * 4,
        "language": ["en", "fr", "en", "de"],
        "parent_id": [None, "english", "english", "elsewhere"],
    }
)
SIXTEEN = 16


def decide(**correct: int) -> pl.DataFrame:
    samples = make_table(
        *(
            make_samples(name, [RIGHT] * right + [wrong(str(n // 2)) for n in range(SIXTEEN - right)])
            for name, right in correct.items()
        )
    )
    return decide_samples(samples, PROBLEMS, SIXTEEN, Rules(KeepConfig(), DecideConfig()))


def decided(table: pl.DataFrame) -> dict[str, str]:
    return dict(table.select("problem_id", "decision").iter_rows())


@pytest.mark.parametrize(("original", "translation", "outcome"), [(12, 1, "translation_failed"), (6, 4, "keep")])
def test_a_kept_translation_must_be_solved_about_as_often(original: int, translation: int, outcome: str) -> None:
    before = decide(english=original, french=translation, python=1, orphan=1)
    after = match_translations(before, PROBLEMS)
    assert decided(after) == decided(before) | {"french": outcome}
    assert after.schema == before.schema
    (detail,) = after.filter(pl.col("problem_id") == "french")["detail"]
    assert (f"{original / SIXTEEN:.2f} of the original" in detail) == (outcome == "translation_failed")


def test_what_was_rejected_for_another_reason_keeps_it() -> None:
    before = decide(english=12, french=0, python=1, orphan=1)
    assert decided(match_translations(before, PROBLEMS))["french"] == "never_solved"


def test_without_samples_nothing_is_said() -> None:
    before = decide(french=3)
    assert match_translations(before, PROBLEMS).equals(before)


def test_what_is_compared_rests_on_all_samples_of_both() -> None:
    assert find_paired(PROBLEMS, DecideConfig(translations="match")) == {"english", "french"}
    assert find_paired(PROBLEMS, DecideConfig()) == set()
    assert find_paired(PROBLEMS.select("id"), DecideConfig(translations="match")) == set()
