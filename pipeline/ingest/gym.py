"""Problems made by reasoning_gym: a task by its name, with its own parameters, as many as asked for."""

import difflib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError


def read_gym(task: str, size: int, seed: int, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`size` problems of `task`: statement, answer, source_id `TASK-SEED-INDEX`, and its metadata in `extra`.

    Raises InputError with the nearest names for an unknown task or parameter, and with the task's own words for a value
    that it refuses.
    """
    dataset = _create(task, size, seed, params)
    for index in range(size):
        place = {"source_id": f"{task}-{seed}-{index}", WHERE: f"reasoning_gym {task} seed {seed} item {index}"}
        try:
            item = dataset[index]
        except Exception as error:
            wrong = (
                f"the task could not make this item ({type(error).__name__}: {error}); other params or another seed may"
            )
            yield InvalidRow(wrong, place)
            continue
        answer = item["answer"]
        yield place | {
            "domain": "math",
            "statement": item["question"],
            "answer": answer if answer is None or isinstance(answer, str) else str(answer),
            "extra": item.get("metadata"),
        }


def _create(task: str, size: int, seed: int, params: Mapping[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from reasoning_gym.factory import DATASETS, create_dataset

    if task not in DATASETS:
        near = difflib.get_close_matches(task, DATASETS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has: {', '.join(sorted(DATASETS))}"
        raise InputError(f"reasoning_gym has no task {task!r}; {hint}")
    known = [field.name for field in fields(DATASETS[task][1]) if field.name not in ("size", "seed")]
    for name in params:
        if name in ("size", "seed"):
            raise InputError(f"reasoning_gym {task}: {name!r} stands on the source itself, not under params")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(f"reasoning_gym {task}: no parameter {name!r}; {hint}it has: {', '.join(known) or 'none'}")
    try:
        return create_dataset(task, size=size, seed=seed, **params)
    except Exception as error:
        given = ", ".join(f"{k}={v!r}" for k, v in params.items())
        raise InputError(f"reasoning_gym {task}: refuses {given or 'its defaults'}: {error}") from error
