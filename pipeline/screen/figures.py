"""Figure-dependent problems: the statement leans on a drawing, an image or a table that is not in it.

A figure given as code (`[asy]`, TikZ) is there for a text model to read, so it is no missing figure; `asymptote: reject` turns that
policy around. "Figure" is also a digit, a shape and a sport, and a graph may be given by its formula: what counts is a pointing
phrase ("as shown", "in the diagram", "pictured"), not the word.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.screen.outcome import Outcome, reject
from pipeline.screen.reading import CODE, DISPLAY, MATH, TABLE, Reading, read
from schemas.config import ScreenConfig
from schemas.reasons import Reason

DRAWING = (
    r"(?:figures?|diagrams?|pictures?|illustrations?|drawings?|sketch(?:es)?|images?|(?:bar|line|circle|pie|dot|scatter|stem|box|flow)?[ -]?"
    r"(?:charts?|plots?)|graphs?|histograms?|pictographs?|maps?|spinners?|(?:accompanying|attached) (?:figure|diagram))"
)
PLACE = r"(?:below|above|at (?:the )?(?:right|left)|to the (?:right|left)|on the (?:right|left)|here|opposite|overleaf|following|beside)"
IMAGE = re.compile(r"!\[[^\]\n]{0,300}\]\(|<img\b|<image\b|\\includegraphics|\[image\]|\[figure\]|\[diagram\]|\(figure (?:omitted|missing)\)", re.IGNORECASE)
POINTING = re.compile(
    rf"\b(?:as|is|are|was|were|be|pattern|and) (?:\w+ly |also |all |partially )?(?:shown|pictured|depicted|illustrated|diagrammed|drawn|displayed|sketched"
    rf"|indicated|labell?ed|marked)"
    rf" (?:{PLACE}|in (?:the |this |an? |these |my )?(?:\w+ ){{0,2}}{DRAWING}|by (?:the |a |this )?(?:\w+ ){{0,2}}{DRAWING}|on the (?:\w+ ){{0,2}}{DRAWING})"
    rf"|\bas (?:\w+ly )?(?:shown|pictured|depicted|illustrated|diagrammed|drawn|sketched|seen|displayed|shown in)\b(?! (?:by|that|to be))"
    rf"|\b(?:shown|pictured|depicted|illustrated|diagrammed|displayed|drawn|seen|sketched) (?:\w+ )?(?:{PLACE}|(?:in|on|by|with) (?:the|this|these|an?) (?:\w+ ){{0,3}}{DRAWING})"
    rf"|\b(?:in|from|on|of|to|with|by|using|see|per|refer to) (?:the|this|these|each|both|that) (?:\w+ ){{0,2}}?(?:figures?|diagrams?)\b(?! (?:of speech|skat))"
    rf"|\b(?:in|from) (?:the|this|these) (?:\w+ )?(?:pictures?|illustrations?|drawings?|images?|sketch|photo)(?=\s*(?:[.,;:?)]|$))"
    rf"|\b(?:the|this|these|each|that|two|three|four) (?:\w+ ){{0,2}}?{DRAWING} (?:{PLACE}|shows?|depicts?|illustrates?|displays?|represents? the (?:number|results|data|amount))"
    rf"|\b(?:the|this|each|these) (?:\w+[ -]){{0,3}}{DRAWING} (?:(?:is|are) )?(?:shown|pictured|given|provided|displayed|drawn) {PLACE}"
    rf"|\bthe (?:\w+ ){{0,2}}(?:figure|diagram)(?! (?:out|of|eight|is|are|that|has|with|formed|obtained|whose|which|skat|\w*\d))\b"
    rf"|\b(?:see|refer to|in|consult) (?:the )?(?:figure|fig\.|diagram|graph) ?(?:{PLACE}|\d|\.|\)|[A-Z]\b)"
    rf"|\bfig(?:ure|\.) ?\d+|\b(?:accompanying|adjoining|adjacent|attached|following|given|provided|above|below) (?:figure|diagram|picture|graph|chart|drawing|illustration|map|histogram|pictograph|bar graph|number line|grid)\b"
    rf"|\b(?:is|are) (?:shown|pictured|depicted|illustrated|displayed|graphed)\s*(?:[.,;?]|$)"
    rf"|\b(?:pictured|diagrammed)\b"
    rf"|\b(?:graph|chart|spinner|histogram|plot|grid|pattern|number line|map|dart ?board|board|clock|dial|net|table|triangle|square|rectangle|circle|cube|solid|arrangement|pyramid|prism|hexagon|pentagon|polygon|parabola|quadrilateral|trapezoid|shape|piece|block|diagram|square|cylinder|sphere|cone|box|target|calendar|square grid|lattice|graph paper|garden|floor plan|field|pool|road|track|stack|staircase|tile|tiles|circles|triangles|squares|rectangles|cubes|shapes|figures|blocks|lines|segments|points|lattice points|dots|cards)s? (?:\w+ )?(?:shown|pictured|depicted|illustrated|displayed)\b(?! (?:that|to))"
    rf"|\b(?:displayed|shown|given|represented|presented|summari[sz]ed|recorded|listed) (?:in|on|by) (?:the|this) (?:\w+ )*?{DRAWING}"
    rf"|\b(?:according to|based on|use|using|from|in) (?:the|this) (?:bar |line |circle |pie |dot |scatter |box |stem[- ]and[- ]leaf )?(?:graph|chart|histogram|plot|pictograph|map|spinner)\b(?! of)(?! {MATH})(?! (?:for|paper|with|theory))",
    re.IGNORECASE,
)
SHADED = re.compile(r"\b(?:the|of the|each|all|non-?|un)\s?-?(?:\w+ )?shaded\b|\bthe (?:dotted|dashed|bold(?:ed)?) (?:line|segment|curve|arc|path|region|area)s?\b", re.IGNORECASE)
SHADING = re.compile(
    r"\b(?:is|are|be|been|was|were|then|and|half|quarter|left|not|randomly) (?:\w+ )?(?:un)?shaded\b|\bshad(?:es?|ing)\b|\bshaded (?:inside|between|outside|bounded|if|in|by|so|red|blue)\b"
    r"|\bsquares? shaded\b|\bshaded squares? (?:is|are) \d",
    re.IGNORECASE,
)
TABLE_POINTING = re.compile(
    rf"\b(?:the|this|following|these|each)(?: \w+){{0,3}} tables?\b(?: \w+){{0,3}} (?:{PLACE}|shows?|gives?|lists?|displays?|contains?|summari[sz]es?|provides?|presents?|records?|indicates?)\b"
    rf"|\b(?:table|chart) (?:{PLACE})|\b(?:in|from|by|use|using|complete|fill in) (?:the|this) (?:following |given |above |accompanying |frequency |partial )?(?:table|chart)\b"
    r"|\bfollowing (?:frequency )?(?:table|chart|data table)\b",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(
    r"如图|图中|如圖|下图|右图|左图|图示|見下圖|下の図|図のよう|右の図|그림과 같이|그림에서|아래 그림|на рисунке|на рис\.|изображ[её]н|см\. рис|на диаграмме"
    r"|figure ci-(?:dessous|contre|dessus)|(?:sur|dans) la figure|sur le schéma|ci-contre|in der (?:abbildung|zeichnung|skizze)|abgebildet|siehe (?:abbildung|skizze)"
    r"|(?:en|de) la figura|como se muestra|mostrad[ao] (?:abajo|en)|nella figura|in figura|come mostrato|na figura|como mostra(?:do)?|trong hình|hình vẽ|hình bên"
    r"|pada gambar|gambar berikut|في الشكل|الشكل (?:أدناه|المجاور)|চিত্রে|จากรูป",
    re.IGNORECASE,
)
ROWS = re.compile(r"(?:^|\n)[^\n]*(?:\||&|\t)[^\n]*(?:\||&|\t)[^\n]*\n[^\n]*(?:\||&|\t)|(?:\n[^\n]{0,60}\d[^\n]{0,60}){3}")


def shows_formula(prose: str, end: int) -> bool:
    """Whether the thing pointed at follows as a formula, a table or code: "the pattern shown: $$...$$"."""
    rest = prose[end : end + 80]
    return any(mark in rest for mark in (DISPLAY, TABLE, CODE)) or rest.lstrip(" .:")[:1] == MATH


def find_pointer(reading: Reading) -> str | None:
    """The phrase that points at a missing drawing or table, or null."""
    prose = reading.prose
    if not reading.english:
        found = ELSEWHERE.search(prose)
        return found.group() if found else None
    for found in POINTING.finditer(prose):
        table = "table" in found.group().lower() or "chart" in found.group().lower()
        if not shows_formula(prose, found.end()) and not (reading.tabled and table):
            return found.group()
    if not (reading.tabled or ROWS.search(reading.text)):
        for found in TABLE_POINTING.finditer(prose):
            if not shows_formula(prose, found.end()):
                return found.group()
    if (found := SHADED.search(prose)) and not SHADING.search(prose):
        return found.group()
    return None


def screen_figure(problem: Mapping[str, Any], config: ScreenConfig) -> Outcome:
    """Reject a statement that points at a figure which is not there, or that carries one as an image."""
    reading = read(problem["statement"])
    if reading.drawn:
        if config.asymptote == "reject":
            return reject(Reason.FIGURE_DEPENDENT, "a figure is given as drawing code")
        return True
    if found := IMAGE.search(reading.text):
        return reject(Reason.FIGURE_DEPENDENT, f"a figure is given as an image: {found.group()!r}")
    pointer = find_pointer(reading)
    return reject(Reason.FIGURE_DEPENDENT, f"points at a figure or table that is not there: {pointer.strip()!r}") if pointer else True
