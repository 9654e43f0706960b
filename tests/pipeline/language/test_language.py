"""Which language a text is in: rather undecided than wrong."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.language import LANGUAGES, detect_language, is_consistent, keeps_language

SAME = {
    "en": ("How many apples does Mary have left at the end of the day?", "So the final answer is $\\boxed{5}$."),
    "fr": ("Combien de pommes reste-t-il à Marie à la fin de la journée ?", "La réponse finale est donc $\\boxed{5}$."),
    "es": ("¿Cuántas manzanas le quedan a María al final del día?", "Por lo tanto, la respuesta es $\\boxed{5}$."),
    "it": ("Quante mele rimangono a Maria alla fine della giornata?", "Quindi la risposta finale è $\\boxed{5}$."),
    "de": ("Wie viele Äpfel hat Maria am Ende des Tages noch übrig?", "Die endgültige Antwort ist also $\\boxed{5}$."),
    "zh": ("玛丽在一天结束时还剩下多少个苹果？", "所以最终答案是 $\\boxed{5}$。"),
    "ru": ("Сколько яблок осталось у Марии в конце дня?", "Следовательно, окончательный ответ: $\\boxed{5}$."),
}


def read_truth(folder: Path) -> list[tuple[str, str, str]]:
    """(text, language, kind) of each row of the truth set."""
    truth = [json.loads(line) for line in (folder / "language-texts.truth.jsonl").read_text("utf-8").splitlines()]
    texts = [json.loads(line) for line in (folder / "language-texts.jsonl").read_text("utf-8").splitlines()]
    said = {row["id"]: row for row in truth}
    return [(row["text"], said[row["id"]]["lang"], said[row["id"]]["kind"]) for row in texts]


def test_truth_set_meets_its_aims(shared_data: Path) -> None:
    """98% of plain texts and texts full of LaTeX are named; none that is mixed or all formulas is; none is misnamed."""
    named: dict[str, list[bool]] = defaultdict(list)
    rows = read_truth(shared_data)
    undecided = [text for text, language, _ in rows if language in ("mixed", "none")]
    assert len(undecided) >= 20
    assert [text for text in undecided if detect_language(text) is not None] == []
    for text, language, kind in rows:
        if language not in ("mixed", "none"):
            named[kind.split("_")[0]].append(detect_language(text) == language)
    for kind in ("plain", "latex"):
        assert sum(named[kind]) >= 0.98 * len(named[kind]), kind
    assert sum(sum(said) for said in named.values()) >= 0.98 * sum(map(len, named.values()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_of_the_paper_is_named(language: str) -> None:
    for text in SAME[language]:
        assert detect_language(text) == language


@given(st.sampled_from(LANGUAGES), st.sampled_from(LANGUAGES), st.booleans())
def test_a_sentence_in_another_language_undoes_a_text(first: str, second: str, answer: bool) -> None:
    text = f"{SAME[first][0]} {SAME[second][answer]}"
    assert detect_language(text) == (first if first == second else None)


@given(st.sampled_from(LANGUAGES), st.integers(0, 30))
def test_formulas_and_code_change_no_language(language: str, times: int) -> None:
    formula = " $\\sum_{\\text{all } i} \\frac{a_i}{\\log n}$ \\[ \\text{where the sum is finite} \\] "
    code = "\n```python\n# the answer for each of the numbers\nfor number in numbers:\n    print(number)\n```\n"
    assert detect_language(formula * times + SAME[language][0] + code) == language


@settings(max_examples=50)
@given(st.text(alphabet="0123456789+-=*/() \n.,$", max_size=60))
def test_what_has_no_letters_is_undecided(text: str) -> None:
    assert detect_language(text) is None


@pytest.mark.parametrize("text", ["", "$x^2 + 1$", "\\[ \\text{for all } n \\]", "```\nprint(1)\n```", "\\boxed{7}"])
def test_formulas_alone_are_undecided(text: str) -> None:
    assert detect_language(text) is None


def test_prose_between_two_prices_has_a_vote() -> None:
    text = "Tiene 13 juegos que vende a $15 cada uno. He ends up buying 8 video games for $20 each."
    assert detect_language(text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_language_throughout_earns_the_bonus(language: str) -> None:
    problem, answer = SAME[language]
    assert is_consistent(problem, problem, answer) is True
    assert keeps_language(problem, f"<think>{problem}</think>{answer}")
    assert keeps_language(problem, f"{problem}</think>{answer}")
    assert keeps_language(problem, answer)


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_two_languages_earn_nothing(language: str) -> None:
    (problem, answer), (english, english_answer) = SAME[language], SAME["en"]
    assert is_consistent(problem, english, answer) is False
    assert is_consistent(problem, problem, english_answer) is False
    assert not keeps_language(problem, f"<think>{english}</think>{answer}")
    assert not keeps_language(problem, f"<think>{problem} {english}</think>{answer}")
    assert not keeps_language(problem, english_answer)


def test_undecided_is_neither_consistent_nor_not() -> None:
    problem, answer = SAME["fr"]
    assert is_consistent(problem, "$1 + 1 = 2$", answer) is None
    assert is_consistent(problem, problem, "\\boxed{5}") is None
    assert not keeps_language(problem, f"<think>{problem}</think>\\boxed{{5}}")
    assert not keeps_language(problem, f"<think>{problem}")


def test_a_long_train_of_thought_may_quote() -> None:
    thoughts = "Nous savons que chaque boîte contient trois pommes et que Marie en mange une par jour. " * 40
    assert detect_language(thoughts + "The answer is here.") == "fr"
    assert detect_language(thoughts + SAME["en"][0] * 20) is None
