"""A trainer's process in short, to be killed: `python -m tests.trainer.engine_run FOLDER`.

It says the pid of its engine once completions are under way, waits for that engine's death, says how many requests
failed of it and after how many seconds, starts another as a resumed trainer does, and says that one's pid.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.inference.engine import EngineDied
from pipeline.inference.prompts import Prompt
from schemas.config import ModelConfig
from trainer.rollout_engine import RolloutEngine

GUARD = 400


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def run(folder: Path) -> None:
    model = ModelConfig(max_model_len=1024, max_num_seqs=16)
    engine = RolloutEngine(model, folder)
    await engine.start()
    asked = [
        asyncio.create_task(engine.sample(Prompt(None, f"{i}, {i + 1}, {i + 2},", "0" * 16), 2, 1000)) for i in range(6)
    ]
    while engine.stats.busy == 0:
        await asyncio.sleep(0.1)
    say(pid=engine.pid)
    begun = time.monotonic()
    while not asked[0].done():
        begun = time.monotonic()
        await asyncio.sleep(0.05)
    ends = await asyncio.gather(*asked, return_exceptions=True)
    died = [end for end in ends if isinstance(end, EngineDied)]
    say(died=len(died), seconds=time.monotonic() - begun, why=str(died[0]))
    await engine.close()
    again = RolloutEngine(model, folder)
    start = asyncio.create_task(again.start())
    while again.pid is None:
        await asyncio.sleep(0)
    say(pid=again.pid)
    await start


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(run(Path(sys.argv[1])), GUARD))
