"""docs/config.md lists every key of the config and is what the docstrings say today."""

import pytest
from pydantic import BaseModel

from schemas.config import Config
from schemas.config.reference import BASIC, find_field, list_sections, read_reasons, write_reference
from tests.conftest import ROOT

SECTIONS = list(list_sections())


def test_the_page_is_what_the_docstrings_say() -> None:
    page = (ROOT / "docs" / "config.md").read_text()
    assert page == write_reference(), "docs/config.md is old; run: python -m schemas.config.reference > docs/config.md"


@pytest.mark.parametrize(("path", "model"), SECTIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_key_has_a_row_with_its_reason(path: str, model: type[BaseModel]) -> None:
    page = (ROOT / "docs" / "config.md").read_text()
    section = page.split(f"\n### {path or 'The run'}\n")[1].split("\n### ")[0]
    for name, reason in read_reasons(model).items():
        assert f"| `{name}` |" in section
        assert reason.replace("|", "\\|") in section


def test_every_section_of_the_config_is_listed() -> None:
    paths = {path.removesuffix("[]") for path, _ in SECTIONS}
    assert set(Config.model_fields) - {"run"} <= paths


def test_the_ten_basic_keys_are_keys() -> None:
    assert len(BASIC) == 10
    for path in BASIC:
        find_field(path)
    with pytest.raises(KeyError):
        find_field("model.nam")


def test_a_key_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Bare\.size has no docstring"):
        read_reasons(Bare)


class Bare(BaseModel):
    """A section that gives no reason."""

    size: int = 3
