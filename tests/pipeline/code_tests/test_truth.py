"""The aims, on real problems whose truth is known."""

from pathlib import Path

import pytest

from benchmarks import code_tests as bench
from schemas.config import CodeTestsConfig


def test_the_aims_are_met_on_student_programs(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "code_func"
    if not (shared_data / f"{name}.jsonl").exists():
        pytest.skip(f"no {name}.jsonl beside this checkout")
    monkeypatch.setattr(bench, "DATA", shared_data)
    chosen = [(row, truth) for row, truth in bench.read_set(name) if len(truth.right) >= bench.ENOUGH]
    assert chosen
    monkeypatch.setattr(bench, "read_set", lambda _: chosen)
    with bench.Recording() as sandbox:
        result = bench.measure(name, sandbox, CodeTestsConfig(), full=False)
    figures = {aim: value for aim, value in result["code_tests"].figures().items() if value is not None}
    assert len(figures) >= 2
    assert {aim: value for aim, value in figures.items() if value < bench.AIMS[aim]} == {}, result["code_tests"].odd
