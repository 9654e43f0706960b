"""The curriculum: in which order, or how often, a trainer sees the problems, and what its own rollouts say of that.

`topics` is the source's own tag of a problem, `plan` bands, order and weights in Polars, `options` what each trainer is
told so that it keeps the order, `write` the export, `rollouts` how other trainers log theirs, `rebands` how those move
problems between bands and when to grade again.
"""
