"""XML comes as rows, element by element; what would fetch or unfold something is refused."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.files import read_rows
from schemas.config import ReadingConfig
from schemas.conform import WHERE
from schemas.errors import InputError

SMALL = ReadingConfig(row_mb=1, row_values=1000)
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("<>&'\"\n"), min_size=1, max_size=12)


def read(path: Path, text: str | bytes, reading: ReadingConfig | None = None) -> list[dict[str, Any]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_rows(path, reading=reading or ReadingConfig()))


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=5), around=st.integers(0, 3))
@SLOW
def test_elements_come_back_as_rows(rows: list[tuple[str, str]], around: int, tmp_path: Path) -> None:
    text = "".join(f"<p><Body>{escape(body)}</Body><Answer>{escape(answer)}</Answer></p>\n" for body, answer in rows)
    for level in range(around):
        text = f"<set{level}>{text}</set{level}>"
    got = read(tmp_path / "set.xml", f"<?xml version='1.0'?><all>{text}</all>")
    assert [(row["Body"], row["Answer"]) for row in got] == [(b.strip() or None, a.strip() or None) for b, a in rows]


def test_attributes_lists_and_marked_up_text_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "set.xml"
    first, second = read(
        path,
        '<set>\n<grade level="2">\n<p id="a"><q>A <b>big</b> cake.</q><option>1</option><option>2</option>'
        '<answer unit="m">2</answer></p>\n</grade><grade level="3"><p id="b"><q>x</q>'
        "<case><in>1</in><out>2</out></case></p></grade></set>",
    )
    assert first == {
        "level": "2",
        "id": "a",
        "q": "A big cake.",
        "option": ["1", "2"],
        "answer": "2",
        WHERE: f"{path}:3",
    }
    assert second["case"] == {"in": "1", "out": "2"}


def test_problems_that_are_only_attributes(tmp_path: Path) -> None:
    rows = read(tmp_path / "set.xml", '<set><p question="a" answer="1"/><p question="b" answer="2"/></set>')
    assert [row["question"] for row in rows] == ["a", "b"]


def test_one_problem_is_a_row(tmp_path: Path) -> None:
    [row] = read(tmp_path / "set.xml", "<ProblemSet><Problem><Body>a</Body><Answer>1</Answer></Problem></ProblemSet>")
    assert (row["Body"], row["Answer"]) == ("a", "1")


def test_its_encoding_is_what_it_says(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><s><p><q>groß</q></p><p><q>ä</q></p></s>'
    assert [row["q"] for row in read(tmp_path / "set.xml", text.encode("latin-1"))] == ["groß", "ä"]


def bomb() -> str:
    lines = ['<!ENTITY a0 "lol">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))]
    return f"<!DOCTYPE s [{''.join(lines)}]><s><p><q>&a11;</q></p></s>"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (bomb(), "defines the entity 'a0'"),
        ('<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/hostname">]><s><p><q>&x;</q></p></s>', "defines the entity 'x'"),
        (
            '<!DOCTYPE s [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]><s><p><q>a</q></p></s>',
            "defines the entity 'x'",
        ),
        ("<s><p><q>a</q></p><p><q>b</p></s>", r"set\.xml:1: not XML \(mismatched tag\)"),
        ("<s><p><q>a</q></p>", "not XML"),
        ("<s>" + "<a>" * 100, "elements over 32 deep"),
        ("<s>text</s>", "no rows"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        ("<s><p><q>a</q></p><p><q>" + "x" * (2 << 20) + "</q></p></s>", "a row of over 1 MiB"),
        ("<s><p><q>a</q></p><p>" + "<q/>" * 5000 + "</p></s>", "a row of over 1000 values"),
        ("<s><p><q>a</q></p></s>" + " " * (3 << 20) + "<", "not XML|over 1 MiB"),
    ],
    ids=["bomb", "file", "parameter", "broken", "cut", "deep", "no rows", "page", "long", "many", "after"],
)
def test_what_is_refused_says_why(text: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=wrong):
        read(tmp_path / "set.xml", text, SMALL)


def test_a_document_type_is_not_fetched(tmp_path: Path) -> None:
    text = f'<!DOCTYPE s SYSTEM "{tmp_path}/none.dtd"><s><p><q>a</q></p><p><q>b</q></p></s>'
    assert len(read(tmp_path / "set.xml", text)) == 2
