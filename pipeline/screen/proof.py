"""Proofs: the task is to show something, so no label can be compared with an answer.

"Prove" alone decides nothing. "Find x and prove that it is unique" with the label 3 can be verified and stays, while
"show your work" or "the diagram shows that" ask for no proof. What decides is whether anything but a proof is asked
for, and whether the label is a value: sets made from formal libraries carry the claim itself ("Show that the minimum
is 29") as the label.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.screen.answers import is_missing
from pipeline.screen.asking import STRICT
from pipeline.screen.outcome import Outcome, reject
from pipeline.screen.reading import read
from pipeline.text.masking import MASKS
from schemas.config import ScreenConfig
from schemas.reasons import Reason

START = (
    rf"(?:^|[.!?:;,\n)\]}}{MASKS}*]|\b(?:then|and|to|please|or|also|now|hence|thus|must|should|can you|may"
    r"|either|but|first|next|finally)\b)"
)
REQUEST = re.compile(
    START + r"[\s\"'“(*_#\-]{0,4}(?:\(?[a-z0-9]{1,3}[.)]\s*|part\s+\(?[a-z0-9]\)?[:.]?\s*|carefully\s+|directly\s+"
    r"|also\s+|explicitly\s+)?"
    r"(?:(?:re)?prove|disprove|prove or disprove|demonstrate|give an?(?: \w+)? proof|provide an?(?: \w+)?"
    r" proof|write an?(?: \w+)? proof"
    r"|(?:show|verify|establish|deduce|conclude|check|confirm|justify)\b(?=[\s,]+(?:\w+ly\s+)?(?:by"
    rf" [^.\n]{{1,60}}?)?(?:that|why|{MASKS}|[{MASKS}]|directly"
    r"|the following|if|how|for (?:all|any|every|each)|there|every|each|any|all|the (?:identity|inequality"
    r"|existence|uniqueness|statement"
    r"|claim|equality|formula|result|theorem|assertion|relation|equivalence)))|show\s*:?\s*$)\b",
    re.IGNORECASE,
)
REQUEST_ELSEWHERE = re.compile(
    r"证明|求证|試證|试证|証明せよ|示せ|증명하"
    r"|докаж|покажите,? что|montre[rz]? que|démontre[rz]?\b|prouve[rz]?\b|beweise"
    r"|zeige,? dass|zeigen sie"
    r"|demuestr[ea]|demostrar que|pruebe que|probar que|mostrar que|mostre que|demonstre que|prove que"
    r"|dimostra|chứng minh|buktikan|أثبت|برهن"
    r"|প্রমাণ কর|พิสูจน์",
    re.IGNORECASE,
)
VALUE_ELSEWHERE = re.compile(
    r"[?？؟]|(?<!证)(?<!试)求(?!证)|计算|确定|確定|найд|вычисл|определите|сколько|trouve|détermin|calcul|combien"
    r"|bestimm|berechn|finde|encuentr|hall[ae]"
    r"|determin|cuánt|trova|calcola|quant|encontr|tìm|tính|tentukan|hitung|أوجد|احسب|구하|구하시오|求め",
    re.IGNORECASE,
)
PROOF_VERBS = re.compile(
    r"(?:prove|disprove|demonstrate|show|verify|establish|deduce|conclude|check|confirm|justify|give"
    r"|provide|write|recall|explain|discuss|use|state"
    r"|define|answer|consider|suppose you|help|assume|who|where|when|why|which|how)$",
    re.IGNORECASE,
)
CLAIM = re.compile(
    r"^\W*(?:we (?:will )?)?(?:prove|show|demonstrate|verify|proof|see (?:the )?proof|q\.?e\.?d)\b|\bproof"
    r" (?:omitted|is|by|below|required)"
    r"|\\(?:blacksquare|begin\{proof\}|qed)\b|证明|^\W*证|докаж",
    re.IGNORECASE,
)


def asks_for_value(prose: str) -> bool:
    """Whether something other than a proof is asked for."""
    if re.search(r"[?？]", prose):
        return True
    return any(not PROOF_VERBS.search(sentence.group()) for sentence in STRICT.finditer(prose))


def screen_proof(problem: Mapping[str, Any], config: ScreenConfig) -> Outcome:
    """Reject a proof: the label is a claim to prove, or a proof is asked for and there is no other value or no
    label."""
    answer = str(problem.get("answer") or "")
    if CLAIM.search(answer):
        return reject(Reason.PROOF, f"the label is a claim or a proof: {answer[:80]!r}")
    reading = read(problem["statement"])
    request = REQUEST.search(reading.prose) if reading.english else REQUEST_ELSEWHERE.search(reading.prose)
    if not request:
        return True
    words = request.group().strip()[:40]
    if is_missing(answer):
        return reject(Reason.PROOF, f"asks for a proof ({words!r}) and has no label")
    valued = asks_for_value(reading.prose) if reading.english else bool(VALUE_ELSEWHERE.search(reading.prose))
    return True if valued else reject(Reason.PROOF, f"asks for nothing but a proof ({words!r})")
