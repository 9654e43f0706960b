"""What counts as asking something: question marks, question words, imperatives, blanks to fill.

Two strengths. `asks` is generous and answers "is anything asked at all?"; `asks_here` is strict (a question mark, or an
imperative or question word where a clause begins) and answers "does this piece, by itself, ask for a value?".
"""

import re

from pipeline.text.masking import MASKS

CORE = (
    "find|compute|determine|evaluate|calculate|simplify|solve|express|factor|factorize|factorise|expand"
    "|estimate|prove|show|rewrite"
    "|approximate|differentiate|integrate|rationalize|rationalise|derive|deduce|figure out|work out"
)
VERBS = (
    CORE + "|enter|give|list|write|state|name|identify|convert|round|graph|sketch|plot|draw|add|subtract"
    "|multiply|divide|perform|combine"
    "|reduce|complete|describe|classify|specify|construct|obtain|verify|rearrange|translate|decide|check"
    "|count|report|choose|select|match|fill"
    "|locate|represent|use|apply|answer|provide|test|discuss|explain|compare|arrange|order|sort|put"
    "|submit|tell|help|minimize|maximize|minimise"
    "|maximise|eliminate|isolate|invert|transform|substitute|interpret|predict|model|set up|collect"
    "|distribute|square|cube|double|halve"
    "|diagonalize|parametrize|parameterize|linearize|investigate|demonstrate|justify|disprove|establish"
    "|make|change|label|form|assign|express"
    "|condense|separate|decompose|design|devise|illustrate|propose|pick|exhibit|characterize|characterise"
    "|enumerate|quantify|produce|supply"
    "|assess|analyze|analyse|generate|extract|compose|trace|rank|say|guess|examine|outline|sum|cancel"
    "|clear|recognize|replace|break|verify"
    "|read|study|use|try|place|partition|correct|express|split|search|infer|calculate|measure|determine"
    "|conjecture|formulate|bound|indicate|reverse|rotate|spell|unscramble|restore|predict|reply|respond|return|output"
    "|come up with"
)
QUESTION = re.compile(r"[?？؟፧]")
WH = (
    r"what(?:'s|ever)?|how (?:many|much|long|far|old|tall|fast|large|big|often|high|wide|deep|heavy|soon"
    r"|few|do|does|did|can|would|should|is|are)"
    r"|(?:at|in|on|for|to|by|of|from|with|under|during) (?:what|which|how many|how much)"
)
WH_FIRST = r"which|who|whose|where|when|why"
LIST_MARK = r"(?:\(?\d{1,2}[.)]\s*)?"
STRICT = re.compile(
    rf"(?:^|[.!?:]\)?[\"”’]?\s|\n)[\s*_#>\-(\"“]{{0,6}}{LIST_MARK}(?:(?:now|then|also|hence|first|next"
    rf"|finally|please|\w+ly),? )?(?:{VERBS}|{WH}|{WH_FIRST})\b"
    rf"|[,;)\]}}{MASKS}.!?:]\s{{0,2}}(?:{CORE}|enter|give|provide|list|write|specify|state|describe|identify"
    rf"|convert|sketch|choose|obtain|perform|construct|classify|{WH})\b"
    rf"|\b(?:then|and|to|please|or|also|now|by|hence|but|thus|so|you|we),?\s+(?:{CORE}|{WH})\b|\b(?:then"
    rf"|please),?\s+(?:{VERBS}|{WH_FIRST})\b",
    re.IGNORECASE,
)
ANYWHERE = re.compile(
    r"\b(?:find|compute|determine|evaluate|calculate|simplify|solve|what|how many|how much"
    r"|how long|how far|how old|your (?:job|task|goal|aim|objective) is|you need to)\b",
    re.IGNORECASE,
)
BLANK = re.compile(
    r"\\q?quad\s*(?:\\\)|\$)|"
    r"_{2,}|\xa0{2,}|(?:\\_\s*){2,}|\\underline\s*\{\s*(?:\\[a-z]+\s*(?:\{[^{}]*\})?|[\s~])*\}|\\ldots\s*[.$]?$"
    r"|\(\s*(?:\\quad|\\qquad|\\ |\s|　|~|_)*\s*\)|（\s*）|\\square|\\boxed|\\Box"
    r"|□|▲|=\s*(?:\\\s|\\q?quad|\\,)*\s*(?:\$|\\\))\s*[.．。]?\s*$|\.{3,}\s*$|…\s*$|\[\s*\]|\?\?"
)
TOLD = (
    "In If On Let For Given Suppose Is At Of By To From With All When While And But Since As Then That"
    " Because Before After During"
    " Between Assume Consider Under Over Like Not Half Both Call Define Denote Note Recall Also Where"
    " Across Among Through Without"
    " Around Inside Outside Initially Every Each Some Most Only Even Here There Unlike Until Once Are Was"
    " Were Has Have Paint Join"
)
ORDER = re.compile(rf"(?:^|[.!?{MASKS}]\s+|\n)(?!(?:{'|'.join(TOLD.split())})\b)[A-Z][a-z]{{3,}} (?:the|all)\b")
SOUGHT = re.compile(
    r"\b(?:is|are|be|must be|needs? to be|(?:is|are) to be|can be) (?:determined|found|calculated|computed|sought"
    r"|required|evaluated|asked for)\b",
    re.IGNORECASE,
)
NAMED_QUANTITY = re.compile(
    r"(?:^|[.!?,;]\s+|\n)(?:the |all (?:the )?|total )?(?:\w+[ -]){0,3}?(?:number|value|values|probability|sum"
    r"|product|area|volume|perimeter|length|distance|ratio|range|ways|maximum|minimum|remainder|coefficient|solutions?|radius|difference"
    r"|angle|integral|limit|equation|expression|term) (?:of|that|for|to|in|between|from)\b(?P<rest>[^.!?]*)[.!]?\s*$",
    re.IGNORECASE,
)
"""A last sentence that only names what is sought: "The number of ways to seat six people, where A sits first." """
CLAUSE = re.compile(r"\b(?:where|that|if|given|when|which|who|so that|such|with|while|for which)\b", re.IGNORECASE)
FINITE = re.compile(r"\b(?:is|are|was|were|equals?|has|have|does|do|can|will|must|becomes?)\b|=", re.IGNORECASE)
CLOZE = re.compile(r"(?:\b(?:is|are|equals?|equal to|be|becomes?|has|was|were|by|to|of)|=)\s*:?\s*$", re.IGNORECASE)
OTHER_TONGUES = re.compile(
    r"求|证明|多少|几|何|计算|確定|确定|いくら|いくつ|何|求め|얼마|구하|몇|найд|вычисл|сколько|определ|докаж|чему|trouve|détermin|calcul|combien"
    r"|démontr|montre|quel|bestimm|berechn|finde|wie |beweis|zeig|welche|encuentr|hall|determin|cuánt"
    r"|cuant|demuestr|trova|quant|dimostr"
    r"|encontr|ache|prove|mostre|qual|كم|أوجد|احسب|জ|কত|నిర్|ఎంత|ఎన్ని|เท่า|กี่|จง|bao nhiêu|tìm|tính"
    r"|berapa|tentukan|hitung|ngapi|kiasi",
    re.IGNORECASE,
)


def asks(text: str, prose: str, *, english: bool) -> bool:
    """Whether anything is asked at all: generous, so that what it denies is a statement that only tells. A sentence
    that opens with an unknown word and "the" counts as an order, so a verb not listed (or misspelt) is no cut."""
    if QUESTION.search(text) or BLANK.search(text):
        return True
    if not english:
        return True
    return bool(
        STRICT.search(prose)
        or ANYWHERE.search(prose)
        or ORDER.search(prose)
        or SOUGHT.search(prose)
        or names_quantity(text, prose)
    )


def names_quantity(text: str, prose: str) -> bool:
    """Whether the text ends in a quantity that it only names, with something to reckon with. A sentence that has a verb
    outside its relative clauses says what the quantity is."""
    named = NAMED_QUANTITY.search(prose)
    if named is None or not re.search(r"\d|\$|\\", text):
        return False
    return not FINITE.search(CLAUSE.split(named["rest"], maxsplit=1)[0])


def asks_here(piece: str, *, english: bool = True) -> bool:
    """Whether a piece of masked prose asks for something by itself."""
    if QUESTION.search(piece):
        return True
    if STRICT.search(piece):
        return True
    return not english and bool(OTHER_TONGUES.search(piece))
