"""A small world in the store: texts, framings and codings put there directly."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any

import pytest
from sqlalchemy.orm import Session

from pipeline.monitor import Monitor
from pipeline.store.tables import Cluster, Coding, Document, Framing, Model, Promotion

COLLECTED = datetime(2024, 12, 31, 12, tzinfo=UTC)
CLOSED_LIST = datetime(1970, 1, 1, tzinfo=UTC)
RATES = {
    head: {"prior": 0.4, "mean_positive": 0.8, "mean_negative": 0.2, "tpr": 0.9, "fpr": 0.1}
    for head in ("nationalist", "universalist")
}


class World:
    """Adds rows of one monitor; every call flushes, none commits."""

    def __init__(self, session: Session, monitor: str = "m") -> None:
        self.session, self.monitor = session, monitor
        self._number = count(1)

    def model(self, confusion: dict[str, Any] | None = None) -> Model:
        model = Model(
            variable="framing",
            name=f"model-{next(self._number)}",
            sha256="0" * 64,
            trained_at=COLLECTED,
            training_balance=0.1,
            confusion=RATES if confusion is None else confusion,
        )
        self._keep(model)
        self._keep(Promotion(variable="framing", model_id=model.id, promoted_at=COLLECTED, comment="test"))
        return model

    def text(
        self,
        group: str,
        day: date | None,
        f: float | None = None,
        *,
        model: Model | None = None,
        source: str | None = None,
        speaker: str = "own",
        cluster: Cluster | None = None,
        collected: datetime = COLLECTED,
    ) -> Document:
        """A text; ``f``: the model's balance of it (None: not framed)."""
        number = next(self._number)
        digest = f"{number:064d}"
        document = Document(
            monitor=self.monitor,
            source=source or f"{group}-site",
            group_id=group,
            speaker=speaker,
            address=f"https://example.org/{number}",
            title=f"Title {number}",
            text=f"Text number {number}. " * 20,
            text_digest=digest,
            published_at=datetime.combine(day, time(9), tzinfo=UTC) if day else None,
            collected_at=collected,
            updated_at=collected,
            extractor="test",
        )
        own = cluster or Cluster(monitor=self.monitor)
        self._keep(own)
        document.cluster_id = own.id
        self._keep(document)
        if cluster is None:
            own.first_document_id = document.id
        if f is not None and model is not None:
            self._keep(
                Framing(
                    document_id=document.id,
                    model_id=model.id,
                    text_digest=digest,
                    featuriser="test",
                    p_first=(1 + f) / 2,
                    p_second=(1 - f) / 2,
                    label="neither",
                    scored_at=COLLECTED,
                )
            )
        return document

    def coding(
        self,
        document: Document,
        value: str,
        *,
        coder: str = "one",
        probability: float | None = 0.5,
        draw: str = "random",
        drawn_at: datetime = CLOSED_LIST,
        matched: bool = True,
    ) -> None:
        self._keep(
            Coding(
                monitor=self.monitor,
                address=document.address,
                document_id=document.id if matched else None,
                variable="framing",
                value=value,
                codebook_version=1,
                coder=coder,
                coded_at=COLLECTED,
                draw=draw,
                probability=probability,
                drawn_at=drawn_at,
            )
        )

    def _keep(self, row: Any) -> None:
        self.session.add(row)
        self.session.flush()


@pytest.fixture
def world():
    """Makes a :class:`World` in a session."""
    return World


def make_monitor(**changes: Any) -> Monitor:
    """Two groups with a site each, and a dyad."""
    plain: dict[str, Any] = {
        "name": "m",
        "title": "Test",
        "groups": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
        "sources": [
            {
                "id": f"{group}-site",
                "group": group,
                "speaker": "own",
                "kind": "feed",
                "addresses": ["https://example.org/feed"],
            }
            for group in "ab"
        ],
        "dyads": [["a", "b"]],
    }
    return Monitor.model_validate(plain | changes)


@pytest.fixture
def monitor_of():
    """Makes a monitor with some fields changed."""
    return make_monitor
