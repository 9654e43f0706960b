"""The pages, drawn from what the run answers. Every text of a problem goes through autoescape."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.labels.flags import NOTE
from pipeline.publish.report import formatting
from pipeline.publish.report.formulas import draw_label, draw_text
from pipeline.publish.report.passes import draw_grid
from pipeline.publish.view.charts import draw_bins, draw_rate
from pipeline.publish.view.compare import ABSENT, MOVED, Comparison, list_moved
from pipeline.publish.view.guard import Guard
from pipeline.publish.view.index import FACETS, WAITING
from pipeline.publish.view.problem import Facts, Graded
from pipeline.publish.view.query import PAGE, SORTS, Query, read_query
from pipeline.publish.view.runs import OpenRun
from pipeline.publish.view.sides import Side, list_sides
from pipeline.verify.guard import MAX_ANSWER
from schemas.audit import read_test_audit
from schemas.errors import InputError
from schemas.reasons import KEEP

LIMITS = {"snippet": 320, "detail": 600, "answer": 400, "statement": 20_000, "completion": 60_000, "code": 12_000}
"""Characters shown of a text; its beginning and its end where it is longer."""
TESTS = 20
"""Tests shown of a code problem, of hundreds at times."""
NAMED = 10
"""Values of a facet that stand there at once; the others are folded."""
COPIES = 65_536
MOVES = 40
"""Moves named in a comparison, of some hundred possible ones."""


class Pages:
    """Draws pages for the first of `runs`, beside the others."""

    def __init__(self, runs: Sequence[OpenRun], guard: Guard) -> None:
        self.runs, self.guard = runs, guard
        self.environment = Environment(
            loader=PackageLoader("pipeline.publish.view", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(
            count=formatting.count,
            plain=formatting.plain,
            tone=formatting.tone,
            meaning=formatting.meaning,
            outcome=name_outcome,
            day=name_day,
        )
        self.environment.globals.update(
            plural=formatting.plural,
            shorten=formatting.shorten,
            draw_text=draw_text,
            draw_label=draw_label,
            draw_rate=draw_rate,
            draw_bins=draw_bins,
            limits=LIMITS,
            tests_shown=TESTS,
            named=NAMED,
        )

    @property
    def run(self) -> OpenRun:
        return self.runs[0]

    def draw_list(self, pairs: Sequence[tuple[str, str]]) -> str:
        """The problems that a question asks for, with what it could be narrowed by."""
        query = read_query(pairs)

        def draw() -> str:
            index, flags = self.run.index, self.run.flags()
            numbers = self.run.select(index, query, flags)
            first = (query.page - 1) * PAGE
            rows = self.run.list(index, numbers[first : first + PAGE].to_list())
            flagged = {flag.problem_id for flag in flags.open}
            return self._render(
                "list.jinja",
                index=index,
                query=query,
                counts=self.run.count(index, query, flags),
                facets=FACETS,
                sorts=SORTS,
                total=len(numbers),
                first=first,
                rows=[row | {"flagged": row["id"] in flagged} for row in rows],
                last=(len(numbers) - 1) // PAGE + 1,
                chips=list(_list_chips(query, index.of)),
            )

        return self.run.retry(draw)

    def draw_problem(self, id_: str, given: Mapping[str, str]) -> str | None:
        """One problem in full; None where the run does not have it."""
        run = self.runs[choose_number(given.get("run", "0"), len(self.runs), "run")]
        copy = choose_number(given.get("copy", "0"), COPIES, "copy")
        pairs = [(name, value) for name, value in _items(given) if name not in ("copy", "run")]
        facts = run.read(id_, copy)
        if facts is None:
            return None
        query = read_query(pairs)
        others = [(other, other.read(id_)) for other in self.runs if other is not run]
        judged = [*_list_judged(facts, "")]
        for other, twin in others:
            if twin is not None:
                judged += _list_judged(twin, other.name)
        return self._render(
            "problem.jinja",
            facts=facts,
            p=facts.row,
            outcome=str(facts.listed["outcome"]),
            shown=run,
            other_runs=[(other, twin) for other, twin in others],
            judged=judged,
            flags=self.run.flags().of(id_) if run is self.run else (),
            can_flag=run is self.run,
            extra=_tell_extra(facts.row["extra"]),
            audit=read_test_audit(facts.row["extra"]),
            query=query,
            around=self._look_around(query, facts) if run is self.run else {},
            note_limit=NOTE,
            answer_limit=MAX_ANSWER,
        )

    def draw_compare(self, given: Mapping[str, str]) -> str:
        """Two sides of the same problems: how many moved where, and which."""
        sides = list_sides(self.runs)
        left, right = _choose_sides(sides, given)
        if left is None or right is None:
            return self._render("compare.jinja", sides=sides, left=None, right=None, comparison=None)
        moved = given.get("moved") or "changed"
        if moved not in MOVED:
            raise InputError(f"moved: {moved[:40]!r} is not one of {', '.join(MOVED)}")
        before, after = given.get("before", ""), given.get("after", "")
        page = max(1, choose_number(given.get("page") or "1", 10**9, "page"))

        def draw() -> str:
            comparison = left.compare(right)
            listed = list_moved(comparison, "all" if before and after else moved, before, after)
            first = (page - 1) * PAGE
            rows = listed[first : first + PAGE].to_dicts()
            return self._render(
                "compare.jinja",
                sides=sides,
                left=left,
                right=right,
                comparison=comparison,
                figure=_draw_figure(comparison, left, right),
                moves=[move for move in comparison.moves if move[0] != move[1]][:MOVES],
                same=sum(n for a, b, n in comparison.moves if a == b),
                moved=moved,
                choices=MOVED,
                before=before,
                after=after,
                rows=self._tell_texts(rows),
                total=listed.height,
                first=first,
                page=page,
                last=(listed.height - 1) // PAGE + 1,
                address=lambda **changes: urlencode(
                    {k: v for k, v in ({"left": left.key, "right": right.key} | changes).items() if v}
                ),
            )

        return self.run.retry(draw)

    def draw_flags(self) -> str:
        """Every open flag, newest first."""
        flags = self.run.flags()
        index = self.run.index
        there = {flag.problem_id: index.find(flag.problem_id).height > 0 for flag in flags.open}
        return self._render("flags.jinja", flags=flags, there=there)

    def draw_message(self, title: str, message: str, kept: str = "") -> str:
        """A page that says what went wrong; `kept` is a text of the reader that must not be lost."""
        return self._render("message.jinja", title=title, message=message, kept=kept)

    def tell_seen(self, facts: Facts) -> dict[str, str | None]:
        """What a person who flags this problem has before them."""
        decision = facts.passes[-1].decision if facts.passes else None
        return {
            "answer": facts.row["answer"],
            "outcome": str(facts.listed["outcome"]),
            "majority_answer": decision["majority_answer"] if decision else None,
            "source": facts.row["source"],
            "source_id": facts.row["source_id"],
        }

    def _render(self, template: str, **values: Any) -> str:
        common = {"run": self.run, "runs": self.runs, "form_token": self.guard.form}
        return self.environment.get_template(template).render(common | values)

    def _look_around(self, query: Query, facts: Facts) -> dict[str, Any]:
        """Where the problem stands in the list that it was opened from, and its neighbours there."""

        def look() -> dict[str, Any]:
            index, flags = self.run.index, self.run.flags()
            numbers = self.run.select(index, query, flags)
            here = index.find(facts.listed["id"]).filter(copy=facts.listed["copy"])
            place = here["place"].first()
            number = index.rows["place"].index_of(place)
            at = numbers.index_of(number) if number is not None else None
            if at is None:
                return {}
            near = {
                way: index.rows.row(numbers[to], named=True) if 0 <= to < len(numbers) else None
                for way, to in (("previous", at - 1), ("next", at + 1))
            }
            return {"at": at + 1, "of": len(numbers), "page": at // PAGE + 1} | near

        return self.run.retry(look)

    def _tell_texts(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of a comparison with the texts of their problems, from the first run that has them."""
        texts: dict[str, dict[str, Any]] = {}
        for number, run in enumerate(self.runs):
            index = run.index
            wanted = [row["id"] for row in rows if row["id"] not in texts]
            numbers = index.rows.lazy().with_row_index("row").filter(index.rows["id"].is_in(wanted))
            first = numbers.unique("id", keep="first", maintain_order=True).select("row").collect()["row"]
            for row in run.list(index, first.to_list()):
                texts[row["id"]] = {name: row[name] for name in ("statement", "source", "answer")} | {"run": number}
        nothing = {"statement": None, "source": "", "answer": None, "run": 0}
        return [row | texts.get(row["id"], nothing) for row in rows]


def name_outcome(outcome: str) -> str:
    """A outcome in the words of the report."""
    return {KEEP: "kept", WAITING: "waiting", ABSENT: "not there", "": "unnamed"}.get(
        outcome, formatting.plain(outcome)
    )


def name_day(made: str) -> str:
    return made[:16].replace("T", " ")


def _list_chips(query: Query, of: int) -> list[tuple[str, str]]:
    """(what is asked for, address without it)."""
    chips = [(f"“{query.text}”", query.address(text=""))] if query.text else []
    for facet in FACETS:
        for value in getattr(query, facet):
            chips.append((name_outcome(value) if facet == "outcome" else value, query.toggle(facet, value)))
    if query.low is not None or query.high is not None:
        low, high = query.low or 0, of if query.high is None else query.high
        chips.append((f"{low} to {high} of {of} correct", query.address(low=None, high=None)))
    if query.flagged:
        chips.append(("flagged", query.address(flagged=False)))
    return chips


def _list_judged(facts: Facts, run: str) -> list[tuple[str, Graded]]:
    """(name, pass) of each judgement of a problem; the run is named where it is another one."""
    several = len(facts.passes) > 1
    return [
        (" ".join(filter(None, [run, f"pass {graded.grading_pass}" if several or not run else ""])), graded)
        for graded in facts.passes
    ]


def _choose_sides(sides: Sequence[Side], given: Mapping[str, str]) -> tuple[Side | None, Side | None]:
    """The sides asked for; else the two passes, or the two runs. (None, None) where there is nothing to compare."""
    if len(sides) < 2:
        return None, None
    by_key = {side.key: side for side in sides}
    chosen = []
    for name, usual in (("left", sides[0].key), ("right", sides[-1].key)):
        key = given.get(name) or usual
        if key not in by_key:
            raise InputError(f"{name}: {key[:40]!r} is not one of {', '.join(by_key)}")
        chosen.append(by_key[key])
    return chosen[0], chosen[1]


def _draw_figure(comparison: Comparison, left: Side, right: Side) -> Markup:
    return draw_grid(comparison.grid, f"sixteenths correct: {left.name} →", f"{right.name} →")


def _tell_extra(extra: str | None) -> str:
    """What else the source had, as JSON that can be read."""
    if not extra:
        return ""
    try:
        return json.dumps(json.loads(extra), indent=2, ensure_ascii=False)
    except ValueError:
        return extra


def choose_number(text: str, below: int, name: str) -> int:
    """The number that an address or a form gives for `name`. Raises InputError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12) or int(text) >= below:
        raise InputError(f"{name}: {text[:40]!r} is not a number below {below}")
    return int(text)


def _items(given: Mapping[str, str]) -> list[tuple[str, str]]:
    items = getattr(given, "multi_items", given.items)
    return list(items())
