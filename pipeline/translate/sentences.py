"""Whether a translation has all that its original has to say: no sentence dropped, nothing cut off, something asked."""

import re
from typing import Literal

from pipeline.language.detect import weigh_letters
from pipeline.text.prose import Separated, split_sentences
from pipeline.translate.relations import drop_bounds

Check = Literal[True] | tuple[Literal[False], str]

LENGTHS = {"fr": 1.13, "es": 1.08, "it": 1.09, "de": 1.2, "ru": 1.08, "zh": 1.05}
"""How long a translation's prose is beside the English (letters; a Chinese character is worth three): the medians of
1,500 human translations of PolyMath (low and medium level, Apache-2.0)."""
MERGED = {"zh": 0.9, "fr": 0.9}
"""A translation with fewer sentences than its original is a merge from this share of the usual length on, else it
lacks one. French and Chinese merge more often than the others."""
MERGED_ELSE, MERGED_FORMULAS_ZH = 0.92, 0.45
"""Chinese around formulas says in one sentence what English says in two, and in few characters."""
SHORT, SHORT_LETTERS = 0.5, 60
"""Less than half of the usual length is no translation of prose of over 60 letters, whatever its sentences."""

ASKS = {
    language: re.compile(rf"[?？]|{words}", re.IGNORECASE)
    for language, words in {
        "en": r"\b(?:find|compute|calculate|determine|evaluate|solve|what|how many|express|simplify|give)\b",
        "fr": r"trouve|calcul|détermin|évalu|résou|résolv|quel|combien|exprim|simplif|donne|cherch|montre|prouve|indiqu"
        r"|compar|écri",
        "es": r"encuentr|encontr|hall[ae]|calcul|determin|eval[uú]|resuelv|resolv|cuál|cuánt|qué|expres|simplifi"
        r"|demuestr|compar|escrib|indi[cq]",
        "it": r"trov|calcol|determin|valut|risolv|qual|quant|esprim|semplific|dimostr|indic|confront|che cosa|scriv",
        "de": r"find|berechn|bestimm|ermittl|bewert|wert(?:e|en) sie|lös|welche|wie |was |drück|vereinfach|gib|geb"
        r"en|gesucht|zeig|beweis|vergleich|stell|rechn|schreib",
        "ru": r"найди|найти|вычисл|определи|оцени|реши|сколько|как(?:ов|ой|ая|ое|ие)|чему|вырази|упрости|докажи|сравни"
        r"|укажи|р?а?[сд]с?чита|представ|запиш",
        "zh": r"求|多少|几|什么|何|计算|确定|找|问|证明|解|判断|哪|吗|给出|评估|比较|化|表示|表达|写|说明",
    }.items()
}
"""Words that ask: an original that asks has a translation that does."""
NEGATES = {
    language: re.compile(words, re.IGNORECASE)
    for language, words in {
        "en": r"\b(?:not|never|neither|nor|cannot|without|no)\b|n['’]t\b",
        "fr": r"\b(?:ne|n|pas|non|sans|aucun\w*|jamais|ni|sauf)\b|\bi[nm][a-zé]{4,}",
        "es": r"\b(?:no|sin|ning[uú]n\w*|nunca|ni|jamás|tampoco|nada|nadie)\b|\bi[nm][a-zé]{5,}",
        "it": r"\b(?:non|senza|nessun\w*|mai|né|nulla)\b|\bi[nm][a-z]{5,}",
        "de": r"nicht|kein|ohne|\bnie\b|weder|\bun\w{4,}",
        "ru": r"\b(?:ни|без|нет|никогда)\b|\bне",
        "zh": r"不|没|无|未|非|别|否|莫|勿",
    }.items()
}
"""Words that deny: an original that denies something has a translation that does."""
_DIGIT = re.compile(r"\d")
_CLOSED = (*'.?!。？！…)]}$）"”»」:：`', "'")


def check_sentences(before: Separated, after: Separated, language: str) -> Check:
    """Whether the number of sentences and the length of the prose fit, and what asks and denies is there."""
    was, is_ = weigh_letters(before.prose), weigh_letters(after.prose)
    share = is_ / was / LENGTHS[language] if was else 1.0
    if was > SHORT_LETTERS and share < SHORT:
        return False, f"it has {share:.0%} of the usual length"
    original, translation = (
        len([part for part in split_sentences(of.prose) if weigh_letters(part)]) for of in (before, after)
    )
    least = MERGED_FORMULAS_ZH if language == "zh" and before.formulas else MERGED.get(language, MERGED_ELSE)
    if translation < original and share < least and not _all_anchored(before.prose, after.prose, language):
        return False, f"it has {translation} sentences for {original}, and {share:.0%} of the usual length"
    if ASKS["en"].search(before.prose) and not ASKS[language].search(after.prose):
        return False, "it asks nothing"
    if NEGATES["en"].search(drop_bounds(before.prose)) and not NEGATES[language].search(after.prose):
        return False, "a negation is gone"
    return True


def _all_anchored(prose: str, translated: str, language: str) -> bool:
    """Whether each sentence but a question has a number of its own, and as many sentences ask: then none can be missing
    where every number is there as often as it was."""
    parts = [part for part in split_sentences(prose) if weigh_letters(part)]
    asking = [part for part in parts if ASKS["en"].search(part)]
    answered = [part for part in split_sentences(translated) if ASKS[language].search(part)]
    numbered = all(_DIGIT.search(part) for part in parts if part not in asking)
    return numbered and len(asking) <= len(answered) and len(parts) > len(asking)


def check_end(original: str, translation: str) -> Check:
    """Whether it ends as a sentence ends, and adds nothing in brackets after the last one."""
    was, is_ = original.rstrip(), translation.rstrip()
    if was[-1:] not in (".", "?", "!"):
        return True
    if is_[-1:] in (")", "）") and not is_.endswith("\\)"):
        return False, "brackets are added at its end"
    return True if is_.endswith(_CLOSED) else (False, "its end is cut off")
