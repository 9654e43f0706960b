"""The loop's second pass is asked of weights that no server has; its page in tests/test_docs runs the whole loop."""

from flows.loop import stay_here
from schemas.config import Config


def test_the_second_pass_stays_where_the_trained_weights_lie() -> None:
    urls = ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/v1"]
    config = Config.model_validate(
        {
            "run": "runs/a",
            "sources": [{"name": "a", "files": "b"}],
            "model": {"name": "ours/model", "url": urls, "max_model_len": 64},
            "sampling": {"max_tokens": 32},
            "flow": {"runner": "ray", "ray": "10.0.0.1:6379", "shard_rows": 7},
        }
    )
    here = stay_here(config)
    assert (here.model.url, here.flow.runner) == (None, "threads")
    assert (here.model.name, here.model.max_model_len, here.flow.shard_rows) == ("ours/model", 64, 7)
    assert Config.model_validate(here.model_dump()) == here
