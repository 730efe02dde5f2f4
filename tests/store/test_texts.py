"""Searching texts on both databases: filters, counts, order, bounds, and the ways that the database goes."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event

from pipeline.settings import Settings
from pipeline.store import texts as module
from pipeline.store.search import slices
from pipeline.store.search.index import index_texts
from pipeline.store.search.query import parse
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Cluster, Document, Framing, Mention, Model, Promotion, TrendCell
from pipeline.store.texts import NONE, Wanted, search, shown, texts_of_months

NOW = datetime(2010, 3, 1, tzinfo=UTC)


def add(
    session,
    id_,
    text,
    *,
    day="2009-09-19",
    group="a",
    speaker="own",
    source="s",
    language="en",
    cluster=None,
    label=None,
):
    session.add(
        Document(
            id=id_, monitor="m", source=source, group_id=group, speaker=speaker, address=f"http://x/{id_}",
            title=f"T{id_}", text=text, text_digest="d", language=language, cluster_id=cluster, collected_at=NOW,
            updated_at=NOW,
            published_at=datetime.fromisoformat(day + "T22:30:00+00:00") if day else None, extractor="x",
        )
    )  # fmt: skip
    session.flush()
    if label:
        session.add(
            Framing(
                document_id=id_, model_id=1, text_digest="d", featuriser="f", p_first=0.75, p_second=0.25, label=label,
                scored_at=NOW,
            )
        )  # fmt: skip
    index_texts(session, [(id_, f"T{id_}", text)])


@pytest.fixture
def store(store_settings):
    with open_session(store_settings) as session:
        session.add(Model(id=1, variable="framing", name="f", sha256="0" * 64, trained_at=NOW, training_balance=0.0))
        session.flush()
        session.add(Promotion(variable="framing", model_id=1, promoted_at=NOW, comment="first"))
        session.add(Cluster(id=1, monitor="m", first_document_id=1))
        session.flush()
        add(session, 1, "the river and the land", day="2009-09-19", cluster=1, label="nationalist")
        add(session, 2, "the river and the land", day="2009-09-30", group="b", cluster=1, label="nationalist")
        add(session, 3, "a border, a river river river", day="2009-10-02", language="ar", label="both")
        add(session, 4, "no shore", day="2008-01-01", source="t")
        add(session, 5, "a river, observed", day="2009-09-20", group=None, speaker="observer", language=None)
        add(session, 6, "a river without a date", day=None)
        add(session, 7, "another monitor's river")
        session.get_one(Document, 7).monitor = "n"
        for id_, named in ((1, True), (3, True), (4, False), (7, True)):
            session.add(Mention(document_id=id_, target="b", named=named, audited=True))
        session.add(Mention(document_id=2, target="a", named=True, audited=True))
        session.commit()
        yield session


def ids(session, typed="", order="newest", **more):
    return [hit.id for hit in search(session, Wanted("m", parse(typed) if typed else None, **more), order).hits]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, [3, 2, 5, 1, 4, 6]),
        ({"typed": "river"}, [3, 2, 5, 1, 6]),
        ({"typed": "river", "order": "oldest"}, [1, 5, 2, 3, 6]),
        ({"typed": "river", "only": {"group": "a"}}, [3, 1, 6]),
        ({"typed": "river", "only": {"group": "a", "speaker": "own"}, "start": date(2009, 9, 1)}, [3, 1]),
        ({"typed": "river -land", "only": {"group": "a", "speaker": "own"}, "end": date(2010, 1, 1)}, [3]),
        ({"only": {"group": NONE}}, [5]),
        ({"only": {"language": NONE}}, [5]),
        ({"only": {"language": "ar"}}, [3]),
        ({"only": {"source": "t"}}, [4]),
        ({"only": {"speaker": "observer"}}, [5]),
        ({"only": {"label": "nationalist"}}, [2, 1]),
        ({"only": {"label": NONE}}, [5, 4, 6]),
        ({"typed": "river", "counting": True}, [3, 5, 1, 6]),
        ({"names": "b"}, [3, 1]),  # 4 hits an alias as an ordinary word only, 7 is another monitor's
        ({"names": "a"}, [2]),
        ({"names": "a", "counting": True}, []),  # a repost since it was looked through
        ({"names": "c"}, []),
        ({"names": "b", "typed": "land OR shore"}, [1]),
        ({"names": "b", "only": {"group": "a", "speaker": "own"}, "start": date(2009, 10, 1)}, [3]),
        ({"typed": "land OR border -shore"}, [3, 2, 1]),
        ({"start": date(2009, 9, 20), "end": date(2009, 10, 1)}, [2, 5]),
        ({"typed": "nothing"}, []),
        ({"typed": "-river"}, []),
        ({"typed": "…"}, []),
    ],
)
def test_filters_and_order(store, more, found):
    assert ids(store, **more) == found


def test_the_best_match_first(store):
    assert ids(store, "river", "best")[0] == 3
    assert ids(store, "river", "best", only={"group": "a", "speaker": "own"}, start=date(2009, 9, 1))[0] == 3
    assert ids(store, "", "best") == ids(store)  # nothing to match: the newest first


def test_every_way_finds_the_same(store, monkeypatch):
    """A few texts are taken by their dates or group, many by their words."""
    cases = [
        {"typed": "river", "only": {"group": "a"}},
        {"typed": "river", "only": {"group": "a", "speaker": "own"}, "start": date(2009, 9, 1)},
        {"typed": "river", "start": date(2009, 9, 1), "end": date(2009, 10, 1)},
        {"start": date(2009, 9, 1)},
        {"names": "b", "start": date(2009, 9, 1)},
        {"names": "b", "typed": "river", "only": {"group": "a"}},
    ]
    narrow = [ids(store, **case) for case in cases]
    assert all(narrow)
    monkeypatch.setattr(module, "_narrow", lambda session, wanted: None)
    assert [ids(store, **case) for case in cases] == narrow


def test_hits_are_counted(store):
    hits = search(store, Wanted("m", parse("river")))
    assert hits.counts("group") == [("a", 3), ("b", 1), (NONE, 1)]
    assert hits.counts("language") == [("en", 3), ("ar", 1), (NONE, 1)]
    assert hits.counts("label") == [("nationalist", 2), (NONE, 2), ("both", 1)]
    assert hits.years == [(2009, 4)]
    assert hits.months == {("a", date(2009, 9, 1)): 1, ("b", date(2009, 9, 1)): 1, ("a", date(2009, 10, 1)): 1}


def test_a_label_of_an_earlier_text_counts_as_none(store):
    store.get_one(Document, 1).text_digest = "other"
    store.flush()
    assert ids(store, only={"label": "nationalist"}) == [2]
    assert ids(store, only={"label": NONE}) == [5, 1, 4, 6]
    assert ids(store, "river", only={"label": "nationalist"}) == [2]
    assert search(store, Wanted("m", parse("river"))).counts("label") == [(NONE, 3), ("both", 1), ("nationalist", 1)]


def test_there_is_a_bound_and_it_is_told(store, monkeypatch):
    monkeypatch.setattr(module, "MOST_HITS", 2)
    for typed in ("", "river"):
        hits = search(store, Wanted("m", parse(typed) if typed else None))
        assert hits.more
        assert {hit.id for hit in hits.hits} == {5, 6}  # collected last
    assert not search(store, Wanted("m", parse("land"))).more


def test_months_are_those_of_the_trend_table_or_counted(store):
    between = (["a", "b"], date(2009, 9, 1), date(2009, 12, 1))
    counted = texts_of_months(store, "m", *between)
    assert counted.measured_at is None
    assert counted.texts == {("a", date(2009, 9, 1)): 1, ("b", date(2009, 9, 1)): 1, ("a", date(2009, 10, 1)): 1}
    cell = {"monitor": "m", "period": "month", "clusters": 5, "sources": 1, "codings": 0, "measured_at": NOW}
    store.add(TrendCell(group_id="a", start=date(2009, 9, 1), end=date(2009, 10, 1), texts=8, **cell))
    measured = texts_of_months(store, "m", *between)
    assert measured.texts == {("a", date(2009, 9, 1)): 8}
    assert measured.measured_at == NOW
    assert texts_of_months(store, "m", *between, counting=True).texts == {("a", date(2009, 9, 1)): 5}


def test_months_of_texts_that_count_leave_reposts_out(store):
    counted = texts_of_months(store, "m", ["a", "b"], date(2009, 9, 1), date(2009, 12, 1), counting=True)
    assert counted.texts == {("a", date(2009, 9, 1)): 1, ("a", date(2009, 10, 1)): 1}  # b's is a repost of a's


def test_rows_are_shown_in_the_order_asked_for(store):
    rows = shown(store, [2, 5, 1, 999], 9)
    assert [row.id for row in rows] == [2, 5, 1]
    assert [row.counts for row in rows] == [False, True, True]
    assert rows[0].text == "the river"
    assert (rows[0].p_nationalist, rows[0].label) == (0.75, "nationalist")
    assert rows[1].label is None
    assert shown(store, [1], 0)[0].text == ""
    store.get_one(Document, 1).text_digest = "other"
    store.flush()
    assert shown(store, [1], 5)[0].label is None  # scored before its text changed


ODD = "it's \\ 'odd' & (b | c):*"


def test_what_the_index_knows_of_the_filters_leaves_no_hit_out(store, monkeypatch):
    """Names that a query has signs for, and years at their ends."""
    days = ("2009-01-01", "2009-12-31", "2010-01-01", "2011-06-01", None)
    for id_, day in enumerate(days, start=10):
        add(store, id_, "a river", day=day, group=ODD, source=ODD)
    store.commit()
    assert ids(store, "river", only={"group": ODD}) == ids(store, "river", only={"source": ODD}) == [13, 12, 11, 10, 14]
    ends = [None, *(date(year, month, day) for year in (2009, 2010) for month, day in ((1, 1), (1, 2), (12, 31)))]
    cases = [{"start": start, "end": end} for start in ends for end in [*ends, date(2030, 1, 1)]]
    cases += [{"only": {"group": value}} for value in ("a", "b", NONE, "c")]
    cases += [{"only": {"group": ODD, "source": "s"}}, {"only": {"source": NONE}}]

    def found():
        return [ids(store, typed, **case) for typed in ("river", "land OR river", '"a river"') for case in cases]

    known = found()
    assert any(known)
    monkeypatch.setattr(module, "_marks", lambda wanted: [])
    assert found() == known


@pytest.mark.parametrize("most", [1, 3, 10_000])
@pytest.mark.parametrize("first", [1, 2, 10_000])
def test_a_phrase_is_found_by_slices_as_at_once(store, monkeypatch, first, most):
    """On PostgreSQL: the same hits in the same order, whichever the slices and filters."""
    for id_ in range(10, 40):
        add(store, id_, "our own river" if id_ % 4 else "own our river", group="ab"[id_ % 2], label=None)
    store.commit()
    monkeypatch.setattr(module, "MOST_HITS", most)
    cases = [
        (typed, order, more)
        for typed in ('"own river"', '"own river" OR "the land"', '"our river"')
        for order in ("newest", "oldest", "best")
        for more in ({}, {"only": {"group": "a"}}, {"only": {"label": NONE}}, {"counting": True})
    ]

    def found():
        return [search(store, Wanted("m", parse(typed), **more), order) for typed, order, more in cases]

    monkeypatch.setattr(slices, "FIRST", 10_000)
    at_once = found()
    assert len(at_once[0].hits) == min(most, sum(1 for id_ in range(10, 40) if id_ % 4))
    monkeypatch.setattr(slices, "FIRST", first)
    assert found() == at_once


def test_a_phrase_that_few_have_is_looked_for_by_its_words(postgres_address, tmp_path, monkeypatch):
    """PostgreSQL would go down from the newest text, since many have both words."""
    settings = Settings(data=tmp_path, database_url=postgres_address)
    sent = []

    def note(connection, cursor, statement, values, *rest):
        if "search_words" in statement:
            sent.append((f"EXPLAIN {statement}", values))

    monkeypatch.setattr(module, "MOST_HITS", 5)
    with open_session(settings) as session:
        connection = session.connection()
        connection.exec_driver_sql(
            "INSERT INTO documents (id, monitor, source, speaker, address, text, text_digest, dates, collected_at,"
            " updated_at, extractor) SELECT n, 'm', 's', 'own', n, '', 'd', '[]', now(), now(), 'x'"
            " FROM generate_series(1, 5000) AS n"
        )
        connection.exec_driver_sql(
            "INSERT INTO search_words SELECT n, to_tsvector('simple', repeat('more ', 200) || n || ' ' ||"
            " CASE WHEN mod(n, 10) = 0 THEN 'own our' ELSE 'no' END) FROM generate_series(1, 5000) AS n"
        )
        session.commit()
        engine = engine_for(settings.database)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as outside:
            outside.exec_driver_sql("VACUUM ANALYZE")
        event.listen(engine, "before_cursor_execute", note)
        for first in (5000, 500):
            monkeypatch.setattr(slices, "FIRST", first)
            assert not search(session, Wanted("m", parse('"our own"'))).hits
        event.remove(engine, "before_cursor_execute", note)
        plans = ["\n".join(row[0] for row in session.connection().exec_driver_sql(*one)) for one in sent]
    engine.dispose()
    at_once, _, rest = plans
    assert "Bitmap Index Scan on ix_search_words" not in at_once, at_once
    assert "Bitmap Index Scan on ix_search_words" in rest, rest


def test_sqlite_goes_through_those_that_name_a_group_and_not_through_all(settings):
    sent = []

    def note(connection, cursor, statement, values, *rest):
        if "mentions" in statement:
            sent.append((f"EXPLAIN QUERY PLAN {statement}", values))

    with open_session(settings) as session:
        add(session, 1, "the river")
        event.listen(engine_for(settings.database), "before_cursor_execute", note)
        search(session, Wanted("m", names="b"))
        event.remove(engine_for(settings.database), "before_cursor_execute", note)
        (plan,) = ([row[3] for row in session.connection().exec_driver_sql(*one)] for one in sent)
    assert any("COVERING INDEX ix_documents_search (monitor=? AND id=?)" in step for step in plan), plan
    assert any("ix_mentions_target (target=?)" in step for step in plan), plan


def test_sqlite_comes_to_no_text_for_hits(settings):
    """What filters and counts stands in an index: the statement reads no row of the documents themselves."""
    sent = []

    def note(connection, cursor, statement, values, *rest):
        if "INDEXED BY ix_documents_search" in statement:
            sent.append((statement, values))

    with open_session(settings) as session:
        add(session, 1, "the river")
        event.listen(engine_for(settings.database), "before_cursor_execute", note)
        search(session, Wanted("m", parse("river")))
        search(session, Wanted("m", only={"language": "en"}))
        event.remove(engine_for(settings.database), "before_cursor_execute", note)
        explained = [(f"EXPLAIN QUERY PLAN {statement}", values) for statement, values in sent]
        plans = [[row[3] for row in session.connection().exec_driver_sql(*one)] for one in explained]
    assert len(plans) == 2
    for plan in plans:
        assert any("COVERING INDEX ix_documents_search" in step for step in plan), plan
    assert any("VIRTUAL TABLE INDEX" in step for step in plans[0])
    assert not any("TEMP B-TREE" in step for plan in plans for step in plan), plans
