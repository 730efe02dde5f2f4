"""What retraining reads: every coding of a variable with its text, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.store.tables import Coding, Document, Run

_AT_ONCE = 2000


@dataclass(frozen=True)
class CodedText:
    """A coding by a person, and its text."""

    monitor: str
    address: str
    value: str
    target: str
    coder: str
    draw: str
    probability: float | None
    """inclusion probability of a random draw"""
    drawn_at: datetime
    origin: str
    settles: bool
    text: str
    text_digest: str
    cluster: int | None
    group: str | None
    source: str
    language: str | None
    published_at: datetime | None
    collected_at: datetime


def coded_texts(session: Session, variable: str) -> Iterator[CodedText]:
    """Every coding of the variable by a person whose text is collected, of all monitors, in a fixed order."""
    query = (
        select(
            Coding.monitor,
            Coding.address,
            Coding.value,
            Coding.target,
            Coding.coder,
            Coding.draw,
            Coding.probability,
            Coding.drawn_at,
            Coding.origin,
            Coding.settles,
            Document.text,
            Document.text_digest,
            Document.cluster_id.label("cluster"),
            Document.group_id.label("group"),
            Document.source,
            Document.language,
            Document.published_at,
            Document.collected_at,
        )
        .join(Document, Document.id == Coding.document_id)
        .where(Coding.variable == variable, Coding.origin != "machine")
        .order_by(Coding.monitor, Coding.address, Coding.target, Coding.coder, Coding.draw, Coding.drawn_at)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in session.execute(query):
        yield CodedText(**row._mapping)


def copies_of_coded(session: Session, variable: str, *, before: datetime | None = None) -> list[tuple[str, int, str]]:
    """Monitor, cluster and digest of every text in a cluster that people coded, coded itself or not.

    Another monitor may have coded a copy that nobody has coded here. before: only what was published earlier, both
    the coded text and the copy.
    """
    earlier = () if before is None else (Document.published_at < before,)
    coded = (
        select(Document.cluster_id)
        .join(Coding, Coding.document_id == Document.id)
        .where(Coding.variable == variable, Coding.origin != "machine", *earlier)
    )
    query = (
        select(Document.monitor, Document.cluster_id, Document.text_digest)
        .where(Document.cluster_id.in_(coded), *earlier)
        .distinct()
        .execution_options(yield_per=10_000)
    )
    return [(monitor, cluster, digest) for monitor, cluster, digest in session.execute(query) if cluster is not None]


def count_codings(session: Session, variable: str) -> tuple[int, int]:
    """How many codings of the variable people have made, and how many of them wait for a text."""
    query = select(func.count(), func.count(Coding.document_id)).where(
        Coding.variable == variable, Coding.origin != "machine"
    )
    total, matched = session.execute(query).one()
    return int(total), int(total - matched)


def retraining_job(variable: str) -> str:
    """The name retraining has among the runs."""
    return f"retrain {variable}"


def codings_since_training(session: Session, variable: str) -> int:
    """How many codings came since the variable was last retrained, or that was last refused."""
    last = select(Run.found).where(Run.job == retraining_job(variable)).order_by(Run.id.desc()).limit(1)
    return max(0, count_codings(session, variable)[0] - (session.scalar(last) or 0))
