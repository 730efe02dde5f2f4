"""A store of texts and codings alone, quickly made, for tests that change it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Model, Promotion
from tests.review import filled, filling_label


def fill_small(settings: Settings, texts: int = 12) -> dict[str, int]:
    """A store of texts and what ``filling_label`` adds, an open queue of so many; returns ids as ``filled.fill``."""
    Path(settings.monitors).mkdir(parents=True, exist_ok=True)
    (Path(settings.monitors) / "harbour.yaml").write_text(filled.MONITOR, encoding="utf-8")
    ids: dict[str, int] = {}
    with open_session(settings) as session:
        session.add(
            Model(
                id=1,
                variable="framing",
                name="m",
                sha256="0" * 64,
                trained_at=filling_label.EARLIER,
                training_balance=0.0,
            )
        )
        session.flush()
        session.add(Promotion(variable="framing", model_id=1, promoted_at=filling_label.EARLIER, comment="first"))
        for group, pool in filled.TEXTS.items():
            for number in range(30):
                language, title, text = pool[number % len(pool)]
                day = datetime(2025, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=number)
                made = filled._document(session, group, number, day, language, title, f"{text}\n\n{number + 1}.")
                ids.setdefault(f"{group}-{language}", made.id)
        filling_label.add(session, ids, texts)
        session.commit()
    return ids
