"""What all witnesses of a problem's label say together: kept, repaired, contradicted or undetermined
(docs/labels.md).

`gather.py` has the votes, `judge.py` the witnesses and the outcomes, `flags.py` what people say. None is loaded until
it is asked for: who reads flags needs no numpy and no scipy.
"""
