"""What counts as asking something: question marks, question words, imperatives, blanks to fill.

Two strengths. `asks` is generous and answers "is anything asked at all?"; `asks_here` is strict (a question mark, or an
imperative or question word where a clause begins) and answers "does this piece, by itself, ask for a value?".
"""

import re

from pipeline.screen.reading import MASKS

VERBS = (
    "find|compute|determine|evaluate|calculate|simplify|solve|express|factor|factorize|factorise|expand|estimate|enter|give|list"
    "|write|state|name|identify|convert|round|rationalize|rationalise|approximate|differentiate|integrate|graph|sketch|plot|draw"
    "|add|subtract|multiply|divide|perform|combine|reduce|complete|describe|classify|specify|construct|obtain|derive|verify"
    "|prove|show|rewrite|rearrange|translate|decide|check|count|report|choose|select|match|fill|locate|represent|use|apply"
    "|answer|provide|test|discuss|explain|compare|arrange|order|sort|put|submit|tell|recall|consider|suppose you|help|figure out"
    "|minimize|maximize|minimise|maximise|eliminate|isolate|invert|transform|substitute|interpret|predict|model|set up|work out"
    "|deduce|define|collect|distribute|square|cube|double|halve|diagonalize|parametrize|parameterize|linearize|assume|investigate"
)
WEAK = frozenset("consider use recall assume define suppose".split())
STRONG_VERBS = "|".join(verb for verb in VERBS.split("|") if verb.split()[0] not in WEAK)
QUESTION = re.compile(r"[?？؟፧]")
WH = (
    r"what(?:'s| is| are| was| were| will| would| must| should| can| could| does| do| did| has| percent| fraction| value| number"
    r"|ever)?|how (?:many|much|long|far|old|tall|fast|large|big|often|high|wide|deep|heavy|soon|high)|which|who|whose|where|when|how|why"
)
CLAUSE = rf"(?:^|[.!?:;,\n)\]}}\"“*{MASKS}]|\b(?:then|and|to|please|or|also|now|by|hence|but|first|next|finally|thus|so|you|we)\b)"
STRICT = re.compile(rf"{CLAUSE}[\s*_#>\-(]{{0,6}}(?:\d{{1,2}}[.)]\s*)?(?:{STRONG_VERBS}|{WH})\b", re.IGNORECASE)
ANYWHERE = re.compile(
    r"\b(?:find|compute|determine|evaluate|calculate|simplify|solve|express|factor|expand|estimate|enter|what|how many|how much"
    r"|how long|how far|how old)\b",
    re.IGNORECASE,
)
BLANK = re.compile(
    r"_{2,}|(?:\\_\s*){2,}|\\underline\s*\{|\\ldots\s*[.$]?$|\(\s*(?:\\quad|\\qquad|\\ |\s|　|~|_)*\s*\)|（\s*）|\\square|\\boxed|\\Box"
    r"|□|▲|△\s*\.?$|\.{3,}\s*$|…\s*$|\[\s*\]|\?\?"
)
CLOZE = re.compile(r"(?:\b(?:is|are|equals?|equal to|be|becomes?|has|was|were|by|to|of)|=)\s*:?\s*$", re.IGNORECASE)
OTHER_TONGUES = re.compile(
    r"求|证明|多少|几|何|计算|確定|确定|いくら|いくつ|何|求め|얼마|구하|몇|найд|вычисл|сколько|определ|докаж|чему|trouve|détermin|calcul|combien"
    r"|démontr|montre|quel|bestimm|berechn|finde|wie |beweis|zeig|welche|encuentr|hall|determin|cuánt|cuant|demuestr|trova|quant|dimostr"
    r"|encontr|ache|prove|mostre|qual|كم|أوجد|احسب|জ|কত|నిర్|ఎంత|ఎన్ని|เท่า|กี่|จง|bao nhiêu|tìm|tính|berapa|tentukan|hitung|ngapi|kiasi",
    re.IGNORECASE,
)


def asks(text: str, prose: str, *, english: bool) -> bool:
    """Whether anything is asked at all: generous, so that what it denies is a statement that only tells."""
    if QUESTION.search(text) or BLANK.search(text):
        return True
    if not english:
        return True
    return bool(STRICT.search(prose) or ANYWHERE.search(prose))


def asks_here(piece: str, *, english: bool = True) -> bool:
    """Whether a piece of masked prose asks for something by itself."""
    if QUESTION.search(piece):
        return True
    if STRICT.search(piece):
        return True
    return not english and bool(OTHER_TONGUES.search(piece))
