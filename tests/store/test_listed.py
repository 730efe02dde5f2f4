"""Rows that are asked for come over as they are, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import BigInteger, Date, String, select

from pipeline.store.listed import listed
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Place, UtcDateTime


def test_each_value_is_read_as_what_it_is(store_settings):
    at = datetime(2009, 9, 19, 23, 59, 59, 250, tzinfo=UTC)
    rows = [
        ("ا", date(2009, 9, 19), at, 1),
        ("\"],['; --", date(1000, 1, 1), at + timedelta(days=1), 2**40),
        ("", date(9998, 12, 31), at.replace(microsecond=0), -1),
    ]
    with open_session(store_settings) as session:
        asked = listed(session, rows, name=String(), day=Date(), at=UtcDateTime(), number=BigInteger())
        assert session.execute(select(*asked.c)).all() == rows
        assert session.execute(select(*listed(session, [], name=String()).c)).all() == []


def test_what_is_asked_for_compares_with_what_is_kept(store_settings):
    at = datetime(2009, 9, 19, tzinfo=UTC)
    with open_session(store_settings) as session:
        for number in range(3):
            checked = at + timedelta(hours=number)
            session.add(
                Place(monitor="m", source="s", address=f"{number}", checked_at=checked, failures=0, walked=False)
            )
        session.add_all([Cluster(monitor=f"m{number % 7}") for number in range(40)])
        session.flush()
        asked = listed(session, [("s", at + timedelta(hours=1))], source=String(), since=UtcDateTime())
        since = (
            select(Place.address).join(asked, Place.source == asked.c.source).where(Place.checked_at >= asked.c.since)
        )
        assert sorted(session.scalars(since)) == ["1", "2"]
        ids = session.scalars(select(Cluster.id).where(Cluster.monitor == "m3")).all()
        # more numbers than a statement may have values
        asked = listed(session, [[number] for number in [*ids, *range(10**6, 10**6 + 70_000)]], id=BigInteger())
        assert sorted(session.scalars(select(Cluster.id).where(Cluster.id.in_(select(asked.c.id))))) == sorted(ids)
