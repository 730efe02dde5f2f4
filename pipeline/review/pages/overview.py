"""The overview: every monitor, its dyads as cards, what is new, and what needs somebody."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from pipeline.review import dyads
from pipeline.review.asked import settings_of
from pipeline.review.html import page
from pipeline.review.monitors import watched
from pipeline.review.news import expected_false_alarms
from pipeline.review.overviews import DUE_SHOWN, NEWS_SHOWN, overviews_of
from pipeline.review.sparks import spark
from pipeline.store.session import open_session

router = APIRouter()


@router.get("/ui/")
def overview(request: Request) -> Response:
    """Every monitor. What is new is marked in the browser, which alone knows when its reader was last here."""
    settings = settings_of(request)
    known = watched(settings)
    now = datetime.now(UTC)
    with open_session(settings) as session:
        shown = overviews_of(session, known.monitors, now)
    sparks = {
        (one.monitor.name, card.dyad.id): spark(dyads.gap_series(f"Gap of {card.a} and {card.b}", card.gaps))
        for one in shown
        for card in one.cards
        if card.known
    }
    pairs = sum(len(one.cards) for one in shown)
    return page(
        request,
        "overview.html",
        shown=shown,
        sparks=sparks,
        problems=known.problems,
        monitor=None,
        now=now,
        finds={
            one.monitor.name: [[at.isoformat(timespec="seconds"), new] for at, new in one.finds.runs] for one in shown
        },
        pairs=pairs,
        false_alarms=expected_false_alarms(pairs),
        due_shown=DUE_SHOWN,
        news_shown=NEWS_SHOWN,
        label_of=dyads.label_of,
        three=dyads.THREE_SENTENCES,
    )
