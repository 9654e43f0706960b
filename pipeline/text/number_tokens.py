"""Numbers as a problem says them, in digits or in words, as one canonical text: `2.50`, `twenty-five`, `half`.

Two problems that differ only in their numbers are different problems, so what is a number must be distinguished from
every other word, whichever way it is written. `third` is a fraction after `a`, `one` or a number and before `of`, and
an ordinal (`3rd`) elsewhere. `one` stays a word (`one of them`), and so does `second` (a time).
"""

from collections.abc import Sequence

from pipeline.text.numbers import read_english_cardinals

_CARDINALS = read_english_cardinals()
SMALL = {word: value for word, value in _CARDINALS.items() if 2 <= value < 20}
TENS = {word: value for word, value in _CARDINALS.items() if 20 <= value < 100}
SCALES = {"dozen": 12, "dozens": 12} | {word: value for word, value in _CARDINALS.items() if value >= 100}
_PARTS = "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
PARTS = {word: value for value, word in enumerate(_PARTS.split(), start=3)}
ORDINALS = dict(PARTS)
PARTS |= {word + "s": value for word, value in PARTS.items()}
PARTS |= {"half": 2, "halves": 2, "quarter": 4, "quarters": 4, "twentieth": 20, "hundredth": 100, "hundredths": 100}
TIMES = {"twice": "2", "double": "2", "doubles": "2", "doubled": "2", "twofold": "2"}
TIMES |= {"thrice": "3", "triple": "3", "triples": "3", "tripled": "3", "threefold": "3"}
TIMES |= {"quadruple": "4", "quadruples": "4", "quadrupled": "4", "halved": "1/2"}
NUMBER_WORDS = frozenset({*SMALL, *TENS, *SCALES, *PARTS, *TIMES})


def _swap_letters(word: str) -> list[str]:
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(1, len(word) - 1)]


MISSPELT = {wrong: word for word in sorted(NUMBER_WORDS) if len(word) > 3 for wrong in _swap_letters(word)}
"""Number words with two inner letters swapped: a misspelt number must not make another problem."""
MISSPELT = {wrong: word for wrong, word in MISSPELT.items() if wrong not in NUMBER_WORDS | {"there"}}


def read_digits(text: str) -> str:
    """`1,250.00` as `1250`, `.5` as `0.5`; a whole number with leading zeros stays, for it may be a string of bits."""
    plain = text.replace(",", "")
    if "." not in plain:
        return plain
    whole, _, part = plain.partition(".")
    part = part.rstrip("0")
    return f"{whole or '0'}.{part}" if part else whole or "0"


def write_ordinal(number: int | str) -> str:
    """`3rd` for 3 or its digits, in one form for every number."""
    return f"{number}rd" if number in (3, "3") else f"{number}th"


def join_numbers(tokens: Sequence[str]) -> list[str]:
    """Tokens with every number, in words or in digits, as one token: `two dozen` as `24`, `3 / 4` as `3/4`."""
    joined: list[str] = []
    at, end = 0, len(tokens)
    while at < end:
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < end else ""
        if token in NUMBER_WORDS or (following in SCALES and (token == "one" or token.isdigit())):
            at = _join_words(tokens, at, joined)
        elif following == "/" and token.isdigit() and at + 2 < end and tokens[at + 2].isdigit():
            joined.append(f"{token}/{tokens[at + 2]}")
            at += 3
        else:
            joined.append(token)
            at += 1
    return joined


def _join_words(tokens: Sequence[str], at: int, joined: list[str]) -> int:
    """Append the number that starts at `at`; returns where it ends."""
    token = tokens[at]
    if token in TIMES:
        joined.append(TIMES[token])
        return at + 1
    if token in ORDINALS and (at == 0 or tokens[at - 1] not in ("a", "one")) and tokens[at + 1 : at + 2] != ["of"]:
        joined.append(write_ordinal(ORDINALS[token]))
        return at + 1
    total, run, end = 0, 0, len(tokens)
    began = at
    while at < end:
        token = tokens[at]
        if token in SMALL and run % 100 in (0, *TENS.values()) and run % 10 == 0:
            if SMALL[token] >= 10 and run % 100:
                break
            run += SMALL[token]
        elif token in TENS and run % 100 == 0:
            run += TENS[token]
        elif token.isdigit() and at == began:
            run = int(token)
        elif token == "one" and (at == began or run % 100 in TENS.values()):
            run += 1
        elif token in SCALES and SCALES[token] <= 100:
            run = max(run, 1) * SCALES[token]
        elif token in SCALES:
            total, run = total + max(run, 1) * SCALES[token], 0
        elif token == "and" and 0 < at < end - 1 and tokens[at - 1] in SCALES and tokens[at + 1] in (SMALL | TENS):
            pass
        else:
            break
        at += 1
    value = total + run
    if at < end and tokens[at] in PARTS:
        part = PARTS[tokens[at]]
        is_ordinal = value % 100 in TENS.values() and part < 10 and tokens[at] in ORDINALS
        joined.append(write_ordinal(value + part) if is_ordinal else f"{value or 1}/{part}")
        return at + 1
    joined.append(str(value))
    return at
