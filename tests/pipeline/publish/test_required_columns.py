"""Problems that have only what the contract wants of a row go through everything that is made of a run."""

from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from pipeline.decide.guesses import find_guesses
from pipeline.decide.run import decide_run
from pipeline.plan import WAYS
from pipeline.publish.export.run import export_run
from pipeline.publish.inspect import inspect_path
from pipeline.publish.run import decide_again, publish_run
from pipeline.run.layout import problems_name
from pipeline.run.storage import RunFolder
from pipeline.sample.shard import sample_shard
from pipeline.sample.store import EvidenceStore
from pipeline.verify.math import MathVerifier
from schemas.config import DecideConfig
from schemas.problem import PROBLEM, PROBLEM_DTYPES, UNNAMED_SOURCE
from tests.pipeline.sample.scripted import ScriptedEngine, config_for, problems_of


@pytest.mark.parametrize("stop", WAYS)
def test_a_problem_of_the_required_columns_alone_is_sampled_decided_and_published(stop: str, tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    given = problems_of(["1"] * 24).with_columns(domain=pl.lit("math"))
    nothing = [pl.lit(None, dtype).alias(name) for name, dtype in PROBLEM_DTYPES.items() if name not in given.columns]
    problems = given.with_columns(nothing).select(*PROBLEM_DTYPES)
    folder.write_table(problems_name("00000"), problems)
    decide = DecideConfig(translations="match", guess_share=0.01)
    config = config_for(folder.root, stop=stop, decide=decide)
    said = {f"problem {at}": ["so 1"] * at + [f"so {other}" for other in range(2, 27 - at)] for at in range(24)}
    engine = ScriptedEngine(said)
    with MathVerifier(extract="last") as verifier:
        sample_shard(problems, EvidenceStore(folder, "00000"), config, engine, verifier)
    engine.close()

    assert decide_run(folder, config)["keep"] > 2
    publish_run(folder, config, {})
    PROBLEM.validate(pl.concat(folder.read_table(name) for name in folder.list("curated")).select(*PROBLEM_DTYPES))
    moves, _ = decide_again(folder.root, ["keep.max=11"])
    assert moves["problems"].sum() == 24
    for page in ("README.md", "report.html"):
        assert UNNAMED_SOURCE in folder.read_bytes(page).decode()
    assert {row["source"] for row in find_guesses(folder, config)} == {UNNAMED_SOURCE}
    told = StringIO()
    inspect_path(folder.root, console=Console(file=told, width=200))
    inspect_path(folder.root, problem=problems["id"][5], console=Console(file=told, width=200))
    assert UNNAMED_SOURCE in told.getvalue()
    for name in ("trl", "verl", "openrlhf", "nemo-gym", "prime-rl"):
        assert not export_run(name, folder.root, str(tmp_path / name)).named
