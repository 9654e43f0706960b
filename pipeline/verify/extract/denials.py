"""Whether a sentence denies the value that it names: `x is not 5`, `5 is wrong`, `suppose that x = 5`.

A value is denied by the negation that governs it, with only the verb and its like between them, by the predicate that
it is the subject of, and where it is itself what its clause supposes. A negation that governs anything else says
nothing of it ("it is not hard to see that x is 5", "there is no doubt").
"""

from __future__ import annotations

import re

from pipeline.text.answer_words import phrase_pattern

WINDOW = 200
"""Characters before and behind a value, in which its sentence is read."""
_STOP = re.compile(r"(?<=[^\s\d])[.!?;](?=\s|$)|(?<=\d)[.!?;](?=\s|$)|[\u3002\uff01\uff1f\uff1b]|\n")
_NAME = r"(?:[$(]|\\\()?\s*[A-Za-z](?:_\w)?\s*="
_GLUE = (
    r"(?:be|been|is|are|equals?|equal\s+to|to|the|value|number|answer|an?|just|simply|really|possibly|é|es|è|est|sind|ist"
    r"|sein|gleich|равн[аоы]?|равен|это)"
)
_GOVERNED = re.compile(
    rf"(?P<word>{phrase_pattern('denies')})(?:\s+{_GLUE}(?![^\W\d_]))*\s*(?:{_NAME})?[\s$*({{\\\[]*$", re.IGNORECASE
)
_OTHER = re.compile(
    r"(?:\bother\s+than|\bexcept(?:\s+for)?|\banything\s+but|\bdifferent\s+from)[\s$*({\\\[]*$", re.IGNORECASE
)
_NEGATION = re.compile(phrase_pattern("denies") + r"|\b(?:no(?:thing)?|non|ne)\b|\bn['\u2019]", re.IGNORECASE)
_PAIRED = frozenset({"ni"})
"""What denies only beside another negation (`ce n'est ni 4 ni 5`): alone it is a word of another language, as in
`jibu ni 5`, which is Swahili for `the answer is 5`."""
_UNEQUAL = re.compile(r"(?:\\neq?(?![A-Za-z])|\u2260|!=|<>|\\not\s*=)[\s$({]*$")
_NONE_WITH = re.compile(
    r"\bno\s+(?:real\s+|integer\s+|such\s+|valid\s+)?(?:solutions?|roots?|values?|numbers?|integers?|answers?)\b[^,.;:]*$",
    re.IGNORECASE,
)
_DETERMINER = r"(?:the|an?|this|that|its|their|our|your|his|her|le|la|les|el|los|il|lo|der|die|das|o|os)"
_NOUN = rf"(?!(?:{_DETERMINER}|then|we|you|one|they|wir|man|on|nous)(?![^\W\d_]))[^\W\d_]{{2,}}"
_SUBJECT = (
    rf"(?:[A-Za-z](?:_\w)?|it"
    rf"|(?:{_DETERMINER}\s+)?{_NOUN}(?:\s+{_NOUN})?(?:\s+(?:of|de|von)\s+(?:{_DETERMINER}\s+)?{_NOUN})?)"
)
_SUPPOSED = re.compile(
    r"^[\s,]*(?:(?:but|now|so|and|indeed|otherwise)[\s,]+)?(?:if|suppose|assume|assuming|supposing|were|angenommen|supposons"
    r"|supongamos|supponiamo|suponha|пусть|предположим|假设|如果|若)(?![^\W\d_])(?:\s*,?\s*(?:that|dass|que|che|что)(?![^\W\d_]))?"
    rf"[\s,$(]*(?:{_SUBJECT}[\s$)]*(?:=|(?<![^\W\d_])(?:is|are|was|were|equals?|ist|wäre|sei|est|soit|es|fuera|è|fosse|é|seja"
    rf"|равн[аоы]?|равен|是|为|等于))(?:\s*{_GLUE}(?![^\W\d_]))*)?[\s$*({{\\\[]*$",
    re.IGNORECASE,
)
"""The words before a value that is itself what is supposed: `if the answer were`, `suppose that x =`. What follows from
a supposition in the same sentence is no part of it: `if we add these we get`, `if there are 9 then 18 - 9 =`."""
_VERB = r"(?:is|are|was|were|would\s+be|must\s+be|has\s+to\s+be|should\s+be|can\s+be|est|es|é|è|ist|war|это)"
_PREDICATE = re.compile(
    rf"[\s$*)}}\\\]]*(?:(?:{_VERB})\s+(?:also\s+|clearly\s+|therefore\s+|simply\s+)?)?(?:{phrase_pattern('denied')})"
    rf"|[\s$*)}}\\\]]*(?:does\s+not|doesn't|do\s+not|don't|cannot|can't|fails\s+to)\s+(?:work|hold|satisfy|fit|be|solve)"
    rf"|[\s$*)}}\\\]]*(?:isn't|aren't|wasn't)\s+(?:a|an|the|possible|valid|allowed|correct|right|true)(?![^\W\d_])"
    rf"|[\s$*)}}\\\]]*(?:leads?|would\s+lead)\s+to\s+a\s+contradiction"
    rf"|[\s$*)}}\\\]]*if\s+(?:it|that|this)\s+(?:is|was)(?:\s+not|n't)",
    re.IGNORECASE,
)
_RETRACTED = re.compile(
    rf"[^.!?\n]{{0,20}}[.!?;\n]\s*(?:but\s+)?(?:that|this|it|which|das|cela|eso|questo|isso|это)(?:\s+(?:{_VERB})|'s)\s+"
    rf"(?:{phrase_pattern('denied')})",
    re.IGNORECASE,
)
_CUT = re.compile(
    r"\s*,?\s*(?:\b(?:and|et|und|y|e|и)\s+)?(?:\bnot\b|\brather\s+than\b|\binstead\s+of\b|\bnicht\b|\bpas\b|(?<!\w)не(?!\w)|而不是"
    r"|\(?\b(?:since|because|puisque|weil|porque|perché|так\s+как)\b|\(\s*(?:as|not|for)\b)",
    re.IGNORECASE,
)
_CONTRAST = re.compile(rf",?\s*(?:{phrase_pattern('contrast')})\s*", re.IGNORECASE)
_BEGINS = re.compile(rf"\s*(?:{phrase_pattern('denies')})", re.IGNORECASE)


def is_unequal(text: str, start: int) -> bool:
    """Whether the value at `start` is what something is said to be unequal to, in signs."""
    return _UNEQUAL.search(text[max(0, start - 16) : start]) is not None


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether the sentence around the value from `start` to `end` denies it, or only supposes it."""
    before, behind = text[max(0, start - WINDOW) : start], text[end : end + WINDOW]
    before = before[max((stop.end() for stop in _STOP.finditer(before)), default=0) :]
    if other := _OTHER.search(before):
        return _NEGATION.search(before[: other.start()]) is None
    if (governed := _GOVERNED.search(before)) and (
        governed["word"].lower() not in _PAIRED or _NEGATION.search(before[: governed.start()])
    ):
        return True
    if _UNEQUAL.search(before) or _NONE_WITH.search(before):
        return True
    if _SUPPOSED.match(before):
        return True
    return _PREDICATE.match(behind) is not None or _RETRACTED.match(behind) is not None


def cut_denials(sentence: str) -> str:
    """What an announced answer says: `not 4 but 5` is 5, and `5, not 4` and `5 (since 4 is odd)` are 5."""
    if _BEGINS.match(sentence):
        contrast = _CONTRAST.search(sentence)
        return sentence[contrast.end() :] if contrast else sentence
    cut = _CUT.search(sentence)
    return sentence[: cut.start()] if cut and any(map(str.isdigit, sentence[: cut.start()])) else sentence
