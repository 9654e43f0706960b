"""What Apertium gets wrong each time is put right, and nothing else."""

import pytest

from pipeline.translate.repairs import ease, repair_forms, repair_writing


@pytest.mark.parametrize(
    ("english", "eased"),
    [
        ("a 12-mile trail", "a 12 mile trail"),
        ("Let zqaa be a number, and let zqab.", "Suppose that zqaa is a number, and suppose that zqab."),
        ("zqaaIf zqabis even", "zqaa If zqab is even"),
        ("Let it be.", "Let it be."),
        ("State the sum.", "Give the sum."),
        ("A list of numbers. List all primes.", "A list of numbers. Give all primes."),
        ("The United State the map shows", "The United State the map shows"),
        ("State zqaa is large.", "State zqaa is large."),
    ],
)
def test_english_is_put_so_that_it_is_read_better(english: str, eased: str) -> None:
    assert ease(english) == eased


@pytest.mark.parametrize(
    ("pair", "text", "right"),
    [
        ("es-fr", "Combien livres il a?", "Combien de livres il a?"),
        ("es-fr", "Combien oeufs il a?", "Combien d'oeufs il a?"),
        ("es-fr", "Combien de livres a-t-il?", "Combien de livres a-t-il?"),
        ("es-fr", "Combien il a?", "Combien il a?"),
        ("es-fr", "Qu'est-ce que est la valeur?", "Quelle est la valeur?"),
        ("es-fr", "Il suppose que zqaa. Il trouve zqab.", "Suppose que zqaa. Il trouve zqab."),
        ("spa-ita", "Quale è il valore partorisca zqaa?", "Qual è il valore per zqaa?"),
        ("eng-spa", "Qué es el valor?", "Cuál es el valor?"),
        ("eng-spa", "Qué es zqaa?", "Qué es zqaa?"),
    ],
)
def test_words_that_are_always_wrong_are_put_right(pair: str, text: str, right: str) -> None:
    assert repair_forms(text, pair) == right


def test_spaces_capitals_and_question_marks_are_put_right() -> None:
    text = "zqaa Tiene estelade12 millas. EL área es NASA. Cuántas hay dezqab?"
    original = "A NASA trail"
    assert (
        repair_writing(text, original, "es") == "zqaa tiene estelade 12 millas. El área es NASA. ¿Cuántas hay de zqab?"
    )
    assert repair_writing("Si zqaa, qual è zqabzqac?", original, "it") == "Si zqaa, qual è zqabzqac?"
