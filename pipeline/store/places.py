"""Places of discovery: each feed, sitemap file, listing and archive query, and how its last reading went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from pipeline.store.listed import listed
from pipeline.store.tables import Place, UtcDateTime
from pipeline.store.upsert import upsert

_KEYS = ["monitor", "source", "address"]


@dataclass(frozen=True)
class PlaceState:
    """What is known of a place; a new one when it was never asked."""

    address: str
    checked_at: datetime | None = None
    """when it was last asked for"""
    changed_at: datetime | None = None
    """when it last showed an address that was new"""
    not_before: datetime | None = None
    """not to be asked before this time"""
    failures: int = 0
    """failures in a row"""
    failure: str | None = None
    """hard, soft or temporary; null when the last reading went well"""
    reason: str | None = None
    """the failure in words"""
    entries: int | None = None
    """addresses it showed at the last reading"""
    busiest: float | None = None
    """the most addresses a day that were new between two readings; older ones count less"""
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    """sha256 of the body at the last reading, hexadecimal"""
    rules: str | None = None
    """sha256 of what the source said of itself at that reading, hexadecimal"""
    walked: bool = False
    """whether a walk through all its pages has reached the end"""
    cursor: str | None = None
    """where a walk that was broken off goes on; null: from the beginning"""
    found_on: str | None = None
    """the home page on which it was found; null when the monitor names it"""


_COLUMNS = [getattr(Place, one.name) for one in fields(PlaceState)]


def place_state(session: Session, monitor: str, source: str, address: str) -> PlaceState:
    """What is known of one place."""
    row = session.execute(
        select(*_COLUMNS).where(Place.monitor == monitor, Place.source == source, Place.address == address)
    ).one_or_none()
    return PlaceState(*row) if row is not None else PlaceState(address)


@dataclass(frozen=True)
class PlacesInShort:
    """The places of a source, counted, and a few of those that fail."""

    total: int = 0
    failing: int = 0
    some: list[PlaceState] = field(default_factory=list)
    """the first of those that fail, in the order in which they were first asked; at most :data:`FAILING_SHOWN`"""


FAILING_SHOWN = 20
"""failing places of a source that are read: it may have thousands of places"""


@dataclass(frozen=True)
class PlacesKnown:
    """The places of a source, counted, and the newest of them."""

    some: list[PlaceState] = field(default_factory=list)
    """those that fail before the others, of each kind those first that were asked for the first time last"""
    total: int = 0
    failing: int = 0
    resting: int = 0
    """not failing, and not to be asked yet"""
    due: datetime | None = None
    """when the next of those that rest is asked"""
    empty: int = 0
    """not failing, and showed no address at the last reading"""
    an_empty: str | None = None
    """the address of one that showed none"""


PLACES_SHOWN = 200


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""before any place was asked"""


def _belongs(since: Any) -> ColumnElement[bool]:
    """Without the failing places that nobody has asked since, nor means to ask: they belong to the source no more.

    The monitor's file, an index or a home page named them once.
    """
    return or_(Place.failure.is_(None), Place.checked_at >= since, Place.not_before >= since)


def places_of(session: Session, monitor: str, source: str) -> list[PlaceState]:
    """All places of a source, in the order in which they were first asked: for a run, which has to know each.

    What is to be shown has a bound: :func:`places_known`.
    """
    mine = (Place.monitor == monitor, Place.source == source)
    return [PlaceState(*row) for row in session.execute(select(*_COLUMNS).where(*mine).order_by(Place.id))]


def places_known(
    session: Session,
    monitor: str,
    source: str,
    now: datetime,
    since: datetime | None = None,
    most: int = PLACES_SHOWN,
) -> PlacesKnown:
    """The newest ``most`` places of a source and the numbers of all, in one statement.

    ``since``: without those that fail and that nobody has asked since.
    """
    failing, well = Place.failure.is_not(None), Place.failure.is_(None)
    resting, empty = and_(well, Place.not_before > now), and_(well, Place.entries == 0)

    def number(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((which, 1))).over()

    query = (
        select(
            *_COLUMNS,
            func.count().over(),
            number(failing),
            number(resting),
            func.min(case((resting, Place.not_before))).over(),
            number(empty),
            func.min(case((empty, Place.address))).over(),
        )
        .where(Place.monitor == monitor, Place.source == source, _belongs(since or _EVER))
        .order_by(well, Place.id.desc())
        .limit(most)
    )
    rows = session.execute(query).all()
    if not rows:
        return PlacesKnown()
    return PlacesKnown([PlaceState(*row[: len(_COLUMNS)]) for row in rows], *rows[0][len(_COLUMNS) :])


def places_in_short(
    session: Session, since: Mapping[tuple[str, str], datetime | None]
) -> dict[tuple[str, str], PlacesInShort]:
    """(monitor, source) -> its places, in one statement whatever their number. ``since``: as in places_known."""
    found = {source: PlacesInShort() for source in since}
    rows = [(*source, time or _EVER) for source, time in since.items()]
    asked = listed(session, rows, monitor=String(), source=String(), since=UtcDateTime())
    mine = (Place.monitor == asked.c.monitor, Place.source == asked.c.source, _belongs(asked.c.since))
    whose = (Place.monitor, Place.source)
    counts = (func.count().label("total"), func.count(Place.failure).label("failing"))
    counted = select(*whose, *counts).where(*mine).group_by(*whose).subquery()
    nth = func.row_number().over(partition_by=whose, order_by=Place.id).label("nth")
    failing = select(*whose, nth, *_COLUMNS).where(*mine, Place.failure.is_not(None)).subquery()
    same = (failing.c.monitor == counted.c.monitor, failing.c.source == counted.c.source)
    states = [failing.c[one.name] for one in fields(PlaceState)]
    query = (
        select(counted, failing.c.nth, *states)
        .outerjoin(failing, and_(*same, failing.c.nth <= FAILING_SHOWN))
        .order_by(failing.c.nth)
    )
    for monitor, source, total, failed, number, *state in session.execute(query):
        known = found[monitor, source].some
        some = known if number is None else [*known, PlaceState(*state)]
        found[monitor, source] = PlacesInShort(total, failed, some)
    return found


def _keep(session: Session, monitor: str, source: str, address: str, values: dict[str, Any]) -> None:
    row = {"monitor": monitor, "source": source, "address": address, "failures": 0, "walked": False, **values}
    upsert(session, Place, [row], keys=_KEYS, update=list(values))


def keep_reading(session: Session, monitor: str, source: str, read: PlaceState) -> None:
    """A place was read, or has not changed: its state now. How far walks through it have come stays. Does not commit.

    Write it after what the place showed: a place that counts as read and whose addresses were lost would stay silent.
    """
    values = {one.name: getattr(read, one.name) for one in fields(PlaceState)}
    _keep(
        session,
        monitor,
        source,
        read.address,
        {name: value for name, value in values.items() if name not in {"address", "walked", "cursor", "found_on"}},
    )


def keep_failure(
    session: Session,
    monitor: str,
    source: str,
    address: str,
    *,
    now: datetime,
    failure: str,
    reason: str,
    not_before: datetime | None,
) -> None:
    """One more failure of a place in a row: its kind, its reason in words, when it is asked again. Does not commit.

    What was known of it before stays.
    """
    _keep(
        session,
        monitor,
        source,
        address,
        {"checked_at": now, "failure": failure, "reason": reason, "not_before": not_before},
    )
    session.execute(
        update(Place)
        .where(Place.monitor == monitor, Place.source == source, Place.address == address)
        .values(failures=Place.failures + 1)
    )


def keep_walk(session: Session, monitor: str, source: str, address: str, *, ended: bool) -> None:
    """A walk through all pages of a place has begun, or has reached the end. Does not commit.

    A listing may stop at the first page of known links only when an earlier walk reached the end; a walk that is
    killed between the two must not count as one that did.
    """
    _keep(session, monitor, source, address, {"walked": ended} | ({"cursor": None} if ended else {}))


def keep_cursor(session: Session, monitor: str, source: str, address: str, cursor: str | None) -> None:
    """Where a walk through a place goes on when it is broken off; null: from the beginning. Does not commit.

    Write it after what was found up to there.
    """
    _keep(session, monitor, source, address, {"cursor": cursor})


def keep_found(
    session: Session, monitor: str, source: str, home_page: str, addresses: Sequence[str], *, now: datetime
) -> None:
    """The feeds that a home page was found to have; those it had before count no longer. Does not commit.

    What is known of a feed stays. The home page was asked ``now``.
    """
    session.execute(
        update(Place)
        .where(Place.monitor == monitor, Place.source == source, Place.found_on == home_page)
        .values(found_on=None)
    )
    for address in addresses:
        _keep(session, monitor, source, address, {"found_on": home_page})
    _keep(session, monitor, source, home_page, {"checked_at": now})
