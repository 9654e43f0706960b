"""One real run of a shard in a process of its own, which can kill itself with SIGKILL at a point that a test names.

`python -m tests.pipeline.sample.shard_run SETTINGS`, JSON with `folder`, `model`, `problems`, `n` and `die`: null or
[event, k, moment]. Events: submit (a request to the engine), append (a sample into the store), write (a part), seal
(the sealed file), remove (a part that was sealed or merged). Moments: before, torn (written but not renamed yet),
after. Prints the run's ShardStats as JSON.
"""

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from pipeline.inference.open import open_engine
from pipeline.run.storage import RunFolder
from pipeline.sample import store as store_module
from pipeline.sample.shard import sample_shard
from pipeline.sample.store import EvidenceStore
from pipeline.verify.math import MathVerifier
from schemas.config import Config, FlowConfig, ModelConfig, PromptConfig, SamplingConfig, Source, VerifyConfig
from tests.pipeline.sample.scripted import problems_of

SHARD = "00000"


def config_of(settings: dict[str, Any]) -> Config:
    return Config(
        run=settings["folder"],
        sources=(Source(name="s", files="unused.jsonl"),),
        model=ModelConfig(**settings["model"]),
        prompt=PromptConfig(template="plain", chat=False),
        sampling=SamplingConfig(n=settings["n"], stop="full", max_tokens=6),
        verify=VerifyConfig(extract="last"),
        flow=FlowConfig(flush_seconds=0.001),
    )


class Reaper:
    """Kills this process at the k-th event, at its moment."""

    def __init__(self, event: str, at: int, moment: str) -> None:
        self.event, self.at, self.moment = event, at, moment
        self.seen = 0

    def around(self, event: str, act: Callable[[], Any]) -> Any:
        self.seen += event == self.event
        due = event == self.event and self.seen == self.at
        if due and self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = act()
        if due and self.moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def watch(self, folder: RunFolder, engine: Any) -> None:
        write, remove, replace = folder.write_bytes, folder.remove, os.replace
        submit, append = engine.submit, EvidenceStore.append

        def torn(*names: str) -> Any:
            if self.moment == "torn" and self.seen == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return replace(*names)

        os.replace = torn
        folder.write_bytes = lambda name, data: self.around(  # type: ignore[method-assign]
            "write" if "part-" in name else "seal", lambda: write(name, data)
        )
        folder.remove = lambda name: self.around("remove", lambda: remove(name))  # type: ignore[method-assign]
        engine.submit = lambda request: self.around("submit", lambda: submit(request))
        EvidenceStore.append = lambda store, rows: self.around(  # type: ignore[method-assign]
            "append", lambda: append(store, rows)
        )


def main() -> None:
    settings = json.loads(sys.argv[1])
    config = config_of(settings)
    problems = problems_of(["5"] * settings["problems"])
    folder = RunFolder(config.run)
    store_module.MERGE = 4
    with open_engine(config.model) as engine, MathVerifier(extract="last") as verifier:
        if settings.get("die"):
            Reaper(*settings["die"]).watch(folder, engine)
        stats = sample_shard(
            problems, EvidenceStore(folder, SHARD, config.flow.flush_seconds), config, engine, verifier
        )
    print(json.dumps({**dataclasses.asdict(stats), "refusals": stats.refusals.height}))


if __name__ == "__main__":
    main()
