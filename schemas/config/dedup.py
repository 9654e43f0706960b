"""What counts as the same problem."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Share, Strict


class DedupConfig(Strict):
    """What counts as the same problem, and which of its tellings stays."""

    trusted: tuple[str, ...] = ()
    """Sources, the most trusted first: of equally labelled and tested duplicates theirs stays."""
    copy_similarity: Share = 0.75
    """Share of words that two statements with the same mathematics share. Chosen on the truth set's edited copies, down
    to a short problem wrapped in an unknown order to the solver."""
    paraphrases: bool = True
    """Paraphrases of word problems, by their numbers and vocabulary."""
    paraphrase_similarity: Share = 0.28
    """Jaccard of vocabulary for word problems with the same numbers, at least one more than `paraphrase_numbers`.
    Chosen on the truth set, where 15 of 18 real paraphrases pass all rules."""
    paraphrase_few_similarity: Share = 0.38
    """The same with only `paraphrase_numbers` of them: two numbers are shared by chance, so more words must be."""
    paraphrase_words: Annotated[int, Field(ge=1)] = 5
    """Stems that two tellings share at least: short stories of ages and prices share three or four with each other."""
    paraphrase_numbers: Annotated[int, Field(ge=1)] = 2
    """Different numbers, besides 1, below which they do not distinguish a story from another."""
    permutations: Annotated[int, Field(ge=8)] = 48
    """MinHash values a signature. In bands of two they find 99.9% of pairs with a Jaccard of 0.5 and 90% at 0.3."""
    band_rows: Annotated[int, Field(ge=1)] = 2
    """Values a band. Two suffice, since a bucket is shared only with the same mathematics."""
    copy_agreement: Share = 0.2
    """Share of equal MinHash values below which a candidate is not looked at: a copy with a fifth of its words changed
    keeps a third of its word pairs, and an estimate from 48 values is off by 0.07 in one of three."""
    paraphrase_agreement: Share = 0.14
    """The same for vocabularies: two estimation errors below `paraphrase_similarity`."""
