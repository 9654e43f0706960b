"""verifiers' task set (what prime-rl trains on) of an export: loaded by its name, and a reply scored."""

import asyncio
import sys
from pathlib import Path

import verifiers.v1 as vf
from verifiers.v1.utils.loaders import taskset_class

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder / "prime-rl"))

problems = taskset_class("goldilocks-run")
tasks = list(problems(sys.modules[problems.__module__].ProblemsConfig(id="goldilocks-run")))
assert len(tasks) == 22, len(tasks)
task = next(task for task in tasks if task.data.domain == "math")
assert task.data.system_prompt.startswith("You are given a problem")


async def score(text):
    """The reward of a reply, as verifiers computes it."""
    hooks = [hook for hook in task.hooks("reward") if hook.__name__ == "goldilocks"]
    reply = vf.AssistantMessage(content=text)
    trace = type("Trace", (), {"assistant_messages": [reply], "last_reply": text})()
    return await hooks[0](trace)


rewards = [asyncio.run(score(text)) for text in (f"\\boxed{{{task.data.ground_truth}}}", "\\boxed{-99}")]
assert rewards[0] > rewards[1] > 0, rewards
print(f"prime-rl: {len(tasks)} tasks, rewards {rewards}")
