"""Ask a model for solutions: prompts, the engine, the evidence store, and the loop that knows when to stop."""
