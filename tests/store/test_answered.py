"""How much of a random draw is answered, and when what is answered is no random part of it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.store.answered import answered_shares
from pipeline.store.cells import codings_again, random_codings
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Queue, QueueItem
from tests.measure.conftest import World

DRAWN = datetime(2024, 11, 1, tzinfo=UTC)
DONE = datetime(2024, 12, 1, tzinfo=UTC)


@pytest.fixture
def drawn(store_settings):
    """A session, its world, and a queue of ten texts of a stratum in their order, none answered."""
    with open_session(store_settings) as session:
        w = World(session)
        queue = Queue(monitor="m", variable="framing", drawn_at=DRAWN, seed=1)
        session.add(queue)
        session.flush()
        items = []
        for place in range(1, 11):
            text = w.text("a", date(2024, 10, place))
            item = QueueItem(
                queue_id=queue.id, place=place, document_id=text.id, target="", draw="random", probability=0.5,
                stratum="a/2024-Q4", coders=2 if place == 2 else 1,
            )  # fmt: skip
            session.add(item)
            items.append((item, text))
        session.flush()
        yield session, w, queue, items


def assign(session, item, outcome, *, slot=1, coder="one"):
    session.add(
        Assignment(
            item_id=item.id, slot=slot, coder=coder, leased_until=DONE, outcome=outcome,
            finished_at=DONE if outcome else None,
        )
    )  # fmt: skip
    session.flush()


def code(w, item, text):
    w.coding(text, "nationalist", drawn_at=DRAWN)
    assign(w.session, item, "coded")


def shares(session):
    return set(answered_shares(session, "m", "framing").values())


def test_the_share_of_a_stratum_counts_every_answer(drawn):
    session, w, queue, items = drawn
    assert answered_shares(session, "m", "framing") == {}
    for item, text in items[:3]:
        code(w, item, text)
    assign(session, items[1][0], None, slot=2, coder="two")  # one coder of two has answered
    assign(session, items[3][0], "unclear")
    assign(session, items[4][0], None)
    assert shares(session) == {0.4}
    assert {one.answered for one in random_codings(session, "m")} == {0.4}
    # of days before: a replay must not depend on what is coded of later texts
    assert {one.answered for one in random_codings(session, "m", before=date(2025, 1, 1))} == {1.0}
    # another stratum, draw or monitor is not this one
    items[9][0].stratum = "b/2024-Q4"
    session.flush()
    assert shares(session) == {4 / 9}
    assert answered_shares(session, "m", "criticism") == answered_shares(session, "n", "framing") == {}
    queue.closed_at = DONE
    session.flush()
    assert shares(session) == set()


def test_a_finished_draw_and_one_nobody_began_need_no_share(drawn):
    session, w, _, items = drawn
    for item, text in items:
        code(w, item, text)
    assert answered_shares(session, "m", "framing") == {}


def test_what_was_passed_over_leaves_no_random_part_and_what_is_at_work_does(drawn):
    session, w, _, items = drawn
    for item, text in [items[0], items[2]]:
        code(w, item, text)
    assert shares(session) == {None}
    assert {one.answered for one in random_codings(session, "m")} == {None}
    assign(session, items[1][0], None, coder="two")  # somebody has it, or left it there
    assert shares(session) == {0.2}


def test_codings_that_a_file_brought_are_answers_at_once(drawn):
    session, w, _, items = drawn
    for _, text in items[:5]:
        w.coding(text, "neither", drawn_at=DRAWN)
    assert shares(session) == {0.5}


def test_how_it_was_at_an_earlier_time(drawn):
    session, w, _, items = drawn
    for item, text in items[:4]:
        code(w, item, text)
    ids = [row.id for row in session.query(Coding)]
    session.query(Coding).filter(Coding.id == ids[3]).update({"coded_at": DONE + timedelta(days=9)})
    session.query(Assignment).filter(Assignment.item_id == items[3][0].id).update(
        {"finished_at": DONE + timedelta(days=9)}
    )
    then = DONE + timedelta(days=1)
    session.query(Coding).filter(Coding.id != ids[3]).update({"coded_at": DONE})
    assert {one.answered for one in codings_again(session, "m", ids[:3], then)} == {0.3}
    assert {one.answered for one in random_codings(session, "m")} == {0.4}
