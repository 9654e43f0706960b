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
        "more less fewer most least greater smaller greatest smallest largest larger maximum minimum max min "
        "maximal minimal maximize minimize increase increases increased increasing decrease decreases "
        "decreased decreasing sum product difference quotient remainder odd even prime composite positive "
        "negative nonnegative nonzero before after area perimeter volume circumference radius diameter "
        "surface length width height add subtract multiply divide plus minus first second next last left "
        "right north south east west inside outside inscribed circumscribed above below horizontal vertical "
        "clockwise counterclockwise row rows column columns not never no non without with except only exactly "
        "at or and distinct consecutive integer integers real rational irrational squares cubes reciprocals "
        "opposite complex median mean mode range average simplify factor expand solve differentiate integrate "
        "derivative integral convergent divergent ascending descending highest lowest longest shortest oldest "
        "youngest earliest latest buy sell buys sells bought sold gain loss profit lost gained won domain "
        "inverse reciprocal square cube squared cubed triangle rectangle circle sphere cone cylinder "
        "centimeters meters kilometers inches feet yards miles seconds minutes hours days weeks months years "
        "cents dollars monday tuesday wednesday thursday friday saturday sunday degrees radians upper lower "
        "true false same different parallel perpendicular acute obtuse isosceles equilateral union "
        "intersection permutation combination string list tuple array matrix dictionary set uppercase "
        "lowercase vowels consonants prefix suffix key value keys values unitsdigit tens hundreds thousands "
        "tenths hundredths thousandths hypotenuse alternate identical arithmetic geometric harmonic parabola "
        "hyperbola ellipse pentagon hexagon heptagon octagon decagon polygon quadrilateral trapezoid "
        "parallelogram rhombus kite prism pyramid tetrahedron octahedron dodecahedron icosahedron sine cosine "
        "tangent cotangent secant cosecant logarithm exponential linear quadratic cubic quartic multiple "
        "divisor convex concave similar congruent chord arc sector midpoint centroid incenter circumcenter "
        "orthocenter altitude bisector focus directrix asymptote slope intercept determinant trace rank "
        "injective surjective bijective coprime independent disjoint replacement up down cannot atleast "
        "atmost notall notequal nonempty"
    )
)
"""Words of which one more, or another, makes another problem: `largest` for `smallest`, `product` for `sum`."""

FILLER_WORDS = frozenset(
    str.split(
        "a an the this that these those it its itself they them their he she his her him we our you your i is "
        "are was were be been being am do does did has have had having can could will would shall should may "
        "might of in on at into onto for with and as so such thus then there here also please find determine "
        "calculate compute evaluate what which who whose whom where when if given let suppose assume assuming "
        "known know knowing value values respectively answer question following namely say both just else "
        "define defined denote denoted show exist exists total altogether overall"
    )
)
"""Words of which one more, one less or another never makes another problem: how English joins words, and how a problem
asks. `with` is one, as `without` is none; so is `in`, as `outside` is none."""

PLACE_WORDS = frozenset(str.split("to by from than until toward towards up down off out"))
"""Little words of which one more or less says nothing (`1, 2, 3, to 2015`), and another says much: `increased by 20` is
not `increased to 20`."""

STORY_WORDS = frozenset(
    str.split(
        "with at and or value values length width height left next row rows column columns set list string "
        "buy sell buys sells bought sold gain loss profit lost gained won first second last integer integers "
        "real increase increases increased increasing decrease decreases decreased decreasing days hours "
        "minutes seconds weeks months years miles dollars cents feet inches yards meters kilometers "
        "centimeters monday tuesday wednesday thursday friday saturday sunday average more less fewer after "
        "before add divide plus minus same different above below distinct key keys mode range up down "
        "multiple focus rank sector independent similar north south east west right inside outside true false"
    )
)
"""Contrary words that stories say or leave out at will: who earns `12 dollars` earns `$12`, and who `buys` pays."""

NAMING_WORDS = frozenset(
    {"number", "equation", "polynomial", "function", "point", "vertex", "variable", "angle", "vector"}
)
"""Words before the mathematics that says itself what it is: `the equation x = 2`, `point A`, `the number 24`."""

OPPOSITES = tuple(
    frozenset(kind.split())
    for kind in (
        "more less fewer",
        "before after",
        "buy sell",
        "bought sold",
        "gain loss profit",
        "lost gained won",
        "increase decrease",
        "largest smallest",
        "atleast atmost exactly",
        "oldest youngest",
        "longest shortest",
        "earliest latest",
        "first last",
        "north south east west",
        "inside outside",
        "above below",
        "odd even",
        "sum product difference quotient",
        "positive negative",
        "ascending descending",
        "days hours minutes seconds weeks months years",
        "miles feet inches yards meters kilometers centimeters",
        "dollars cents",
        "median mean mode range average",
    )
)
"""Words of one kind of which one side has this and the other side that: never the same problem."""

TURNING_WORDS = CONTRARY_WORDS - STORY_WORDS - FILLER_WORDS
"""Contrary words that no telling of a story exchanges for others."""
