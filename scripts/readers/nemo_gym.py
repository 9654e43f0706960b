"""NeMo Gym's own reading of an export: its rows validated as it does before training, and replies verified by the
resources server."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import yaml
from nemo_gym.base_resources_server import BaseVerifyResponse
from nemo_gym.config_types import DatasetConfig
from nemo_gym.train_data_utils import compute_sample_metrics

folder = Path(sys.argv[1]) / "nemo-gym" / "resources_servers" / "goldilocks"
lines = [line for file in sorted((folder / "data").glob("*.jsonl")) for line in file.read_text().splitlines()]
refused = [line for line in lines if compute_sample_metrics(line)[1]]
assert len(lines) == 23, len(lines)
assert not refused, refused[0]

servers = yaml.safe_load((folder / "configs" / "goldilocks.yaml").read_text())
agent = servers["goldilocks_simple_agent"]["responses_api_agents"]["simple_agent"]
for dataset in agent["datasets"]:
    DatasetConfig.model_validate(dataset)
assert agent["resources_server"]["name"] in servers
assert {json.loads(line)["agent_ref"]["name"] for line in lines} <= servers.keys()

spec = importlib.util.spec_from_file_location("goldilocks_app", folder / "app.py")
app = importlib.util.module_from_spec(spec)
sys.modules["goldilocks_app"] = app
spec.loader.exec_module(app)
row = next(row for row in map(json.loads, lines) if row["domain"] == "math")


def reply(text):
    """A response of a model server."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    about = {"id": "r", "created_at": 0.0, "model": "policy", "object": "response", "output": [message]}
    return about | {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def verify(text):
    """The reward of a reply, through the server's own request and response."""
    request = app.ProblemVerifyRequest.model_validate({**row, "response": reply(text)})
    answer = asyncio.run(app.ProblemsServer.verify(None, request))
    return BaseVerifyResponse.model_validate(answer.model_dump()).reward


rewards = [verify(text) for text in (f"\\boxed{{{row['ground_truth']}}}", "\\boxed{-99}")]
assert rewards[0] > rewards[1] > 0, rewards
print(f"nemo-gym: {len(lines)} rows, rewards {rewards}")
