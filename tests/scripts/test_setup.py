"""Set-up installs the Debian packages that the command at hand needs, and no others."""

import sys

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import setup  # type: ignore[import-not-found]
from setup import DEBIAN, choose_debian, install_debian, read_purposes  # type: ignore[import-not-found]

CODE = {"bubblewrap", "g++", "python3-numpy"}
SCIENCE = {"python3-scipy", "python3-sympy"}
TRANSLATOR = {"apertium-eng-spa", "apertium-fr-es", "apertium-spa-ita", "cg3"}
SPEED = {"libtcmalloc-minimal4"}


def names(purposes: set[str], flavour: str = "cpu") -> set[str]:
    return {package.name for package in choose_debian(purposes, flavour)}


def test_a_run_of_mathematics_needs_only_what_speeds_the_engine_up_on_a_cpu() -> None:
    assert names(set()) == SPEED
    assert names(set(), "gpu") == set()


def test_code_problems_bring_the_sandbox_and_the_compiler() -> None:
    assert names({"code"}, "gpu") == CODE


def test_a_translator_without_a_model_is_brought_where_the_config_asks_for_it() -> None:
    assert names({"apertium"}, "gpu") == TRANSLATOR


def test_the_fault_suite_brings_the_clock() -> None:
    assert names({"faults"}) == SPEED | {"libfaketime"}


def test_all_tests_need_every_package() -> None:
    assert names({"test", "cluster"}) == {package.name for package in DEBIAN} - SCIENCE
    assert {"chromium", "chromium-driver"} <= names({"test"})


def test_scipy_and_sympy_come_where_they_are_asked_for() -> None:
    assert names({"science"}, "gpu") == SCIENCE


@pytest.mark.parametrize(
    ("name", "purposes"), [("quickstart", {"apertium"}), ("quickstart-code", {"apertium", "code"})]
)
def test_the_quickstarts_ask_for_what_they_run(name: str, purposes: set[str]) -> None:
    assert read_purposes((ROOT / "configs" / f"{name}.yaml").read_text()) == purposes


def test_a_comment_asks_for_nothing() -> None:
    assert read_purposes("sources:  # no code here\n  - {name: a, files: b.jsonl}\n") == set()


def test_what_is_missing_is_named_before_anything_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("glob.glob", lambda pattern: [])
    install_debian(choose_debian({"code"}, "gpu"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "setup: Debian package bubblewrap is missing; it isolates the programs of code problems"
    assert lines[-1].endswith("apt-get install -y --no-install-recommends bubblewrap g++ python3-numpy")


def test_a_package_that_cannot_be_installed_keeps_no_other_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed: list[str] = []

    def run_apt(names: list[str]) -> str:
        if "g++" in names:
            return "E: Unable to locate package g++"
        installed.extend(names)
        return ""

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("glob.glob", lambda pattern: [])
    monkeypatch.setattr(setup, "run_apt", run_apt)
    install_debian(choose_debian({"code"}, "gpu"))
    assert installed == ["bubblewrap", "python3-numpy"]
    last = capsys.readouterr().out
    assert "could not install g++; run: apt-get update && apt-get install" in last
    assert "Unable to locate package" in last


def test_what_is_there_is_not_installed_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("glob.glob", lambda pattern: [pattern])
    install_debian(list(DEBIAN))
    assert capsys.readouterr().out == ""
