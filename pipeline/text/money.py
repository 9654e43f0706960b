"""Whether a dollar sign is money or opens a formula: "$5 and $7" is money, "$x$ and $y$" is not.

What stands between two dollar signs decides, and where they stand: prose or a list of prices is money.
"""

import re

_AMOUNT = re.compile(r"\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
_BETWEEN_PRICES = re.compile(r"\s*[-–,/(;:]?\s+|[-–/(]")
_FORMULA = re.compile(r"[\\^_={}<>]")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_SHORT_WORD = re.compile(r"[^\W\d_]{2,}")
_BREAK = re.compile(r"[.!?]\s+[^\W\d_a-z]|[.!?]\s+[¿¡]")


def is_money(text: str, start: int, end: int) -> bool:
    """Whether the dollar sign at `start` is money, when the next dollar sign stands at `end` (-1: there is none).

    What stands between them must be prose without anything that only a formula has, and stand like money: `$5 ... $8`
    or `5 $ ... 8 $`; or the second must look like the start of a formula, not like its end.
    """
    if end < 0:
        return _is_last_price(text, start)
    inside, after = text[start + 1 : end], text[end + 1 : end + 2]
    if "\n\n" in inside:
        return True
    if _FORMULA.search(inside):
        return False
    leads = inside[:1].isdigit() or (inside[:1] == "." and inside[1:2].isdigit())
    if not _SHORT_WORD.search(inside):
        amount = _AMOUNT.match(inside) if leads and after.isdigit() else None
        return bool(amount and _BETWEEN_PRICES.fullmatch(inside, amount.end()))
    follows = text[max(0, start - 3) : start].rstrip()[-1:].isdigit() and not leads
    if (leads or follows) and (_BREAK.search(inside) or len(_LONG_WORD.findall(inside)) > 3):
        return True
    if leads:
        return after.isdigit() or (inside[-1].isspace() and bool(after.strip()) and after not in ".,;:!?)")
    return follows and (inside.rstrip()[-1:].isdigit() or after.isdigit())


def _is_last_price(text: str, start: int) -> bool:
    """Whether a dollar sign that no other follows is money; otherwise it opens a formula that is never closed."""
    amount = _AMOUNT.match(text, start + 1)
    if not amount:
        is_after_amount = text[:start].rstrip()[-1:].isdigit()
        return is_after_amount or bool(text[start + 1 :].strip() and not text[start + 1].strip())
    following = text[amount.end() :].lstrip()
    glued = text[amount.end() : amount.end() + 1]
    return (
        following[:1] not in tuple("+=<>^_\\{*")
        and not re.match(r"-\s*[\d$\\(A-Za-z]", following[:4])
        and not (glued.isascii() and glued.isalpha() and glued not in "kKmMbB")
    )
