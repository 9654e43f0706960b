"""The verifier on its travels: the same verdicts and rewards inside other trainers, or over HTTP for any of them.

`rewarder` grades a completion by a label that travelled as text; `trl`, `verl` and `openrlhf` are that in the form
which each trainer calls, `service` is that over HTTP.
"""

from pipeline.reward.rewarder import Graded, Rewarder

__all__ = ["Graded", "Rewarder"]
