"""Documents that carry the same text: finding them, and keeping the first publication right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from pipeline.extract.similarity import SAME_TEXT, bands, jaccard, shingles, signature
from pipeline.store.tables import Cluster, Document, MinHashBand

VERIFIED = 20
"""Candidates whose texts are compared in full: those that share the most bands."""
CROWDED = 100
"""A band value that this many texts carry is a template (a letterhead, a closing formula): nothing is added to it."""
_VALUES = 5_000
"""band values in one query"""

_Rank = tuple[bool, bool, datetime, int]
_LAST: _Rank = (True, True, datetime.max.replace(tzinfo=UTC), 0)


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


def _rank(speaker: str, published_at: datetime | None, document: int) -> _Rank:
    """The same order for Python."""
    return (speaker != "own", published_at is None, published_at or datetime.min.replace(tzinfo=UTC), document)


def refresh_cluster(session: Session, cluster_id: int) -> None:
    """Find the cluster's first document anew; a cluster left without documents is removed."""
    first = session.scalar(
        select(Document.id).where(Document.cluster_id == cluster_id).order_by(*_first_order()).limit(1)
    )
    if first is None:
        session.execute(delete(Cluster).where(Cluster.id == cluster_id))
    else:
        session.execute(update(Cluster).where(Cluster.id == cluster_id).values(first_document_id=first))


def _same_digest() -> Select[str, int | None]:
    """Digest of each of the documents ``ids``, and the cluster of the oldest other document that has it."""
    one, other = aliased(Document), aliased(Document)
    cluster = (
        select(other.cluster_id)
        .where(
            other.text_digest == one.text_digest,
            other.monitor == bindparam("monitor"),
            other.cluster_id.is_not(None),
        )
        .order_by(other.id)
        .limit(1)
        # SQLite would take an index of the monitor's texts by day, and read all of them
        .with_hint(other, "INDEXED BY ix_documents_text_digest", "sqlite")
        .scalar_subquery()
    )
    return select(one.text_digest, cluster).where(one.id.in_(bindparam("ids", expanding=True)))


_SAME_DIGEST = _same_digest()


@dataclass
class Member:
    """What has to be known of a stored document to find its cluster."""

    id: int
    text: str
    digest: str
    speaker: str
    published_at: datetime | None
    bands: tuple[int, ...] | None = None
    """of its MinHash signature; null: not worked out yet"""

    @property
    def rank(self) -> _Rank:
        return _rank(self.speaker, self.published_at, self.id)


def _bands(one: Member) -> tuple[int, ...]:
    if one.bands is None:
        own = shingles(one.text)
        one.bands = bands(signature(own)) if own else ()
    return one.bands


@dataclass(eq=False)
class _Group:
    """A cluster as it stands while documents are assigned; ``id`` null: not in the database yet."""

    id: int | None
    first: int
    rank: _Rank
    """of its first document"""
    moved: bool = False
    """whether another document has become its first"""


@dataclass
class _Assignment:
    """Many documents finding their clusters in memory, one after another, as if each were written before the next."""

    session: Session
    monitor: str
    by_digest: dict[str, _Group] = field(default_factory=dict)
    by_id: dict[int, _Group] = field(default_factory=dict)
    carriers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """band value -> documents that carry it"""
    members: dict[int, tuple[Member, _Group]] = field(default_factory=dict)
    """the documents assigned so far"""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """bands to be written"""

    def read(self, members: Sequence[Member]) -> None:
        """What the database knows of these documents' texts, in a few queries."""
        rows = self.session.execute(_SAME_DIGEST, {"monitor": self.monitor, "ids": [one.id for one in members]}).all()
        self._groups([joined for _, joined in rows if joined is not None])
        self.by_digest = {digest: self.by_id[joined] for digest, joined in rows if joined is not None}
        seen = set(self.by_digest)
        values: set[int] = set()
        for one in members:
            if one.digest not in seen:  # an exact repost needs no bands
                seen.add(one.digest)
                values.update(_bands(one))
        self.read_carriers(sorted(values))

    def read_carriers(self, values: Sequence[int]) -> None:
        """Who carries these band values already."""
        for start in range(0, len(values), _VALUES):
            for value, document in self.session.execute(
                select(MinHashBand.value, MinHashBand.document_id).where(
                    MinHashBand.monitor == self.monitor, MinHashBand.value.in_(values[start : start + _VALUES])
                )
            ):
                self.carriers[value].append(document)

    def _groups(self, ids: Sequence[int]) -> None:
        """Read the clusters of these ids that are not known yet."""
        missing = {one for one in ids if one not in self.by_id}
        if missing:
            for row in self.session.execute(
                select(Cluster.id, Cluster.first_document_id, Document.speaker, Document.published_at)
                .outerjoin(Document, Document.id == Cluster.first_document_id)
                .where(Cluster.id.in_(missing))
            ):
                rank = _rank(row.speaker, row.published_at, row.first_document_id) if row.speaker else _LAST
                self.by_id[row.id] = _Group(row.id, row.first_document_id or 0, rank)

    def assign(self, one: Member) -> bool:
        """Find the cluster of one document, or make one; true when others were there."""
        group = self.by_digest.get(one.digest) or self.near(one)
        found = group is not None
        if group is None:
            group = _Group(None, one.id, one.rank)
        elif one.rank < group.rank:
            group.first, group.rank, group.moved = one.id, one.rank, True
        self.by_digest.setdefault(one.digest, group)
        self.members[one.id] = (one, group)
        return found

    def near(self, one: Member) -> _Group | None:
        """The cluster of a near duplicate, if there is one; notes the document's bands."""
        values = _bands(one)
        agreeing = Counter(other for value in values for other in self.carriers.get(value, ()))
        for band, value in enumerate(values):
            if len(self.carriers[value]) < CROWDED:
                row = {"document_id": one.id, "band": band, "monitor": self.monitor, "value": value}
                self.rows.append(row)
                self.carriers[value].append(one.id)
        likely = sorted(agreeing, key=lambda other: (-agreeing[other], other))[:VERIFIED]
        if not likely:
            return None
        own = shingles(one.text)
        same = {group for group, text in self._texts(likely) if jaccard(own, shingles(text)) > SAME_TEXT}
        return min(same, key=lambda group: group.rank, default=None)

    def _texts(self, ids: Sequence[int]) -> Iterator[tuple[_Group, str]]:
        """Cluster and text of documents that have a cluster."""
        away = []
        for one in ids:
            if one in self.members:
                member, group = self.members[one]
                yield group, member.text
            else:
                away.append(one)
        if not away:
            return
        found = self.session.execute(select(Document.cluster_id, Document.text).where(Document.id.in_(away)))
        rows: list[tuple[int, str]] = [(cluster, text) for cluster, text in found if cluster is not None]
        self._groups([cluster for cluster, _ in rows])
        for joined, text in rows:
            yield self.by_id[joined], text

    def write(self) -> None:
        """Write what was found: new clusters, the documents' places, changed first documents, bands."""
        groups = {id(group): group for _, group in self.members.values()}.values()
        made = {group.first: group for group in groups if group.id is None}
        if made:
            rows = [{"monitor": self.monitor, "first_document_id": first} for first in made]
            for cluster, first in self.session.execute(
                insert(Cluster).returning(Cluster.id, Cluster.first_document_id), rows
            ):
                if first is not None:
                    made[first].id = cluster
        moved = [{"key": g.id, "first": g.first} for g in groups if g.moved and g.first not in made]
        if moved:
            self.session.connection().execute(_MOVE, moved)
        if self.members:
            self.session.connection().execute(
                _PLACE, [{"key": one, "cluster": g.id} for one, (_, g) in self.members.items()]
            )
        if self.rows:
            self.session.connection().execute(insert(MinHashBand), self.rows)


_PLACE = update(Document).where(Document.id == bindparam("key")).values(cluster_id=bindparam("cluster"))
_MOVE = update(Cluster).where(Cluster.id == bindparam("key")).values(first_document_id=bindparam("first"))


def assign_clusters(session: Session, monitor: str, members: Sequence[Member]) -> list[bool]:
    """Put documents that have no cluster into those of their texts, one after another; true where others were there.

    The same digest first; else documents that share a band and whose exact 5-gram Jaccard lies above ``SAME_TEXT``.
    A text that links two clusters joins the one with the earlier first document; the two are not merged, since
    chains of resemblance would in time tie everything together. The number of statements does not grow with the
    number of documents, but for one query for each that has candidates.
    """
    if not members:
        return []
    assignment = _Assignment(session, monitor)
    assignment.read(members)
    found = [assignment.assign(one) for one in members]
    assignment.write()
    return found


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
        assignment = _Assignment(session, heir.monitor)
        one = Member(heir.id, heir.text, heir.text_digest, heir.speaker, heir.published_at)
        assignment.read_carriers(_bands(one))
        assignment.near(one)
        assignment.write()
