from datetime import timedelta

import pytest
from sqlalchemy import event, select

from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Assignment, Document, Queue
from pipeline.store.withheld import withheld_among, withheld_variables
from tests.store.test_label import NOW, Desk


@pytest.fixture
def desk(store_settings):
    return Desk(store_settings)


def kept_from(desk: Desk, coder: str) -> set[int]:
    """Places of the texts that are kept from a coder, by either way of asking."""
    with open_session(desk.settings) as session:
        among = withheld_among(session, "m", coder, desk.texts)
        documents = session.scalars(select(Document).where(Document.id.in_(desk.texts)))
        assert among == {one.id for one in documents if withheld_variables(session, "m", coder, one)}
        assert withheld_among(session, "other", coder, desk.texts) == frozenset()
        assert withheld_among(session, "m", coder, []) == frozenset()
    return {desk.texts.index(one) for one in among}


def test_a_text_is_kept_from_a_coder_until_the_own_answer_stays(desk):
    for_one, other_one, for_two, done_by_two = desk.queue(1, 1, 2, 2)
    desk.queue(1, drawn=NOW - timedelta(days=9), closed=NOW, texts=desk.texts[5:6])
    assert kept_from(desk, "c1") == {0, 1, 2, 3}
    desk.codes(desk.texts[0], "c1", "both", item=for_one)
    desk.codes(desk.texts[1], "c2", "both", item=other_one)
    desk.codes(desk.texts[2], "c1", "both", item=for_two)
    desk.codes(desk.texts[3], "c1", "both", item=done_by_two)
    desk.codes(desk.texts[3], "c2", "both", item=done_by_two, slot=2)
    # what only another coder has done is not wanted of this one; of the last both answers stay
    assert kept_from(desk, "c1") == {0, 2}
    assert kept_from(desk, "c2") == {1, 2}
    assert kept_from(desk, "c3") == {2}
    with open_session(desk.settings) as session:
        session.add(Assignment(item_id=for_two, slot=2, coder="c2", leased_until=NOW))  # given, and not done
        for queue in session.scalars(select(Queue)):
            queue.closed_at = NOW
        session.commit()
    assert kept_from(desk, "c1") == set()


def test_copies_of_a_text_are_kept_with_it_and_one_statement_asks_for_all(desk):
    with open_session(desk.settings) as session:
        session.get_one(Document, desk.texts[7]).cluster_id = session.get_one(Document, desk.texts[0]).cluster_id
        session.get_one(Document, desk.texts[1]).cluster_id = None
        session.commit()
    desk.queue(1, 1)
    assert kept_from(desk, "c1") == {0, 1, 7}
    sent: list[tuple[str, object]] = []
    event.listen(engine_for(desk.settings.database), "before_cursor_execute", lambda *s: sent.append((s[2], s[3])))
    with open_session(desk.settings) as session:
        assert withheld_among(session, "m", "c1", range(1, 20_000)) == {desk.texts[place] for place in (0, 1, 7)}
    assert len(sent) == 1


def test_it_is_asked_from_the_texts_and_not_from_the_queues(settings):
    """However long a queue is: SQLite knows no numbers, and would go through all of it for each text."""
    desk = Desk(settings)
    with open_session(desk.settings) as session:
        sent: list[tuple[str, object]] = []
        event.listen(engine_for(desk.settings.database), "before_cursor_execute", lambda *s: sent.append((s[2], s[3])))
        withheld_among(session, "m", "c1", desk.texts)
        statement, values = sent[0]
        way = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any("queue_items USING COVERING INDEX ix_queue_items_document_id (document_id=?)" in step for step in way)
    for step in way:
        assert not step.startswith(("SCAN documents", "SCAN queue", "SCAN assignments")), way
        assert "ix_queue_items_place" not in step, way
