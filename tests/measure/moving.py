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
    rng = np.random.default_rng(7)
    collected = datetime(2021, 9, 1, tzinfo=UTC)
    documents, framings = [], []
    with open_session(settings) as session:
        model = world(session).model()
        for week in range(WEEKS):
            for group in "ab":
                level = 0.6 if group == "a" and week >= SHIFTED else 0.0
                for _ in range(4):
                    f = float(np.clip(rng.normal(level, 0.3), -1, 1))
                    day = FIRST + timedelta(days=7 * week + int(rng.integers(7)))
                    number = len(documents) + 1
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
                            "document_id": number, "model_id": model.id, "text_digest": f"{number:064d}",
                            "featuriser": "test", "p_first": (1 + f) / 2, "p_second": (1 - f) / 2,
                            "label": "neither", "scored_at": collected,
                        }
                    )  # fmt: skip
        session.execute(insert(Document), documents)
        session.execute(insert(Framing), framings)
        session.commit()
