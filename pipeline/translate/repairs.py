"""What Apertium gets wrong each time: English put so that it reads it better, and its forms put right.

Statements are given with the placeholders of `pipeline.translate.placeholders`.
"""

import re

_HYPHEN = re.compile(r"(?<=\w)-(?=[^\W\d_])")
_APART = re.compile(r"(?<=zq[a-y]{2})(?=[A-Z][a-z]|(?:is|are|be|and|with)\b)")
_LET = re.compile(r"\b([Ll])et (zq[a-y]{2})( be\b)?")
_GIVE = re.compile(
    r"(^|[.!?:;]\s+)(?:State|Name|Report|Return|Output|List)(?= (?:the|your|a|an|all|its|only|each|both)\b)", re.M
)
"""Orders whose verb it takes for a noun: `Estatal la respuesta`."""
_GLUED = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\w)(?<!zq[a-y]{2})(?=zq)", re.IGNORECASE)
_RAISED = re.compile(r"(?:^|(?<=[.!?] ))zq[a-y]{2} [^\W\d_](?=[^\W\d_]*\b)", re.MULTILINE)
_CAPITALS = re.compile(r"\b[A-ZÁÉÍÓÚÀÈÙ]{2,}\b")
_QUESTION = re.compile(r"(^|(?<!\bMrs)(?<!\bMr)(?<!\bMs)(?<!\bDr)[.!?:;]\s+)(?=[^¿.!?:;][^.!?:;]*\?)", re.MULTILINE)
_FORMS: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    pair: tuple((re.compile(pattern), form) for pattern, form in forms)
    for pair, forms in {
        "eng-spa": (
            (r"\bQué es (?=el\b|la\b)", "Cuál es "),
            (r"\bqué es (?=el\b|la\b)", "cuál es "),
            (r"\b(C|c)omputar\b", r"\1alcular"),
        ),
        "es-fr": (
            (r"\b([Cc]ombien) (?=[aeiouyhéèêâ][^\W\d_]*[sx]\b)", r"\1 d'"),
            (r"\b([Cc]ombien) (?!d'|des?\b|ils\b|elles\b)(?=[^\W\d_]+[sx]\b)", r"\1 de "),
            (r"\b(Q|q)u(?:'est-ce que|el) (?:il )?est (?=la\b)", r"\1uelle est "),
            (r"\b(Q|q)u'est-ce que (?:il )?est (?=le?\b)", r"\1uel est "),
            (r"\bIl suppose que\b", "Suppose que"),
        ),
        "spa-ita": ((r"\b(Q|q)uale è\b", r"\1ual è"), (r"\bpartorisca\b", "per")),
    }.items()
}


def ease(text: str) -> str:
    """English that it reads better: it runs hyphenated words together, has no rule for "Let x be", and takes an order
    such as "State the answer" for a noun. A word that runs into a formula (`$ABC$is`) is set apart."""

    def suppose(match: re.Match[str]) -> str:
        return f"{'S' if match[1] == 'L' else 's'}uppose that {match[2]}{' is' if match[3] else ''}"

    return _GIVE.sub(r"\1Give", _LET.sub(suppose, _APART.sub(" ", _HYPHEN.sub(" ", text))))


def repair_forms(text: str, pair: str) -> str:
    """What it wrote for one pair of languages, with words that it always gets wrong (`Combien livres`) put right."""
    for pattern, form in _FORMS.get(pair, ()):
        text = pattern.sub(form, text)
    return text


def repair_writing(text: str, original: str, language: str) -> str:
    """Spaces that it left out before numbers and placeholders, capitals behind a placeholder at the head of a sentence
    or all through a word (`EL área`), and the opening mark of a Spanish question."""
    text = _RAISED.sub(lambda match: match[0].lower(), text)
    text = _CAPITALS.sub(lambda match: match[0] if match[0] in original else match[0].capitalize(), text)
    if language == "es":
        text = _QUESTION.sub(r"\1¿", text)
    return _GLUED.sub(" ", text)
