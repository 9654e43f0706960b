"""The page says what the code does."""

import re

from pipeline.publish.export import FORMATS
from pipeline.publish.export.formats import ABOUT
from pipeline.publish.export.traces import count_rows
from schemas.config import ExportConfig
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")


def test_every_format_is_there_with_its_columns() -> None:
    told = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (.*) \|$", PAGE, re.MULTILINE))
    assert set(told) == set(FORMATS)
    for name, columns in told.items():
        own = [column for column in FORMATS[name].columns if column not in ABOUT and column != "model"]
        assert re.findall(r"`(\w+)`", columns) == own


def test_the_rows_by_pass_rate_are_right() -> None:
    rows = re.findall(r"^\| (\d+) of 16 \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 5
    for correct, distinct, count in rows:
        assert count_rows(int(correct), int(correct) / 16, ExportConfig()) == (int(distinct), int(count))
