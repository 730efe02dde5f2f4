from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from classifiers.codebook import CodebookError
from pipeline.framing.settling import SettleError, settle
from pipeline.measure.job import measure
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, TrendCell
from tests.measure.conftest import World, make_monitor

DRAWN = datetime(2024, 3, 1, 0, 0, 0, 7, tzinfo=UTC)
MONITOR = make_monitor()


@pytest.fixture
def session(settings):
    with open_session(settings) as opened:
        yield opened


@pytest.fixture
def world(session):
    return World(session)


def _codings(session):
    return session.scalars(select(Coding).order_by(Coding.id)).all()


def test_the_third_coding_is_drawn_as_the_two_that_stay(session, world):
    text = world.text("a", date(2024, 1, 10))
    world.coding(text, "both", coder="one", draw="active", probability=None, drawn_at=DRAWN - timedelta(days=1))
    world.coding(text, "nationalist", coder="two", probability=0.25, drawn_at=DRAWN)
    settled = settle(session, MONITOR, text.address, "nationalist", coder="three", variable="framing", note="rule both")
    assert settled.values == {"one": "both", "two": "nationalist"}
    one, two, third = _codings(session)
    assert (one.value, two.value, one.settles, two.settles) == ("both", "nationalist", False, False)
    assert (third.value, third.settles, third.origin, third.note) == ("nationalist", True, "human", "rule both")
    assert (third.draw, third.probability, third.drawn_at) == ("random", 0.25, DRAWN)
    settle(session, MONITOR, text.address, "both", coder="three", variable="framing")
    session.expire_all()
    assert [(c.coder, c.value) for c in _codings(session)] == [
        ("one", "both"),
        ("two", "nationalist"),
        ("three", "both"),
    ]


def test_a_repost_is_the_same_text(session, world):
    first = world.text("a", date(2024, 1, 10))
    repost = world.text("a", date(2024, 1, 11), cluster=session.get(Cluster, first.cluster_id))
    world.coding(first, "both", coder="one")
    world.coding(repost, "neither", coder="two")
    settled = settle(session, MONITOR, repost.address, "neither", coder="three", variable="framing")
    assert settled.address == first.address


@pytest.mark.parametrize(
    ("said", "changes", "match"),
    [
        ([], {}, "nobody has coded .*: there is nothing to settle"),
        ([("one", "both")], {}, "coded by one alone: a second coder has to disagree"),
        ([("one", "both"), ("two", "both")], {}, "agree on both: there is nothing to settle"),
        ([("one", "both"), ("two", "neither")], {"coder": "two"}, "two is one of those who disagree"),
        ([("one", "both"), ("two", "neither")], {"value": "maybe"}, "unknown value 'maybe'; write one of nationalist"),
        ([("one", "both"), ("two", "neither")], {"target": "a"}, "framing is not coded towards a group"),
        ([("one", "both"), ("two", "neither")], {"address": "nowhere"}, "no web address"),
        ([("one", "both"), ("two", "neither")], {"variable": "criticism"}, "criticism is coded towards a group"),
        ([("one", "both"), ("two", "neither")], {"coder": "c" * 61}, "coder is longer"),
    ],
)
def test_what_is_no_disagreement_is_refused_in_words(session, world, said, changes, match):
    text = world.text("a", date(2024, 1, 10))
    for coder, value in said:
        world.coding(text, value, coder=coder)
    given = {"address": text.address, "value": "both", "coder": "three", "variable": "framing"} | changes
    with pytest.raises(SettleError, match=match):
        settle(session, MONITOR, **given)
    assert len(_codings(session)) == len(said)


def test_an_unknown_variable_is_named(session):
    with pytest.raises(CodebookError, match="unknown variable 'mood'"):
        settle(session, MONITOR, "http://x.example/1", "both", coder="three", variable="mood")


def test_it_counts_in_place_of_the_others_where_they_are_measured(settings, session, world):
    """Eight texts: coder one says nationalist of all, two universalist of all; settled, all are nationalist."""
    model = world.model()
    texts = [world.text("a", date(2024, 1, 10 + n), f=0.1 * n, model=model) for n in range(8)]
    for text in texts:
        world.coding(text, "nationalist", coder="one", probability=1.0)
        world.coding(text, "universalist", coder="two", probability=1.0)
    session.commit()

    def balance() -> float:
        measure(settings, MONITOR)
        session.expire_all()
        cell = session.scalars(
            select(TrendCell).where(TrendCell.group_id == "a", TrendCell.period == "quarter", TrendCell.codings > 0)
        ).one()
        assert cell.codings == 8
        return cell.balance

    assert balance() == pytest.approx(0)
    for text in texts:
        settle(session, MONITOR, text.address, "nationalist", coder="three", variable="framing")
    session.commit()
    assert balance() == pytest.approx(1)
