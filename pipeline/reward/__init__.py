"""Reward adapters for other trainers: the verdicts and rewards of curation inside them, or over HTTP for any of them.

`rewarder` grades a completion by a label that travelled as text; `trl`, `verl` and `openrlhf` are that in the form
which each trainer calls, `service` is that over HTTP.
"""

from pipeline.reward.rewarder import Graded, Rewarder

__all__ = ["Graded", "Rewarder"]
