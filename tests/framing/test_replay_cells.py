from collections import defaultdict
from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.framing.replay_cells import Scored, cells
from pipeline.monitor.periods import period_of

texts = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "ba"]), st.dates(date(2019, 12, 20), date(2020, 2, 10)), st.floats(-1, 1, width=32)
    ),
    max_size=40,
)


@given(texts, st.sampled_from(["week", "month"]))
def test_cells_are_the_plain_sums(rows, unit):
    group, day, balance = zip(*rows, strict=True) if rows else ((), (), ())
    made = cells(
        Scored(
            np.array(group, dtype=str),
            np.array(day, dtype="datetime64[D]"),
            np.arange(len(rows)),
            np.array(balance, dtype=float),
            0,
        ),
        unit,
    )
    expected = defaultdict(list)
    for name, one, f in rows:
        expected[name, period_of(unit, one).start].append(f)
    assert [(cell["group_id"], cell["start"]) for cell in made] == sorted(expected)
    for cell in made:
        fs = expected[cell["group_id"], cell["start"]]
        assert cell["texts"] == len(fs)
        assert abs(cell["mean"] - sum(fs) / len(fs)) < 1e-12
        if len(fs) == 1:
            assert cell["variance"] is None
        else:
            spread = sum((f - cell["mean"]) ** 2 for f in fs) / (len(fs) - 1)
            assert abs(cell["variance"] - spread) < 1e-12


def test_a_text_on_the_last_day_of_a_week_is_of_that_week():
    monday = date(2020, 1, 6)
    days = [monday - timedelta(days=1), monday, monday + timedelta(days=6), monday + timedelta(days=7)]
    scored = Scored(np.array(["a"] * 4), np.array(days, dtype="datetime64[D]"), np.arange(4), np.zeros(4), 0)
    assert [(cell["start"].day, cell["texts"]) for cell in cells(scored, "week")] == [(30, 1), (6, 2), (13, 1)]
