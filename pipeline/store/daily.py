"""How many texts a day each source has, of many sources at once: a few statements, whatever the number of sources.

Each source is looked up in an index of its own texts' times, so that what is read grows with the days that are asked
for, and not with the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Date, ScalarSelect, String, and_, cast, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipeline.store.listed import listed
from pipeline.store.tables import Capture, Document, UtcDateTime

_NAMES_AT_ONCE = 5_000
"""names in one statement, each with up to two times; SQLite takes 32,766 values"""


@dataclass(frozen=True)
class InShort:
    """Texts of a source."""

    undated: int = 0
    total: int = 0
    """of all; 0 where none is undated: then nobody asks"""
    published: date | None = None
    """the last day of publication between two days; the second is left out"""
    collected: date | None = None
    """the last day of collection between these two days"""
    first_collected: date | None = None
    """the first day of collection from the first of these days on"""

    @property
    def is_dated(self) -> bool:
        """At least half of its texts have a day of publication."""
        return 2 * self.undated <= self.total

    def with_(self, other: InShort) -> InShort:
        """Those of both."""
        return InShort(
            self.undated + other.undated,
            self.total + other.total,
            max((day for day in (self.published, other.published) if day), default=None),
            max((day for day in (self.collected, other.collected) if day), default=None),
            min((day for day in (self.first_collected, other.first_collected) if day), default=None),
        )


def source_names(
    session: Session, monitor: str, sources: Collection[str], of: type[Document | Capture] = Document
) -> dict[str, str]:
    """Name of a source as its texts (or captures) have it -> the source. Rows of a table may name their own:
    <source>/<name>."""
    # from one name to the next by the index, however many texts each has
    mine = of.monitor == monitor
    first = select(func.min(of.source).label("name")).where(mine).cte("names", recursive=True)
    after = select(func.min(of.source)).where(mine, of.source > first.c.name).correlate(first)
    names = first.union_all(select(after.scalar_subquery()).where(first.c.name.is_not(None)))
    found = session.scalars(select(names.c.name).where(names.c.name.is_not(None)))
    return {name: source for name in found if (source := name.partition("/")[0]) in sources}


def _time(collected: bool) -> InstrumentedAttribute[Any]:
    return Document.collected_at if collected else Document.published_at


def _asked(session: Session, names: Mapping[str, str], spans: Mapping[str, Sequence[date]], *words: str) -> CTE:
    """A table of names with the days that are asked for, at midnight, in columns that are named ``words``."""
    rows = (
        (name, *(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in spans[of]))
        for name, of in names.items()
        if of in spans
    )
    return listed(session, rows, name=String(), **dict.fromkeys(words, UtcDateTime()))


def _texts_of(asked: CTE, monitor: str, time: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    return and_(Document.monitor == monitor, Document.source == asked.c.name, time >= asked.c.since)


def texts_in_short(
    session: Session, monitor: str, names: Mapping[str, str], spans: Mapping[str, tuple[date, date]]
) -> dict[str, InShort]:
    """Source -> whether its texts are dated, and their days from a first day to before a second.

    ``names``: from :func:`source_names`. ``spans``: source -> these two days.
    """
    found = dict.fromkeys(spans, InShort())
    published, collected = Document.published_at, Document.collected_at
    asked = _asked(session, names, spans, "since", "until")
    mine = and_(Document.monitor == monitor, Document.source == asked.c.name)

    def one(what: ColumnElement[Any], *more: ColumnElement[bool]) -> ScalarSelect[Any]:
        return select(what).where(mine, *more).correlate(asked).scalar_subquery()

    facts = (
        one(func.count(), published.is_(None)),
        one(func.max(published), published >= asked.c.since, published < asked.c.until),
        one(func.max(collected), collected >= asked.c.since, collected < asked.c.until),
        one(func.min(collected), collected >= asked.c.since),
    )
    for name, *told in session.execute(select(asked.c.name, *facts)):
        short = InShort(told[0], 0, *map(_day, told[1:]))
        found[names[name]] = found[names[name]].with_(short)
    some = {name: source for name, source in names.items() if source in found and found[source].undated}
    for begin in range(0, len(some), _NAMES_AT_ONCE):
        asked_for = list(some)[begin : begin + _NAMES_AT_ONCE]
        counted = (
            select(Document.source, func.count())
            .where(Document.monitor == monitor, Document.source.in_(asked_for))
            .group_by(Document.source)
        )
        for name, total in session.execute(counted):
            found[names[name]] = found[names[name]].with_(InShort(total=total))
    return found


def _day(time: datetime | None) -> date | None:
    return None if time is None else time.date()


def _written_day(
    session: Session, time: InstrumentedAttribute[Any]
) -> tuple[ColumnElement[str], Callable[[str], date]]:
    """Day of a time, UTC, in the form that the database writes fastest, and what reads it."""
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(time, 1, 10, type_=String), date.fromisoformat
    days = cast(func.timezone("UTC", time), Date) - literal(date.min, Date)
    return cast(days, String), lambda written: date.min + timedelta(days=int(written))


def texts_per_day(
    session: Session,
    monitor: str,
    names: Mapping[str, str],
    since: Mapping[str, date],
    *,
    collected: bool = False,
) -> dict[str, dict[date, int]]:
    """Source -> day (UTC) of publication, or of collection -> texts, from a day on. Days without any are left out.

    ``names``: from :func:`source_names`. ``since``: source -> its first day.
    """
    time = _time(collected)
    found: dict[str, dict[date, int]] = {source: {} for source in since}
    # one row a name with the days of its texts: rows of one day, counted by the database, take twice as long
    day_of, read = _written_day(session, time)
    every = func.aggregate_strings(day_of, ",")
    asked = _asked(session, names, {source: [day] for source, day in since.items()}, "since")
    days = select(every).where(_texts_of(asked, monitor, time)).correlate(asked).scalar_subquery()
    for name, written in session.execute(select(asked.c.name, days)):
        texts = found[names[name]]
        for day, count in Counter(written.split(",") if written else ()).items():
            known = read(day)
            texts[known] = texts.get(known, 0) + count
    return found
