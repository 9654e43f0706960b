"""What counts as the same problem."""

from schemas.config.base import Share, Strict


class SameConfig(Strict):
    """When two statements are one problem."""

    copy_similarity: Share = 0.75
    """Share of words that two statements with the same mathematics share. Chosen on the truth set's edited copies, down
    to a short problem wrapped in an unknown order to the solver."""
    paraphrases: bool = True
    """Paraphrases of word problems, by their numbers and vocabulary."""
    paraphrase_similarity: Share = 0.28
    """Jaccard of vocabulary for word problems with the same numbers, three or more besides 1; with only two it is 0.38
    at least. Chosen on the truth set, where 15 of 18 real paraphrases pass all rules."""


class DedupConfig(SameConfig):
    """What counts as the same problem, and which of its tellings stays."""

    trusted: tuple[str, ...] = ()
    """Sources, the most trusted first: of equally labelled and tested duplicates theirs stays."""
