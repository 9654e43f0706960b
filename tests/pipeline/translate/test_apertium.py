"""Apertium as a translator: the real program where it is installed, and what becomes of a run where it is not."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.stages import find_stage
from pipeline.translate import apertium
from pipeline.translate.apertium import ApertiumFailed, ask_apertium, describe_apertium, find_missing, say_install
from pipeline.translate.asking import Refusal, Wanted
from pipeline.translate.check import check_translation
from schemas.config import Config, TranslateConfig
from schemas.config.translate import APERTIUM_LANGUAGES
from tests.pipeline.translate.test_translate import make_problems

real = pytest.mark.skipif(bool(find_missing(APERTIUM_LANGUAGES)), reason=say_install(APERTIUM_LANGUAGES))

BOOKS = "Tom has 12 red books and 7 blue books. How many books does he have?"


def config(**translate: object) -> Config:
    return Config.model_validate(
        {
            "run": "runs/a",
            "sources": [{"name": "a", "files": "b"}],
            "translate": {"enabled": True, "share": 1.0, "by": "apertium"} | translate,
        }
    )


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose only programs are those that a test puts into `bin`."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    apertium.read_version.cache_clear()
    yield tmp_path
    apertium.read_version.cache_clear()


def put_program(elsewhere: Path, script: str) -> None:
    """A program of the name with a pair into Spanish; `script` is what it runs (a stand-in, not a translator)."""
    program = elsewhere / "bin" / "apertium"
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    modes = elsewhere / "share" / "apertium" / "modes"
    modes.mkdir(parents=True)
    for pair in ("eng-spa", "spa-eng"):
        (modes / f"{pair}.mode").write_text("a pair")


@real
@pytest.mark.parametrize("language", APERTIUM_LANGUAGES)
def test_a_problem_is_translated_and_passes_the_check(language: str) -> None:
    (reply,) = ask_apertium([Wanted(BOOKS, language)])
    assert isinstance(reply, str)
    assert check_translation(BOOKS, reply, language) is True


@real
def test_many_go_through_one_process_and_keep_their_order_lines_and_formulas() -> None:
    statements = [f"Find $x_{{{n}}}$.\n\n  The number is {n} [or more]." for n in range(40)]
    replies = ask_apertium([Wanted(statement, "es") for statement in statements])
    for n, reply in enumerate(replies):
        assert isinstance(reply, str)
        first, middle, last = reply.split("\n")
        assert f"$x_{{{n}}}$." in first
        assert middle == ""
        assert last.startswith("  ")
        assert f"{n} [" in last


@real
@pytest.mark.parametrize("language", APERTIUM_LANGUAGES)
def test_a_word_that_it_does_not_know_is_refused(language: str) -> None:
    statement = "A baker sells 14 blorfins. How many blorfins are left?"
    (reply,) = ask_apertium([Wanted(statement, language)])
    assert isinstance(reply, str)
    assert check_translation(statement, reply, language) == (False, "word: 'blorfins' is not translated")


@real
def test_a_spanish_question_is_opened() -> None:
    (reply,) = ask_apertium([Wanted(BOOKS, "es")])
    assert isinstance(reply, str)
    assert ". ¿" in reply


@real
def test_the_key_names_the_version_and_the_data() -> None:
    stage = find_stage("translate")
    (described,) = stage.others(config())
    assert described == describe_apertium(APERTIUM_LANGUAGES)
    assert described.startswith("apertium 3.")
    assert "none" not in described
    assert stage.sampling(config()) is None
    assert stage.others(config(by="model")) == []


@real
def test_the_stage_needs_no_model() -> None:
    result = find_stage("translate").apply(make_problems(6), config())
    assert result.summary is not None
    assert result.summary["by"] == {apertium.name_apertium(): 6}
    assert result.pending == 0
    assert result.summary["passed"] + result.summary["left"] == 6


def test_where_it_is_not_installed_the_problems_stay_and_the_packages_are_named(
    elsewhere: Path, caplog: pytest.LogCaptureFixture
) -> None:
    problems = make_problems(9)
    result = find_stage("translate").apply(problems, config())
    assert result.kept.equals(problems)
    assert result.rejected.is_empty()
    assert result.pending == 9
    assert result.summary is not None
    assert result.summary["by"] == {"Apertium": 9}
    assert "apt-get install --no-install-recommends apertium-eng-spa" in result.summary["advice"]
    assert "problems stay in English" in caplog.text
    assert describe_apertium(["es"]) == "apertium none eng-spa:none spa-eng:none"


def test_a_program_that_fails_leaves_its_problems_pending(elsewhere: Path, caplog: pytest.LogCaptureFixture) -> None:
    put_program(elsewhere, "echo no locale >&2; exit 1")
    assert ask_apertium([Wanted(BOOKS, "es")]) == [None]
    assert "no locale" in caplog.text


def test_a_text_on_which_it_fails_keeps_no_other_from_being_translated(elsewhere: Path) -> None:
    put_program(
        elsewhere, 'text=$(tr "\\0" "\\n"); case "$text" in *bad*) exit 1;; esac; echo "$text" | tr "\\n" "\\0"'
    )
    wanted = [Wanted(text, "es") for text in ("one", "bad", "two", "three")]
    assert ask_apertium(wanted) == ["one", "", "two", "three"]


def test_a_program_that_hangs_is_ended_with_all_that_it_started(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apertium, "HANG_SECONDS", 2.0)
    put_program(elsewhere, f'sleep 600 & echo $! > "{elsewhere}/child"; wait')
    with pytest.raises(ApertiumFailed, match="did not end"):
        apertium._run("eng-spa", ["one"])
    child = int((elsewhere / "child").read_text())
    guard = time.monotonic() + 60
    while not has_ended(child):
        # The signal is sent; when the kernel ends a process is its own affair.
        assert time.monotonic() < guard
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits for a parent to ask how it ended."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_formula_that_it_loses_is_a_refusal(elsewhere: Path) -> None:
    put_program(elsewhere, "sed 's/zqaa//'")
    assert ask_apertium([Wanted("Find $x$ and $y$.", "es")]) == [
        Refusal("formula: a part that must stay as it is was lost or doubled")
    ]


def test_only_its_languages_can_be_asked_for() -> None:
    assert TranslateConfig(by="apertium").languages == APERTIUM_LANGUAGES
    assert TranslateConfig(by="apertium", languages=("it",)).languages == ("it",)
    with pytest.raises(ValueError, match="does not translate into de"):
        TranslateConfig(by="apertium", languages=("it", "de"))


def test_an_odd_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("APERTIUM_DATADIR", "/nowhere")
    environment = apertium._environment()
    assert environment["LC_ALL"] == "C.UTF-8"
    assert "APERTIUM_DATADIR" not in environment
    assert environment["PATH"] == os.environ["PATH"]
