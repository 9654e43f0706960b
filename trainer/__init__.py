"""GRPO in torch, two stages, rollouts from vLLM: the room is here, what it holds comes with the training loop."""
