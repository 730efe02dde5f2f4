"""Texts of a monitor in the store, ready to be drawn: written directly, with framings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Document, Framing, Model, Promotion

COLLECTED = datetime(2024, 9, 1, tzinfo=UTC)
SUBJECTS = ("rain and grain in the valley", "ships and fish at the port", "books and teachers of the school")


def add_model(settings: Settings, variable: str = "framing") -> int:
    """A model in force; returns its id."""
    with open_session(settings) as session:
        model = Model(
            variable=variable, name=f"{variable}-1", sha256="0" * 64, trained_at=COLLECTED, training_balance=0
        )
        session.add(model)
        session.flush()
        session.add(Promotion(variable=variable, model_id=model.id, promoted_at=COLLECTED, comment="test"))
        session.commit()
        return model.id


def add_texts(
    settings: Settings,
    number: int,
    *,
    group: str = "a",
    start: date = date(2024, 1, 1),
    days: int = 90,
    language: str = "en",
    words: Sequence[str] = SUBJECTS,
    model: int | None = None,
    target: str = "",
    collected: datetime = COLLECTED,
    prefix: str = "t",
    speaker: str = "own",
    copies: int = 0,
) -> list[int]:
    """``number`` clusters of a group, spread over ``days``; returns the ids of the documents that stand for them."""
    rng = np.random.default_rng(number)
    with open_session(settings) as session:
        clusters = [Cluster(monitor="m") for _ in range(number)]
        session.add_all(clusters)
        session.flush()
        documents = []
        for i, cluster in enumerate(clusters):
            for copy in range(copies + 1):
                day = start + timedelta(days=i * days // number)
                documents.append(
                    Document(
                        monitor="m",
                        source="s",
                        group_id=group,
                        speaker=speaker,
                        address=f"http://x.example/{prefix}/{group}/{i}/{copy}",
                        title=f"Title {i}",
                        text=f"{words[i % len(words)]}, number {i} {prefix}",
                        text_digest=f"{prefix}{i:060d}"[-64:],
                        language=language,
                        published_at=datetime.combine(day, time(9), tzinfo=UTC),
                        collected_at=collected,
                        updated_at=collected,
                        extractor="test",
                        cluster_id=cluster.id,
                    )
                )
        session.add_all(documents)
        session.flush()
        firsts = documents[:: copies + 1]
        for cluster, first in zip(clusters, firsts, strict=True):
            cluster.first_document_id = first.id
        if model is not None:
            session.add_all(
                Framing(
                    document_id=one.id,
                    model_id=model,
                    target=target,
                    text_digest=one.text_digest,
                    featuriser="test",
                    p_first=float(p),
                    p_second=float(1 - p),
                    label="neither",
                    scored_at=COLLECTED,
                )
                for one, p in zip(firsts, rng.random(number), strict=True)
            )
        session.commit()
        return [one.id for one in firsts]
