"""A prefix of the ordered tests catches as much as greedy cover can."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.code_tests.minimise import measure_kill, order_tests

CATCHES = st.lists(st.frozensets(st.integers(0, 5), max_size=4), min_size=1, max_size=10)


@given(CATCHES)
def test_every_test_stays_exactly_once(catches: list[frozenset[int]]) -> None:
    tests = list(range(len(catches)))
    assert sorted(order_tests(catches, tests)) == tests


@given(CATCHES)
def test_the_first_tests_catch_all_that_can_be_caught(catches: list[frozenset[int]]) -> None:
    tests = list(range(len(catches)))
    ordered = order_tests(catches, tests)
    everyone = frozenset[int]().union(*catches)
    programs = sorted(everyone)
    enough = ordered[: max(1, len(everyone))]
    assert measure_kill(catches, enough, programs) == (1.0 if programs else None)
    assert len(catches[ordered[0]]) == max(map(len, catches))
