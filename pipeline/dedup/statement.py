"""A canonical line and what comparing asks of it, each worked out once."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache

from pipeline.dedup.interchangeable import replace_alike
from pipeline.dedup.reading import END, is_hard, is_number, is_ordinal
from pipeline.dedup.vocabulary import CONTRARY_WORDS, FILLER_WORDS, LITTLE_WORDS, NAMING_WORDS, TURNING_WORDS

TRIVIAL_SIGNS = frozenset("()-/*+,=")
"""Signs that a word problem may have in one telling and not in the other: `2x3`, `2 * 3`, `$4-$5`."""

OPERATORS = frozenset("-/+")
"""Those of them that are never a way to write another."""

FORMULA_SIGNS = frozenset({"<", ">", "+", "^", "\\le", "\\ge", "\\frac"})
"""Signs that make a formula of a run of terms."""

NEAR = 5
"""Words before and after a number that it belongs to."""


class Statement:
    """One canonical line and what comparing asks of it, each worked out once.

    `names` are the words that its text writes as names (`reading.read_names`); without the text nobody knows them.
    """

    def __init__(self, line: str, names: str = "") -> None:
        self.tokens = line.split(" ") if line else []
        self.written_names = names

    @cached_property
    def sentences(self) -> list[list[str]]:
        """Tokens by sentence."""
        split: list[list[str]] = [[]]
        for token in self.tokens:
            if token == END:
                split.append([])
            else:
                split[-1].append(token)
        return split

    @cached_property
    def names(self) -> frozenset[str]:
        """The names, as `told` has them."""
        return frozenset(told for name in self.written_names.split() for told in _tell([name]))

    @cached_property
    def told(self) -> list[tuple[str, ...]]:
        """What each sentence says: without filler, its words stemmed, one for all that are interchangeable.

        The head of a function says no more than a name.
        """
        return [told for sentence in self.sentences if sentence[:1] != ["def"] and (told := tuple(_tell(sentence)))]

    @cached_property
    def hard(self) -> list[str]:
        """The mathematics in its order."""
        return [token for token in self.tokens if is_hard(token)]

    @cached_property
    def words(self) -> Counter[str]:
        """The words with their counts."""
        return Counter(token for token in self.tokens if token != END and not is_hard(token))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers there are. `1` does not count: one telling has `a week` where another has `1 week`."""
        return frozenset(token for token in self.hard if is_number(token)) - {"1"}

    @cached_property
    def counts(self) -> Counter[str]:
        """The same with how often each is said: in nearly equal words one more `2` is another problem."""
        return Counter(token for token in self.hard if is_number(token) and token != "1")

    @cached_property
    def ordinals(self) -> frozenset[str]:
        """Ordinals from `3rd` on: another telling may say `Wednesday`."""
        return frozenset(token for token in self.hard if is_ordinal(token))

    @cached_property
    def symbols(self) -> Counter[str]:
        """Hard tokens that are neither numbers nor ordinals nor such signs as a word problem may have."""
        return Counter(read_symbols(self.hard))

    @cached_property
    def formulas(self) -> list[list[str]]:
        """The formulas with a relation or an operation, each as its tokens in any order, and in any order."""
        formulas: list[list[str]] = []
        for sentence in self.sentences:
            run: list[str] = []
            for token in (*sentence, END):
                if token != END and (is_term(token) or token in ("a", "i")):
                    run.append(token)
                    continue
                if not FORMULA_SIGNS.isdisjoint(run) and any(term[0].isalpha() for term in run):
                    formulas.append(sorted(term for term in run if term not in "()*"))
                run = []
        return sorted(formulas)

    @cached_property
    def turning(self) -> frozenset[str]:
        """Words on which a question turns: with others it is another problem."""
        return frozenset(token for told in self.told for token in told if token in read_turning(TURNING_WORDS))

    @cached_property
    def contrary(self) -> frozenset[str]:
        """The same with those that a story says or leaves out at will."""
        return frozenset(token for told in self.told for token in told if token in read_turning(CONTRARY_WORDS))

    @cached_property
    def content(self) -> frozenset[str]:
        """Stems of the words that tell this story from another."""
        return read_content({token for token in self.tokens if token != END and not is_hard(token)})

    @cached_property
    def signs(self) -> Counter[str]:
        """The signs within mathematics: `x^2 + tx + 12` is not `x^2 + tx - 12`."""
        return Counter(sign for sentence in self.sentences for sign in find_signs(sentence, is_term))

    @cached_property
    def surroundings(self) -> dict[str, frozenset[str]]:
        """Number or symbol said once -> stems of the words near it in its sentence."""
        said = Counter(self.hard)
        near: dict[str, frozenset[str]] = {}
        for sentence in self.sentences:
            for at, token in enumerate(sentence):
                if said[token] == 1 and token != "1" and token not in TRIVIAL_SIGNS:
                    words = sentence[max(0, at - NEAR) : at + NEAR + 1]
                    near[token] = read_content(word for word in words if not is_hard(word))
        return near

    @cached_property
    def counted(self) -> dict[str, set[str]]:
        """Thing -> the numbers said of it: the word after each number."""
        numbers: dict[str, set[str]] = defaultdict(set)
        for number, thing in zip(self.tokens, self.tokens[1:], strict=False):
            if is_number(number) and thing not in LITTLE_WORDS and thing != END and not is_hard(thing):
                numbers[stem(thing)].add(number)
        return numbers


def read_symbols(tokens: Iterable[str]) -> list[str]:
    """The hard tokens that are neither numbers nor ordinals nor such signs as a word problem may have."""
    return [token for token in tokens if is_hard(token) and not token[0].isdigit() and token not in TRIVIAL_SIGNS]


def _tell(sentence: Sequence[str]) -> list[str]:
    told = [token for token in replace_alike(sentence) if token not in FILLER_WORDS]
    return [
        _tell_word(token)
        for token, following in zip(told, [*told[1:], END], strict=False)
        if token not in NAMING_WORDS or following == END or not is_hard(following)
    ]


@lru_cache(maxsize=1 << 18)
def _tell_word(token: str) -> str:
    """A word without its ending; where another word is that without it (`evenly`, `Sam`), the word as it is."""
    if is_hard(token) or "_" in token:
        return token
    singular = token.removesuffix("s")
    if singular in CONTRARY_WORDS or f"{singular}s" in CONTRARY_WORDS:
        return singular
    short = stem(token)
    return token if short in CONTRARY_WORDS else short


@lru_cache(maxsize=64)
def read_turning(words: frozenset[str]) -> frozenset[str]:
    """Words as `Statement.told` has them."""
    return frozenset(token for word in words - FILLER_WORDS for token in _tell([word]))


def is_term(token: str) -> bool:
    """Whether a token stands in a formula: mathematics, or two letters such as the product `tx`."""
    return is_hard(token) or (len(token) == 2 and token not in LITTLE_WORDS)


@lru_cache(maxsize=1 << 14)
def prepare(line: str, names: str = "") -> Statement:
    """The statement of a canonical line."""
    return Statement(line, names)


@lru_cache(maxsize=1 << 18)
def stem(word: str) -> str:
    """A word without its usual English endings; crude, and the same for both sides."""
    for ending in ("ies", "ing", "ed", "es", "s", "e", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def read_content(words: Iterable[str]) -> frozenset[str]:
    """The stems of words that tell one story from another."""
    return frozenset(stem(word) for word in words if len(word) > 1 and word not in LITTLE_WORDS)


def find_signs(sentence: Sequence[str], beside: Callable[[str], bool] = is_number) -> list[str]:
    """The signs that stand between two numbers, or two tokens of another kind."""
    threes = zip(sentence, sentence[1:], sentence[2:], strict=False)
    return [sign for left, sign, right in threes if sign in OPERATORS and beside(left) and beside(right)]
