"""Models that answer: one interface, vLLM in a child process, or running servers."""
