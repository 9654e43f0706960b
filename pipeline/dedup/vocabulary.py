"""Words that decide whether near-equal statements ask the same: little ones say nothing, contrary ones all."""

LITTLE_WORDS = frozenset(
    str.split(
        "the of to and in is for each every how many much what if he she they it an his her their that on at by with "
        "from has have had was were are be been as than will does did do so then one per there this these those which "
        "who whom can after when while its into up out them him another other some any or but also would could should "
        "may let given find calculate determine compute count amount number total altogether overall all"
    )
)
"""Words that two tellings of one story share with every other story."""

ASKING_WORDS = frozenset(str.split("write create implement python c++ function program code"))
"""Words that ask for a program, whatever it should do."""

NEGATING_PREFIXES = ("in", "im", "ir", "il", "un", "non", "dis", "not", "co")
"""Prefixes with which a word means the contrary, or another thing: `indistinguishable`, `nonzero`, `coprime`."""

CONTRARY_WORDS = frozenset(
    str.split(
        "more less fewer most least greater smaller greatest smallest largest larger maximum minimum max min maximal "
        "minimal maximize minimize increase increases increased increasing decrease decreases decreased decreasing "
        "sum product difference quotient remainder odd even prime composite positive negative nonnegative nonzero "
        "before after area perimeter volume circumference radius diameter surface length width height add subtract "
        "multiply divide plus minus first second next last left right north south east west inside outside inscribed "
        "circumscribed above below horizontal vertical clockwise counterclockwise row rows column columns not never "
        "no non without with except only exactly at or and distinct consecutive integer integers real rational "
        "irrational squares cubes reciprocals opposite "
        "complex median mean mode range average simplify factor expand solve differentiate integrate derivative "
        "integral convergent divergent ascending descending highest lowest longest shortest oldest youngest earliest "
        "latest buy sell buys sells bought sold gain loss profit lost gained won domain inverse reciprocal square "
        "cube squared cubed triangle rectangle circle sphere cone cylinder centimeters meters kilometers inches feet "
        "yards miles seconds minutes hours days weeks months years cents dollars monday tuesday wednesday thursday "
        "friday saturday sunday degrees radians upper lower true false same different parallel perpendicular acute "
        "obtuse isosceles equilateral union intersection permutation combination string list tuple array matrix "
        "dictionary set uppercase lowercase vowels consonants prefix suffix key value keys values "
        "units ones tens hundreds thousands tenths hundredths thousandths"
    )
)
"""Words of which one more, or another, makes another problem: `largest` for `smallest`, `product` for `sum`."""
