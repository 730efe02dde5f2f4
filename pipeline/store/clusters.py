"""Documents that carry the same text: finding them, and keeping the first publication right."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from pipeline.extract.similarity import SAME_TEXT, bands, jaccard, shingles, signature
from pipeline.store.tables import Cluster, Document, MinHashBand

VERIFIED = 20
"""Candidates whose texts are compared in full: those that share the most bands."""
CROWDED = 100
"""A band value that this many texts carry is a template (a letterhead, a closing formula): nothing is added to it."""


def lock_clusters(session: Session, monitor: str) -> None:
    """Let one transaction at a time assign clusters of a monitor, so that two workers make no two of one text.

    Held until the caller commits. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"riftwatch clusters {monitor}"))))


def _first_order() -> tuple[ColumnElement[Any], ...]:
    """Own speakers before observers, then the earliest publication, undated last, then the lowest id."""
    return (
        Document.speaker != "own",
        Document.published_at.is_(None),
        Document.published_at.asc(),
        Document.id.asc(),
    )


def refresh_cluster(session: Session, cluster_id: int) -> None:
    """Find the cluster's first document anew; a cluster left without documents is removed."""
    first = session.scalar(
        select(Document.id).where(Document.cluster_id == cluster_id).order_by(*_first_order()).limit(1)
    )
    if first is None:
        session.execute(delete(Cluster).where(Cluster.id == cluster_id))
    else:
        session.execute(update(Cluster).where(Cluster.id == cluster_id).values(first_document_id=first))


def assign_cluster(session: Session, document: Document) -> bool:
    """Put a document into the cluster of its text, making one when there is none. True when others were there.

    The same digest first; else documents that share a band and whose exact 5-gram Jaccard lies above ``SAME_TEXT``.
    A text that links two clusters joins the one with the earlier first document; the two are not merged, since
    chains of resemblance would in time tie everything together.
    """
    if document.cluster_id is not None:
        leave_cluster(session, document)
    joined = _same_digest(session, document)
    if joined is None:
        joined = _near(session, document)
    if joined is None:
        made = Cluster(monitor=document.monitor, first_document_id=document.id)
        session.add(made)
        session.flush()
        document.cluster_id = made.id
        return False
    document.cluster_id = joined
    session.flush()
    _stand_first(session, document, joined)
    return True


def leave_cluster(session: Session, document: Document) -> None:
    """Take a document whose text has changed out of its cluster, which keeps its bands and its first document."""
    left, document.cluster_id = document.cluster_id, None
    session.flush()
    session.execute(delete(MinHashBand).where(MinHashBand.document_id == document.id))
    if left is None:
        return
    refresh_cluster(session, left)
    # exact reposts have no bands of their own: where the one that had them leaves, its heir gets them
    heir = session.scalars(
        select(Document)
        .join(Cluster, Cluster.first_document_id == Document.id)
        .where(Cluster.id == left, ~select(MinHashBand).where(MinHashBand.document_id == Document.id).exists())
    ).first()
    if heir is not None:
        _near(session, heir)


def _stand_first(session: Session, document: Document, cluster_id: int) -> None:
    """Make the document its cluster's first if it comes before the one that is: a look at two rows, never at all."""
    known = session.scalar(select(Cluster.first_document_id).where(Cluster.id == cluster_id))
    first = session.scalar(
        select(Document.id).where(Document.id.in_([known, document.id])).order_by(*_first_order()).limit(1)
    )
    if first != known:
        session.execute(update(Cluster).where(Cluster.id == cluster_id).values(first_document_id=first))


def _same_digest(session: Session, document: Document) -> int | None:
    return session.scalar(
        select(Document.cluster_id)
        .where(
            Document.text_digest == document.text_digest,
            Document.monitor == document.monitor,
            Document.id != document.id,
            Document.cluster_id.is_not(None),
        )
        .order_by(Document.id)
        .limit(1)
    )


def _near(session: Session, document: Document) -> int | None:
    """Cluster of a near duplicate, or null; writes the document's bands. One lookup, whatever the store's size."""
    own = shingles(document.text)
    if not own:
        return None
    values = bands(signature(own))
    shared = session.execute(
        select(MinHashBand.value, MinHashBand.document_id).where(
            MinHashBand.monitor == document.monitor, MinHashBand.value.in_(values)
        )
    ).all()
    crowd = Counter(value for value, _ in shared)
    rows = [
        {"document_id": document.id, "band": band, "monitor": document.monitor, "value": value}
        for band, value in enumerate(values)
        if crowd[value] < CROWDED
    ]
    if rows:
        session.execute(insert(MinHashBand), rows)
    agreeing = Counter(other for _, other in shared)
    likely = sorted(agreeing, key=lambda other: (-agreeing[other], other))[:VERIFIED]
    if not likely:
        return None
    texts = session.execute(
        select(Document.cluster_id, Document.text).where(Document.id.in_(likely), Document.cluster_id.is_not(None))
    ).all()
    same = {cluster for cluster, text in texts if cluster and jaccard(own, shingles(text)) > SAME_TEXT}
    if not same:
        return None
    return session.scalar(
        select(Cluster.id)
        .join(Document, Document.id == Cluster.first_document_id)
        .where(Cluster.id.in_(same))
        .order_by(*_first_order())
        .limit(1)
    )
