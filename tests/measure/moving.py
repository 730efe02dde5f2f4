"""A store in which one group moves: 90 weeks of two groups, written in bulk."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from sqlalchemy import insert

from pipeline.store.session import open_session
from pipeline.store.tables import Document, Framing

FIRST = date(2020, 1, 6)
WEEKS = 90
SHIFTED = 60
"""week in which group a moves"""
NOW = datetime(2021, 9, 28, tzinfo=UTC)
WEEKLY = {"periods": ["week", "quarter"]}


def fill(settings, world):
    """Two groups, four texts a week each; a's model balance rises by .6 in week SHIFTED."""
    with open_session(settings) as session:
        _write(session, world(session).model().id, 0, [0.0] * SHIFTED + [0.6] * (WEEKS - SHIFTED))
        session.commit()


def go_on(settings, levels):
    """More weeks after those there are, one for each of the levels of a; returns the day after them."""
    with open_session(settings) as session:
        known = session.query(Document).count()
        first = known // 8
        _write(session, session.query(Framing).first().model_id, first, levels, known)
        session.commit()
    return datetime.combine(FIRST + timedelta(weeks=first + len(levels)), time(1), tzinfo=UTC)


def _write(session, model, first, levels, known=0):
    rng = np.random.default_rng(7 + first)
    collected = datetime(2021, 9, 1, tzinfo=UTC)
    documents, framings = [], []
    for week, of_a in enumerate(levels, first):
        for group in "ab":
            level = of_a if group == "a" else 0.0
            for _ in range(4):
                f = float(np.clip(rng.normal(level, 0.3), -1, 1))
                day = FIRST + timedelta(days=7 * week + int(rng.integers(7)))
                number = known + len(documents) + 1
                documents.append(
                    {
                        "id": number, "monitor": "m", "source": f"{group}-site", "group_id": group,
                        "speaker": "own", "address": f"https://example.org/{number}", "title": None,
                        "text": f"Text {number}", "text_digest": f"{number:064d}", "extractor": "test",
                        "published_at": datetime.combine(day, time(9), tzinfo=UTC),
                        "collected_at": collected, "updated_at": collected,
                    }
                )  # fmt: skip
                framings.append(
                    {
                        "document_id": number, "model_id": model, "text_digest": f"{number:064d}",
                        "featuriser": "test", "p_first": (1 + f) / 2, "p_second": (1 - f) / 2,
                        "label": "neither", "scored_at": collected,
                    }
                )  # fmt: skip
    session.execute(insert(Document), documents)
    session.execute(insert(Framing), framings)
