"""An alarm whose queue was closed with answers: the next draw goes on with its sample, and forgets nothing."""

from datetime import UTC, datetime, time

import pytest

from pipeline.framing.confirming import ConfirmingError, _seed, draw_for
from pipeline.framing.labelling import close_queue
from pipeline.measure.confirming import confirmed_so_far
from pipeline.measure.job import measure
from pipeline.store.alarms import alarms_of, frozen_sides
from pipeline.store.published import pack, unpack
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Document, DrawnSide, Framing, Queue, QueueItem
from tests.measure.moving import NOW, WEEKLY, fill

BALANCES = {"nationalist": 1.0, "universalist": -1.0, "neither": 0.0}


@pytest.fixture
def alarmed(store_settings, world, monitor_of):
    """A store with an alarm of which nothing is drawn yet."""
    settings, monitor = store_settings, monitor_of(**WEEKLY)
    fill(settings, world)
    measure(settings, monitor, now=NOW)
    return settings, monitor


def the_alarm(settings):
    with open_session(settings) as session:
        (alarm,) = alarms_of(session, "m")
    return alarm


def items(settings, queue):
    with open_session(settings) as session:
        rows = session.query(QueueItem).filter(QueueItem.queue_id == queue).order_by(QueueItem.place)
        return [(row.stratum, row.document_id) for row in rows]


def answer(settings, queue, most, *, unclear=()):
    """Answer the first texts of a queue, in its order; those at the places ``unclear`` as such."""
    with open_session(settings) as session:
        drawn_at = session.get(Queue, queue).drawn_at
        rows = session.query(QueueItem).filter(QueueItem.queue_id == queue).order_by(QueueItem.place).limit(most)
        for number, item in enumerate(rows):
            outcome = "unclear" if number in unclear else "coded"
            session.add(
                Assignment(item_id=item.id, slot=1, coder="one", leased_until=NOW, outcome=outcome, finished_at=NOW)
            )
            if outcome == "coded":
                document = session.get(Document, item.document_id)
                session.add(
                    Coding(
                        monitor="m", address=document.address, document_id=document.id, variable="framing",
                        value=("nationalist", "neither", "universalist")[document.id % 3], codebook_version=1,
                        coder="one", coded_at=NOW, draw=item.draw, probability=item.probability, drawn_at=drawn_at,
                    )
                )  # fmt: skip
        session.commit()


def said(settings):
    with open_session(settings) as session:
        (alarm,) = alarms_of(session, "m")
        return confirmed_so_far(session, alarm, session.query(Framing).first().model_id, BALANCES)


def test_the_next_draw_keeps_the_answers_the_texts_and_the_plan(alarmed):
    settings, monitor = alarmed
    draw_for(settings, monitor, the_alarm(settings).id, size=80)
    first = the_alarm(settings)
    answer(settings, first.queue_id, 60, unclear={3, 21})
    before = said(settings)
    with open_session(settings) as session:
        sides = frozen_sides(session, first.queue_id)
        # a text that comes into the stretch after the first draw
        within = datetime.combine(first.since, time(12), tzinfo=UTC)
        session.add(
            Document(
                id=90_001, monitor="m", source="a-site", group_id="a", speaker="own", address="https://example.org/l",
                text="Late", text_digest="f" * 64, extractor="test", published_at=within, collected_at=NOW,
                updated_at=NOW,
            )
        )  # fmt: skip
        session.commit()
    close_queue(settings, monitor, first.queue_id)
    answered = items(settings, first.queue_id)
    assert len(answered) == 60
    assert said(settings) == before

    assert draw_for(settings, monitor, first.id, size=500) > 100
    second = the_alarm(settings)
    assert second.queue_id != first.queue_id
    assert second.planned == first.planned == 80
    assert said(settings) == before  # nothing is forgotten, and nothing won by drawing
    drawn = items(settings, second.queue_id)
    assert not set(drawn) & set(answered)
    assert {document for _, document in drawn + answered} <= {d for texts in sides.values() for d in texts}
    with open_session(settings) as session:
        assert frozen_sides(session, second.queue_id) == sides

    answer(settings, second.queue_id, 40)
    after = said(settings)
    assert len(after.codings) == 58 + 40
    assert set(before.codings) < set(after.codings)
    assert after.unclear == before.unclear
    width = after.confirmed.high - after.confirmed.low
    assert width < before.confirmed.high - before.confirmed.low


def test_draws_of_older_versions_from_other_texts_are_no_part_of_the_sample(alarmed):
    """There a closed queue was drawn anew, from the texts that there were by then."""
    settings, monitor = alarmed
    draw_for(settings, monitor, the_alarm(settings).id, size=80)
    first = the_alarm(settings)
    answer(settings, first.queue_id, 80)
    close_queue(settings, monitor, first.queue_id)
    draw_for(settings, monitor, first.id, size=80)
    second = the_alarm(settings)
    assert len(said(settings).codings) == 80
    with open_session(settings) as session:
        row = session.query(DrawnSide).filter(DrawnSide.queue_id == second.queue_id).first()
        row.documents = pack([*unpack(row.documents).tolist(), 90_001])
        session.commit()
    assert said(settings).codings == ()
    answer(settings, second.queue_id, 60)
    assert said(settings).why.startswith("60 of 80 texts of its confirmation are coded")


def test_it_is_drawn_in_turns_from_what_is_left_at_random(alarmed):
    settings, monitor = alarmed
    draw_for(settings, monitor, the_alarm(settings).id, size=40)
    first = the_alarm(settings)
    answer(settings, first.queue_id, 40)
    close_queue(settings, monitor, first.queue_id)
    draw_for(settings, monitor, first.id, size=8)
    drawn = items(settings, the_alarm(settings).queue_id)
    names = [f"alarm {first.id}/{group}/{stretch}" for stretch in ("present", "reference") for group in "ab"]
    assert [side for side, _ in drawn] == names * 2
    assert [document for _, document in drawn] != sorted(document for _, document in drawn)


def test_a_queue_closed_without_an_answer_leaves_everything_open(alarmed):
    settings, monitor = alarmed
    draw_for(settings, monitor, the_alarm(settings).id, size=80)
    first = the_alarm(settings)
    close_queue(settings, monitor, first.queue_id)
    with pytest.raises(ConfirmingError, match="39 texts can't confirm anything; 40 are needed, ten for each side"):
        draw_for(settings, monitor, first.id, size=39)
    assert draw_for(settings, monitor, first.id, size=60) == 60
    assert the_alarm(settings).planned == 60


def test_what_was_erased_is_drawn_no_more(alarmed):
    settings, monitor = alarmed
    draw_for(settings, monitor, the_alarm(settings).id, size=40)
    first = the_alarm(settings)
    answer(settings, first.queue_id, 40)
    close_queue(settings, monitor, first.queue_id)
    with open_session(settings) as session:
        sides = frozen_sides(session, first.queue_id)
        held = {document for _, document in items(settings, first.queue_id)}
        gone = next(d for d in sides[f"alarm {first.id}/a/present"] if d not in held)
        session.query(Framing).filter(Framing.document_id == gone).delete()
        session.query(Document).filter(Document.id == gone).delete()
        session.commit()
    draw_for(settings, monitor, first.id, size=10_000)
    second = the_alarm(settings).queue_id
    drawn = {document for _, document in items(settings, second)}
    assert drawn == {d for texts in sides.values() for d in texts} - held - {gone}


def test_when_all_is_answered_nothing_is_left_to_draw(alarmed):
    settings, monitor = alarmed
    draw_for(settings, monitor, the_alarm(settings).id, size=10_000)
    first = the_alarm(settings)
    answer(settings, first.queue_id, 10_000)
    assert said(settings).confirmed.low == said(settings).confirmed.high
    close_queue(settings, monitor, first.queue_id)
    with pytest.raises(ConfirmingError, match="nothing is left to draw"):
        draw_for(settings, monitor, first.id, size=40)
    with pytest.raises(ConfirmingError, match="0 texts can't confirm anything; 1 are needed"):
        draw_for(settings, monitor, first.id, size=0)
    assert the_alarm(settings).queue_id == first.queue_id


def test_a_seed_fits_its_column():
    # of random words half would not, without the limit
    assert all(0 <= _seed(str(number)) < 2**31 for number in range(100))
    assert len({_seed(str(number)) for number in range(100)}) == 100
