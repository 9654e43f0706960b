"""Texts to dedup at scale, made of real problems, with the truth of which are one problem.

Each original is a real problem, or two joined, with every number but 1 drawn again, so no two originals are one problem
(other numbers are another problem), and templates abound as they do in real sets. Three in ten originals get one to
three duplicates, each of one kind: the same text; another format (case, spaces, line breaks, quotes, LaTeX delimiters);
letters swapped in one to three words; an order to the solver in front or behind.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SOURCES = {"gsm8k-train": "problem", "contamination-benchmarks": "text", "math_labels": "problem"}
DUPLICATED = 0.3
WRAPS = (
    ("Question: ", ""),
    ("Solve the following problem. ", ""),
    ("", " Show your work."),
    ("", " Put your final answer in \\boxed{}."),
    ("Please reason step by step. ", " Give your answer as an integer."),
)
NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[A-Za-z]{5,}")


def read_bases(names: Iterable[str] = SOURCES) -> list[str]:
    """Real problems of those sources with two numbers or more."""
    texts: dict[str, None] = {}
    for name in names:
        with (DATA / f"{name}.jsonl").open(encoding="utf-8") as lines:
            texts.update(dict.fromkeys(json.loads(line)[SOURCES[name]] for line in lines))
    return [text for text in texts if len(NUMBER.findall(text)) >= 2]


def make_texts(count: int, seed: int = 0) -> Iterator[tuple[int, str, str]]:
    """`count` rows of (number of the original, kind, text); the kind of an original is `original`."""
    draw, bases = random.Random(seed), read_bases()
    made = number = 0
    seen: set[str] = set()
    while made < count:
        text = draw.choice(bases) if draw.random() < 0.5 else f"{draw.choice(bases)} {draw.choice(bases)}"
        text = NUMBER.sub(lambda number: number[0] if number[0] == "1" else str(draw.randint(2, 999)), text)
        if text in seen:
            continue
        seen.add(text)
        rows = [("original", text)]
        if draw.random() < DUPLICATED:
            rows += [change_text(text, draw) for _ in range(draw.randint(1, 3))]
        for kind, text_of_kind in rows[: count - made]:
            yield number, kind, text_of_kind
            made += 1
        number += 1


def change_text(text: str, draw: random.Random) -> tuple[str, str]:
    """(kind, the text so changed)."""
    kind = draw.choice(("exact", "formatting", "typos", "wrap"))
    if kind == "formatting":
        loud = text if "\\" in text else text.upper()
        text = draw.choice((loud, re.sub(" ", lambda _: draw.choice(" \n"), text)))
        return kind, text.replace("'", "’").replace("$x$", "\\(x\\)")
    if kind == "typos":
        words = list(_WORD.finditer(text))
        for word in sorted(draw.sample(words, min(len(words), draw.randint(1, 3))), key=lambda f: -f.start()):
            at = word.start() + draw.randint(1, len(word[0]) - 3)
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return kind, text
    if kind == "wrap":
        before, behind = draw.choice(WRAPS)
        return kind, f"{before}{text}{behind}"
    return kind, text
