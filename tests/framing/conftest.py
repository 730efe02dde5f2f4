from datetime import UTC, datetime

import pytest

from classifiers.codebook import codebooks
from classifiers.starter import load_starter
from pipeline.framing import starter as starter_module
from pipeline.monitor import Monitor
from pipeline.store.session import open_session
from pipeline.store.tables import Document

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def monitor() -> Monitor:
    return Monitor.model_validate(
        {
            "name": "m",
            "title": "A monitor",
            "groups": [
                {"id": "a", "name": "Aurin Front", "aliases": {"en": ["the Front"], "ar": ["جبهة أورين"]}},
                {"id": "b", "name": "Belt League"},
            ],
            "sources": [
                {"id": "s", "kind": "feed", "group": "a", "speaker": "own", "addresses": ["http://127.0.0.1:1/feed"]}
            ],
        }
    )


@pytest.fixture
def short_starter(monkeypatch):
    """Fewer starter codings: what is tested is the way to the model, not the model."""
    short = {book.variable: [c for c in load_starter(book) if c.lang == "en"][:120] for book in codebooks()}
    monkeypatch.setattr(starter_module, "load_starter", lambda book: short[book.variable])
    return short["framing"]


@pytest.fixture
def add_documents():
    """Writes texts as documents of the monitor; returns their ids."""

    def add(settings, texts, *, monitor="m", language="en", prefix="http://x.example/"):
        with open_session(settings) as session:
            rows = [
                Document(
                    monitor=monitor,
                    source="s",
                    group_id="a",
                    speaker="own",
                    address=f"{prefix}{i}",
                    text=text,
                    text_digest=f"{hash(text) & 0xFFFFFFFF:x}",
                    language=language,
                    published_at=NOW,
                    collected_at=NOW,
                    updated_at=NOW,
                    extractor="test",
                )
                for i, text in enumerate(texts)
            ]
            session.add_all(rows)
            session.commit()
            return [row.id for row in rows]

    return add
