"""GRPO in torch (Magistral, arXiv 2506.10910, sections 2 and 3): stages on curated shards, rollouts from vLLM."""
