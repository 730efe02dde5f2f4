from dataclasses import asdict
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.balance import Borrowed, Interval, added_freedom, half_width
from pipeline.measure.plan import coding_plan, codings_needed, planned_half_width, residual_variance
from pipeline.store.session import open_session

sizes = st.lists(st.integers(5, 2000), min_size=1, max_size=2)
TODAY = date(2024, 6, 30)


@given(sizes, st.floats(0.05, 0.6), st.floats(0.05, 1))
def test_the_fewest_codings_that_reach_a_width(texts, width, variance):
    n = codings_needed(width, texts, variance)
    assert planned_half_width([min(n, t) for t in texts], texts, variance) <= width
    if n > 5:
        assert planned_half_width([min(n - 1, t) for t in texts], texts, variance) > width


def test_a_width_by_the_formula():
    # t(19) .975 = 2.093024
    assert planned_half_width([10], [100], 0.5) == pytest.approx(2.093024 * (0.9 * 0.5 / 10) ** 0.5, abs=1e-6)
    assert planned_half_width([50], [50], 1.0) == 0
    # a side of which every text is coded has no variance and adds no degrees of freedom, as in a gap: t(19)
    both = planned_half_width([10, 8], [100, 8], 0.5)
    assert both == pytest.approx(planned_half_width([10], [100], 0.5))
    a, b = (Interval(-1, 1, variance, n + 9, 10) for variance, n in ((0.045, 10), (0.0, 8)))
    assert both == pytest.approx(half_width(0.045, added_freedom(a, b)[0]))


def test_too_few_texts_can_not_be_planned():
    assert codings_needed(0.3, [4], 1.0) is None
    assert codings_needed(0.3, [400, 4], 1.0) is None
    with pytest.raises(ValueError, match="5 <= n <= N"):
        planned_half_width([4], [10], 1.0)


def test_the_largest_variance_stands_in_until_enough_is_coded():
    assert residual_variance(Borrowed()) == (1.0, "worst case")
    assert residual_variance(Borrowed(0.5, 0.3, 9)) == (1.0, "worst case")
    assert residual_variance(Borrowed(0.5, 0.3, 10)) == (0.3, "coded cells")


def test_the_plan_of_a_monitor(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        for group in "ab":
            for i in range(40):
                document = w.text(group, date(2024, 1, 1 + i % 28), 0.5 if i % 2 else -0.5, model=model)
                if group == "a" and i < 20:
                    w.coding(document, ("nationalist", "neither", "universalist")[i % 3])
        w.text("b", date(2024, 4, 2), 0.1, model=model)
        rows = coding_plan(session, monitor_of(), today=TODAY)
    by_key = {(r.group, r.against, r.label): r for r in rows}
    assert len(rows) == 6
    first = by_key["a", None, "2024-Q1"]
    assert (first.clusters, first.codings, first.basis) == (40, 20, "coded cells")
    assert first.half_width > 0
    assert first.for_30 <= first.for_20 <= first.for_15 <= first.for_10 <= 40
    assert by_key["b", None, "2024-Q1"].half_width is None
    assert by_key["b", None, "2024-Q2"].for_30 is None
    dyad = by_key["a", "b", "2024-Q1"]
    assert (dyad.clusters, dyad.codings, dyad.half_width) == (40, 0, None)
    assert dyad.for_20 > first.for_20
    assert asdict(dyad)["start"] == date(2024, 1, 1)


def test_the_plan_of_an_empty_store(settings, monitor_of):
    with open_session(settings) as session:
        assert coding_plan(session, monitor_of(), today=TODAY) == []
