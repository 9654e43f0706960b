"""Lone questions: the last sentence of a word problem whose story is gone ("How many apples does she have left?").

What gives one away is not that it has no numbers, since common knowledge has none either ("How many legs does a
spider have?"), but that it points back: a pronoun, a person, the past tense, "left", "in total", "the class".
"""

import re

from pipeline.screen.asking import STRICT
from pipeline.screen.reading import Reading

CLOSING_MARKS = "\"'”’»)]}*_ \t\n\u3000"
NUMBER = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen"
    r"|twenty|thirty|forty|fifty|sixty|hundred"
    r"|thousand|million|dozens?|twice|thrice|half|one[- ]third|a third|double|triple|pairs?)\b",
    re.IGNORECASE,
)
RECALLED = re.compile(
    r"\b(?:the|these|those|all|both)(?: of)?(?: the)?(?: (?:first|last|next|past|other))? (?:\d+|two|three"
    r"|four|five|six|seven|eight|ten)\b",
    re.IGNORECASE,
)
SHAPE = (
    r"(?:triangle|rectangle|square|circle|cube|cylinder|cone|pyramid|parallelogram|trapezoid|rhombus|line|solid|box)"
)
SUBJECT = re.compile(
    r"\b(?:integers?|primes?|digits?|divisors?|multiples? of|perfect|squared|cubed|polygons?|isosceles"
    r"|equilateral|spheres?|hexagons?|pentagons?"
    r"|octagons?|decagons?|dodecagons?|heptagons?|\w{4,12}gon|quadrilaterals?|\w{2,12}hedr(?:on|a|al|ons)"
    r"|prisms?|diagonals?|vertices|edges"
    r"|interior|arrange\w*|permut\w+|letters (?:of|in)|alphabet|probability|dice|die|cards|deck"
    r"|palindromes?|polynomials?|subsets?"
    r"|logarithms?|remainder|modulo|binary|zeroe?s|factorial|reciprocal|consecutive|handshakes?"
    r"|tournaments?|leap|clock|noon|midnight"
    r"|calendar|symmetry|distinct|in how many (?:different )?ways|the word|(?:square|cube|fourth) roots?"
    r"|right angles?|radius|diameter|hypotenuse"
    r"|(?:square|cube|sum|product|factors|multiples|powers?|digits|average|mean|median) of (?:the (?:first"
    r"|numbers)|all|\d)|factors does"
    r"|(?:common|greatest|least) (?:multiple|factor|divisor)|roman numerals?|decimal|fraction|slope"
    r"|degrees|number which|scientific notation)\b"
    rf"|\b(?:an?|any|every|each|one) (?:\w+ )?{SHAPE}\b"
    r"|\bin (?:a|an|one) (?:\w+ )?(?:second|minute|hour|day|week|month|year|inch|foot|yard|mile|meter"
    r"|kilometer|pound|ounce|gallon|quart|pint|cup|ton"
    r"|gram|kilogram|century|decade)s?\b"
    r"|\b(?:seconds?|minutes?|hours?|days|weeks|months|inches|feet|yards|miles|pounds|ounces|gallons"
    r"|quarts|pints|cups|grams|meters|centimeters"
    r"|millimeters|kilograms|cents|nickels|dimes|pennies|quarters) (?:are |is )?(?:there )?(?:in|equal"
    r"|make)\b(?! the\b)",
    re.IGNORECASE,
)
PRONOUN = re.compile(r"\b(?:he|she|they|his|her|hers|him|them|their|it|you|your|we|our|i|my)\b", re.IGNORECASE)
PERSON = re.compile(r"\b(?:he|she|his|her|him)\b", re.IGNORECASE)
ANTECEDENT = re.compile(
    r"^(?!If|How|What|When|Which|Where|Who|Why|In|On|At|After|Before|Calculate|Find|For|From|By|Since"
    r"|Given|While|Once)[A-Z][a-z]+|(?<!^)\b[A-Z][a-z]+|\b(?:an?|the|each|every|one|my|our|your|another"
    r"|this|that)\s+[a-z]"
)
STORY = re.compile(
    r"\bdid\b|\b(?:left|now|altogether|today|yesterday|tomorrow|remaining|initially|originally|still"
    r"|already|was|were)\b"
    r"|\bin (?:all|total|the (?:beginning|end|start))\b|\bat (?:first|the (?:end|start))\b"
    r"|\b(?:does|do|will|would|can|could|should|must|has|have|had) (?:the|each|[A-Z][a-z]+)\b|\bis"
    r" [A-Z][a-z]+\b|\bwould (?:be|have)\b",
)
LONE_WORDS = 30

QUOTED = re.compile(r"[\"“][^\"”]+[\"”]|'[^']{3,}'(?!\w)|:\s*\S")
UNIQUE = (
    r"(?:sun|moon|earth|equator|world|universe|solar|milky|ocean|human|english|greek|roman|latin|periodic|metric"
    r"|united|us|uk|usa|olympic|alphabet|gregorian|julian|bible|white|pacific|atlantic|great|north|south|eiffel"
    r"|atomic|boiling|freezing|melting|chemical|speed of|capital|value of|number of (?:sides|legs|faces|days|hours)"
    r"|word|letter)\b"
)
GENERAL = r"the (?:\w+ ){1,3}(?:of|in|for) (?:an?|any|every|one)\b"
DEFINITE = re.compile(
    rf"\b(?!{GENERAL})the (?!{UNIQUE}|adult|average|normal|typical)"
    r"|\b(?:the|his|her) (?:total|remaining|rest|other|difference)\b"
    r"|\b(?:these|those)\b"
    r"|\bboth\b|\bthat\b|\bthis\b",
    re.IGNORECASE,
)
COMPARED = re.compile(
    r"\b(?:more|fewer|less|extra|additional|another|total|combined|together|per|each|every|after|before|remain\w*"
    r"|spend|cost|earn|owe|need(?:s|ed)?|save[sd]?|pay|buy|profit|change)\b",
    re.IGNORECASE,
)
COUNTED = re.compile(
    r"\bthere(?: (?:in|on|at) [^?]{1,30})?\?$|\bhow many (?:are|can|have|will)\b|\b(?:are|is) (?:not|at|over|under) "
    r"|\b(?:are|is) \w+(?: \w+)?\?$|\bwill\b|\b(?:has|have) been\b",
    re.IGNORECASE,
)
GENERIC = re.compile(
    rf"\b(?:does|do|has|have|can|is|in|on|of|per) (?:an?|one|every|each|any)\b|\bthe {UNIQUE}|\bdo (?:\w+ )?\w+s have\b"
    rf"|\b(?:human|standard)\b",
    re.IGNORECASE,
)
YEAR = re.compile(r"\b(?:what|which) (?:year|century|date)\b", re.IGNORECASE)
SOMEONE = re.compile(r"\b[A-Z][a-z]+(?:'s|’s)\b|(?<=[a-z,] )[A-Z][a-z]+ and [A-Z][a-z]+\b")


def points_back(prose: str) -> bool:
    """Whether a question points at people, things or a past that it does not tell of itself."""
    pointers = (PRONOUN, STORY, DEFINITE, COMPARED, COUNTED, SOMEONE)
    return any(pointer.search(prose) for pointer in pointers)


def find_lost_story(reading: Reading) -> str | None:
    """Why a lone question has nothing to reckon with: no formula, no material of its own, at most one number, and
    words that point at a story."""
    material = reading.formulas or reading.drawn or reading.tabled or reading.unclosed
    if len(reading.sentences) != 1 or len(reading.prose) > 220 or material:
        return None
    prose = reading.prose
    if not prose.rstrip(CLOSING_MARKS).endswith("?") and not STRICT.search(prose):
        return None
    person = PERSON.search(prose)
    if person and not ANTECEDENT.search(prose[: person.start()]):
        return f"a lone question about someone who was never named ({person.group()!r})"
    if QUOTED.search(prose):
        return None
    if YEAR.search(prose):
        return None
    numbers = len(NUMBER.findall(RECALLED.sub(" ", prose)))
    subjects = len(SUBJECT.findall(prose))
    telling = bool(STORY.search(prose) or PRONOUN.search(prose))
    general = bool(GENERIC.search(prose)) and not points_back(prose)
    if numbers == 0 and not general and (subjects == 0 or (telling and subjects < 2)):
        return "a lone question that points back at a story which is not there"
    if numbers == 1 and not general and subjects == 0 and len(prose.split()) <= LONE_WORDS:
        return "a lone question with one number, about a story that is not there"
    return None
