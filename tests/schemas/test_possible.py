"""Settings that cannot work are refused when the config is read, with what to do instead."""

from typing import Any

import pytest

from schemas.config import Config

BASE = {"run": "r", "sources": [{"name": "s", "files": "-"}]}


def stage(**settings: Any) -> dict[str, Any]:
    return {"stages": [{"name": "one"}, {"name": "two", **settings}]}


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"sampling": {"max_tokens": 2048}}, "sampling.max_tokens is 2048.*raise model.max_model_len"),
        ({"model": {"max_model_len": 512}}, "sampling.max_tokens is 1024, and model.max_model_len.*512"),
        ({"train": stage(max_tokens=4096)}, "train.stages.1.max_tokens is 4096.*raise model.max_model_len"),
        ({"train": stage(l_cache=1025)}, "train.stages.1.l_cache is 1025.*at most 1024 tokens"),
        ({"train": stage(max_tokens=20, l_cache=21)}, "l_cache is 21.*at most 20 tokens"),
        ({"model": {"engine": {"data_parallel_size": 2}}}, "set model.engines to the number"),
        ({"sampling": {"temperature": 0}}, "temperature is 0, and a problem gets up to 16.*set sampling.n"),
        ({"sampling": {"temperature": 0, "n": 1, "stop": "confident"}}, "temperature is 0, and a problem gets up to 2"),
        ({"sampling": {"temperature": 2.1}}, "less than or equal to 2"),
        ({"sampling": {"stop_strings": ["a", ""]}}, "at least 1 character"),
        ({"model": {"engines": 2, "url": "http://127.0.0.1:8000/v1"}}, "model.url names servers elsewhere"),
    ],
)
def test_what_cannot_work_is_refused(sections: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Config.model_validate(BASE | sections)


@pytest.mark.parametrize(
    "sections",
    [
        {"sampling": {"max_tokens": 2047}},
        {"sampling": {"temperature": 0, "n": 1}},
        {"sampling": {"max_tokens": 8192}, "model": {"url": "http://127.0.0.1:8000/v1"}},
        {"train": stage(l_cache=1024)},
        {"train": stage(max_tokens=1500, l_cache=1500)},
        {"model": {"engine": {"data_parallel_size": 1, "tensor_parallel_size": 2}}},
    ],
)
def test_what_just_works_is_taken(sections: dict[str, Any]) -> None:
    """A server has a length of its own."""
    assert Config.model_validate(BASE | sections).run == "r"
