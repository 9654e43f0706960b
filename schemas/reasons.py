"""The closed vocabularies: what a verdict, a reason and a decision may be. New words are added here only."""

from enum import StrEnum


class Verdict(StrEnum):
    """What the verifier says of one completion. Infrastructure trouble is `unknown`, never `wrong`."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a verdict is no plain comparison of two values. Only `answer_limit` has a reward, of 0."""

    ANSWER_LIMIT = "answer_limit"
    """The answer itself is over a fixed limit of length, depth or digits, or has no value within them. It is so
    whenever it is judged, and a policy can write it at will."""
    UNDECIDED = "undecided"
    """The label cannot be verified against, or the rules do not tell."""
    INFRASTRUCTURE = "infrastructure"
    """A time limit, a dead process, a sandbox that did not judge: another try may end otherwise."""


class Reason(StrEnum):
    """Why a problem is not in the curated set. Every rejected row carries exactly one."""

    INVALID_ROW = "invalid_row"
    INCOMPLETE = "incomplete"
    NO_ANSWER = "no_answer"
    UNVERIFIABLE_ANSWER = "unverifiable_answer"
    PROOF = "proof"
    MULTI_PART = "multi_part"
    FIGURE_DEPENDENT = "figure_dependent"
    CHOICE_DEPENDENT = "choice_dependent"
    GUESSABLE = "guessable"
    DUPLICATE = "duplicate"
    CONTAMINATED = "contaminated"
    NO_SOLUTION = "no_solution"
    TOO_FEW_TESTS = "too_few_tests"
    TESTS_DISAGREE = "tests_disagree"
    VACUOUS_TESTS = "vacuous_tests"
    NEEDS_CHECKER = "needs_checker"
    PROMPT_TOO_LONG = "prompt_too_long"
    PROMPT_REFUSED = "prompt_refused"
    NEVER_SOLVED = "never_solved"
    TOO_EASY = "too_easy"
    LABEL_CONTRADICTED = "label_contradicted"
    MISSING_PREMISE = "missing_premise"
    UNDETERMINED = "undetermined"
    TRANSLATION_FAILED = "translation_failed"

    @property
    def meaning(self) -> str:
        """One line for people: report, docs and `--help` take it from here."""
        return MEANINGS[self]


MEANINGS: dict[Reason, str] = {
    Reason.INVALID_ROW: "the row does not fit the contract; its detail says which column and why",
    Reason.INCOMPLETE: "the statement is missing, cut off or asks nothing",
    Reason.NO_ANSWER: "there is no label to verify an answer against",
    Reason.UNVERIFIABLE_ANSWER: "the label is not something a rule can compare",
    Reason.PROOF: "it asks for a proof",
    Reason.MULTI_PART: "it asks several questions at once",
    Reason.FIGURE_DEPENDENT: "it needs a figure or table that is not there",
    Reason.CHOICE_DEPENDENT: "it cannot stand without its answer options",
    Reason.GUESSABLE: "the answer is one of two words: a guess is right half of the time",
    Reason.DUPLICATE: "the same problem is there already",
    Reason.CONTAMINATED: "it overlaps a benchmark",
    Reason.NO_SOLUTION: "code with neither solutions nor enough tests",
    Reason.TOO_FEW_TESTS: "too few trusted tests are left",
    Reason.TESTS_DISAGREE: "its solutions do not agree on its tests",
    Reason.VACUOUS_TESTS: "a program that does no work passes its tests",
    Reason.NEEDS_CHECKER: "several outputs are right and no checker stood its trial",
    Reason.PROMPT_TOO_LONG: "its prompt does not fit the model that grades it",
    Reason.PROMPT_REFUSED: "the grader's servers take other prompts, but not this one",
    Reason.NEVER_SOLVED: "fewer samples were correct than `keep.min` asks for: none, by default",
    Reason.TOO_EASY: "more samples were correct than the keep window allows",
    Reason.LABEL_CONTRADICTED: "most samples agree on another answer than the label",
    Reason.MISSING_PREMISE: "it lacks something that its answer depends on, as its samples say or show",
    Reason.UNDETERMINED: "too many samples are missing or unknown, or its label is left open; it is tried again",
    Reason.TRANSLATION_FAILED: "its translation did not keep what the original says",
}

KEEP = "keep"
"""The decision of a problem that goes into the curated set; every other decision is a Reason."""

SECOND_OPINION = "second opinion"
"""Begins the detail of each verdict that a model gave, and no rule."""
