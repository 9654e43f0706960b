"""A run in the form that a trainer's own loader takes: `goldilocks export FORMAT RUN OUT`.

`formats` is the table of what there is, `rows` what a problem becomes for each reinforcement-learning trainer, `traces`
which samples become supervised and preference data, `write` how files appear: whole or not at all, a shard in memory.
"""

from pipeline.publish.export.formats import FORMATS
from pipeline.publish.export.run import Exported, export_run

__all__ = ["FORMATS", "Exported", "export_run"]
