"""Words of mathematics that a translator by rules takes in another sense are seen by the words that it chose."""

import pytest

from pipeline.translate.senses import WORDS, find_wrong_sense
from schemas.config.translate import APERTIUM_LANGUAGES


@pytest.mark.parametrize(
    ("prose", "right", "wrong", "language", "word"),
    [
        ("Is 3 odd?", "¿Es 3 impar?", "¿Es 3 extraño?", "es", "odd"),
        ("Find all even numbers.", "Trouver tous les nombres pairs.", "Trouver tous les mêmes nombres.", "fr", "even"),
        ("He has 4 times as many.", "Ne ha 4 volte tanti.", "Ne ha 4 tempi tanti.", "it", "times"),
        ("How many pens are left?", "¿Cuántas plumas quedan?", "¿Cuántas plumas son izquierdas?", "es", "left"),
        ("A die is rolled.", "Se tira un dado.", "Un morir es rodado.", "es", "dice"),
        ("Half of a dozen eggs.", "La mitad de una docena de huevos.", "Medio de unos huevos.", "es", "half"),
        ("A ball is drawn.", "On tire une boule.", "Une boule est dessinée.", "fr", "draw from"),
        ("It is 3. Round the sum.", "Son 3. Redondear la suma.", "Son 3. Alrededor de la suma.", "es", "round"),
        ("Estimate the sum.", "Estimar la suma.", "Estimación la suma.", "es", "estimate"),
        ("Order these numbers.", "Ordonner ces nombres.", "Ordre ces nombres.", "fr", "order"),
    ],
)
def test_the_other_sense_is_refused(prose: str, right: str, wrong: str, language: str, word: str) -> None:
    assert find_wrong_sense(prose, right, language) == ""
    assert find_wrong_sense(prose, wrong, language) == word


@pytest.mark.parametrize(
    "prose",
    [
        "Even if it rains, he walks.",
        "The shop on the left bank.",
        "It was the third time.",
        "In this order the sum grows.",
    ],
)
def test_a_word_in_its_everyday_sense_asks_for_nothing(prose: str) -> None:
    assert find_wrong_sense(prose, "", "es") == ""


def test_each_mention_counts() -> None:
    prose = "She has twice as many as Al, and he 4 times as many as Bo."
    assert find_wrong_sense(prose, "Tiene dos veces más que Al, y él 4 tiempo más que Bo.", "es") == "times"


def test_every_word_is_said_in_every_language() -> None:
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        assert [part.split(": ")[0] for part in line.split(" | ")[1:]] == ["es", "fr", "it"]
    assert set(APERTIUM_LANGUAGES) == {"es", "fr", "it"}
