"""Searching and filtering texts: the hits with what they are counted by, months to hold them against, and rows to show.

A search reads at most :data:`MOST_HITS` hits, those that were collected last, so that its time does not grow with the
store; a caller is told when there are more. Filters and counts are answered from indexes: only the texts that are shown
are read themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    SQLColumnExpression,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Session

from pipeline.store.cells import fresh_framing, model_in_force
from pipeline.store.search.index import document_of, mark, matches, on_postgresql, on_sqlite, rank
from pipeline.store.search.query import Query
from pipeline.store.search.slices import Slice, newest
from pipeline.store.tables import Cluster, Document, Framing, Mention, TrendCell
from pipeline.store.upsert import IN_ONE_QUERY
from pipeline.store.withheld import withheld_among

MOST_HITS = 10_000
FEW = 25_000
"""texts that are looked at one by one: where a group or the days leave no more, those are gone through first"""
MOST_YEARS = 10
"""that are looked for by their marks in the index; of more, half of the texts may be"""
Order = Literal["newest", "oldest", "best"]
Facet = Literal["group", "source", "language", "speaker", "label"]
FACETS: tuple[Facet, ...] = ("group", "source", "language", "speaker", "label")
NONE = "none"
"""in a filter: texts that have no group, language or label"""


@dataclass(frozen=True)
class Wanted:
    """Which texts are asked for."""

    monitor: str
    query: Query | None = None
    """null: whatever they say"""
    start: date | None = None
    end: date | None = None
    """first day that is left out"""
    only: Mapping[Facet, str] = field(default_factory=dict)
    """facet -> the one value"""
    counting: bool = False
    """only texts that count: the first publication of each"""
    names: str | None = None
    """only texts that name this group, as they were looked through last: own, dated ones that counted then"""

    def without_words(self) -> Wanted:
        """The same, whatever the texts say."""
        return replace(self, query=None)


class Hit(NamedTuple):
    """A text that was found, without the text."""

    id: int
    group: str | None
    source: str
    language: str | None
    speaker: str
    label: str | None
    """by the model in force; null: not framed since the text changed, or the model knows no word of it"""
    published: str | None
    """UTC, ISO order, as text: ten thousand of them are sorted and counted, and fifty shown"""
    rank: float


@dataclass(frozen=True)
class Hits:
    """What was found."""

    hits: list[Hit]
    """in the order that was asked for"""
    more: bool
    """there are more; these were collected last"""
    withheld: frozenset[int] = frozenset()
    """those whose framing whoever asks must not see yet"""

    def counts(self, facet: Facet) -> list[tuple[str, int]]:
        """Value (:data:`NONE` for none) and number of hits with it, most first."""
        counted = Counter(map(attrgetter(facet), self.hits))
        return sorted(((value or NONE, number) for value, number in counted.items()), key=lambda one: (-one[1], one[0]))

    @cached_property
    def years(self) -> list[tuple[int, int]]:
        """Year of publication (UTC) and number of hits, oldest first; without undated ones."""
        counted = Counter(hit.published[:4] for hit in self.hits if hit.published is not None)
        return sorted((int(year), number) for year, number in counted.items())

    @cached_property
    def months(self) -> dict[tuple[str, date], int]:
        """Group and first day of a month -> hits among its own texts."""
        counted = Counter((hit.group, hit.published[:7]) for hit in self.hits if hit.published and hit.speaker == "own")
        return {
            (group, date.fromisoformat(f"{month}-01")): number
            for (group, month), number in counted.items()
            if group is not None
        }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [Document.monitor == wanted.monitor]
    columns: dict[Facet, Any] = {
        "group": Document.group_id,
        "source": Document.source,
        "language": Document.language,
        "speaker": Document.speaker,
        "label": Framing.label,
    }
    for facet, value in wanted.only.items():
        column = columns[facet]
        where.append(column.is_(None) if value == NONE else column == value)
    if wanted.start is not None:
        where.append(Document.published_at >= _midnight(wanted.start))
    if wanted.end is not None:
        where.append(Document.published_at < _midnight(wanted.end))
    if wanted.counting:
        where.append(_counts())
    if wanted.names is not None:
        named = exists().where(Mention.document_id == Document.id, Mention.target == wanted.names, Mention.named)
        # a text that lost its day, or its group, after it was looked through counts no more; written so that no other
        # index is taken for it than that of the texts which name the group
        others = (Document.speaker != "own", Document.group_id.is_(None), Document.published_at.is_(None))
        where += [named, not_(or_(*others))]
    return where


def _marks(wanted: Wanted) -> list[list[str]]:
    """What of the filters the index knows beside the words, so that it names fewer texts. The filters hold as well."""
    told: list[list[str]] = []
    if (group := wanted.only.get("group", NONE)) != NONE:
        told.append([mark("group", group)])
    if (source := wanted.only.get("source", NONE)) != NONE:
        told.append([mark("source", source)])
    if wanted.start is not None and wanted.end is not None and wanted.start < wanted.end:
        years = range(wanted.start.year, (wanted.end - timedelta(days=1)).year + 1)
        if len(years) <= MOST_YEARS:
            told.append([mark("year", f"{year:04}") for year in years])
    return told


def _counts() -> ColumnElement[bool]:
    """Of a document with its cluster beside it: it is the first publication of its text."""
    return or_(Document.cluster_id.is_(None), Cluster.first_document_id == Document.id)


def _narrow(session: Session, wanted: Wanted) -> str | None:
    """An index by which few texts remain, before their words are looked at; None when none is known."""
    dates = []
    if wanted.start is not None:
        dates.append(Document.published_at >= _midnight(wanted.start))
    if wanted.end is not None:
        dates.append(Document.published_at < _midnight(wanted.end))
    group, speaker = wanted.only.get("group"), wanted.only.get("speaker")
    ways: list[tuple[str, list[ColumnElement[bool]]]] = []
    if group not in (None, NONE):
        of_cell = [Document.group_id == group]
        if speaker is not None:
            of_cell += [Document.speaker == speaker, *dates]
        ways.append(("ix_documents_cell", of_cell))
    if dates:
        ways.append(("ix_documents_published", dates))
    for index, where in ways:
        some = select(literal(1)).select_from(Document).where(Document.monitor == wanted.monitor, *where)
        some = some.with_hint(Document, f"INDEXED BY {index}", "sqlite").limit(FEW + 1)
        if (session.scalar(select(func.count()).select_from(some.subquery())) or 0) <= FEW:
            return index
    return None


def _hits_query(
    session: Session, wanted: Wanted, model_id: int | None, ranked: bool, most: int, within: Slice | None = None
) -> Select[Any]:
    """The statement. On SQLite it is said which way to go, since that keeps no statistics unless it is told to.

    within: only those of these ids, on PostgreSQL.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    order = rank(session, wanted.query) if ranked and wanted.query else cast(literal(0.0), Float)
    joined = sqlite or "label" in wanted.only
    query = select(
        Document.id,
        Document.group_id,
        Document.source,
        Document.language,
        Document.speaker,
        Framing.label if joined else Document.text_digest,
        _as_text(Document.published_at, sqlite).label("published"),
        order.label("rank"),
    )
    # PostgreSQL finds the way itself, save to those that name a group
    narrow = _narrow(session, wanted) if sqlite or (wanted.names and wanted.query is None) else None
    key = document_of(session)
    by: SQLColumnExpression[int]
    if wanted.query is None:
        query, by = query.select_from(Document), Document.id
        if wanted.names is not None and narrow is None:  # those that name it, which may be few, are gone through
            query = query.where(Document.id.in_(select(Mention.document_id).where(Mention.target == wanted.names)))
    elif sqlite and narrow is not None and not ranked:
        found = select(key).where(matches(session, wanted.query))
        query, by = query.select_from(Document).where(Document.id.in_(found)), Document.id
    else:
        query = query.select_from(on_sqlite if sqlite else on_postgresql).join(Document, Document.id == key)
        query, by = query.where(matches(session, wanted.query, _marks(wanted))), key
        narrow = None
    if within is not None:
        query = query.where(key > within.after, key <= within.until)
        # a sum is in no index: all hits are found by their words, and then sorted
        by = key + 0 if within.wanting else key
    query = query.with_hint(Document, f"INDEXED BY {narrow or 'ix_documents_search'}", "sqlite")
    if joined:
        query = query.outerjoin(Framing, _framing_of(session, model_id))
    if wanted.counting:
        query = query.outerjoin(Cluster, Cluster.id == Document.cluster_id)
    query = query.where(*_filters(wanted)).order_by(by.desc()).limit(most)
    return query if joined else _with_labels(query, model_id)


def _with_labels(query: Select[Any], model_id: int | None) -> Select[Any]:
    """The hits of a query that has digests instead of labels, with these: looked up for hits alone.

    For PostgreSQL, which would join the framings of all that matches before it takes the newest.
    """
    found = query.subquery("found")
    label = select(Framing.label).where(
        Framing.document_id == found.c.id,
        Framing.model_id == model_id,
        Framing.target == "",
        Framing.text_digest == found.c.text_digest,
    )
    columns = (label.scalar_subquery() if one.name == "text_digest" else one for one in found.c)
    return select(*columns).order_by(found.c.id.desc())


def _framing_of(session: Session, model_id: int | None) -> ColumnElement[bool]:
    """Joins a document's framing, as :func:`fresh_framing` does.

    PostgreSQL takes equal digests for a rare chance, and would join all framings to find the ten thousand it needs:
    within ``coalesce`` it takes them for an even one.
    """
    if session.get_bind().dialect.name == "sqlite":
        return fresh_framing(model_id)
    return and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == "",
        func.coalesce(Framing.text_digest == Document.text_digest, false()),
    )


def _as_text(moment: Any, sqlite: bool) -> ColumnElement[str | None]:
    """A time in UTC as text, which SQLite keeps anyway."""
    if sqlite:
        return type_coerce(moment, String)
    return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD HH24:MI:SS.US")


def _in_order(hits: list[Hit], order: Order) -> list[Hit]:
    """Undated texts stand last, whichever the order."""
    if order == "best":
        return sorted(hits, key=lambda hit: (-hit.rank, -hit.id))
    dated = sorted([hit for hit in hits if hit.published is not None], key=attrgetter("published", "id"))
    if order != "oldest":
        dated.reverse()
    return [*dated, *(hit for hit in hits if hit.published is None)]


def _read(session: Session, wanted: Wanted, model_id: int | None, ranked: bool) -> list[Row[Any]]:
    """The rows of the hits, those collected last, one more than :data:`MOST_HITS` where there are more."""
    # by the connection: the session would look at each of the rows for objects of its own
    connection = session.connection()

    def read(within: Slice | None, most: int) -> Iterable[Row[Any]]:
        if within is not None and within.wanting:
            # of a whole table every text is compared, which costs more than to fetch those that the index names
            connection.execute(text("SET LOCAL random_page_cost = 1.1"))
        return connection.execute(_hits_query(session, wanted, model_id, ranked, most, within))

    if connection.dialect.name == "postgresql":
        # compiling takes longer than it saves, and a bitmap of all texts with a common word must fit
        connection.execute(text("SET LOCAL jit = off"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))
        if wanted.query is not None and wanted.query.has_phrase:
            ids = select(func.min(Document.id), func.max(Document.id)).where(Document.monitor == wanted.monitor)
            lowest, highest = connection.execute(ids).one()
            found = [] if highest is None else newest(read, MOST_HITS + 1, lowest, highest)
            connection.execute(text("SET LOCAL random_page_cost TO DEFAULT"))
            return found
    return list(read(None, MOST_HITS + 1))


def search(session: Session, wanted: Wanted, order: Order = "newest", reader: str | None = None) -> Hits:
    """The texts that are asked for, at most :data:`MOST_HITS`. Of a query that has a problem none.

    reader: the coder who asks. What is kept from a coder has no label here, and no choice of a label, not even of none,
    finds it. None: nobody who codes.
    """
    if wanted.query is not None and not wanted.query.terms:
        if wanted.query.problem is not None:
            return Hits([], more=False)
        wanted = wanted.without_words()
    model = model_in_force(session)
    ranked = order == "best" and wanted.query is not None
    rows = _read(session, wanted, model.id if model else None, ranked)
    hits = [Hit._make(row) for row in rows[:MOST_HITS]]
    withheld: frozenset[int] = frozenset()
    if reader is not None:
        withheld = withheld_among(session, wanted.monitor, reader, [hit.id for hit in hits])
    if withheld and "label" in wanted.only:
        hits = [hit for hit in hits if hit.id not in withheld]
    elif withheld:
        hits = [hit._replace(label=None) if hit.id in withheld else hit for hit in hits]
    ordered = _in_order(hits, order if ranked or order != "best" else "newest")
    return Hits(ordered, more=len(rows) > MOST_HITS, withheld=withheld)


@dataclass(frozen=True)
class Months:
    """How many own texts each group published in each month: what hits are held against."""

    texts: dict[tuple[str, date], int]
    measured_at: datetime | None
    """when they were counted; null: now"""


def texts_of_months(
    session: Session, monitor: str, groups: Sequence[str], first: date, last: date, *, counting: bool = False
) -> Months:
    """Own texts, reposts included, of the months that begin from ``first`` to ``last``.

    As the trend table has them; counted now where it has no months. counting: only texts that count.
    """
    of_cell = TrendCell.clusters if counting else TrendCell.texts
    rows = session.execute(
        select(TrendCell.group_id, TrendCell.start, of_cell.label("texts"), TrendCell.measured_at).where(
            TrendCell.monitor == monitor,
            TrendCell.period == "month",
            TrendCell.group_id.in_(groups),
            TrendCell.start >= first,
            TrendCell.start <= last,
        )
    ).all()
    if rows:
        return Months({(row.group_id, row.start): row.texts for row in rows}, max(row.measured_at for row in rows))
    sqlite = session.get_bind().dialect.name == "sqlite"
    month = func.substr(_as_text(Document.published_at, sqlite), 1, 7)
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    query = select(Document.group_id, month, func.count()).where(
        Document.monitor == monitor,
        Document.group_id.in_(groups),
        Document.speaker == "own",
        Document.published_at >= _midnight(first),
        Document.published_at < _midnight(after),
    )
    if counting:
        query = query.outerjoin(Cluster, Cluster.id == Document.cluster_id).where(_counts())
    counted = session.execute(query.group_by(Document.group_id, month))
    return Months({(str(group), date.fromisoformat(f"{month}-01")): number for group, month, number in counted}, None)


@dataclass(frozen=True)
class Shown:
    """A text as a list shows it."""

    id: int
    title: str | None
    text: str
    """its beginning, as far as was asked for"""
    address: str
    source: str
    group: str | None
    speaker: str
    language: str | None
    published_at: datetime | None
    published_origin: str | None
    counts: bool
    """False: a repost; its text counts where it was published first"""
    p_nationalist: float | None
    """null: not framed by the model in force since its text changed, or the model knows no word of it"""
    p_universalist: float | None
    label: str | None
    withheld: bool = False
    """True: there may be a framing, and whoever asks must not see it yet"""


def shown(
    session: Session, documents: Iterable[int], characters: int, withheld: Collection[int] = frozenset()
) -> list[Shown]:
    """The rows of these documents, in their order, with so many ``characters`` of each text.

    withheld: documents that are shown without their framing.
    """
    ids = list(documents)
    model = model_in_force(session)
    found: dict[int, Shown] = {}
    for start in range(0, len(ids), IN_ONE_QUERY):
        rows = session.execute(
            select(
                Document.id,
                Document.title,
                func.substr(Document.text, 1, characters) if characters else literal(""),
                Document.address,
                Document.source,
                Document.group_id,
                Document.speaker,
                Document.language,
                Document.published_at,
                Document.published_origin,
                _counts(),
                Framing.p_first,
                Framing.p_second,
                Framing.label,
            )
            .outerjoin(Cluster, Cluster.id == Document.cluster_id)
            .outerjoin(Framing, fresh_framing(model.id if model else None))
            .where(Document.id.in_(ids[start : start + IN_ONE_QUERY]))
        )
        found.update((row.id, Shown(*row)) for row in rows)
    for one in found.keys() & set(withheld):
        found[one] = replace(found[one], p_nationalist=None, p_universalist=None, label=None, withheld=True)
    return [found[one] for one in ids if one in found]
