"""Topics are the source's own tags, and nothing else."""

import json
from typing import Any

import polars as pl
import pytest

from pipeline.publish.curriculum.topics import LONGEST, find_topic, tag_topics


@pytest.mark.parametrize(
    ("extra", "topic"),
    [
        ({"type": "Number Theory", "level": "Level 5"}, "Number Theory"),
        ({"subject": "Intermediate  Algebra\n"}, "Intermediate Algebra"),
        ({"topic": "Mathematics -> Algebra -> Polynomials"}, "Mathematics -> Algebra -> Polynomials"),
        ({"tags": ["dp", "greedy"]}, "dp, greedy"),
        ({"tags": '["dp", "greedy"]'}, "dp, greedy"),
        ({"domain": ["Mathematics -> Geometry"]}, "Mathematics -> Geometry"),
        ({"source_dataset": "chain_sum"}, "chain_sum"),
        ({"metadata": {"category": "geometry"}}, "geometry"),
        ({"type": "math", "problem_type": "Algebra"}, "Algebra"),
        ({"type": "stdin_stdout"}, None),
        ({"tags": []}, None),
        ({"tags": [1, 2]}, None),
        ({"topic": "x" * (LONGEST + 1)}, None),
        ({"type": 3}, None),
        ({}, None),
    ],
)
def test_a_tag_is_read_where_sets_keep_it(extra: dict[str, Any], topic: str | None) -> None:
    assert find_topic(json.dumps(extra)) == topic


@pytest.mark.parametrize("extra", [None, "", "no JSON", "[1]", '"text"'])
def test_what_holds_no_columns_has_no_topic(extra: str | None) -> None:
    assert tag_topics(pl.Series([extra], dtype=pl.String)).to_list() == [None]
