"""What each stage of `pipeline.stages` runs: its folder's function, with its section of the config.

Imports stand within the functions: a stage loads its own libraries and no other's.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace

import polars as pl

from pipeline.stages import Asker, SplitFunction, StageResult
from schemas.config import Config
from schemas.problem import REJECT_DTYPES

Tables = Iterator[tuple[str, pl.DataFrame]]


def screen_problems(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """Format rules."""
    from pipeline.screen import screen
    from pipeline.verify.pool import share_pool

    return StageResult(*screen(problems, config.screen, share_pool(config.verify)))


def judge_problems(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """A model's second look; what a failed request left unjudged is kept, and pending."""
    from pipeline.screen.judge import screen_by_judge

    assert asker is not None
    kept, rejected = screen_by_judge(problems, asker)
    return StageResult(kept, rejected.with_columns(pl.lit("judge").alias("stage")), asker.failed)


def dedup_problems(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """One table as the whole set."""
    from pipeline.dedup import dedup

    return StageResult(*dedup(problems, config.dedup))


def dedup_set(tables: Tables, config: Config, held: Collection[str]) -> Mapping[str, tuple[str, SplitFunction]]:
    """Shard -> (what decides its outcome beside its content, as text; the function that splits its table).

    `tables` are (shard, problems), read once; `held` the ids that an earlier run kept, which stay. Memory is that of
    the signatures and one shard.
    """
    from pipeline.dedup import Duplicates, find_duplicates, split_duplicates

    def splitter(duplicates: Duplicates) -> SplitFunction:
        return lambda problems: split_duplicates(problems, duplicates)

    return {
        shard: (duplicates.describe(), splitter(duplicates))
        for shard, duplicates in find_duplicates(tables, config.dedup, set(held)).items()
    }


def decontaminate_problems(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """Benchmarks that the config names."""
    from pipeline.decontaminate import decontaminate

    return StageResult(*decontaminate(problems, config.decontaminate))


def hash_benchmarks(config: Config) -> list[str]:
    """The content of benchmarks in files, which may grow under the same name. Sets on the Hub have a revision."""
    in_files = [named for named in config.decontaminate.benchmarks if not isinstance(named, str) and named.files]
    if not in_files:
        return []
    from pipeline.decontaminate.items import hash_items, read_items

    return [hash_items(read_items(in_files))]


def check_code_tests(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """Code problems in a sandbox of their own, then a copy of each that is kept for every language asked for.

    Without a code problem nothing is started. With `asker` a model writes generators where tests are lacking.
    """
    if not (problems["domain"] == "code").any():
        nothing = [pl.lit(None, dtype).alias(name) for name, dtype in REJECT_DTYPES.items()]
        return StageResult(problems, problems.clear().with_columns(nothing))
    from pipeline.code_tests import ask_languages, check_tests
    from pipeline.sandbox import open_sandbox

    with open_sandbox(config.sandbox) as sandbox:
        kept, rejected = check_tests(problems, config.code_tests, sandbox, asker)
    pending = 0 if asker is None else asker.failed
    return StageResult(ask_languages(kept, config.code_tests.languages), rejected, pending)


def translate_problems(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """Translations stand behind the problems that they are of, so that each is graded like any other problem."""
    from pipeline.translate.asking import Translator, ask_model
    from pipeline.translate.run import translate

    translator: Translator
    if config.translate.by == "apertium":
        from pipeline.translate.apertium import ask_apertium, name_apertium, say_install

        by, translator, advice = name_apertium(), ask_apertium, say_install(config.translate.languages)
    else:
        assert asker is not None
        by, translator, advice = asker.model, ask_model(asker), ""
    done = translate(problems, config.translate, translator)
    kept = pl.concat([done.problems, done.translations])
    counts = replace(done.counts, by={by: done.counts.tried}, advice=advice if done.counts.unknown else "")
    return StageResult(kept, done.rejected, counts.unknown, asdict(counts))


def verify_labels(problems: pl.DataFrame, config: Config, asker: Asker | None) -> StageResult:
    """Labels alone."""
    from pipeline.verify.math import MathVerifier
    from pipeline.verify.stage import split_verifiable

    verify = config.verify
    with MathVerifier(timeout=verify.timeout, workers=verify.workers, memory_mb=verify.memory_mb) as verifier:
        return StageResult(*split_verifiable(problems, verifier.pool, verify.second_opinion.enabled))
