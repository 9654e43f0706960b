"""When a label is kept, repaired or contradicted by the witnesses."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict


class LabelsConfig(Strict):
    """When a label is kept, repaired or contradicted by the witnesses (docs/labels.md)."""

    repair: bool = True
    """A label that the witnesses overrule is replaced where another answer holds; `false` rejects the problem."""
    sure: Annotated[float, Field(gt=0.5, lt=1)] = 0.96
    """The posterior that another answer needs to replace the label. Where none has it, a label is rejected when it is
    half as likely to be right as this leaves. Over GSM8K with one label in ten made wrong and 14 models asked, 0.98 of
    the labels that fall are wrong ones and 0.74 of the wrong ones fall; at 0.9 it is 0.86 and 0.77."""
    doubt: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """A label whose posterior is below this is not kept: where no other answer is sure, the problem is undetermined."""
    clash: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """The same where copies of the problem carry other labels and no grader reaches one of those: the posterior is
    cautious then. Of 105 clashes that were worked out, where often neither label is right, all 33 labels held at 0.4
    were right, and at 0.3 it is 0.93 of 41."""
    kinds: Annotated[int, Field(ge=1)] = 2
    """Independent kinds of witnesses that must give an answer before it replaces a label. With fewer the label is only
    contradicted: one model's firm mistake is not evidence enough to write down."""
