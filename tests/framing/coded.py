"""Texts in the store that people have coded: enough of them to train on, and a random sample to be judged by."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document

FIRST = datetime(2024, 1, 2, tzinfo=UTC)
WORDS = {
    "nationalist": "flag border soil river ancestors homeland valley fields outsiders sovereign village harvest",
    "universalist": "mankind believers everywhere oceans brotherhood worldwide nations equal faith humanity stars",
    "both": "flag border soil mankind believers everywhere homeland brotherhood river oceans valley worldwide",
    "neither": "market weather bridge repaired tuesday office hours lamp paper tram bakery ticket",
}


def text_of(value: str, number: int) -> str:
    """A text that speaks for a value; every number another."""
    chosen = random.Random(f"{value} {number}").choices(WORDS[value].split(), k=25)  # noqa: S311 (no secret)
    return f"Text {number}: {' '.join(chosen)}."


def add_coded(
    settings: Settings,
    number: int,
    draw: str,
    *,
    monitor: str = "m",
    first: int = 0,
    variable: str = "framing",
    wrong: bool = False,
    **columns: object,
) -> list[int]:
    """``number`` texts of groups a and b, coded; returns the documents' ids. ``wrong``: coded as another value."""
    values = list(WORDS)
    made = []
    with open_session(settings) as session:
        for i in range(first, first + number):
            text = text_of(values[i % 4], i)
            cluster = Cluster(monitor=monitor)
            session.add(cluster)
            session.flush()
            document = Document(
                monitor=monitor,
                source=f"s{i % 6}",
                group_id="ab"[i // 4 % 2],
                speaker="own",
                address=f"http://x.example/{draw}/{i}",
                text=text,
                text_digest=sha256(text.encode()).hexdigest(),
                language="en",
                cluster_id=cluster.id,
                published_at=FIRST + timedelta(days=i % 80),
                collected_at=FIRST,
                updated_at=FIRST,
                extractor="test",
            )
            session.add(document)
            session.flush()
            cluster.first_document_id = document.id
            coding = {
                "monitor": monitor,
                "address": document.address,
                "document_id": document.id,
                "variable": variable,
                "value": values[(i + wrong) % 4],
                "codebook_version": 1,
                "coder": "ada",
                "coded_at": FIRST,
                "draw": draw,
                "probability": 0.5 if draw == "random" else None,
                "drawn_at": datetime(1970, 1, 1, tzinfo=UTC),
            }
            session.add(Coding(**coding | columns))
            made.append(document.id)
        session.commit()
    return made
