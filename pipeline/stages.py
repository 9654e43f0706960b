"""The stages between ingest and sampling, each described once.

The command line, the flow, the key of an outcome, the counts, the report and the docs read this list. A new stage is a
function in a folder of its own and an entry here. Nothing of a stage is imported before it runs: `function` and
`counter` are references (`module:name`), so that reading this list loads no library of any stage.
"""

import difflib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.inference.engine import SamplingParams
from pipeline.progress import track
from schemas.aliases import STAGE_NAMES
from schemas.config import Config
from schemas.errors import InputError

if TYPE_CHECKING:
    import polars as pl


class Asker(Protocol):
    """Takes prompts to one completion each, null where the request failed; `failed` counts those.

    `model` is the name of what it asks.
    """

    failed: int

    @property
    def model(self) -> str: ...

    def __call__(self, prompts: Sequence[str]) -> list[str | None]: ...


@dataclass(frozen=True)
class StageResult:
    """What a stage made of a table of problems.

    `rejected` has the problem's columns and `stage`, `reason`, `detail`. `pending` counts what failed requests left
    undone: the stage runs again. `summary` is written beside the outcome.
    """

    kept: "pl.DataFrame"
    rejected: "pl.DataFrame"
    pending: int = 0
    summary: Mapping[str, Any] | None = None


SplitFunction = Callable[["pl.DataFrame"], "tuple[pl.DataFrame, pl.DataFrame]"]
"""A shard's table -> (kept, rejected)."""
StageFunction = Callable[["pl.DataFrame", Config, "Asker | None"], StageResult]


def _always(config: Config, has_code: bool) -> bool:
    return True


def _asks_nothing(config: Config) -> SamplingParams | None:
    return None


def _no_others(config: Config) -> list[str]:
    return []


def _changed_label_check(config: Config) -> list[str]:
    # Workers and the rest of the section change no label's check.
    changed = config.verify.model_dump_json(include={"timeout", "memory_mb"}, exclude_defaults=True)
    return [] if changed == "{}" else [changed]


def _hash_benchmarks(config: Config) -> list[str]:
    hashes: list[str] = pkgutil.resolve_name("pipeline.stage_functions:hash_benchmarks")(config)
    return hashes


def _describe_translator(config: Config) -> list[str]:
    if config.translate.by == "model":
        return []
    return [pkgutil.resolve_name("pipeline.translate.apertium:describe_apertium")(config.translate.languages)]


@dataclass(frozen=True)
class Stage:
    """One stage: what it is called, what it does, and what its outcome depends on."""

    name: str
    summary: str
    """What it does, in one line of the docs."""
    function: str
    """Reference to a `StageFunction`."""
    sections: tuple[str, ...] = ()
    """Paths of the config sections that its outcome depends on."""
    others: Callable[[Config], list[str]] = _no_others
    """Further settings that its outcome depends on, as text; empty while they are the defaults, so that outcomes from
    before they counted stay valid."""
    splitter: str | None = None
    """Where a problem is judged by all others: reference to the function that judges the whole set, a shard at a time,
    as `pipeline.stage_functions.dedup_set` does."""
    sampling: Callable[[Config], SamplingParams | None] = _asks_nothing
    """How it draws what it asks a model; None where it asks none."""
    counter: str | None = None
    """Reference to the function that counts the rows of its outcome which it added (columns `history`, `parent_id`,
    `code_language`)."""
    runs: Callable[[Config, bool], bool] = _always
    """Whether a run with this config has it; the second argument says whether there are code problems."""

    @property
    def over_set(self) -> bool:
        """Whether it needs the whole set at once; other stages judge each row by itself."""
        return self.splitter is not None

    def apply(self, problems: "pl.DataFrame", config: Config, asker: Asker | None = None) -> StageResult:
        """Run it over one table. Raises AssertionError unless in + added = kept + rejected."""
        function: StageFunction = pkgutil.resolve_name(self.function)
        with track(self.name, problems.height) as work:
            result = function(problems, config, asker)
            work.complete()
        came = problems.height + self.count_added(result.kept)
        if came != result.kept.height + result.rejected.height:
            raise AssertionError(
                f"stage {self.name} took {problems.height} rows, and gave {result.kept.height} kept and "
                f"{result.rejected.height} rejected"
            )
        return result

    def split_set(
        self, tables: "Iterator[tuple[str, pl.DataFrame]]", config: Config, held: Collection[str]
    ) -> Mapping[str, tuple[str, SplitFunction]]:
        """What `splitter` says of the shards in `tables`; only for a stage over the whole set."""
        assert self.splitter is not None
        splits: Mapping[str, tuple[str, SplitFunction]] = pkgutil.resolve_name(self.splitter)(tables, config, held)
        return splits

    def count_added(self, kept: "pl.DataFrame") -> int:
        """How many rows of its outcome did not come in: copies of problems, translations."""
        return 0 if self.counter is None else int(pkgutil.resolve_name(self.counter)(kept))


STAGES: tuple[Stage, ...] = (
    Stage(
        "screen",
        "format rules: complete, open, one question, an answer that a rule can verify",
        "pipeline.stage_functions:screen_problems",
        ("screen",),
        others=_changed_label_check,
    ),
    Stage(
        "judge",
        "a model looks again at what the rules kept (`screen.judge`)",
        "pipeline.stage_functions:judge_problems",
        ("screen.judge",),
        # One greedy completion: the same question gets the same answer.
        sampling=lambda config: SamplingParams(config.screen.judge.max_tokens, temperature=0.0),
        runs=lambda config, has_code: config.screen.judge.enabled,
    ),
    Stage(
        "dedup",
        "the same problem once: copies and paraphrases are dropped, other numbers are another problem",
        "pipeline.stage_functions:dedup_problems",
        ("dedup",),
        splitter="pipeline.stage_functions:dedup_set",
    ),
    Stage(
        "decontaminate",
        "drop what the benchmarks ask that the config names: verbatim, edited or embedded",
        "pipeline.stage_functions:decontaminate_problems",
        ("decontaminate",),
        others=_hash_benchmarks,
        runs=lambda config, has_code: bool(config.decontaminate.benchmarks),
    ),
    Stage(
        "code_tests",
        "code: check solutions and tests against each other; repair, drop and generate tests",
        "pipeline.stage_functions:check_code_tests",
        ("code_tests", "sandbox"),
        sampling=lambda config: (
            SamplingParams(config.code_tests.author.max_tokens, temperature=0.0)
            if config.code_tests.author.enabled
            else None
        ),
        counter="pipeline.code_tests.languages:count_copies",
        runs=lambda config, has_code: has_code,
    ),
    Stage(
        "translate",
        "translate a share of the English problems; what fails the check stays English",
        "pipeline.stage_functions:translate_problems",
        ("translate",),
        others=_describe_translator,
        sampling=lambda config: (
            SamplingParams(config.translate.max_tokens, config.translate.temperature)
            if config.translate.by == "model"
            else None
        ),
        counter="pipeline.translate.counts:count_translations",
        runs=lambda config, has_code: config.translate.enabled,
    ),
    Stage(
        "verify",
        "labels only: is the answer there, and can the verifier compare it (alone, and for samples from a file)",
        "pipeline.stage_functions:verify_labels",
        ("verify",),
        runs=lambda config, has_code: False,
    ),
)
"""In the order in which the data goes through them."""


def look_up_stage(name: str) -> Stage | None:
    """The stage that is called `name`, today or in a run that an older version made."""
    named = {stage.name: stage for stage in STAGES}
    return named.get(STAGE_NAMES.get(name, name))


def find_stage(name: str) -> Stage:
    """`look_up_stage`, which raises InputError with the nearest name."""
    stage = look_up_stage(name)
    if stage is None:
        names = [stage.name for stage in STAGES]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise InputError(f"there is no stage {name!r}{hint} the stages are: {', '.join(names)}")
    return stage


def choose_stages(config: Config, has_code: bool) -> list[str]:
    """Names of the stages that a run with this config goes through, in order."""
    return [stage.name for stage in STAGES if stage.runs(config, has_code)]


def order_stages(names: Iterable[str]) -> list[str]:
    """Those of `names` that are stages (today's names or old ones), in the order in which the data goes through."""
    place = {stage: at for at, stage in enumerate(STAGES)}
    known = {name: stage for name in set(names) if (stage := look_up_stage(name)) is not None}
    return sorted(known, key=lambda name: (place[known[name]], name))


def describe_stages() -> str:
    """The stages as rows of a Markdown table, for the docs."""
    return "\n".join(f"| `{stage.name}` | {stage.summary} |" for stage in STAGES)
