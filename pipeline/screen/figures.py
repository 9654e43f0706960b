"""Figure-dependent problems: the statement leans on a drawing, an image or a table that is not in it.

A figure given as code (`[asy]`, TikZ) is there for a text model to read, so it is no missing figure; `asymptote:
reject` turns that policy around. "Figure" is also a digit, a shape and a sport, and a graph may be given by its
formula: what counts is a pointing phrase ("as shown", "in the diagram", "pictured"), not the word.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.screen.outcome import Outcome, Suspicion, reject
from pipeline.screen.reading import Reading, read
from pipeline.text.masking import CODE, DISPLAY, MATH, TABLE
from schemas.config import ScreenConfig
from schemas.reasons import Reason

PLOT = (
    r"(?:(?:bar|line|circle|pie|dot|scatter|stem|box|flow)?[ -]?(?:charts?|plots?)|graphs?|histograms?"
    r"|pictographs?|maps?|spinners?)"
)
PICTURE = r"(?:figures?|diagrams?|pictures?|illustrations?|drawings?|sketch(?:es)?|images?)"
DRAWING = rf"(?:{PICTURE}|{PLOT})"
SHAPE = (
    r"(?:graph|chart|spinner|histogram|plot|grid|pattern|number line|map|dart ?board|board|clock|dial|net"
    r"|triangle|square|rectangle|circle|cube"
    r"|solid|arrangement|pyramid|prism|hexagon|pentagon|octagon|polygon|parabola|quadrilateral|trapezoid"
    r"|parallelogram|semicircle|shape|piece|block"
    r"|cylinder|sphere|cone|box|target|calendar|lattice|paper|garden|floor plan|field|pool|road|track"
    r"|stack|staircase|tile|line|segment|point"
    r"|dot|card|figure|diagram|array|network|path|curve|ellipse|angle|region|machine|scale|ruler"
    r"|thermometer|magic square|tree|letter)s?"
)
PLACE = (
    r"(?:below|above|at (?:the )?(?:right|left)|to the (?:right|left)|on the (?:right|left)|here|opposite"
    r"|overleaf|beside)"
)
SHOWN = r"(?:shown|pictured|depicted|illustrated|diagrammed|drawn|displayed|sketched|graphed|plotted|indicated)"
THE = r"(?:the|this|that|these|both|each|an?)"
SOME = r"(?:\w+[ -]){0,3}?"
IMAGE = re.compile(
    r"!\[[^\]\n]{0,300}\]\(|<img\b|<image\b|\\includegraphics|\[(?:image|figure|diagram|img)\]|\((?:figure"
    r"|diagram) (?:omitted|missing)\)",
    re.IGNORECASE,
)
IMAGE_TAG = re.compile(r"!\[[^\]\n]{0,300}\](?:\([^)\s]*\))?|<[^<>]*>|\[/?\w+\]|https?://\S+|\([^()]*omitted\)")
"""An image as it is written: its own words point at nothing."""
POINTERS = (
    rf"\bas (?:\w+ly |is |are )?(?:{SHOWN}|seen|labell?ed|marked)\b(?= (?:{PLACE}|in|on|by {THE}"
    rf" {SOME}{DRAWING})|\s*[.,;:?)]|$)(?! in (?:equation|example|class))",
    rf"\bas (?:is |are )?described (?:{PLACE}\b|(?:in|on|by) {THE} {SOME}{DRAWING}\b)",
    r"\bas (?:\w+ly )?(?:shown|pictured|depicted|illustrated|diagrammed|drawn|sketched)\b(?! (?:by|that|to be))",
    rf"\b{SHOWN} (?:\w+ )?{PLACE}\b",
    rf"\b(?:{SHOWN}|seen|labell?ed|marked|given|represented|presented|summari[sz]ed|recorded|listed) (?:in"
    rf"|on|by|with) {THE} {SOME}{DRAWING}\b",
    r"\b(?:is|are) (?:\w+ly )?(?:shown|pictured|depicted|illustrated|displayed|graphed|diagrammed)\s*(?:[.,;?)]|$)",
    rf"[{MATH}], (?:shown|pictured)\b",
    r"\b(?:pictured|diagrammed)\b(?! (?:him|her|them)sel)",
    rf"\b{SHAPE}(?: [{MATH}])?,? (?:\w+ )?(?:shown|pictured|depicted|illustrated|displayed|graphed)\b(?! (?:that|to))",
    rf"\b{SHAPE}(?: [{MATH}])? (?:below|above)(?=\s*(?:[.,;?!)]|$))",
    r"\b(?:in|from|on|of|to|with|by|using|see|per|refer to) (?:the|this|these|each|both|that) (?:\w+"
    r" ){0,2}?(?:figures?|diagrams?)\b(?! (?:of speech|skat))",
    r"\b(?:in|from) (?:the|this|these) (?:\w+ )?(?:pictures?|illustrations?|drawings?|images?|sketch"
    r"|photo)(?=\s*(?:[.,;:?)]|$))",
    rf"\b(?:the|this|these|each|that|two|three|four) {SOME}{DRAWING} (?:{PLACE}|shows?|depicts?"
    r"|illustrates?|displays?)\b",
    rf"\b(?:the|this|each|these) {SOME}{DRAWING} (?:(?:is|are) )?(?:shown|pictured|given|provided|displayed"
    rf"|drawn) {PLACE}\b",
    r"\bthe (?:\w+ ){0,2}(?:figure|diagram)(?! (?:out|of|eight|is|are|that|has|with|formed|obtained|whose"
    r"|which|skat|\w*\d))\b(?! skat)",
    r"\b(?:see|refer to|consult) (?:the )?(?:figure|fig\.|diagram|graph)|\bfig(?:ure|\.) ?\d+\b",
    r"\b(?:accompanying|adjoining|adjacent|attached|following|given|provided|above|below) (?:\w+"
    rf" )?(?:{PICTURE}|{PLOT}|number line|grid)\b",
    r"\b(?:according to|based on|use|using|from|in) (?:the|this) (?:bar |line |circle |pie |dot |scatter "
    rf"|box )?{PLOT}\b(?! (?:of|for|paper|with|theory|{MATH}))",
    rf"(?:^|[.!?\n]\s*)below (?:is|are)\b|\bhere (?:is|are) (?:the|an?) {SOME}{DRAWING}\b",
)
POINTING = re.compile("|".join(POINTERS), re.IGNORECASE)
TRIGGERS = str.split(
    "shown depict illustrat diagram figure picture drawn display sketch graph plot chart below above seen"
    " labeled labelled marked image drawing fig."
    " described indicated given provided adjoining adjacent attached accompanying following map spinner"
    " here histogram represented presented"
)
SHADED = re.compile(
    r"\b(?:the|of the|each|all|non-?|un)\s?-?(?:\w+ )?shaded\b|\bthe (?:dotted|dashed|bold(?:ed)?) (?:line"
    r"|segment|curve|arc|path|region|area)s?\b",
    re.IGNORECASE,
)
SHADING = re.compile(
    r"\b(?:is|are|be|been|was|were|then|and|half|quarter|left|not|randomly) (?:\w+ )?(?:un)?shaded\b"
    r"|\bshad(?:es?|ing)\b|\bshaded (?:inside|between|outside|bounded|if|in|by|so|red|blue)\b"
    r"|\bsquares? shaded\b|\bshaded squares? (?:is|are) \d",
    re.IGNORECASE,
)
NAMED_SHADE = re.compile(
    rf"\s(?:\w+ )?(?:triangle|rectangle|square|pentagon|hexagon|quadrilateral|trapezoid|polygon|sector"
    rf"|segment) [{MATH}]"
    r"|\s(?:region|area|part|portion)s?,? (?:which is|that (?:is|lies)|consisting|formed|bounded|between|inside"
    r"|outside)\b",
    re.IGNORECASE,
)
"""What a shaded region is, in letters or words."""
TABLE_POINTING = re.compile(
    rf"\b(?:the|this|following|these|each)(?: \w+){{0,3}} tables?\b(?: \w+){{0,3}} (?:{PLACE}|shows?|gives?"
    r"|lists?|displays?|contains?|summari[sz]es?|provides?|presents?|records?|indicates?)\b"
    rf"|\b(?:table|chart) (?:{PLACE})|\b(?:in|from|by|use|using|complete|fill in) (?:the|this) (?:following"
    r" |given |above |accompanying |frequency |partial )?(?:table|chart)\b"
    r"|\bfollowing (?:frequency )?(?:table|chart|data table)\b|\b(?:table|chart) \d+\b",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(
    r"如图|图中|如圖|下图|右图|左图|图示|見下圖|下の図|図のよう|右の図|그림과 같이|그림에서|아래 그림"
    r"|на рисунке|на рис\.|изображ[её]н|см\. рис|на диаграмме"
    r"|figure ci-(?:dessous|contre|dessus)|(?:sur|dans) la figure|sur le schéma|ci-contre|in der"
    r" (?:abbildung|zeichnung|skizze)|abgebildet|siehe (?:abbildung|skizze)"
    r"|(?:en|de) la figura|como se muestra|mostrad[ao] (?:abajo|en)|nella figura|in figura|come mostrato"
    r"|na figura|como mostra(?:do)?|trong hình|hình vẽ|hình bên"
    r"|pada gambar|gambar berikut|في الشكل|الشكل (?:أدناه|المجاور)|চিত্রে|จากรูป",
    re.IGNORECASE,
)

NETWORK = re.compile(
    r"\b(?:complete|bipartite|connected|simple|planar|directed|undirected|regular|cycle|petersen) (?:\w+ )?graphs?\b"
    r"|\bgraphs?\b[^.?!]{0,40}\b(?:vertices|vertex|edges|nodes)\b",
    re.IGNORECASE,
)
"""A graph of vertices and edges, which a statement gives in words."""
THING = re.compile(
    r"\b(table|chart|graph|picture|photo|image|map|grid|board|spinner|sketch|drawing)s?\b", re.IGNORECASE
)
PICTURED = re.compile(rf"\b(?:{PICTURE}|graphs?|maps?)\b", re.IGNORECASE)
GIVEN = re.compile(
    r"\b(?:shown|pictured|depicted|illustrated|below|above|following|accompanying|adjoining|right|left)\b", re.I
)
ROWS_IN_LINE = re.compile(
    r"\s*(?:below|above)?\s*[:(]\s*[^.?!]{0,40}?[\w )]+[:=-]\s*\$?\d[^?!]*?[,;|]\s*[^.?!]*?[:=-]\s*\$?\d"
)
PROSE_WORD = re.compile(rf"[^\W\d_]{{2,}}|[{MATH}{DISPLAY}]")
RULES = re.compile(r"[─│┌┐└┘├┤]{2}|[#+]{6}")
LISTED = re.compile(r"\s*[\\(\[*-]*\s*(?:[A-Ja-j]|\d{1,2})\s*[.):\]]|\s*[-=*_]+\s*$")


def shows_formula(prose: str, pointer: re.Match[str]) -> bool:
    """Whether the thing pointed at follows as a formula, a table or code: "the pattern shown: $$...$$"."""
    rest = prose[pointer.end() : pointer.end() + 80]
    if pointer.group().lstrip(" .!?\n").lower().startswith(("below", "here")):
        return bool(re.search(f"[{MATH}{DISPLAY}{TABLE}{CODE}]", prose[pointer.end() :]))
    return any(mark in rest for mark in (DISPLAY, TABLE, CODE)) or rest.lstrip(" .:")[:1] == MATH


def has_rows(text: str) -> bool:
    """Whether a table is written out plainly: two lines in cells, or three short lines with numbers."""
    lines = text.split("\n")
    cells = sum(max(line.count("|"), line.count("&"), line.count("\t")) >= 2 for line in lines)
    return cells >= 2 or sum(len(line) <= 60 and any(letter.isdigit() for letter in line) for line in lines) >= 3


def draws_in_text(prose: str, pointer: re.Match[str]) -> bool:
    """Whether a grid or a drawing made of characters follows: three lines on end without words, or with rules."""
    run = 0
    for line in prose[pointer.start() :].split("\n")[1:]:
        drawn = bool(line.strip()) and not PROSE_WORD.search(line) and not LISTED.match(line)
        run = run + 1 if drawn else 0 if line.strip() else run
        if run >= 3 or RULES.search(line):
            return True
    return False


def is_introduced(prose: str, pointer: re.Match[str]) -> bool:
    """Whether a pointer without "shown" or "below" means a thing that the text itself brought in: "an 8 x 8 table ...
    rows from the table", "takes a picture ... in the picture", "the graph of $y$ ... in the graph"."""
    thing = THING.search(pointer.group())
    if thing is None or GIVEN.search(pointer.group()):
        return False
    noun, before = thing[1].lower(), prose[: pointer.start()]
    new = (
        rf"\b(?:an?|one|each|every|some)\s(?:[\w{MATH}-]+\s){{0,4}}?{noun}\b"
        r"(?! (?:shows?|below|above|shown|gives?|depicts?))"
    )
    described = rf"\bthe {noun} (?:of|whose|consisting of)\b"
    return bool(re.search(new, before, re.IGNORECASE) or re.search(described, before, re.IGNORECASE))


def find_pointer(reading: Reading) -> str | None:
    """The phrase that points at a missing drawing or table, or null."""
    prose = reading.prose
    if not reading.english:
        pointer = ELSEWHERE.search(prose)
        return pointer.group() if pointer else None
    lowered = prose.lower()
    for pointer in POINTING.finditer(prose) if any(word in lowered for word in TRIGGERS) else ():
        table = "table" in pointer.group().lower() or "chart" in pointer.group().lower()
        shown = shows_formula(prose, pointer) or (reading.tabled and table) or draws_in_text(prose, pointer)
        shown = shown or (table and bool(ROWS_IN_LINE.match(prose, pointer.end())))
        shown = shown or (TABLE in prose[pointer.end() :] and not PICTURED.search(pointer.group()))
        shown = shown or is_introduced(prose, pointer)
        shown = shown or ("graph" in pointer.group().lower() and bool(NETWORK.search(prose[: pointer.start()])))
        if not shown:
            return pointer.group()
    if not (reading.tabled or has_rows(reading.text)):
        for pointer in TABLE_POINTING.finditer(prose):
            shown = shows_formula(prose, pointer) or is_introduced(prose, pointer)
            if not shown and not ROWS_IN_LINE.match(prose, pointer.end()):
                return pointer.group()
    if (pointer := SHADED.search(prose)) and not SHADING.search(prose):
        return None if NAMED_SHADE.match(prose, pointer.end()) else pointer.group()
    return None


def screen_figure(problem: Mapping[str, Any], config: ScreenConfig) -> Outcome:
    """Suspect a statement that points at a figure which is not there, or that carries one as an image; reject one that
    does both: the image that it asks about is not for a text model.
    """
    reading = read(problem["statement"])
    if reading.drawn:
        if config.asymptote == "reject":
            return reject(Reason.FIGURE_DEPENDENT, "a figure is given as drawing code")
        return True
    if image := IMAGE.search(reading.text):
        detail = f"a figure is given as an image: {image.group()!r}"
        asked = POINTING.search(IMAGE_TAG.sub(" ", reading.prose)) if reading.english else None
        if asked:
            return reject(Reason.FIGURE_DEPENDENT, f"{detail}, and asked about: {asked.group().strip()!r}")
        return Suspicion(Reason.FIGURE_DEPENDENT, detail)
    pointer = find_pointer(reading)
    if pointer is None:
        return True
    return Suspicion(Reason.FIGURE_DEPENDENT, f"points at a figure or table that is not there: {pointer.strip()!r}")
