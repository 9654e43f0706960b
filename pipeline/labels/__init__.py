"""What all witnesses of a problem's label say together: kept, repaired, contradicted or undetermined
(docs/labels.md).
"""

from pipeline.labels.calibration import Calibration
from pipeline.labels.gather import gather_votes
from pipeline.labels.judge import Witnesses, judge_labels, learn_witnesses

__all__ = ["Calibration", "Witnesses", "gather_votes", "judge_labels", "learn_witnesses"]
