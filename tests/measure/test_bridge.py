from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from sqlalchemy import func, select

from pipeline.measure.bridge import change, on_the_same_texts
from pipeline.measure.job import measure
from pipeline.store.bridges import BRIDGE_COLUMNS, bridges
from pipeline.store.cells import own_texts
from pipeline.store.session import open_session
from pipeline.store.tables import Bridge, Framing, Promotion, Published

LATER = datetime(2025, 1, 1, tzinfo=UTC)


def _change(f, g, y, lams=(1.0, 1.0), pi=None, late=None):
    pi = np.where(np.isnan(y), np.nan, 0.5) if pi is None else pi
    late = np.zeros(len(f), dtype=bool) if late is None else late
    return change(np.asarray(f), np.asarray(g), np.asarray(y), lams, pi=pi, late=late)


def test_the_formula_by_hand():
    f, g = np.array([0.5, 0.1, -0.3, 0.2, 0.0]), np.array([0.4, 0.3, -0.1, 0.2, 0.5])
    y = np.array([1.0, 0.0, -1.0, np.nan, np.nan])
    made = _change(f, g, y, (0.8, 0.5))
    d = (0.8 * f - 0.5 * g)[:3]
    assert made.delta == pytest.approx(0.5 * g.mean() - 0.8 * f.mean() + d.mean())
    assert made.variance == pytest.approx((1 - 3 / 5) * d.var(ddof=1) / 3)
    half = student.ppf(0.975, 2) * np.sqrt(made.variance)
    assert (made.low, made.high) == (pytest.approx(made.delta - half), pytest.approx(made.delta + half))
    assert made.new - made.old == pytest.approx(made.delta)
    assert made.old == pytest.approx(0.8 * f.mean() + (y[:3] - 0.8 * f[:3]).mean())


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=30),
    st.floats(0, 1),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_two_models_that_say_the_same_give_exactly_nothing(f, lam, equal, seed):
    random = np.random.default_rng(seed)
    y = random.choice([-1.0, 0.0, 1.0], len(f))
    y[2:] = np.where(random.random(len(f) - 2) < 0.5, np.nan, y[2:])
    pi = None if equal else np.where(np.isnan(y), np.nan, random.uniform(0.1, 1, len(f)))
    made = _change(f, f, y, (lam, lam), pi=pi)
    assert (made.delta, made.variance, made.low, made.high) == (0, 0, 0, 0)
    assert made.old == made.new


@pytest.mark.parametrize("pi", [None, np.array([0.2, 0.4, np.nan, np.nan])], ids=["equal draws", "unequal draws"])
def test_differences_that_are_alike_in_the_coded_texts_only_give_no_interval_of_width_0(pi):
    f, g = np.array([0.5, 0.5, 0.1, -0.3]), np.array([0.4, 0.4, 0.4, 0.2])
    made = _change(f, g, np.array([1.0, 0.0, np.nan, np.nan]), pi=pi)
    assert (made.delta, made.variance, made.low) == (None, None, None)
    assert (made.old, made.new) == (pytest.approx(f.mean()), pytest.approx(g.mean()))
    assert "alike in all coded texts" in made.missing


@pytest.mark.parametrize("equal", [True, False], ids=["equal draws", "unequal draws"])
def test_the_interval_covers(equal):
    """Drawn at random again and again from one cell: the two corrected balances differ by chance alone."""
    random = np.random.default_rng(20090919)
    size, runs = 300, 1500
    truth = random.choice([-1.0, 0.0, 1.0], size, p=[0.2, 0.5, 0.3])
    f = np.clip(0.5 * truth + random.normal(0.1, 0.3, size), -1, 1)
    g = np.clip(0.7 * truth + random.normal(-0.1, 0.3, size), -1, 1)
    chances = np.full(size, 0.1) if equal else random.uniform(0.05, 0.25, size)
    covered = deltas = 0.0
    for _ in range(runs):
        if equal:
            drawn = np.zeros(size, dtype=bool)
            drawn[random.choice(size, 30, replace=False)] = True
        else:
            drawn = random.random(size) < chances
        y = np.where(drawn, truth, np.nan)
        made = _change(f, g, y, (0.6, 0.8), pi=np.where(drawn, chances, np.nan))
        covered += made.low <= 0 <= made.high
        deltas += made.delta
    assert 0.93 <= covered / runs <= 0.97
    assert abs(deltas / runs) < 0.005


def test_too_few_codings_and_texts_that_came_late_are_said_and_the_plain_means_stand():
    f, g = np.array([0.5, 0.1, 0.3]), np.array([0.4, 0.3, 0.2])
    one = _change(f, g, [1.0, np.nan, np.nan])
    assert (one.delta, one.low) == (None, None)
    assert (one.old, one.new) == (pytest.approx(0.3), pytest.approx(0.3))
    assert one.missing == "1 random codings of texts that both models scored, 2 are needed; the plain means stand"
    assert change(*[np.empty(0)] * 3, (1.0, 1.0), pi=np.empty(0), late=np.empty(0, dtype=bool)).missing
    late = np.array([False, False, True])
    assert _change(f, g, [1.0, 0.0, np.nan], late=late).delta == 0  # of the two that could be drawn both are coded
    assert _change(f, g, [np.nan, 0.0, 1.0], late=late).missing.startswith("1 random codings")


def _fill(world, monitor_of, session, *, second):
    """Two groups, a quarter, 12 texts each of which 6 are coded; scored by an old model and by ``second`` of it."""
    w = world(session)
    old = w.model()
    texts = {}
    for group in "ab":
        for i in range(12):
            f = (i % 5 - 2) / 4
            document = w.text(group, date(2024, 2, 1) + timedelta(days=i), f, model=old)
            texts[document.id] = f
            if i < 6:
                w.coding(document, "nationalist" if f > 0 else "universalist" if f < 0 else "neither")
    new = w.model()
    promotion = session.scalars(select(Promotion).where(Promotion.model_id == new.id)).one()
    promotion.previous_id = old.id
    for document_id, f in texts.items():
        if (g := second(document_id, f)) is not None:
            row = session.get_one(Framing, (document_id, old.id, ""))
            copy = {c.name: getattr(row, c.name) for c in Framing.__table__.columns}
            session.add(Framing(**copy | {"model_id": new.id, "p_first": (1 + g) / 2, "p_second": (1 - g) / 2}))
    session.commit()
    return monitor_of(periods=["quarter"]), old, new


def test_measuring_writes_the_bridge_of_the_last_promotion_and_again_changes_nothing(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        monitor, old, new = _fill(world, monitor_of, session, second=lambda i, f: 0.5 * f + 0.1 * (i % 3))
        names = old.name, new.name
    measure(store_settings, monitor, now=datetime(2024, 3, 31, tzinfo=UTC))
    with open_session(store_settings) as session:
        first = bridges(session, "m", "framing")
        vintage = session.scalar(select(func.count()).select_from(Published))
    assert [[f.name for f in fields(row)] for row in first] == [list(BRIDGE_COLUMNS)] * 2
    for row in first:
        assert (row.start, row.clusters, row.codings) == (date(2024, 1, 1), 12, 6)
        assert row.low < row.delta < row.high
        assert row.new - row.old == pytest.approx(row.delta)
        assert (row.old_model, row.new_model) == names
    measure(store_settings, monitor, now=datetime(2024, 3, 31, tzinfo=UTC))
    with open_session(store_settings) as session:
        again = bridges(session, "m", "framing")
        assert session.scalar(select(func.count()).select_from(Bridge)) == 2
        assert session.scalar(select(func.count()).select_from(Published)) == vintage
        assert bridges(session, "m", "framing", new=names[1]) == again
        assert bridges(session, "m", "framing", new=names[0]) == bridges(session, "other", "framing") == []
    assert [row.delta for row in again] == [row.delta for row in first]


def test_only_texts_that_both_models_scored_are_in_it(settings, world, monitor_of):
    with open_session(settings) as session:
        monitor, old, new = _fill(world, monitor_of, session, second=lambda i, f: f if i % 4 else None)
        both = on_the_same_texts(own_texts(session, "m", old.id), own_texts(session, "m", new.id))
        assert [np.isnan(t.p_nationalist).sum() for t in both] == [6, 6]
    measure(settings, monitor, now=datetime(2024, 3, 31, tzinfo=UTC))
    with open_session(settings) as session:
        rows = bridges(session, "m", "framing")
    assert [row.clusters for row in rows] == [9, 9]
    assert [row.delta for row in rows] == [0, 0]


@pytest.mark.parametrize("why", ["first model", "not scored yet", "old one scored nothing"])
def test_no_bridge_where_there_is_nothing_to_compare(settings, world, monitor_of, why):
    with open_session(settings) as session:
        monitor, old, _ = _fill(world, monitor_of, session, second=lambda i, f: None)
        if why == "first model":
            for row in session.scalars(select(Promotion)):
                row.previous_id = None
        if why == "old one scored nothing":
            for row in session.scalars(select(Framing).where(Framing.model_id == old.id)):
                session.delete(row)
        session.commit()
    measure(settings, monitor, now=datetime(2024, 3, 31, tzinfo=UTC))
    with open_session(settings) as session:
        rows = bridges(session, "m", "framing")
    assert [row.missing for row in rows] == ["no text was scored by both models"] * 2 * (why == "not scored yet")
