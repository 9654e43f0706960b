"""The topic of a problem, as its source tags it: no classifier of ours guesses one."""

import json
from typing import Any

import polars as pl

TOPIC_KEYS = (
    "topic",
    "topics",
    "subject",
    "subjects",
    "category",
    "categories",
    "problem_type",
    "type",
    "domain",
    "tags",
    "skill_types",
    "source_dataset",
)
"""What sets call it: DeepMath and AceReason `topic`, MATH `type` and `subject`, NuminaMath `problem_type`, Omni-MATH
`domain`, Codeforces, TACO and APPS `tags`, reasoning_gym's task `source_dataset`. The first that is there counts.
"""
INSIDE = ("metadata", "extra_info", "info")
"""Objects in which sets keep such columns."""
LONGEST = 120
"""Characters of a tag; what is longer is a text of another kind."""
NO_TOPIC = frozenset({"math", "code", "mathematics", "coding", "stdin", "stdin_stdout", "function", "unknown", "none"})
"""Values of those columns that say the domain or the form, and no topic."""


def tag_topics(extra: pl.Series) -> pl.Series:
    """The topic of each problem from its `extra`, null where the source has none."""
    return pl.Series("topic", [find_topic(text) for text in extra], pl.String)


def find_topic(extra: str | None) -> str | None:
    """`Algebra` of `{"type": "Algebra"}`; several tags with commas between, in the source's order."""
    try:
        columns = json.loads(extra) if extra else None
    except ValueError:
        return None
    if not isinstance(columns, dict):
        return None
    for place in (columns, *(columns.get(name) for name in INSIDE)):
        if isinstance(place, dict):
            for key in TOPIC_KEYS:
                if (tag := _read_tag(place.get(key))) is not None:
                    return tag
    return None


def _read_tag(value: Any) -> str | None:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    tags = value if isinstance(value, list) else [value]
    if not tags or not all(isinstance(tag, str) for tag in tags):
        return None
    topic = ", ".join(" ".join(tag.split()) for tag in tags if tag.strip())
    return topic if topic and len(topic) <= LONGEST and topic.lower() not in NO_TOPIC else None
