"""Whether a completion says that its problem lacks something: it gives no answer for that, or an answer under protest.

A model that is asked what cannot be answered often says so in its conclusion; nearly none does of a whole problem (1.7%
of the answers of twelve models to 326 whole problems). It is a suspicion all the same: `pipeline.decide` settles it by
whether the label is reached.
"""

import re

CONCLUSION = 1200
"""Characters at the end of a completion that are read: what a model misses before, it may find later on."""

_INFORMATION = r"(?:information|info|data|details?|context|specifics|values?|conditions?|constraints?)"
_FIND = (
    r"(?:determin\w+|calculat\w+|comput\w+|find\w*|found|solv\w+|answer\w*|evaluat\w+|know\w*|tell|figure\w* out|say)"
)
_ABSENT = r"(?:given|provided|specified|stated|mentioned|known|defined|clear|included|present|available)"
_STATES = r"(?:specify|provide|give|state|mention|include|tell|say|contain|define|make clear|indicate)"
_NOT = r"(?:not|n't|n’t|never)"
_CANNOT = (
    r"(?:cannot|can\s?n[o']t|can’t|could(?:n't|n’t| not)|unable to|impossible to"
    r"|(?:is|are)(?:n't|n’t| not)\s+possible to)"
)
_FEW = r"(?:\w+\s+){0,3}?"
_PATTERNS = (
    rf"(?:{_NOT}|no|without|lacks?)\s+{_FEW}(?:enough|sufficient|adequate)\s+{_FEW}{_INFORMATION}",
    rf"\b(?:insufficient|inadequate|incomplete|missing|lack(?:s|ing)?(?: of)?|absence of)\s+{_FEW}{_INFORMATION}\b",
    rf"\b(?:more|additional|further|extra)\s+(?:\w+\s+)?{_INFORMATION}\b",
    rf"\bno\s+{_FEW}{_INFORMATION}\s+(?:is|are|was|were|about|on|regarding|as to|given|provided|for)\b",
    rf"{_CANNOT}\s+{_FEW}{_FIND}[^.]{{0,120}}\b(?:without|because|since|unless|as we|with the|from the|given|uniquely"
    r"|exact|definit\w+|specific|single)\b",
    r"\bwithout\s+(?:\w+\s+){0,4}?(?:information|knowing|knowledge|details|context|a definition|further|additional)\b"
    rf"[^.]{{0,140}}(?:{_CANNOT}|{_NOT}\s+possible|impossible|unable|{_NOT}\s+be\b)",
    rf"{_CANNOT}[^.]{{0,140}}\bwithout\s+(?:knowing|more|additional|further|information)",
    r"\b(?:problem|question|statement|prompt|text)\b[^.]{0,40}"
    rf"(?:does|do|did)(?:n't|n’t|\s+not)\s+(?:\w+\s+)?{_STATES}\b",
    rf"\b(?:is|are|was|were)(?:n't|n’t|\s+not)\s+(?:\w+\s+)?{_ABSENT}\b[^.]{{0,60}}"
    r"\b(?:in the|by the)\s+(?:problem|question|statement)",
    r"\b(?:unrelated|irrelevant|does(?:n't|n’t| not) make sense|disconnect between|mix-?up|poorly worded|speculative"
    r"|(?:seems? to|might|may|could) be (?:a )?(?:mistake|typo|error|missing)|ill-(?:posed|defined)|under-?determined"
    r"|open[-‐]ended)\b",
    r"\b(?:need|require)s?\s+to\s+know\b|\bwe\s+(?:do not|don't|don’t)\s+know\b"
    r"|\bplease\s+(?:provide|clarify|specify|share)\b",
    r"\bis\s+(?:incomplete|ambiguous|unclear|unanswerable|not answerable|unsolvable)\b"
    r"|\bunclear (?:how|what|whether)\b",
    r"信息不足|条件不足|条件不全|缺少|无法确定|不能确定|情報が(?:不足|足り)|条件が(?:不足|足り)|求められません",
    r"недостаточно (?:данных|информации|условий)|невозможно (?:определить|найти|вычислить)",
    r"(?:pas|manque) (?:assez |suffisamment )?d['’]informations?|données insuffisantes"
    r"|impossible de (?:déterminer|calculer)",
    r"nicht gen(?:ü|ue)gend informationen|fehlen(?:de)? (?:angaben|informationen)|nicht (?:eindeutig )?bestimmbar",
    r"no hay (?:suficiente )?información|información insuficiente|no (?:se )?puede (?:determinar|calcular)",
    r"informazioni insufficienti|non (?:è possibile|si può) (?:determinare|calcolare)|informações insuficientes",
)
_SAYS_MISSING = re.compile("|".join(_PATTERNS), re.IGNORECASE)


def says_missing(completion: str) -> bool:
    """Whether the end of a completion says that the problem lacks something or does not fit together."""
    return _SAYS_MISSING.search(completion[-CONCLUSION:]) is not None
