"""Documents that carry the same text: finding them, and keeping the first publication right."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import delete, func, select, update
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


def _first_order() -> tuple[object, ...]:
    """Own speakers before observers, then the earliest publication, undated last, then the lowest id."""
    return (Document.speaker != "own", Document.published_at.is_(None), Document.published_at, Document.id)


def first_document(session: Session, cluster_ids: list[int]) -> tuple[int, int] | None:
    """(cluster, document) of the first publication among the documents of these clusters; null without any."""
    row = session.execute(
        select(Document.cluster_id, Document.id)
        .where(Document.cluster_id.in_(cluster_ids))
        .order_by(*_first_order())  # type: ignore[arg-type]
        .limit(1)
    ).first()
    return None if row is None or row[0] is None else (row[0], row[1])


def refresh_cluster(session: Session, cluster_id: int) -> None:
    """Set the cluster's first document anew; a cluster left without documents is removed."""
    first = first_document(session, [cluster_id])
    if first is None:
        session.execute(delete(Cluster).where(Cluster.id == cluster_id))
    else:
        session.execute(update(Cluster).where(Cluster.id == cluster_id).values(first_document_id=first[1]))


def assign_cluster(session: Session, document: Document) -> bool:
    """Put a document into the cluster of its text, making one when there is none. True when others were there.

    The same digest first; else documents that share a band and whose exact 5-gram Jaccard lies above ``SAME_TEXT``.
    A text that links two clusters joins the one with the earlier first document; the two are not merged, since
    chains of resemblance would in time tie everything together.
    """
    left, document.cluster_id = document.cluster_id, None
    session.execute(delete(MinHashBand).where(MinHashBand.document_id == document.id))
    session.flush()
    joined = _same_digest(session, document)
    if joined is None:
        joined = _near(session, document)
    if joined is None:
        made = Cluster(monitor=document.monitor)
        session.add(made)
        session.flush()
        document.cluster_id = made.id
    else:
        document.cluster_id = joined
    session.flush()
    for cluster in {left, document.cluster_id} - {None}:
        if cluster is not None:
            refresh_cluster(session, cluster)
    return joined is not None


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
    session.add_all(
        MinHashBand(document_id=document.id, band=band, monitor=document.monitor, value=value)
        for band, value in enumerate(values)
        if crowd[value] < CROWDED
    )
    agreeing = Counter(other for _, other in shared)
    likely = sorted(agreeing, key=lambda other: (-agreeing[other], other))[:VERIFIED]
    rows = session.execute(
        select(Document.cluster_id, Document.text).where(Document.id.in_(likely), Document.cluster_id.is_not(None))
    ).all()
    same = {cluster for cluster, text in rows if cluster and jaccard(own, shingles(text)) > SAME_TEXT}
    first = first_document(session, sorted(same)) if same else None
    return first[0] if first else None
