"""One careful look at a statement, shared by every rule: formulas masked, sentences split, language guessed.

Most known bugs of published filters come from matching keywords in the raw text: `f(a)` becomes "part (a)", `(1,2)`
an enumeration, the complex `i` a roman numeral. Here formulas are replaced by one mark each before any rule looks at
words (`pipeline/text/masking.py`).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pipeline.text.masking import mask
from pipeline.text.wrapping import strip_source

MARKDOWN_TABLE = re.compile(r"^[^\n|]{0,200}\|[^\n]{1,400}\n[ \t]*\|?[ \t]*:?-{2,}", re.MULTILINE)

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


_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_WRITTEN_AS_ONE = {ord(sign): unicodedata.normalize("NFKC", sign) for sign in "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹﬀﬁﬂﬃﬄ"}
_PART_IN_MATH = re.compile(
    r"(?:(?<=[.;:?!。；：？])|(?<=\n)|(?<=\A))(\s{0,9})(?:\$|\\\()\s*\(\s*([1-9]|[IVX]{1,4}|[ivx]{1,4}|[a-h])\s*\)\s*(?:\$|\\\))(?=\s*\S)"
)
"""The label of a part that is set as a formula of its own where a sentence or a line begins: `$(1)$ Find ...`."""


@dataclass(frozen=True)
class Reading:
    """What the rules see of a statement.

    `text` is the statement without outer white space and without the source behind it; `prose` the same with every
    formula, table and drawing replaced by one mark; `formulas` the replaced formulas in order; `unclosed` names a
    construct that is opened and never closed (null if none); `english` says that the words are English.
    """

    text: str
    prose: str
    formulas: tuple[str, ...]
    sentences: tuple[str, ...]
    unclosed: str | None
    drawn: bool
    tabled: bool
    english: bool


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
    text = _BREAK.sub("\n", statement).translate(_WRITTEN_AS_ONE).strip()
    text = _PART_IN_MATH.sub(r"\1(\2)", strip_source(text))
    masked = mask(text)
    sentences = tuple(part.strip() for part in SENTENCE_END.split(masked.prose) if part and part.strip())
    return Reading(
        text=text,
        prose=masked.prose,
        formulas=masked.formulas,
        sentences=sentences,
        unclosed=masked.unclosed,
        drawn=masked.drawn,
        tabled=masked.tabled or bool(MARKDOWN_TABLE.search(text)),
        english=is_english(masked.prose),
    )
