"""Multiple choice: becomes an open problem with the right option's content as its label, or is rejected.

A question stands without its options when it asks for one definite thing ("What is the mass in grams?"). It does not
when the options are what is being compared ("which of the following is closest to"), when the right option is no
value ("none of these"), or when the letter cannot be resolved because the options are lost. What the row said before
is kept in its history.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.screen.answers import bare
from pipeline.screen.asking import CLOZE, QUESTION, asks_here
from pipeline.screen.outcome import Outcome, Reject, Suspicion, reject
from pipeline.screen.reading import read
from pipeline.text.masking import DISPLAY
from pipeline.text.whole_number import read_whole
from schemas.config import ScreenConfig
from schemas.reasons import Reason

SERIES = ("ABCDEFGHIJ", "abcdefghij")
SPACE = r"(?:\s|\\qquad|\\quad|\\ |\\,|\\;|\\hspace\{[^{}]*\}|~|&|\\\\|\$)*"
STYLES = (
    re.compile(
        r"\\(?:textbf|text|mathrm|mathbf|textrm|bf|rm)\s*\{\s*(?:\(\s*([A-Ja-j])\s*\)|([A-J])\s*[.):]"
        r"|([A-J])(?=\s*\}\s*[.):]))\s*[.:]?(?:\s|\\ |~)*\}(?:\s*[.):])?"
    ),
    re.compile(r"(?:(?<=\s)|(?<=^)|(?<=[.?:;,!$}\]]))\*{0,2}\(\s?([A-Ja-j])\s?\)\*{0,2}[.:]?"),
    re.compile(r"(?:(?<=\s)|(?<=^)|(?<=[,?:;$'\"\[]))\*{0,2}([A-Ja-j])\s?\)\*{0,2}"),
    re.compile(r"(?:(?<=\s)|(?<=^))\*{0,2}\[?([A-J])[.:．、\]]\*{0,2}(?=\s|[\d$\\\-−(\u4e00-\u9fff]|[A-Za-z])"),
    re.compile(r"(?:(?<=\n)|(?<=^))[ \t]*([a-j])[.:](?=\s)"),
    re.compile(r"（\s?([A-Ja-j])\s?）[.:．、]?"),
)
OPTION_KEYS = ("options", "choices", "endings", "option", "choice", "answer_choices", "candidates", "mc_options")
ZERO_BASED_KEYS = ("choices", "endings")
HEADING = re.compile(
    r"(?:\*{0,3}\s{0,9}(?:answer |the )?(?:choices|options|alternatives)(?: are)?(?: given)?(?:"
    r" below)?\s*\**\s*[:：]?\s*\**|(?:choose|select|pick|circle|mark|enter|give|indicate)\b[^.?!\n]{0,60}"
    r"\b(?:options?|choices?|letter|answer|one|alternatives?)\b[^.?!\n]{0,60}[.:!]?)\s*$",
    re.IGNORECASE,
)
LETTER_REQUEST = re.compile(
    r"[^.?!\n]{0,60}\b(?:enter|give|write|answer with|respond with|provide"
    r"|state)\b[^.?!\n]{0,30}\bletters?\b[^.?!\n]{0,60}[.!]?",
    re.IGNORECASE,
)
LETTER_REQUEST_END = re.compile(
    r"(?<=[.\n:;)\]$\w])\s{1,9}(?:please )?(?:enter|give|write|answer|respond|provide|state|choose|select"
    r"|indicate)\b[^.?!\n]{0,40}\b(?:letters?|options?|choices?)\b[^.?!\n]{0,60}[.!]?\s*$",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(?:(?:the )?(?:correct |right |best )?(?:answer|option|choice)(?: is)?\s*:?\s*)?[(\[]?\s*([A-Ja-j])\s*[)\].:]?",
    re.IGNORECASE,
)
LABEL_AND_CONTENT = re.compile(r"[(\[]?\s*([A-Ja-j])\s*[)\].:]\s*(\S.*)", re.DOTALL)
NO_VALUE = re.compile(
    r"\b(?:none|neither|both|all|any|either) of (?:these|the|them|those|above)|\b(?:none|all|both)\b$|\bof"
    r" the above|^(?:both|either|neither|only)\b|\b(?:both|either) [A-J]\b|\bnone\b"
    r"|cannot be|can not be|can't be|could not be|not (?:be )?(?:determined|enough|sufficient|possible)"
    r"|insufficient|inadequate|\bdata\b|depends on|no (?:correct|right)|not given|another|other answer"
    r"|^(?-i:(?:I|II|III|IV|V|[1-4])(?:(?:,| and|, and| or|&)\s*(?:I|II|III|IV|V|[1-4]))*) only|\bonly$"
    r"|^(?-i:(?:I|II|III|IV)(?:(?:,| and|, and) (?:I|II|III|IV))+)$",
    re.IGNORECASE,
)
GUESS = re.compile(
    r"(?:yes|no|true|false|valid|invalid|correct|incorrect|not valid)(?:\W+(?:yes|no|true|false))*\W*", re.IGNORECASE
)
DEFINITE = re.compile(
    r"\bwhich(?: one)? of the (?:following|these|given)(?: \w+){0,2}? (is|are|was|gives|equals|represents) the "
    r"(?=(?:value|values|sum|product|solution|solutions|slope|area|volume|perimeter|length|distance|number"
    r"|probability|remainder|average|mean|median|ratio|"
    r"result|difference|radius|diameter|height|width|mass|weight|cost|price|total|percent|percentage"
    r"|greatest common|least common|y-intercept|"
    r"x-intercept|measure|derivative|determinant|order|degree|inverse|simplified form|prime factorization"
    r"|domain|range|center|vertex|midpoint)\b)",
    re.IGNORECASE,
)
NEEDS_OPTIONS = re.compile(
    r"\bfollowing\s*(?:[?:.]|$|(?:is|are|statements?|expressions?|equations?|numbers?|values?|functions?"
    r"|graphs?|could|can|must|would|best|options?|choices?|describes?|represents?|shows?|has|have|does"
    r"|do)\b)"
    r"|\bof the (?:following|below|above|given|options|choices)\b"
    rf"(?! [^.?!]{{0,40}}[?:]?\s*[{DISPLAY}])|\b(?:which|none|all|any|one) of these\b"
    r"|\bof these\s*(?:[?.,:]|$)|\bthese (?:numbers|values"
    r"|options|choices|expressions|statements)\b"
    r"|\b(?:(?:is|are|be|comes?|which|value|number|integer) (?:\w+ )?(?:closest|nearest)|nearest (?:value|answer)"
    r"|closest (?:value|answer|approximation)|most nearly|best (?:describe|approximat|estimat|represent"
    r"|explain|answer|match|option|choice|fit|summar|model)\w*|approximately equal)"
    r"|\b(?:must|could|can|may|might|cannot|would) (?:\w+ )?(?:be|not be|NOT be)\b(?=[^?]{0,40}\b(?:true"
    r"|false|equal|value|the|a|an)\b)(?=[^?]*\bwhich\b)|\bcould be\b(?! \w+(?:ed|en|n|t|de|ut)\b)"
    r"|\bmust be true\b|\bnot true\b|\bis"
    r" (?:true|false|correct|incorrect)\b"
    r"|\b(?:NOT|EXCEPT)\b|\bequivalent\b|\bsame as\b|\ban? (?:example|possible|solution|factor|equation"
    r"|expression|function|reason|counterexample)\b(?=[^?.]*(?:\?|is|are|:)?\s*$)"
    r"|\bStatement (?:1|I|A)\b|\b(?:options?|choices?|alternatives?) (?:below|above|given)|\b(?:second"
    r"|third|fourth|fifth)? ?(?:smallest|biggest|largest|greatest|closest|highest|lowest) value\b(?=\s*\?)"
    r"|\bassertion\b",
)
WHICH = re.compile(
    r"(?:^|[.!?:;,\n]\s{0,9}|\bthen |\band |\bof )which\b(?!\s+(?:is|are|has|have|was|were|can|the|it|he|she"
    r"|they|we|one person)\b[^?]*[.,])",
    re.IGNORECASE,
)
WHICH_STANDS = re.compile(
    r"\bwhich (?:day|month|year|quadrant|term|ordered pair|ordered triple|power|row|column|percent|integer value)\b",
    re.IGNORECASE,
)
ROUGH = re.compile(r"\b(?:approximate(?:ly)?|estimate[ds]?|roughly|about how|nearly)\b", re.IGNORECASE)
WHICH_OF_FOLLOWING = re.compile(
    r"\bwhich(?: one)?(?: \w+)? of the following\b|\bwhich of (?:these|the (?:options|choices"
    r"|statements|expressions|equations))\b|\bthe following (?:options|choices)\b"
    r"|\bwhich (?:graph|diagram|figure|picture|number line) (?:shows|represents|matches|could|best|is)\b",
    re.IGNORECASE,
)
CHINESE_OPTIONS = re.compile(r"下列|(?:以下|下面)(?:各|哪|四|说法|选项|命题|结论|式子|图形|数)|哪[一]?[个项]选项")
CHINESE_BLANK = re.compile(r"[（(][\s\u3000]*[）)][\s\u3000]*[。.？?]?\s*$")
"""Where the letter of an option goes."""
DISPLAYED = re.compile(r"\s*\$\$([^$]+)\$\$\s*")
VALUED = re.compile(r"^\W*\$([^$]+)\$(?: (?:[a-z]+\.? ?){1,3})?\W*$", re.IGNORECASE)
"""A formula that is all of an option but for a unit."""
PROSE_WORD = re.compile(r"[A-Za-z]{2,}")
COMMAND = re.compile(r"\\[A-Za-z]+|\$")


@dataclass(frozen=True)
class Options:
    """A multiple-choice question taken apart: the `stem` without options, the contents in order, and where they stood.

    `certain` says that the layout is used for options only (LaTeX bold letters, or a field of the source). `tail` is
    what stood behind the options, which the stem ends with.
    """

    stem: str
    contents: tuple[str, ...]
    certain: bool
    key: str | None = None
    tail: str = ""


@dataclass(frozen=True)
class Opened:
    """An open problem made from a multiple-choice one, and why it may not stand without its options."""

    statement: str
    answer: str
    suspicion: Suspicion | None = None


def clean(content: str) -> str:
    """An option without the separators around it; dollar signs that close nothing are dropped."""
    if display := DISPLAYED.fullmatch(content):
        return f"${display[1].strip()}$"
    text = re.sub(rf"^{SPACE}", lambda match: "$" * (match.group().count("$") % 2), content)
    text = re.sub(r"(?:\s|\\qquad|\\quad|\\ |\\,(?=\s|$)|\\;|\\hspace\{[^{}]*\}|~|\\\\)+(\$?)\s*$", r"\1", text)
    text = re.sub(r"(?:\\qquad|\\quad|\\\\|\\ )+\s*\$$", "$", text).strip()
    if text.count("$") % 2:
        text = text.removeprefix("$") if text.startswith("$") and not text.endswith("$") else text
        text = text.removesuffix("$") if text.count("$") % 2 and text.endswith("$") else text
    text = text.strip().removesuffix(";").removesuffix(",").removesuffix("'").removesuffix("']").strip()
    text = text.removesuffix("\\").strip() if text.endswith(" \\") else text
    return text.strip("*").strip() if text.count("*") <= 4 and text.startswith("**") else text


def split_at_labels(text: str) -> tuple[int, list[str], int] | None:
    """Find the options at the end of a text: where they begin, their contents, and which style they have."""
    best: tuple[int, list[str], int] | None = None
    for number, style in enumerate(STYLES):
        marks = [(next(filter(None, match.groups())), *match.span()) for match in style.finditer(text)]
        if len(marks) < 2:
            continue
        for series in SERIES:
            starts = [index for index, mark in enumerate(marks) if mark[0] == series[0]]
            for first in reversed(starts[-4:]):
                chain = [marks[first]]
                for mark in marks[first + 1 :]:
                    if len(chain) < len(series) and mark[0] == series[len(chain)]:
                        chain.append(mark)
                if len(chain) >= 2 and (best is None or len(chain) > len(best[1])):
                    ends = [mark[1] for mark in chain[1:]] + [len(text)]
                    best = (chain[0][1], [text[mark[2] : end] for mark, end in zip(chain, ends, strict=True)], number)
    return best


def read_inline(statement: str, *, lettered: bool = False) -> Options | None:
    """Options written at the end of the statement itself, or null. Pieces that ask something are parts, not options;
    with a letter for a label (`lettered`) an option may be told as an order ("Multiply 5 by 30")."""
    statement = LETTER_REQUEST_END.sub("", statement)
    split = split_at_labels(statement)
    if split is None:
        return None
    start, raw, style = split
    contents = tuple(clean(content) for content in raw)
    if any(not content or len(content) > 400 or "\n\n" in content for content in contents[:-1]):
        return None
    last = re.split(r"\n\s*\n", contents[-1].strip())[0]
    if not last or len(last) > 400:
        return None
    asking = QUESTION.search if lettered else asks_here
    if any(asking(content) for content in (*contents[:-1], last)):
        return None
    stem = statement[:start].rstrip()
    tail = contents[-1][len(last) :].strip()
    stem = (
        re.sub(
            r"(?:\$|\\\[|\\begin\{(?:enumerate|itemize|align\*?|tabular)\}(?:\{[^{}]*\})?|\\item|\\\\|\\qquad"
            r"|\\quad|\s|\*\*)+$",
            "",
            stem,
        )
        if style == 0
        else re.sub(r"[\s*\\]*(?:\[['\"]?)?$", "", stem)
    )
    if style == 0 and statement[:start].count("$") % 2 == 0 and statement[:start].rstrip().endswith("$"):
        stem = statement[:start].rstrip()
    stem = f"{stem}\n\n{tail}".strip() if tail else stem
    return Options(stem, (*contents[:-1], last), style == 0, tail=tail)


def read_extra(problem: Mapping[str, Any]) -> Options | None:
    """Options in a field of the source (`extra` as JSON): a list, a mapping of letters, `{label, text}`, or one
    string."""
    extra = problem.get("extra")
    if not extra:
        return None
    try:
        fields = json.loads(extra) if isinstance(extra, str) else dict(extra)
    except (ValueError, TypeError):
        return None
    if not isinstance(fields, dict):
        return None
    lowered = {str(key).lower(): value for key, value in fields.items()}
    key = next((name for name in OPTION_KEYS if lowered.get(name)), None)
    value = lowered[key] if key else [fields[letter] for letter in "ABCDEFGHIJ" if fields.get(letter) not in (None, "")]
    if isinstance(value, dict):
        value = value.get("text") or [value[name] for name in sorted(value)]
    if isinstance(value, str):
        parsed = split_at_labels(" " + value.strip("[]"))
        value = parsed[1] if parsed else []
    if not isinstance(value, list) or len(value) < 2:
        return None
    contents = []
    for index, item in enumerate(value):
        text = str(item.get("text") or item.get("content") or "") if isinstance(item, dict) else str(item)
        prefixed = re.match(rf"\s*[(\[]?{'ABCDEFGHIJ'[index % 10]}\s*[)\].:]\s*", text, re.IGNORECASE)
        contents.append(clean(text[prefixed.end() :] if prefixed else text))
    inline = read_inline(problem["statement"])
    stem = inline.stem if inline and len(inline.contents) == len(contents) else problem["statement"]
    return Options(stem, tuple(contents), True, key)


def plain(text: str) -> str:
    """A content without the trimmings that differ between a label and its option."""
    return re.sub(r"\\[dt]frac", r"\\frac", re.sub(r"[\s$,]|\\[ ,;!]|\\(?:left|right)", "", bare(text))).lower()


def resolve(answer: str, options: Options) -> int | None:
    """Which option a label means: its letter, letter and content, content alone, or index; null if it means none."""
    text = bare(answer)
    same = [index for index, content in enumerate(options.contents) if plain(content) == plain(text)]
    letter = LABEL.fullmatch(text)
    if same and not (letter and len(same) == 1 and ord(letter.group(1).lower()) - 97 != same[0]):
        return same[0]
    if letter:
        index = ord(letter.group(1).lower()) - 97
        return index if index < len(options.contents) else None
    if both := LABEL_AND_CONTENT.fullmatch(text):
        index = ord(both.group(1).lower()) - 97
        if index < len(options.contents) and plain(both.group(2)) == plain(options.contents[index]):
            return index
    alike = [index for index, content in enumerate(options.contents) if are_alike(text, content)]
    if len(alike) == 1:
        return alike[0]
    number = read_whole(text)
    if number is not None and options.key in ZERO_BASED_KEYS and number < len(options.contents):
        return number
    return None


def are_alike(label: str, content: str) -> bool:
    """Whether an option has a label's value, however both are written, with or without a unit behind the option."""
    from pipeline.verify.decide import decide

    return any(
        "same" in (decide(label, value), decide(value, label)) for value in {bare(content), *VALUED.findall(content)}
    )


def open_stem(stem: str) -> str:
    """The stem as an open question: headings of the options and requests for a letter go, a definite "which" becomes
    "what"."""
    text = LETTER_REQUEST.sub("", stem).rstrip()
    text = HEADING.sub("", text).rstrip() or text
    text = DEFINITE.sub(
        lambda match: (
            f"{'What' if match.group()[0] == 'W' else 'what'} {'are' if match.group(1).lower() == 'are' else 'is'} the "
        ),
        text,
    )
    return f"{text.rstrip(': ')} ____." if CLOZE.search(text) and not text.endswith("?") else text


def why_dependent(stem: str, content: str) -> str | None:
    """Why a question may not stand without its options, or null."""
    if match := CHINESE_OPTIONS.search(stem):
        return f"the question chooses among its options: {match.group()!r}"
    prose = read(stem).prose
    if match := NEEDS_OPTIONS.search(prose):
        return f"the question compares its options: {match.group().strip()!r}"
    if (match := WHICH.search(prose)) and not WHICH_STANDS.search(prose):
        return f"the question chooses among its options: {prose[match.start() : match.start() + 40].strip()!r}"
    if match := ROUGH.search(prose):
        return f"the value is a rough one, chosen among options: {match.group()!r}"
    words = PROSE_WORD.findall(COMMAND.sub(" ", content))
    if len(words) >= 4 and not re.search(r"\d|\$|\\", content):
        return f"the right option is a text: {content[:60]!r}"
    return None


def is_letter_label(answer: str, statement: str) -> bool:
    """Whether a label is an option's letter rather than a quantity: no such letter is a symbol of the statement."""
    text = bare(answer)
    if re.fullmatch(r"\(\s*[A-E]\s*\)|[A-E]\s*[).:]|[A-E](?:\s*(?:,|and)\s*[A-E])+", text):
        return not re.search(r"\bset\b|\bpoints?\b|\{", statement)
    if not re.fullmatch(r"[A-Ea-d]", text):
        return False
    formulas = " ".join(read(statement).formulas)
    letters = re.findall(r"(?<![A-Za-z\\])[A-Za-z]+", re.sub(r"\\[A-Za-z]+", " ", formulas))
    if any(text in word for word in letters):
        return False
    prose = read(statement).prose
    return not re.search(r"\b[B-E]\b" if text == "A" else rf"\b{text}\b", prose)


def open_choice(problem: Mapping[str, Any], config: ScreenConfig) -> Opened | Outcome:
    """Turn a multiple-choice problem into an open one.

    Returns `True` where the problem is none, `Opened` where it could be rewritten (suspected where the question may
    need its options), a suspicion where its label is none of the options or the options are not there, and a
    rejection where the right option is no value, the label is the letter of a lost option, or the config rejects
    multiple choice.
    """
    statement, answer = problem["statement"], str(problem.get("answer") or "")
    options = read_extra(problem) or read_inline(statement, lettered=bool(LABEL.fullmatch(bare(answer))))
    index = resolve(answer, options) if options else None
    if options is None or (index is None and not is_choice_layout(options, answer)):
        if is_letter_label(answer, statement):
            return reject(Reason.CHOICE_DEPENDENT, f"the label is the letter {bare(answer)!r} and there are no options")
        if asked := asks_of_nothing(statement):
            return Suspicion(Reason.CHOICE_DEPENDENT, f"asks for one of several options that are not there: {asked!r}")
        return True
    if config.choice == "reject":
        return reject(Reason.CHOICE_DEPENDENT, f"multiple choice with {len(options.contents)} options")
    if index is None:
        return Suspicion(
            Reason.CHOICE_DEPENDENT, f"the label {answer[:60]!r} is none of its {len(options.contents)} options"
        )
    return open_options(options, index, config)


def open_options(options: Options, index: int, config: ScreenConfig) -> Opened | Reject:
    """The open problem of which option `index` is the answer, or why there is none."""
    content = options.contents[index]
    if config.reject_guessable and GUESS.fullmatch(bare(content)):
        return reject(Reason.GUESSABLE, f"the right option is {content!r}")
    stem = open_stem(options.stem)
    if not stem.strip():
        return reject(Reason.INCOMPLETE, "nothing but options")
    if match := NO_VALUE.search(bare(content)):
        return reject(
            Reason.CHOICE_DEPENDENT, f"the right option is no value of its own: {match.group()!r} in {content[:60]!r}"
        )
    why = why_dependent(stem, content)
    return Opened(stem, content, Suspicion(Reason.CHOICE_DEPENDENT, why) if why else None)


def is_choice_layout(options: Options, answer: str) -> bool:
    """Whether enumerated pieces are options although the label names none of them: not the conditions of a single
    question."""
    if options.certain or len(options.contents) < 3:
        return options.certain
    if LABEL.fullmatch(bare(answer)) or re.fullmatch(r"[A-J](?:\s*(?:,|and|&)\s*[A-J])+", bare(answer)):
        return True
    if not any(letter.isdigit() for content in options.contents for letter in content) and (
        read_whole(bare(answer)) is not None
    ):
        return False
    stem = options.stem.removesuffix(options.tail).rstrip()
    asked = stem.endswith("?") or bool(WHICH_OF_FOLLOWING.search(stem))
    return asked and all(len(content) <= 60 for content in options.contents)


def asks_of_nothing(statement: str) -> str | None:
    """The phrase of a "which of the following" that nothing follows, or null."""
    if (asked := CHINESE_OPTIONS.search(statement)) and CHINESE_BLANK.search(statement):
        return asked.group()
    reading = read(statement)
    if not reading.english:
        return None
    match = WHICH_OF_FOLLOWING.search(reading.prose)
    if not match:
        return None
    rest = reading.prose[match.end() :]
    listed = (
        re.search(r"[?.:]\s*\S", rest)
        or reading.prose[match.end() :].count(",") >= 2
        or re.search(r":", reading.prose[: match.start()])
    )
    return None if listed else match.group()
