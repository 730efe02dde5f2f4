"""A store of many texts with one long labelling queue, half of it answered, for measuring the page of coders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert
from sqlalchemy.orm import Session

from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Cluster, Coding, Document, Queue, QueueItem

NAME = "bench"
MONITOR = f"""
name: {NAME}
title: Many texts
since: 2020-01-01
groups: [{{id: a, name: Group A}}, {{id: b, name: Group B}}]
sources:
  - {{id: s, kind: feed, group: a, speaker: own, addresses: ["http://127.0.0.1:9/feed"]}}
  - {{id: t, kind: feed, group: b, speaker: own, addresses: ["http://127.0.0.1:9/other"]}}
dyads: [[a, b]]
"""
DRAWN = datetime(2026, 1, 2, tzinfo=UTC)
WORDS = 370
"""words a text: the mean of what this was built for"""
ANSWERED = 0.5
"""of the queue's texts"""
TWICE = 10
"""every tenth text is for two coders"""
AT_ONCE = 5_000
VALUES = ("nationalist", "universalist", "both", "neither")


def _texts(session: Session, number: int, rng: np.random.Generator) -> None:
    vocabulary = np.array([f"word{i}" for i in range(3_000)])
    session.execute(insert(Cluster), [{"id": i, "monitor": NAME, "first_document_id": i} for i in range(1, number + 1)])
    for start in range(1, number + 1, AT_ONCE):
        rows: list[dict[str, Any]] = []
        for i in range(start, min(start + AT_ONCE, number + 1)):
            group = "ab"[i % 2]
            rows.append(
                {
                    "id": i,
                    "monitor": NAME,
                    "source": "st"[i % 2],
                    "group_id": group,
                    "speaker": "own",
                    "address": f"http://127.0.0.1:9/{group}/{i}",
                    "title": f"Text {i}",
                    "text": " ".join(rng.choice(vocabulary, WORDS)),
                    "text_digest": f"{i:064d}",
                    "language": ("en", "ar", "fa")[i % 3],
                    "published_at": DRAWN - timedelta(hours=i % 50_000),
                    "dates": [],
                    "cluster_id": i,
                    "collected_at": DRAWN,
                    "updated_at": DRAWN,
                    "extractor": "benchmark",
                }
            )
        session.execute(insert(Document), rows)


def _queue(session: Session, size: int) -> None:
    session.execute(insert(Queue), [{"id": 1, "monitor": NAME, "variable": "framing", "drawn_at": DRAWN, "seed": 1}])
    session.execute(
        insert(QueueItem),
        [
            {
                "id": i, "queue_id": 1, "place": i, "document_id": i, "target": "", "draw": "random",
                "probability": 0.5, "stratum": "a/2025-Q4", "coders": 2 if i % TWICE == 0 else 1,
            }
            for i in range(1, size + 1)
        ],
    )  # fmt: skip


def _answers(session: Session, number: int, rng: np.random.Generator) -> None:
    assignments: list[dict[str, Any]] = []
    codings: list[dict[str, Any]] = []
    for i in range(1, number + 1):
        first = VALUES[int(rng.integers(4))]
        for slot in (1, 2) if i % TWICE == 0 else (1,):
            # coders agree on about four of five
            value = first if slot == 1 or rng.random() < 0.8 else VALUES[int(rng.integers(4))]
            at = DRAWN + timedelta(seconds=i)
            assignments.append(
                {
                    "item_id": i, "slot": slot, "coder": f"coder {slot}", "leased_until": at, "outcome": "coded",
                    "finished_at": at,
                }
            )  # fmt: skip
            codings.append(
                {
                    "monitor": NAME, "address": f"http://127.0.0.1:9/{'ab'[i % 2]}/{i}", "document_id": i,
                    "variable": "framing", "target": "", "value": value, "codebook_version": 1,
                    "coder": f"coder {slot}", "coded_at": at, "draw": "random", "probability": 0.5, "drawn_at": DRAWN,
                    "origin": "human", "settles": False,
                }
            )  # fmt: skip
    for start in range(0, len(codings), AT_ONCE):
        session.execute(insert(Assignment), assignments[start : start + AT_ONCE])
        session.execute(insert(Coding), codings[start : start + AT_ONCE])


def fill(settings: Settings, texts: int, queue: int | None = None) -> None:
    """Write the monitor's file, ``texts`` texts and a queue over them (or over the first ``queue``)."""
    size = texts if queue is None else min(queue, texts)
    folder = Path(settings.monitors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.yaml").write_text(MONITOR, encoding="utf-8")
    rng = np.random.default_rng(1)
    with open_session(settings) as session:
        _texts(session, texts, rng)
        _queue(session, size)
        _answers(session, int(size * ANSWERED), rng)
        session.commit()
