"""Whether a dollar sign is money or opens a formula: "$5 and $7" is money, "$x$ and $y$" is not.

What stands between two dollar signs decides. There are two rules, because they answer for different readers: `is_money`
takes every sign that is likely money, `is_price` only what is surely prose between two prices.
"""

import re

_AMOUNT = re.compile(r"\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
_WORDS = re.compile(r"[^\W\d_]{2,}[,.;]?\s+[^\W\d_]{2,}|[\u0e00-\u0eff\u3040-\u30ff\u4e00-\u9fff]{3,}")
_PROSE = re.compile(r"[,.;]?\s+[A-Za-z]{1,20}[,.;]?\s+[A-Za-z]{2}")
_FORMULA = re.compile(r"[\\^_={}]")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_SHORT_WORD = re.compile(r"[^\W\d_]{2,}")
_BREAK = re.compile(r"[.!?]\s+[^\W\d_a-z]|[.!?]\s+[¿¡]")


def is_money(text: str, start: int, end: int) -> bool:
    """Whether the dollar sign at `start` is money, when the next dollar sign stands at `end` (-1: there is none)."""
    amount = _AMOUNT.match(text, start + 1)
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
    if amount and _PROSE.match(text, amount.end()):
        return True
    if _FORMULA.search(inside):
        return bool(amount and _WORDS.search(inside[:200]) and "\\" not in inside)
    if _WORDS.search(inside):
        return True
    if amount:
        rest = text[amount.end() : end]
        return bool(re.fullmatch(r"\s*[-–,/(;:]?\s+|[-–/(]|\s+[^\W\d_]{2,}[\s,.(]*|[,.;]\s+[^\W\d_]{2,}\s*", rest))
    return before.isdigit() and len(inside) > 1 and inside[0] in " ,.;" and inside.strip(" ,.;") != ""


def is_price(text: str, opened: int, closed: int) -> bool:
    """Whether the dollar sign at `opened` is money and the next, at `closed`, closes nothing.

    The inside must be prose without anything that only a formula has, and stand like money: `$5 ... $8` or
    `5 $ ... 8 $`; or the second must look like the start of a formula, not like its end.
    """
    inside = text[opened + 1 : closed]
    if "\n\n" in inside:
        return True
    if not _SHORT_WORD.search(inside) or re.search(r"[\\^_={}<>]", inside):
        return False
    before, after = text[max(0, opened - 3) : opened].rstrip()[-1:], text[closed + 1 : closed + 2]
    leads = inside[:1].isdigit() or (inside[:1] == "." and inside[1:2].isdigit())
    follows = before.isdigit() and not leads
    if (leads or follows) and (_BREAK.search(inside) or len(_LONG_WORD.findall(inside)) > 3):
        return True
    if leads:
        return after.isdigit() or (text[closed - 1].isspace() and bool(after.strip()) and after not in ".,;:!?)")
    return follows and (inside.rstrip()[-1:].isdigit() or after.isdigit())
