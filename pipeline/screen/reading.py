"""One careful look at a statement, shared by every rule: formulas masked, sentences split, language guessed.

Most known bugs of published filters come from matching keywords in the raw text: `f(a)` becomes "part (a)", `(1,2)`
an enumeration, the complex `i` a roman numeral. Here formulas are replaced by one mark each before any rule looks at
words. Dollar signs are the hard part, since "$5 and $7" is money and "$x$ and $y$" is not; what stands between two of
them decides.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

MATH = "\ue000"
DISPLAY = "\ue001"
TABLE = "\ue002"
CODE = "\ue003"
MASKS = MATH + DISPLAY + TABLE + CODE

OPENER = re.compile(r"\\\\|\\\$|\\\[|\\\(|\$\$|\$|\\begin\{([A-Za-z]+)\*?\}|\[asy\]|<asy>|```")
DOLLARS = {"$": re.compile(r"(?<!\\)\$"), "$$": re.compile(r"\$\$")}
TEXT_ENVIRONMENTS = frozenset(
    str.split(
        "enumerate itemize center description quote quotation document problem question flushleft flushright parts"
    )
)
TABLE_ENVIRONMENTS = frozenset(str.split("tabular tabularx longtable table"))
CODE_ENVIRONMENTS = frozenset(str.split("tikzpicture asy lstlisting verbatim"))
MARKDOWN_TABLE = re.compile(r"^[^\n|]{0,200}\|[^\n]{1,400}\n[ \t]*\|?[ \t]*:?-{2,}", re.MULTILINE)

AMOUNT = re.compile(r"\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
WORDS = re.compile(r"[^\W\d_]{2,}[,.;]?\s+[^\W\d_]{2,}|[\u0e00-\u0eff\u3040-\u30ff\u4e00-\u9fff]{3,}")
PROSE = re.compile(r"[,.;]?\s+[A-Za-z]{1,20}[,.;]?\s+[A-Za-z]{2}")
FORMULA = re.compile(r"[\\^_={}]")

ENGLISH = frozenset(
    str.split(
        "the of is and to in how many what find if for that with are has each an be compute let by from on as"
        " at which he she"
    )
)
OTHER = frozenset(
    str.split(
        "le la les des du est un une et que pour dans sur si combien el los las es y por con cuántos cuántas"
        " una para der die das"
        " und ist ein eine wie viele von mit den zu auf il di che per quanti quante sono gli della uma os"
        " quantos da do em não se"
        " hij het van een hoeveel ni kwa na ya wa ana alikuwa berapa yang dan adalah"
        " berapakah dengan jika bao nhiêu là của mỗi và trouvez soit sea sei sia trova valuta evaluar"
        " encuentra encuentre finden finde bestimmen"
        " bestimme calcola calculer calcular determina déterminer dado dada hallar hitunglah tentukan l d"
    )
)
WORD = re.compile(r"[^\W\d_]+")
SENTENCE_END = re.compile(r"(?<=[.!?。？！])[\"'”’)\]]*\s+|(?<=[。？！])|\n\s*\n")


@dataclass(frozen=True)
class Reading:
    """What the rules see of a statement.

    `text` is the statement without outer white space; `prose` the same with every formula, table and drawing replaced
    by one mark; `formulas` the replaced formulas in order; `unclosed` names a construct that is opened and never
    closed (null if none); `english` says that the words are English.
    """

    text: str
    prose: str
    formulas: tuple[str, ...]
    sentences: tuple[str, ...]
    unclosed: str | None
    drawn: bool
    tabled: bool
    english: bool


def is_money(text: str, start: int, end: int) -> bool:
    """Whether the dollar sign at `start` is money, when the next dollar sign stands at `end` (-1: there is none)."""
    amount = AMOUNT.match(text, start + 1)
    before = text[:start].rstrip()[-1:] if start else ""
    if end < 0:
        if amount:
            after = text[amount.end() :].lstrip()[:1]
            glued = text[amount.end() : amount.end() + 1]
            ranged = re.match(r"-\s*[\d$\\(A-Za-z]", text[amount.end() :].lstrip()[:4])
            return (
                (not after or after not in "+=<>^_\\{*")
                and not ranged
                and not (glued.isascii() and glued.isalpha() and glued not in "kKmMbB")
            )
        return before.isdigit() or bool(text[start + 1 :].strip() and not text[start + 1].strip())
    inside = text[start + 1 : end]
    if amount and PROSE.match(text, amount.end()):
        return True
    if FORMULA.search(inside):
        return bool(amount and WORDS.search(inside[:200]) and "\\" not in inside)
    if WORDS.search(inside):
        return True
    if amount:
        rest = text[amount.end() : end]
        return bool(re.fullmatch(r"\s*[-–,/(;:]?\s+|[-–/(]|\s+[^\W\d_]{2,}[\s,.(]*|[,.;]\s+[^\W\d_]{2,}\s*", rest))
    return before.isdigit() and len(inside) > 1 and inside[0] in " ,.;" and inside.strip(" ,.;") != ""


def find_closer(text: str, closer: str, position: int) -> int:
    """Where the next closer stands, -1 if nowhere; an escaped dollar sign closes nothing."""
    if closer not in DOLLARS:
        return text.find(closer, position)
    found = DOLLARS[closer].search(text, position)
    return found.start() if found else -1


def mask(text: str) -> tuple[str, list[str], str | None, bool, bool]:
    """Replace formulas, tables and drawings by marks. Linear in the text: an opener without its closer ends the
    scan."""
    out: list[str] = []
    formulas: list[str] = []
    drawn = tabled = False
    position = 0
    while found := OPENER.search(text, position):
        out.append(text[position : found.start()])
        opener, position = found.group(), found.end()
        if opener in ("\\\\", "\\$"):
            out.append(opener)
            continue
        if found.group(1):
            name = found.group(1)
            if name in TEXT_ENVIRONMENTS:
                out.append(opener)
                continue
            closer = "\\end" + opener[6:]
        else:
            name = opener
            closer = {"\\[": "\\]", "\\(": "\\)", "[asy]": "[/asy]", "<asy>": "</asy>"}.get(opener, opener)
        end = find_closer(text, closer, position)
        if opener == "$" and is_money(text, found.start(), end):
            out.append("$")
            continue
        if end < 0:
            out.append(text[found.start() :])
            return "".join(out), formulas, opener, drawn, tabled
        body = text[position:end]
        position = end + len(closer)
        if name in CODE_ENVIRONMENTS or name in ("[asy]", "<asy>", "```"):
            drawn = drawn or name != "```"
            out.append(CODE)
        elif name in TABLE_ENVIRONMENTS or (name != "$" and "\\begin{tabular" in body) or "\\begin{array}" in body:
            tabled = True
            out.append(TABLE)
            formulas.append(body)
        else:
            out.append(MATH if name in ("$", "\\(") else DISPLAY)
            formulas.append(body)
    out.append(text[position:])
    return "".join(out), formulas, None, drawn, tabled


def is_english(prose: str) -> bool:
    """Whether the words are English, by function words: enough to keep English rules off other languages."""
    words = [word.lower() for word in WORD.findall(prose[:4000])]
    letters = "".join(words)
    if not letters:
        return True
    if sum(letter.isascii() for letter in letters) < 0.97 * len(letters):
        return False
    ours = sum(word in ENGLISH for word in words)
    others = sum(word in OTHER for word in words)
    return ours > others or (ours == others and len(words) < 15)


@lru_cache(maxsize=64)
def read(statement: str) -> Reading:
    """Read a statement once; rules that look at the same row share the result."""
    text = statement.strip()
    prose, formulas, unclosed, drawn, tabled = mask(text)
    sentences = tuple(part.strip() for part in SENTENCE_END.split(prose) if part and part.strip())
    return Reading(
        text=text,
        prose=prose,
        formulas=tuple(formulas),
        sentences=sentences,
        unclosed=unclosed,
        drawn=drawn,
        tabled=tabled or bool(MARKDOWN_TABLE.search(text)),
        english=is_english(prose),
    )
