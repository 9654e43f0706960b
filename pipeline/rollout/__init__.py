"""Rollouts for a trainer: an engine that samples groups of completions and takes new weights while it does."""
