"""Which problems are translated, and what becomes of those that are: rows, notes, counts."""

from collections import Counter
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.translate.asking import Refusal, Reply, Wanted, ask_model, build_prompt, parse_reply
from pipeline.translate.choose import choose_for_translation
from pipeline.translate.counts import Counts, add_counts
from pipeline.translate.run import translate
from schemas.config import ModelConfig, TranslateConfig
from schemas.conform import conform_rows
from schemas.problem import PROBLEM, problem_id
from schemas.reasons import Reason
from schemas.suspects import mark_suspects
from tests.conftest import Served

ALL = TranslateConfig(enabled=True, share=1.0, languages=("it",))


def make_problems(count: int, language: str = "en") -> pl.DataFrame:
    """`count` little problems that conform."""
    rows = [
        {"domain": "math", "language": language, "statement": f"Find $x$ if $x + {n} = 100$.", "answer": str(100 - n)}
        for n in range(count)
    ]
    return conform_rows(rows, source="test", stage="test")[0]


def answer_well(prompts: Sequence[str]) -> list[str | None]:
    """What a model does that translates these problems into Italian."""
    return [
        prompt.rsplit("Problem:\n", 1)[1].replace("Find $x$ if", "<translation>Trova $x$ sapendo che")
        + "</translation>"
        for prompt in prompts
    ]


def test_a_tenth_is_chosen_and_every_language_has_its_share() -> None:
    problems = make_problems(6000)
    chosen = choose_for_translation(problems, TranslateConfig())
    assert 500 < len(chosen) < 700
    counts = Counter(chosen.values())
    assert set(counts) == set(TranslateConfig().languages)
    assert min(counts.values()) > 60


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 299), unique=True, min_size=1), st.sampled_from([0.1, 0.5, 1.0]))
def test_other_problems_change_no_choice(picked: list[int], share: float) -> None:
    """A set that grows, shrinks or comes in another order keeps the choice and the language of each problem."""
    problems = make_problems(300)
    config = TranslateConfig(share=share)
    whole = choose_for_translation(problems, config)
    part = problems[picked]
    assert choose_for_translation(part, config) == {name: whole[name] for name in part["id"] if name in whole}
    assert whole.items() >= choose_for_translation(problems, TranslateConfig(share=share / 2)).items()


@pytest.mark.parametrize(
    "change", [{"language": "fr"}, {"answer": "Monday"}, {"answer": r"\text{odd}"}, {"statement": " "}]
)
def test_what_cannot_be_translated_is_not_chosen(change: dict[str, str]) -> None:
    problems = make_problems(5).with_columns(**{name: pl.lit(value) for name, value in change.items()})
    assert choose_for_translation(problems, ALL) == {}


def test_a_suspect_is_not_translated_before_its_samples_have_settled_it() -> None:
    problems = make_problems(3)
    marks = [[], [(Reason.INCOMPLETE, "asks nothing")], []]
    chosen = choose_for_translation(mark_suspects(problems, "screen", marks), ALL)
    assert list(chosen) == [problems["id"][0], problems["id"][2]]


@pytest.mark.parametrize("answer", ["12", r"\frac{\sqrt{2}}{3}", "(a, b)", r"x \in \mathbb{R}", None])
def test_an_answer_without_words_is_no_hindrance(answer: str | None) -> None:
    problems = make_problems(3).with_columns(pl.lit(answer, dtype=pl.String).alias("answer"))
    assert len(choose_for_translation(problems, ALL)) == 3


def test_a_translation_is_a_new_problem() -> None:
    problems = make_problems(4)
    done = translate(problems, ALL, ask_model(answer_well))
    assert done.counts == Counts(tried=4, passed=4, languages={"it": 4})
    rows = done.translations
    PROBLEM.validate(rows)
    assert rows["parent_id"].to_list() == problems["id"].to_list()
    assert rows["statement"][1] == "Trova $x$ sapendo che $x + 1 = 100$."
    assert rows["answer"].to_list() == problems["answer"].to_list()
    assert set(rows["language"]) == {"it"}
    assert [problem_id(row) for row in rows.iter_rows(named=True)] == rows["id"].to_list()
    assert rows["history"][0][-1] == {
        "stage": "translate",
        "action": "translated",
        "detail": f"from {problems['id'][0]}, attempt 1",
    }
    assert done.problems.drop("history").equals(problems.drop("history"))
    assert done.problems["history"][0][-1]["action"] == "translated"
    assert done.rejected.is_empty()


def test_what_fails_is_asked_for_again_and_told_why() -> None:
    asked: list[list[str]] = []

    def stumble(prompts: list[str]) -> list[str | None]:
        asked.append(prompts)
        good = answer_well(prompts)
        return [(text or "").replace("100", "101") for text in good] if len(asked) == 1 else good

    done = translate(make_problems(3), ALL, ask_model(stumble))
    assert [len(prompts) for prompts in asked] == [3, 3]
    assert "What was wrong with it: formula:" in asked[1][0]
    assert done.counts.passed == 3
    assert done.counts.refused == {"formula": 3}
    assert done.translations["history"][0][-1]["detail"].endswith("attempt 2")


def test_a_translator_that_always_replies_the_same_is_asked_once() -> None:
    asked: list[int] = []

    def refuse(wanted: Sequence[Wanted]) -> list[Reply]:
        asked.append(len(wanted))
        return [Refusal("formula: one was lost")] * len(wanted)

    config = TranslateConfig(enabled=True, share=1.0, by="apertium")
    done = translate(make_problems(3), config, refuse)
    assert asked == [3]
    assert done.counts == Counts(tried=3, left=3, refused={"formula": 3})
    assert done.problems["history"][0][-1]["detail"].endswith(": formula: one was lost")


def test_what_never_passes_is_left_in_english_with_a_note() -> None:
    problems = make_problems(3)
    done = translate(problems, ALL, ask_model(lambda prompts: ["Non lo so."] * len(prompts)))
    assert done.counts == Counts(tried=3, left=3, refused={"formula": 9})
    assert done.translations.is_empty()
    assert done.problems["id"].to_list() == problems["id"].to_list()
    note = done.problems["history"][0][-1]
    assert (note["stage"], note["action"]) == ("translate", "left_in_english")
    assert note["detail"].startswith("it: formula:")
    assert done.rejected.is_empty()


def test_a_policy_may_reject_what_never_passes() -> None:
    problems = make_problems(3)
    config = ALL.model_copy(update={"failed": "reject"})
    done = translate(problems, config, ask_model(lambda prompts: [""] * len(prompts)))
    assert done.problems.is_empty()
    assert done.rejected["reason"].to_list() == ["translation_failed"] * 3
    assert done.rejected["detail"][0] == "it: empty: there is no text"


def test_a_failed_request_is_owed_and_not_held_against_a_problem() -> None:
    problems = make_problems(3)
    done = translate(problems, ALL, ask_model(lambda prompts: [None] * len(prompts)))
    assert done.counts == Counts(tried=3, unknown=3)
    assert done.problems.equals(problems)


def test_too_few_replies_are_an_error() -> None:
    with pytest.raises(ValueError, match="asked for 2 translations, and 1 came back"):
        translate(make_problems(2), ALL, ask_model(lambda prompts: prompts[1:]))


def test_nothing_to_translate_asks_nothing() -> None:
    def never(prompts: list[str]) -> list[str | None]:
        raise AssertionError(prompts)

    done = translate(make_problems(5, language="de"), ALL, ask_model(never))
    assert done.counts == Counts()
    assert done.translations.schema == done.problems.schema


def test_counts_of_shards_add_up() -> None:
    one = Counts(3, 1, 2, 0, {"it": 1}, {"number": 4}, {"a model": 3}, "install it")
    assert add_counts([Counts(), one, one]) == Counts(
        6, 2, 4, 0, {"it": 2}, {"number": 8}, {"a model": 6}, "install it"
    )


def test_prompts_leave_braces_alone() -> None:
    statement = "Let \\frac{a}{b} and {language} and {wrong}."
    prompt = build_prompt(statement, "ru")
    assert prompt.endswith(statement)
    assert "into Russian" in prompt
    assert "number: 3 is new" in build_prompt(statement, "ru", "number: 3 is new")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("<translation>Uno.</translation>", "Uno."),
        ("Sure:\n<translation>\nUno.\n</translation>\nDone", "Uno."),
        ("<think><translation>no</translation></think> <translation>Uno.</translation>", "Uno."),
        ("Uno.", "Uno."),
        ("```\nUno.\n```", "Uno."),
        ("<translation>Uno.", "Uno."),
        ("<think>hm", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reply_is_read(reply: str | None, text: str | None) -> None:
    assert parse_reply(reply) == text


@pytest.mark.model
def test_a_real_server_is_asked_and_nothing_broken_is_shipped(served_model: Served) -> None:
    """The embedded model hardly translates at all: what matters is that its counts come out and no broken row does."""
    from pipeline.inference.ask import Asker
    from pipeline.inference.engine import SamplingParams
    from pipeline.inference.open import open_engine

    problems = make_problems(4)
    config = TranslateConfig(enabled=True, share=1.0, attempts=2)
    params = SamplingParams(max_tokens=48, temperature=config.temperature)
    with open_engine(ModelConfig(name=served_model.name, url=served_model.url)) as engine:
        done = translate(problems, config, ask_model(Asker(engine, params)))
    assert done.counts.tried == 4
    assert done.counts.passed + done.counts.left == 4
    assert done.counts.unknown == 0
    assert done.translations.height == done.counts.passed
    assert sum(done.counts.refused.values()) >= 2 * done.counts.left
    assert done.problems.height == 4
