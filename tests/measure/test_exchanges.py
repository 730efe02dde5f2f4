"""Answers and citations of two groups in one stretch, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline.measure import exchanges as module
from pipeline.measure.exchanges import ExchangeError, exchanges
from pipeline.measure.keeping import keep
from pipeline.measure.sensitivity import Stretch
from pipeline.store.kept import kept_sheet
from pipeline.store.session import open_session

START = date(2024, 3, 4)
STRETCH = Stretch(START, START + timedelta(weeks=8))
GROUPS = [{"id": "a", "name": "Heron League"}, {"id": "b", "name": "Maple Circle"}]


@pytest.fixture
def quarrel(store_settings, world, monitor_of):
    """Every week b writes on Monday, and a answers on Wednesday naming it and linking to the first of b's letters."""
    monitor = monitor_of(groups=GROUPS)
    with open_session(store_settings) as session:
        w = world(session)
        before = w.text("b", START - timedelta(weeks=3))
        long_ago = w.text("b", START - timedelta(weeks=40))
        for week in range(8):
            letter = w.text("b", START + timedelta(weeks=week))
            letter.text = f"Letter number {week} of this winter."
            answer = w.text("a", START + timedelta(weeks=week, days=2))
            answer.text = f"To the Maple Circle, in week {week}: see {before.address} and {long_ago.address} again."
        session.commit()
        ids = before.id, long_ago.id
    return store_settings, monitor, ids


def test_answers_are_timed_and_the_most_cited_text_is_named(quarrel):
    settings, monitor, (before, _) = quarrel
    with open_session(settings) as session:
        of_a, of_b = exchanges(session, monitor, "a", "b", STRETCH)
    assert (of_a.clusters, of_a.naming, of_a.triggers, of_a.answered) == (8, 8, 8, 8)
    assert of_a.reply_days == pytest.approx(2.0)
    assert of_a.usual_days > of_a.reply_days
    # a text of 40 weeks ago lies before all that is read
    assert [(text.document, text.by, text.links) for text in of_a.cited] == [(before, 8, 8)]
    assert (of_b.naming, of_b.answered, of_b.reply_days, of_b.cited) == (0, 0, None, ())


def test_what_lies_outside_of_the_stretch_is_no_part_of_it(quarrel):
    settings, monitor, _ = quarrel
    with open_session(settings) as session:
        of_a, _ = exchanges(session, monitor, "a", "b", Stretch(START, START + timedelta(weeks=2)))
    assert (of_a.clusters, of_a.triggers) == (2, 2)


def test_too_many_texts_and_none_are_said(quarrel, monkeypatch):
    settings, monitor, _ = quarrel
    with open_session(settings) as session:
        with pytest.raises(ExchangeError, match="no text lies in the stretch"):
            exchanges(session, monitor, "a", "b", Stretch(date(1999, 1, 1), date(1999, 2, 1)))
        monkeypatch.setattr(module, "MOST_TEXTS", 5)
        with pytest.raises(ExchangeError, match="more than 5 texts"):
            exchanges(session, monitor, "a", "b", STRETCH)


def test_a_sheet_that_cant_be_made_keeps_no_exchanges(quarrel):
    settings, monitor, _ = quarrel
    keep(settings, monitor)
    with open_session(settings) as session:
        assert kept_sheet(session, "m", "a", "b").sheet == {}
