"""A letter that runs over whole numbers: `\\pi k, k \\in \\mathbb{Z}`, `5t for some integer t`."""

from __future__ import annotations

import re

from pipeline.verify.reader.tokens import Token

_DOMAINS = {
    "mathbb Z": "Z", "Z": "Z", "integer": "Z", "integers": "Z", "целое": "Z", "mathbb N": "N", "N": "N",
    "natural": "N", "entier": "Z", "整数": "Z", "mathbb Z+": "N", "mathbb N0": "N0",
}  # fmt: skip
_GLUE = frozenset(
    [
        "where",
        "for",
        "with",
        "any",
        "some",
        "all",
        "every",
        "each",
        "is",
        "an",
        "a",
        "are",
        "arbitrary",
        "number",
        "numbers",
        "and",
        "при",
        "для",
        "где",
        "soit",
        "où",
        "avec",
        "für",
        "mit",
        "ist",
        "ganze",
        "zahl",
        "其中",
        "для",
        "любого",
    ]
)
_MARKS = frozenset((",", ";", ":", "(", ")", "in", "forall"))
_SIGNS = {"positive": "N", "nonnegative": "N0", "non-negative": "N0"}


def split_family(tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], str, str] | None:
    """(what stands before, the letter, what it runs over: "Z", "N" or "N0"), or None where no such clause ends."""
    letter = domain = sign = script = ""
    at = len(tokens)
    while at > 0:
        token = tokens[at - 1]
        if not (letter and domain) or _is_glue(token):
            for word in _words(token):
                if word in _DOMAINS and not domain and not (len(word) == 1 and token.kind == "word" and at == 1):
                    domain = _DOMAINS[word]
                elif word.lower() in _SIGNS:
                    sign = _SIGNS[word.lower()]
                elif re.fullmatch(r"[a-z]", word) and not letter and not (word == "a" and token.kind == "text"):
                    letter = word
                elif word in ("0", "1", "+", "*", ">0", "ge0") and not domain:
                    script += word
                elif word.lower() not in _GLUE and word not in _MARKS and word not in "{}^_":
                    return None
            at -= 1
        else:
            break
    if not letter or not domain or at == 0 or at == len(tokens):
        return None
    if sum((token.text in ("{", "(", "[")) - (token.text in ("}", ")", "]")) for token in tokens[at:]):
        return None
    if script:
        sign = {"0": "N0", "1": "N"}.get(script, "N")
    if domain in ("Z", "N") and sign:
        domain = sign
    return tokens[:at], letter, domain


def _is_glue(token: Token) -> bool:
    return all(word.lower() in _GLUE or word in (",", ";", ":", "(") for word in _words(token)) and bool(_words(token))


def _words(token: Token) -> list[str]:
    return re.findall(r"[^\s,;:().]+|[,;:()]", token.text) if token.kind == "text" else [token.text]


def split_congruence(
    tokens: tuple[Token, ...],
) -> tuple[tuple[Token, ...], tuple[Token, ...], tuple[Token, ...]] | None:
    """(name, residues, modulus) of `n \\equiv 0, 1 \\pmod{4}`, or None for what is no congruence."""
    equiv = next((at for at, token in enumerate(tokens) if token.kind == "command" and token.text == "equiv"), 0)
    mod = next((at for at, token in enumerate(tokens) if at > equiv and token.text.strip(" (") in _MODULI), 0)
    if (
        not mod
        or (not equiv and (tokens[mod].kind != "command" or tokens[mod].text == "bmod"))
        or any(t.text == "=" for t in tokens)
    ):
        return None
    if not equiv:
        equiv = -1
    residues, modulus = tokens[equiv + 1 : mod], tokens[mod + 1 :]
    while residues and residues[-1].text in ("(", "{"):
        residues = residues[:-1]
    while modulus and modulus[-1].text in (")", "}") and len(modulus) > 1:
        modulus = modulus[:-1]
    modulus = modulus[1:] if modulus and modulus[0].text == "{" else modulus
    name = tokens[: max(equiv, 0)]
    return (name, residues, modulus) if residues and len(modulus) == 1 else None


def split_residues(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """The residues between commas, `and` and `or`."""
    parts: list[tuple[Token, ...]] = []
    start = 0
    for at, token in enumerate(tokens):
        if token.text.strip(" ,") in ("", ";", "or", "and", "oder", "ou", "o", "y", "et", "или", "и"):
            parts.append(tokens[start:at])
            start = at + 1
    return [part for part in (*parts, tokens[start:]) if part]


def both_signs(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """A residue, or the two that `\\pm` before it means."""
    if tokens and tokens[0].kind == "command" and tokens[0].text == "pm":
        return [tokens[1:], (Token("mark", "-"), *tokens[1:])]
    return [tokens]


_MODULI = frozenset(("mod", "pmod", "bmod"))
