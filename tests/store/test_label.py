from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from pipeline.report import Report
from pipeline.store.label import (
    IMPORTING,
    answered_lately,
    disputes,
    in_dispute,
    open_work,
    queue_states,
    votes,
    votes_mark,
    waiting_for_second,
)
from pipeline.store.pending import is_pending, pending_among
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Cluster, Coding, Document, Queue, QueueItem
from tests.framing.labelled import add_texts

NOW = datetime(2024, 10, 1, tzinfo=UTC)


class Desk:
    """Queues, answers and codings, written straight into the tables."""

    def __init__(self, settings) -> None:
        self.settings = settings
        self.texts = add_texts(settings, 8)
        self.codings = 0

    def queue(self, *coders: int, drawn=NOW, closed=None, texts=None) -> list[int]:
        with open_session(self.settings) as session:
            queue = Queue(monitor="m", variable="framing", drawn_at=drawn, seed=1, closed_at=closed)
            session.add(queue)
            session.flush()
            items = [
                QueueItem(
                    queue_id=queue.id, place=place, document_id=document, target="", draw="random", probability=0.5,
                    stratum="a/2024-Q1", coders=number,
                )
                for place, (document, number) in enumerate(zip(texts or self.texts, coders, strict=False), start=1)
            ]  # fmt: skip
            session.add_all(items)
            session.commit()
            return [item.id for item in items]

    def codes(self, document: int, coder: str, value: str, *, drawn=NOW, item=None, slot=1, settles=False) -> int:
        with open_session(self.settings) as session:
            self.codings += 1
            at = NOW + timedelta(seconds=self.codings)
            address = session.get_one(Document, document).address
            coding = Coding(
                monitor="m", address=address, document_id=document, variable="framing", value=value,
                codebook_version=1, coder=coder, coded_at=at, draw="random", probability=0.5, drawn_at=drawn,
                settles=settles,
            )  # fmt: skip
            session.add(coding)
            if item is not None:
                session.add(
                    Assignment(item_id=item, slot=slot, coder=coder, leased_until=at, outcome="coded", finished_at=at)
                )
            session.commit()
            return coding.id

    def pending(self) -> set[int]:
        with open_session(self.settings) as session:
            of_query = set(session.scalars(select(Coding.id).where(is_pending())))
            assert pending_among(session, [*session.scalars(select(Coding.id))]) == of_query
            return of_query

    def disputes(self, coder="c9", **options):
        with open_session(self.settings) as session:
            return disputes(session, "m", "framing", coder, **({"limit": 10} | options))


@pytest.fixture
def desk(store_settings):
    return Desk(store_settings)


def test_a_coding_is_pending_until_the_second_coder_has_done_the_text(desk):
    first, second = desk.queue(2, 1)
    waiting = desk.codes(desk.texts[0], "c1", "both", item=first)
    desk.codes(desk.texts[1], "c1", "both", item=second)
    earlier = desk.codes(desk.texts[0], "c3", "both", drawn=NOW - timedelta(days=9))  # of another draw
    assert desk.pending() == {waiting}
    assert earlier != waiting
    desk.codes(desk.texts[0], "c2", "neither", item=first, slot=2)
    assert desk.pending() == set()


def test_a_closed_queue_waits_for_nobody(desk):
    (item,) = desk.queue(2, closed=NOW)
    desk.codes(desk.texts[0], "c1", "both", item=item)
    assert desk.pending() == set()


def test_an_answer_that_was_unclear_leaves_the_other_waiting_for_nobody(desk):
    (item,) = desk.queue(2)
    desk.codes(desk.texts[0], "c1", "both", item=item)
    with open_session(desk.settings) as session:
        session.add(Assignment(item_id=item, slot=2, coder="c2", leased_until=NOW, outcome="unclear", finished_at=NOW))
        session.commit()
    assert desk.pending() == set()


def test_queues_are_counted_with_ones_own_answers(desk):
    items = desk.queue(2, 1, 1)
    desk.queue(1, 1, drawn=NOW - timedelta(days=30), closed=NOW)
    desk.codes(desk.texts[0], "c1", "both", item=items[0])
    desk.codes(desk.texts[1], "c2", "both", item=items[1])
    later = NOW + timedelta(hours=1)
    with open_session(desk.settings) as session:
        (state,) = queue_states(session, "m", "framing", "c1", later)
        assert (state.texts, state.wanted, state.coded, state.unclear, state.mine, state.left) == (3, 4, 2, 0, 1, 2)
        assert not state.by_alarm
        assert waiting_for_second(session, "m", "framing") == 1
        assert answered_lately(session, "m", "c1", later) == 1
        assert answered_lately(session, "m", "c1", later + timedelta(days=2)) == 0
        assert open_work(session, "m") == {"framing": 3}
        assert queue_states(session, "m", "criticism", "c1", later) == []


def test_every_open_queue_is_counted(desk):
    for number in range(120):
        desk.queue(2, 1, drawn=NOW + timedelta(minutes=number))
    with open_session(desk.settings) as session:
        session.add(Queue(monitor="m", variable="framing", drawn_at=NOW + timedelta(days=1), seed=1))
        session.commit()
        states = queue_states(session, "m", "framing", "c1", NOW)
    assert [one.drawn_at for one in states] == sorted(one.drawn_at for one in states)
    assert [(one.texts, one.wanted) for one in states] == [(2, 3)] * 120 + [(0, 0)]


def test_votes_leave_out_what_is_pending_settles_or_is_a_machines(desk):
    (item,) = desk.queue(2)
    desk.codes(desk.texts[0], "c1", "both", item=item)
    desk.codes(desk.texts[1], "c1", "both")
    desk.codes(desk.texts[1], "c2", "neither")
    desk.codes(desk.texts[1], "c3", "neither", settles=True)
    with open_session(desk.settings) as session:
        mark = votes_mark(session, "m", "framing")
        assert [(one.coder, one.value) for one in votes(session, "m", "framing")] == [("c1", "both"), ("c2", "neither")]
    desk.codes(desk.texts[0], "c2", "both", item=item, slot=2)
    with open_session(desk.settings) as session:
        assert votes_mark(session, "m", "framing") != mark
        assert len(votes(session, "m", "framing")) == 4


def test_an_answer_that_can_be_taken_back_is_no_vote_and_no_disagreement(desk):
    """Of a text that was coded before: its coder would see whether the other had said the same, and undo."""
    (item,) = desk.queue(1)
    earlier = NOW - timedelta(days=9)
    desk.codes(desk.texts[0], "c1", "both", drawn=earlier)
    desk.codes(desk.texts[0], "c2", "neither", drawn=earlier)
    before = desk.disputes("c3")
    assert before.others == 0  # the queue has it for a coder
    desk.codes(desk.texts[0], "c3", "both", item=item)
    for coder in ("c3", "c9"):
        assert desk.disputes(coder) == before
    with open_session(desk.settings) as session:
        assert [one.coder for one in votes(session, "m", "framing")] == ["c1", "c2"]
        session.scalars(select(Queue)).one().closed_at = NOW + timedelta(days=1)
        session.commit()
        assert [one.coder for one in votes(session, "m", "framing")] == ["c1", "c2", "c3"]
    assert (desk.disputes("c3").own, desk.disputes("c9").others) == (1, 1)


def test_votes_for_a_page_are_the_newest_of_them(desk):
    for place, coder in enumerate(("c1", "c2", "c3")):
        desk.codes(desk.texts[place], coder, "both")
    with open_session(desk.settings) as session:
        assert [one.coder for one in votes(session, "m", "framing", most=2)] == ["c2", "c3"]
        assert [one.coder for one in votes(session, "m", "framing")] == ["c1", "c2", "c3"]


def test_the_mark_of_the_votes_changes_when_a_queue_is_closed(desk):
    (item,) = desk.queue(2)
    desk.codes(desk.texts[0], "c9", "both", drawn=NOW - timedelta(days=9))
    desk.codes(desk.texts[0], "c1", "neither", item=item)  # waits for a second coder
    with open_session(desk.settings) as session:
        mark = votes_mark(session, "m", "framing")
        assert len(votes(session, "m", "framing")) == 1
        session.scalars(select(Queue)).one().closed_at = NOW + timedelta(days=1)
        session.commit()
        assert len(votes(session, "m", "framing")) == 2
        assert votes_mark(session, "m", "framing") != mark


def test_the_mark_of_the_votes_changes_when_a_file_corrects_an_older_coding(desk):
    first = desk.codes(desk.texts[0], "c1", "both")
    desk.codes(desk.texts[1], "c1", "both")
    with open_session(desk.settings) as session:
        mark = votes_mark(session, "m", "framing")
        session.get_one(Coding, first).value = "neither"
        record_run(session, Report(job=IMPORTING, updated=1), started_at=NOW, monitor="m")
        session.commit()
        assert votes_mark(session, "m", "framing") != mark


def test_disputes_are_between_other_coders_and_wait_for_none(desk):
    said = [("both", "neither"), ("both", "both"), ("neither", "both"), ("both", "neither")]
    for place, (one, two) in enumerate(said):
        desk.codes(desk.texts[place], "c1", one)
        desk.codes(desk.texts[place], "c2" if place else "c9", two)
    desk.codes(desk.texts[3], "c3", "both", settles=True)
    found = desk.disputes()
    assert [one.document for one in found.shown] == [desk.texts[2]]
    assert [one.value for one in found.shown[0].opinions] == ["neither", "both"]
    assert (found.others, found.own, found.more) == (1, 1, False)
    assert [one.document for one in desk.disputes("c5").shown] == [desk.texts[0], desk.texts[2]]
    assert [one.document for one in desk.disputes("c5", limit=1, skip=1).shown] == [desk.texts[2]]
    desk.queue(1, texts=[desk.texts[2]])  # somebody has still to code it
    assert desk.disputes().shown == []


def test_who_changed_the_mind_disagrees_with_nobody(desk):
    desk.codes(desk.texts[0], "c1", "both")
    desk.codes(desk.texts[0], "c2", "neither")
    desk.codes(desk.texts[0], "c1", "neither", drawn=NOW + timedelta(days=1))
    assert desk.disputes().shown == []
    assert desk.disputes().others == 0


def test_codings_of_two_copies_of_a_text_are_of_one(desk):
    with open_session(desk.settings) as session:
        cluster = session.get_one(Document, desk.texts[0]).cluster_id
        session.get_one(Document, desk.texts[1]).cluster_id = cluster
        assert session.get(Cluster, cluster) is not None
        session.commit()
    desk.codes(desk.texts[0], "c1", "both")
    desk.codes(desk.texts[1], "c2", "neither")
    assert [one.document for one in desk.disputes().shown] == [desk.texts[0]]


def test_what_may_be_settled_is_asked_again_at_the_moment_of_settling(desk):
    desk.codes(desk.texts[0], "c1", "both")
    desk.codes(desk.texts[0], "c2", "neither")
    with open_session(desk.settings) as session:
        assert in_dispute(session, "m", "framing", desk.texts[0], "", "c9") == "http://x.example/t/a/0/0"
        assert in_dispute(session, "m", "framing", desk.texts[0], "", "c1") is None
        assert in_dispute(session, "m", "framing", desk.texts[1], "", "c9") is None
        assert in_dispute(session, "m", "framing", desk.texts[0], "b", "c9") is None
        assert in_dispute(session, "other", "framing", desk.texts[0], "", "c9") is None
        assert in_dispute(session, "m", "framing", 10**9, "", "c9") is None
    desk.codes(desk.texts[0], "c9", "both", settles=True)
    with open_session(desk.settings) as session:
        assert in_dispute(session, "m", "framing", desk.texts[0], "", "c8") is None
