"""Which texts name which groups: looked for once in a text, kept until the text, its speaker or the names change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from pipeline.store.cells import counts_column, day_column, own, to_days
from pipeline.store.tables import Cluster, Document, Framing, Mention, ScannedText
from pipeline.store.upsert import IN_ONE_QUERY, upsert


@dataclass(frozen=True)
class Unscanned:
    """An own dated text that stands for its cluster and in which nobody has looked for these names."""

    document: int
    text_digest: str
    group: str
    text: str


def unscanned(session: Session, monitor: str, names: Mapping[str, str], *, after: int, limit: int) -> list[Unscanned]:
    """The next ``limit`` texts to be scanned with an id above ``after``, by id.

    names: group -> digest of what is looked for in a text in which it speaks.
    """
    current = or_(*(and_(Document.group_id == group, ScannedText.names == digest) for group, digest in names.items()))
    query = (
        select(Document.id, Document.text_digest, Document.group_id, Document.text)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(ScannedText, ScannedText.document_id == Document.id)
        .where(
            *own(monitor),
            Document.group_id.in_(list(names)),
            Document.id > after,
            or_(Cluster.id.is_(None), Cluster.first_document_id == Document.id),
            or_(ScannedText.document_id.is_(None), ScannedText.text_digest != Document.text_digest, ~current),
        )
        .order_by(Document.id)
        .limit(limit)
    )
    return [Unscanned(document, digest, str(group), text) for document, digest, group, text in session.execute(query)]


def keep_mentions(
    session: Session,
    texts: Sequence[Unscanned],
    names: Mapping[str, str],
    found: Mapping[int, Mapping[str, tuple[bool, bool]]],
) -> None:
    """Write what was found in these texts over what was known of them; those erased meanwhile are left out.

    found: document -> group it names -> whether that counts as naming it, and whether it is audited. Does not commit.
    """
    ids = [text.document for text in texts]
    # documents are locked first, as an erasure locks them: the other way round the two would wait for each other
    there = {
        document
        for start in range(0, len(ids), IN_ONE_QUERY)
        for document in session.scalars(
            select(Document.id).where(Document.id.in_(ids[start : start + IN_ONE_QUERY])).with_for_update(read=True)
        )
    }
    for start in range(0, len(ids), IN_ONE_QUERY):
        session.execute(delete(Mention).where(Mention.document_id.in_(ids[start : start + IN_ONE_QUERY])))
    upsert(
        session,
        ScannedText,
        [
            {"document_id": text.document, "text_digest": text.text_digest, "names": names[text.group]}
            for text in texts
            if text.document in there
        ],
        keys=["document_id"],
        update=["text_digest", "names"],
    )
    upsert(
        session,
        Mention,
        [
            {"document_id": document, "target": target, "named": named, "audited": audited}
            for document, targets in found.items()
            if document in there
            for target, (named, audited) in targets.items()
        ],
        keys=["document_id", "target"],
        update=["named", "audited"],
    )


@dataclass(frozen=True)
class TextTowards:
    """A different text of one group, as the test of a rise needs it."""

    document: int
    cluster: int
    """minus the document's id where it has none"""
    day: date
    audited: bool | None
    """it hits an alias of the other group; None: nobody has looked for these names in it as it is now"""


def texts_towards(
    session: Session, monitor: str, a: str, b: str, names: str, spans: Sequence[tuple[date, date]]
) -> list[TextTowards]:
    """The different texts of ``a`` in stretches of time, and whether they hit an alias of ``b``. No words are read.

    names: digest of what is looked for in texts of ``a``. spans: (first day, first day after).
    """
    scanned = and_(
        ScannedText.document_id == Document.id,
        ScannedText.text_digest == Document.text_digest,
        ScannedText.names == names,
    )
    inside = [and_(Document.published_at >= _midnight(s), Document.published_at < _midnight(e)) for s, e in spans]
    query = (
        select(Document.id, Document.cluster_id, Document.published_at, ScannedText.document_id, Mention.audited)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(ScannedText, scanned)
        .outerjoin(Mention, and_(Mention.document_id == Document.id, Mention.target == b))
        .where(*own(monitor), Document.group_id == a, counts_column() == 1, or_(*inside))
        .order_by(Document.published_at, Document.id)
        .execution_options(yield_per=10_000)
    )
    return [
        TextTowards(
            document,
            -document if cluster is None else cluster,
            published.date(),
            None if looked is None else bool(audited),
        )
        for document, cluster, published, looked, audited in session.execute(query)
        if published is not None
    ]


def texts_again(session: Session, documents: Sequence[int]) -> list[TextTowards]:
    """Those of these documents that are still there, by publication; nobody is asked what they name."""
    found: list[tuple[datetime, TextTowards]] = []
    for start in range(0, len(documents), IN_ONE_QUERY):
        query = select(Document.id, Document.cluster_id, Document.published_at).where(
            Document.id.in_(documents[start : start + IN_ONE_QUERY]), *own()
        )
        found += [
            (published, TextTowards(document, -document if cluster is None else cluster, published.date(), None))
            for document, cluster, published in session.execute(query)
            if published is not None
        ]
    return [text for _, text in sorted(found, key=lambda one: (one[0], one[1].document))]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


@dataclass(frozen=True)
class Naming:
    """The different texts of one group that name another, by day. Arrays of shape (M,)."""

    document: NDArray[np.int64]
    cluster: NDArray[np.int64]
    """minus the document's id where it has none"""
    day: NDArray[np.datetime64]
    named: NDArray[np.bool_]
    audited: NDArray[np.bool_]
    f: NDArray[np.float64]
    """the model's probability of hostile towards the other group; NaN: not scored"""


def naming_of(session: Session, monitor: str, group: str, model_id: int | None) -> dict[str, Naming]:
    """Named group -> the texts of ``group`` that name it. model_id: of the model of criticism in force."""
    day = day_column(session, Document.published_at).label("day")
    scored = and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == Mention.target,
        Framing.text_digest == Document.text_digest,
    )
    query = (
        select(Mention.target, Document.id, Document.cluster_id, day, Mention.named, Mention.audited, Framing.p_second)
        .join(Document, Document.id == Mention.document_id)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(Framing, scored)
        .where(*own(monitor), Document.group_id == group, counts_column() == 1, Mention.target != group)
        .order_by(day, Document.id)
        .execution_options(yield_per=10_000)
    )
    rows: dict[str, list[tuple[int, int, object, bool, bool, float | None]]] = {}
    for target, document, cluster, when, named, audited, p in session.execute(query):
        rows.setdefault(target, []).append(
            (document, -document if cluster is None else cluster, when, named, audited, p)
        )
    made = {}
    for target, found in rows.items():
        columns = list(zip(*found, strict=True))
        made[target] = Naming(
            np.array(columns[0], dtype=np.int64),
            np.array(columns[1], dtype=np.int64),
            to_days(columns[2]),
            np.array(columns[3], dtype=bool),
            np.array(columns[4], dtype=bool),
            np.array(columns[5], dtype=np.float64),
        )
    return made
