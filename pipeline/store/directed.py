"""What the directed figures (who names, answers, cites and criticises whom) are made of: own texts and codings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.store.cells import RandomCoding
from pipeline.store.tables import Cluster, Coding, Document, Framing
from pipeline.store.upsert import IN_ONE_QUERY


@dataclass(frozen=True)
class OwnText:
    """An own dated document. One with ``counts`` stands for its cluster."""

    document: int
    cluster: int
    """minus the document's id where it has none"""
    group: str
    source: str
    address: str
    title: str | None
    published_at: datetime
    collected_at: datetime
    counts: bool
    """it is the first publication of its text"""


def own_documents(session: Session, monitor: str) -> list[OwnText]:
    """Every own dated document of a monitor by publication, without its text; reposts too."""
    query = (
        select(
            Document.id,
            Document.cluster_id,
            Document.group_id,
            Document.source,
            Document.address,
            Document.title,
            Document.published_at,
            Document.collected_at,
            Cluster.first_document_id,
        )
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(
            Document.monitor == monitor,
            Document.speaker == "own",
            Document.group_id.is_not(None),
            Document.published_at.is_not(None),
        )
        .order_by(Document.published_at, Document.id)
        .execution_options(yield_per=10_000)
    )
    return [
        OwnText(
            document=document,
            cluster=-document if cluster is None else cluster,
            group=str(group),
            source=source,
            address=address,
            title=title,
            published_at=published,
            collected_at=collected,
            counts=cluster is None or first == document,
        )
        for document, cluster, group, source, address, title, published, collected, first in session.execute(query)
        if published is not None
    ]


def texts_in_order(session: Session, documents: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Document and text in the order asked for, some hundreds at a time; those that are gone are left out."""
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        query = select(Document.id, Document.text).where(Document.id.in_(some))
        found = {int(document): str(text) for document, text in session.execute(query)}
        yield from ((document, found[document]) for document in some if document in found)


def hostile_probabilities(session: Session, monitor: str, model_id: int) -> dict[tuple[int, str], float]:
    """(document, target) -> the model's probability of hostile, its second head, of the text as it is now."""
    query = (
        select(Framing.document_id, Framing.target, Framing.p_second)
        .join(Document, Document.id == Framing.document_id)
        .where(
            Document.monitor == monitor,
            Framing.model_id == model_id,
            Framing.text_digest == Document.text_digest,
            Framing.p_second.is_not(None),
        )
        .execution_options(yield_per=10_000)
    )
    return {(document, target): p for document, target, p in session.execute(query) if p is not None}


def random_codings_towards(session: Session, monitor: str, variable: str) -> dict[str, list[RandomCoding]]:
    """Target -> random codings by people of a targeted variable, of collected texts, oldest first."""
    query = (
        select(
            Coding.id,
            Coding.target,
            Document.id,
            Document.cluster_id,
            Coding.value,
            Coding.coder,
            Coding.coded_at,
            Coding.drawn_at,
            Coding.probability,
            Coding.settles,
        )
        .join(Document, Document.id == Coding.document_id)
        .where(
            Coding.monitor == monitor,
            Coding.variable == variable,
            Coding.draw == "random",
            Coding.origin != "machine",
        )
        .order_by(Coding.coded_at, Coding.id)
    )
    made: dict[str, list[RandomCoding]] = {}
    for coding, target, document, cluster, value, coder, coded_at, drawn_at, chance, settles in session.execute(query):
        unit = -document if cluster is None else cluster
        made.setdefault(target, []).append(
            RandomCoding(unit, value, coder, coded_at, drawn_at, chance, id=coding, settles=settles)
        )
    return made
