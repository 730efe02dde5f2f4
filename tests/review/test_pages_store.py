"""The pages' own queries, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipeline.store.pages import document_detail, latest_cells, latest_gaps
from pipeline.store.session import open_session
from tests.review.filled import fill


@pytest.fixture
def store(store_settings, tmp_path):
    made = store_settings.model_copy(update={"monitors": tmp_path / "monitors"})
    return made, fill(made)


def test_the_queries_of_the_pages(store):
    settings, ids = store
    with open_session(settings) as session:
        cells = latest_cells(session, "harbour", ["heron", "maple"], "week", 10)
        assert [len(v) for v in cells.values()] == [10, 10]
        assert cells["heron"][-1].start == date(2025, 12, 29)
        assert cells["heron"][0].start < cells["heron"][1].start
        since = latest_cells(session, "harbour", ["heron"], "quarter", 10, date(2025, 7, 1))
        assert [c.start for c in since["heron"]] == [date(2025, 7, 1), date(2025, 10, 1)]

        gaps = latest_gaps(session, "harbour", "heron", "maple", "quarter", 3)
        assert [g.start for g in gaps] == [date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1)]
        assert latest_gaps(session, "harbour", "maple", "heron", "quarter", 3) == []

        found = document_detail(session, "harbour", ids["heron-ar"])
        assert found is not None
        assert found.counts
        assert [m.id for m in found.members] == [ids["repost"]]
        assert [c.coder for c in found.codings] == ["second coder", "first coder"]
        assert [(f.model, f.in_force, f.stale) for f in found.framings] == [("framing-2026-01-01", True, False)]
        assert found.capture is not None

        repost = document_detail(session, "harbour", ids["repost"])
        assert repost is not None
        assert not repost.counts
        assert [m.counts for m in repost.members] == [True]
        assert len(repost.codings) == 2
        assert document_detail(session, "nobody", ids["repost"]) is None


def test_a_framing_of_an_older_text_is_stale(store):
    settings, ids = store
    with open_session(settings) as session:
        found = document_detail(session, "harbour", ids["heron-en"])
        found.document.text_digest = "f" * 64
        found.document.updated_at = datetime(2026, 2, 1, tzinfo=UTC)
        session.commit()
        again = document_detail(session, "harbour", ids["heron-en"])
        assert [f.stale for f in again.framings] == [True]
