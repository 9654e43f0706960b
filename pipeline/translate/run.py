"""From problems to translated problems: choose, ask, check, ask again, and leave in English what still fails."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.translate.asking import Refusal, Translator, Wanted
from pipeline.translate.check import check_translation
from pipeline.translate.choose import choose_for_translation
from pipeline.translate.counts import STAGE, Counts
from schemas.config import TranslateConfig
from schemas.problem import REJECT_DTYPES, add_history, problem_id
from schemas.reasons import Reason


@dataclass(frozen=True, slots=True)
class Translated:
    """`problems` are those that came in, with a note in the history of each that was tried; `translations` are new
    problems; `rejected` is empty unless `config.failed` is `reject`."""

    problems: pl.DataFrame
    translations: pl.DataFrame
    rejected: pl.DataFrame
    counts: Counts


def translate(problems: pl.DataFrame, config: TranslateConfig, translator: Translator) -> Translated:
    """Translate the chosen share of the English problems.

    A reply that fails the check is asked for again with what was wrong, `config.attempts` times in all; once where the
    same request always gets the same reply (`config.by` is no model). A translation is a row of its own
    with the label, tests and solutions of its `parent_id`, its own `id`, `language` and `history`. A problem all of
    whose requests failed is not noted: it is tried again by the next run. Order and ids of the input stay.

    Raises ValueError when `translator` returns another number of replies than it was given requests.
    """
    chosen = choose_for_translation(problems, config)
    statements = dict(problems.select("id", "statement").iter_rows())
    done: dict[str, tuple[str, int]] = {}
    wrong: dict[str, str] = {}
    refused: Counter[str] = Counter()
    for attempt in range(1, (config.attempts if config.by == "model" else 1) + 1):
        pending = [name for name in chosen if name not in done]
        wanted = [Wanted(statements[name], chosen[name], wrong.get(name)) for name in pending]
        replies = list(translator(wanted)) if wanted else []
        if len(replies) != len(wanted):
            raise ValueError(f"asked for {len(wanted)} translations, and {len(replies)} came back")
        for name, reply in zip(pending, replies, strict=True):
            if reply is None:
                continue
            if isinstance(reply, Refusal):
                wrong[name] = reply.why
            elif (outcome := check_translation(statements[name], reply, chosen[name])) is not True:
                wrong[name] = outcome[1]
            else:
                done[name] = (reply, attempt)
                continue
            refused[wrong[name].partition(":")[0]] += 1
    failed = {name: wrong[name] for name in chosen if name not in done and name in wrong}
    counts = Counts(
        tried=len(chosen),
        passed=len(done),
        left=len(failed),
        unknown=len(chosen) - len(done) - len(failed),
        languages=dict(Counter(chosen[name] for name in done)),
        refused=dict(refused.most_common()),
    )
    drop = failed if config.failed == "reject" else {}
    notes = {name: ("translated", chosen[name]) for name in done} | {
        name: ("left_in_english", f"{chosen[name]}: {why}") for name, why in failed.items()
    }
    noted = add_history(problems, STAGE, [notes.get(name) for name in problems["id"]])
    return Translated(
        problems=noted.filter(~pl.col("id").is_in(list(drop))),
        translations=_build(problems, chosen, done),
        rejected=_reject(noted, drop, chosen),
        counts=counts,
    )


def _build(problems: pl.DataFrame, chosen: Mapping[str, str], done: Mapping[str, tuple[str, int]]) -> pl.DataFrame:
    """One new row for each translation, in the order of the problems."""
    rows = []
    for row in problems.filter(pl.col("id").is_in(list(done))).iter_rows(named=True):
        text, attempt = done[row["id"]]
        new: dict[str, Any] = row | {"statement": text, "language": chosen[row["id"]], "parent_id": row["id"]}
        entry = {"stage": STAGE, "action": "translated", "detail": f"from {row['id']}, attempt {attempt}"}
        rows.append(new | {"id": problem_id(new), "history": [*(row["history"] or []), entry]})
    return pl.DataFrame(rows, schema=problems.schema, orient="row")


def _reject(noted: pl.DataFrame, failed: Mapping[str, str], chosen: Mapping[str, str]) -> pl.DataFrame:
    rows = noted.filter(pl.col("id").is_in(list(failed)))
    details = [f"{chosen[name]}: {failed[name]}" for name in rows["id"]]
    return rows.with_columns(
        pl.lit(STAGE, dtype=REJECT_DTYPES["stage"]).alias("stage"),
        pl.lit(str(Reason.TRANSLATION_FAILED), dtype=REJECT_DTYPES["reason"]).alias("reason"),
        pl.Series("detail", details, dtype=REJECT_DTYPES["detail"]),
    )
