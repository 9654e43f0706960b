"""Numbers and names as people read them."""

from schemas.reasons import MEANINGS, Reason

TONES = {
    "keep": "keep",
    Reason.NEVER_SOLVED: "hard",
    Reason.TOO_EASY: "easy",
    Reason.LABEL_CONTRADICTED: "label",
    Reason.UNDETERMINED: "open",
    "waiting": "open",
}
"""The colour of a outcome. Reasons found before grading share one neutral tone: their names stand beside them."""


def tone(outcome: str) -> str:
    return TONES.get(outcome, "rule")


def count(number: int | float) -> str:
    return f"{round(number):,}"


def brief(number: float) -> str:
    """At most four characters of digits, for places with little room: 950, 12.4k, 3.1M."""
    for size, mark in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size * (1 if size > 1e3 else 10):
            scaled = number / size
            return f"{scaled:.0f}{mark}" if scaled >= 100 else f"{scaled:.1f}{mark}".replace(".0", "")
    return count(number)


def share(part: float, whole: float) -> str:
    """`part` of `whole` in per cent; never 0% for something, never 100% for not all."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if part and percent < 0.1:
        return "<0.1%"
    if part < whole and percent > 99.9:
        return ">99.9%"
    return f"{percent:.1f}%".replace(".0%", "%") if percent < 10 or percent > 99 else f"{percent:.0f}%"


def span(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def meaning(reason: str) -> str:
    """What a reason says, in one line; a word from a newer version than this one has none."""
    return MEANINGS.get(reason, "")  # type: ignore[call-overload, no-any-return]


def plain(name: str) -> str:
    return name.replace("_", " ")


def cut(text: str, limit: int) -> tuple[str, str, str]:
    """The beginning of a long text, a note of what is left out, and its end: an answer stands at the end."""
    head, tail = limit // 2, limit - limit // 2
    return text[:head], f"\n\n[… {count(len(text) - limit)} characters left out …]\n\n", text[-tail:]


def shorten(text: str, limit: int) -> str:
    """A text of at most `limit` characters as it is, of a longer one the beginning and the end."""
    return text if len(text) <= limit else "".join(cut(text, limit))
