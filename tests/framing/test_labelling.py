import re
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from pipeline.framing import labelling
from pipeline.framing.labelling import (
    LEASE,
    AnsweredError,
    FinalError,
    LabellingError,
    NoItemError,
    NotYoursError,
    answer,
    close_queue,
    give_back,
    held,
    last_answer,
    next_item,
    progress,
    renew_each,
    undo,
)
from pipeline.framing.queue import draw_queue
from pipeline.store import queues
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Document, KeptReference, Queue, QueueItem, RaisedAlarm
from tests.framing.labelled import COLLECTED, add_model, add_texts

NOW = COLLECTED + timedelta(days=2)
NONE = "0" * 16
"""a key that no item has"""


@pytest.fixture
def queue(monitor):
    """Draws a queue of texts of groups a and b."""

    def draw(settings, size=12, second=0.0, **options):
        model = add_model(settings)
        add_texts(settings, size * 2, model=model)
        add_texts(settings, size * 2, group="b", model=model, prefix="u")
        return draw_queue(
            settings, monitor, variable="framing", size=size, second=second, seed=3, now=NOW, **options
        ).queue

    return draw


def _codings(settings) -> list[Coding]:
    with open_session(settings) as session:
        return list(session.scalars(select(Coding).order_by(Coding.id)))


def _items(settings) -> dict[str, QueueItem]:
    with open_session(settings) as session:
        return {i.key: i for i in session.scalars(select(QueueItem).order_by(QueueItem.id))}


def test_texts_come_in_the_queues_order_and_answers_become_codings(store_settings, monitor, queue):
    number = queue(store_settings)
    items = _items(store_settings)
    for place in range(1, 13):
        item = next_item(store_settings, monitor, "c1", now=NOW)
        assert items[item.item].place == place
        assert next_item(store_settings, monitor, "c1", now=NOW).item == item.item  # until it is answered
        answer(store_settings, monitor, item.item, "both", "c1", note=" why ", now=NOW)
    assert next_item(store_settings, monitor, "c1", now=NOW) is None
    codings = _codings(store_settings)
    assert len(codings) == 12
    for coding in codings:
        item = next(i for i in items.values() if i.document_id == coding.document_id)
        assert (coding.draw, coding.probability) == (item.draw, item.probability)
        assert (coding.drawn_at, coding.coder, coding.value, coding.note) == (NOW, "c1", "both", "why")
        assert (coding.origin, coding.settles, coding.target, coding.codebook_version) == ("human", False, "", 1)
    assert {p.left for p in progress(store_settings, monitor, queue=number)} == {0}


def test_nothing_that_a_coder_is_given_tells_of_the_draw_or_of_others(settings, monitor, queue):
    queue(settings)
    item = next_item(settings, monitor, "c1")
    assert set(vars(item)) == {
        "item", "variable", "target", "target_name", "title", "text", "language", "published_at", "source",
        "group", "leased_until",
    }  # fmt: skip


def test_keys_tell_nothing_of_order_or_queue(store_settings, monitor, queue):
    queue(store_settings)
    keys = list(_items(store_settings))
    assert all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)
    assert len(set(keys)) == len(keys) == 12
    assert keys != sorted(keys)
    # what a coder has before them comes again in an order that is none of the queues'
    held = []
    while (item := next_item(store_settings, monitor, "c1", leave=held, now=NOW)) is not None:
        held.append(item.item)
    again = []
    while (item := next_item(store_settings, monitor, "c1", leave=again, now=NOW)) is not None:
        again.append(item.item)
    assert again == sorted(held)


def _confirms(settings, queue: int) -> None:
    """Make a queue that of an alarm."""
    with open_session(settings) as session:
        day = NOW.date()
        kept = KeptReference(monitor="m", a="a", b="b", start=day, reason="first", person=None, kept_at=NOW)
        session.add(kept)
        session.flush()
        session.add(
            RaisedAlarm(
                monitor="m", a="a", b="b", period="week", since=day, raised=day, end=day, side=1, reference_id=kept.id,
                reference_start=day, reference_end=day, threshold=9.0, autocorrelation=0.3, found_at=NOW,
                queue_id=queue, planned=8,
            )
        )  # fmt: skip
        session.commit()


def _queues_in_order(settings, monitor, **choice) -> list[int]:
    """The queues of the texts that a coder is given one after another, of all there were."""
    with open_session(settings) as session:
        session.execute(delete(Assignment))
        session.execute(delete(Coding))
        session.commit()
    items, order = _items(settings), []
    while (item := next_item(settings, monitor, "c1", now=NOW, **choice)) is not None:
        order.append(items[item.item].queue_id)
        answer(settings, monitor, item.item, "both", "c1", now=NOW)
    return order


def test_queues_come_one_after_another_and_mixed_while_an_alarms_is_open(store_settings, monitor, queue):
    first = queue(store_settings, size=20)
    second = draw_queue(
        store_settings, monitor, variable="framing", size=20, second=0, seed=4, now=NOW + timedelta(seconds=1)
    ).queue
    _confirms(store_settings, second)
    one_after_another = sorted(item.queue_id for item in _items(store_settings).values())
    assert _queues_in_order(store_settings, monitor, queue=second) == [second] * 20
    order = _queues_in_order(store_settings, monitor)
    assert sorted(order) == one_after_another
    assert set(order) == {first, second}
    # one after the other by chance: once in 10^9
    assert order not in (one_after_another, one_after_another[::-1])
    with open_session(store_settings) as session:
        session.execute(delete(RaisedAlarm))
        session.commit()
    assert _queues_in_order(store_settings, monitor) == one_after_another


def _asks_of_criticism(settings) -> str:
    """An open queue of another variable; the key of its only text."""
    with open_session(settings) as session:
        queue = Queue(monitor="m", variable="criticism", drawn_at=NOW, seed=5)
        session.add(queue)
        session.flush()
        document = session.scalars(select(Document.id).where(Document.group_id == "a")).first()
        item = QueueItem(queue_id=queue.id, place=1, document_id=document, target="b", draw="active", coders=1)
        session.add(item)
        session.commit()
        return item.key


class _Chance:
    """Takes one queue after another, and remembers the weights."""

    def __init__(self) -> None:
        self.asked: list[dict[int, int]] = []

    def choices(self, queues, weights):
        self.asked.append(dict(zip(queues, weights, strict=True)))
        return [queues[len(self.asked) % len(queues)]]


def test_chance_weighs_queues_by_what_is_left_of_them_for_this_coder(settings, monitor, queue, monkeypatch):
    first = queue(settings, size=6)
    second = draw_queue(
        settings, monitor, variable="framing", size=4, second=0, seed=4, now=NOW + timedelta(seconds=1)
    ).queue
    _confirms(settings, second)
    other = _asks_of_criticism(settings)  # of another variable than the alarm's
    chance = _Chance()
    monkeypatch.setattr(labelling, "_CHANCE", chance)
    given = [next_item(settings, monitor, "c1", now=NOW).item]
    given.append(next_item(settings, monitor, "c1", leave=given, now=NOW).item)
    assert other not in given
    of_first = sum(item.queue_id == first for item in _items(settings).values())
    assert chance.asked == [{first: of_first, second: 4}, {first: of_first, second: 3}]
    assert [_items(settings)[item].queue_id for item in given] == [second, first]
    # others took the last texts of the chosen queue between the two looks: another queue's comes
    looks = iter([{99: 1}])
    real = queues.free_in_each
    monkeypatch.setattr(queues, "free_in_each", lambda *asked, **options: next(looks, None) or real(*asked, **options))
    assert next_item(settings, monitor, "c1", leave=given, now=NOW) is not None
    assert next(looks, None) is None


def test_second_coders_are_other_people(settings, monitor, queue):
    queue(settings, second=1.0)
    for coder in ("c1", "c2", "c3"):
        for _ in range(20):
            if (item := next_item(settings, monitor, coder, now=NOW)) is None:
                break
            answer(settings, monitor, item.item, "neither", coder, now=NOW)
    assert Counter(c.coder for c in _codings(settings)) == {"c1": 12, "c2": 12}


def test_a_correction_an_unclear_text_and_undo(store_settings, monitor, queue):
    number = queue(store_settings)
    first = next_item(store_settings, monitor, "c1", now=NOW).item
    answer(store_settings, monitor, first, "both", "c1", now=NOW)
    answer(store_settings, monitor, first, "neither", "c1", now=NOW)
    assert [c.value for c in _codings(store_settings)] == ["neither"]
    answer(store_settings, monitor, first, "unclear", "c1", note="torn", now=NOW)
    assert _codings(store_settings) == []
    with open_session(store_settings) as session:
        assert [(a.outcome, a.note) for a in session.scalars(select(Assignment))] == [("unclear", "torn")]
    assert sum(p.unclear for p in progress(store_settings, monitor, queue=number, now=NOW)) == 1
    second = next_item(store_settings, monitor, "c1", now=NOW).item
    answer(store_settings, monitor, second, "both", "c1", now=NOW + timedelta(seconds=1))
    assert undo(store_settings, monitor, "c1") == second
    assert _codings(store_settings) == []
    assert next_item(store_settings, monitor, "c1", now=NOW).item == second
    assert undo(store_settings, monitor, "c1", item=first) == first
    assert undo(store_settings, monitor, "c1") is None
    assert next_item(store_settings, monitor, "c1", leave=[second], now=NOW).item == first


def test_a_coding_has_the_time_at_which_its_answer_arrived_and_keeps_it(store_settings, monitor, queue):
    queue(store_settings)
    item = next_item(store_settings, monitor, "c1", now=NOW).item
    later = NOW + timedelta(minutes=5)
    answer(store_settings, monitor, item, "both", "c1", now=NOW)
    answer(store_settings, monitor, item, "both", "c1", now=later)  # a script that runs again
    assert [c.coded_at for c in _codings(store_settings)] == [NOW]
    answer(store_settings, monitor, item, "neither", "c1", now=later)
    assert [(c.value, c.coded_at) for c in _codings(store_settings)] == [("neither", later)]


def test_a_first_answer_stays_where_another_window_says_otherwise(store_settings, monitor, queue):
    queue(store_settings)
    item = next_item(store_settings, monitor, "c1", now=NOW).item
    assert last_answer(store_settings, monitor, "c1") is None
    answer(store_settings, monitor, item, "both", "c1", note="why", first=True, now=NOW)
    answer(store_settings, monitor, item, "both", "c1", first=True, now=NOW)  # sent again: the network had failed
    with pytest.raises(AnsweredError, match=f"has answered item {item} before: both"):
        answer(store_settings, monitor, item, "neither", "c1", first=True, now=NOW)
    with pytest.raises(AnsweredError):
        answer(store_settings, monitor, item, "unclear", "c1", first=True, now=NOW)
    assert [(c.value, c.note) for c in _codings(store_settings)] == [("both", "why")]
    which, said = last_answer(store_settings, monitor, "c1")
    assert (which, said.value, said.note) == (item, "both", "why")
    assert last_answer(store_settings, monitor, "c1", variable="criticism") is None
    with pytest.raises(NotYoursError):
        answer(store_settings, monitor, item, "both", "c2", first=True, now=NOW)


def test_a_coder_has_what_was_taken_back(settings, monitor, queue):
    queue(settings)
    item = next_item(settings, monitor, "c1", now=NOW).item
    answer(settings, monitor, item, "both", "c1", now=NOW)
    assert held(settings, monitor, item, "c1", now=NOW) is None
    undo(settings, monitor, "c1", now=NOW)
    again = held(settings, monitor, item, "c1", now=NOW)
    assert (again.item, again.leased_until) == (item, NOW + LEASE)
    assert held(settings, monitor, item, "c2", now=NOW) is None
    with pytest.raises(NoItemError):
        held(settings, monitor, NONE, "c1", now=NOW)


def test_an_answer_stays_once_the_other_coder_has_finished_or_the_queue_is_closed(store_settings, monitor, queue):
    number = queue(store_settings, second=1.0)
    item = next_item(store_settings, monitor, "c1", now=NOW).item
    answer(store_settings, monitor, item, "both", "c1", now=NOW)
    undo(store_settings, monitor, "c1", item=item, now=NOW)  # nobody knows the other's answer yet
    answer(store_settings, monitor, item, "both", "c1", now=NOW)
    assert next_item(store_settings, monitor, "c2", now=NOW).item == item
    undo(store_settings, monitor, "c1", item=item, now=NOW)  # the other has it and has not finished
    answer(store_settings, monitor, item, "both", "c1", now=NOW)
    answer(store_settings, monitor, item, "unclear", "c2", now=NOW)
    alone = next_item(store_settings, monitor, "c1", now=NOW).item
    answer(store_settings, monitor, alone, "neither", "c1", now=NOW)
    for coder in ("c1", "c2"):
        with pytest.raises(FinalError, match="other coder has finished too"):
            undo(store_settings, monitor, coder, item=item, now=NOW)
    close_queue(store_settings, monitor, number, now=NOW)
    with pytest.raises(FinalError, match="its queue is closed"):
        undo(store_settings, monitor, "c1", item=alone, now=NOW)
    assert sorted(c.value for c in _codings(store_settings)) == ["both", "neither"]
    with open_session(store_settings) as session:
        assert {a.outcome for a in session.scalars(select(Assignment))} == {"coded", "unclear"}


def test_a_variable_is_chosen(settings, monitor, queue):
    queue(settings)
    assert next_item(settings, monitor, "c1", variable="criticism", now=NOW) is None
    assert next_item(settings, monitor, "c1", variable="framing", now=NOW).variable == "framing"
    assert undo(settings, monitor, "c1", variable="criticism") is None


def test_a_lease_runs_out_and_is_renewed(settings, monitor, queue):
    queue(settings)
    item = next_item(settings, monitor, "c1", now=NOW).item
    assert next_item(settings, monitor, "c2", now=NOW).item != item
    assert renew_each(settings, [item], "c1", now=NOW + LEASE - timedelta(seconds=1)) == {item}
    soon, late = NOW + LEASE + timedelta(minutes=1), NOW + 3 * LEASE
    assert next_item(settings, monitor, "c3", now=soon).item != item
    assert next_item(settings, monitor, "c4", now=late).item == item
    with pytest.raises(LabellingError, match="is not with c1"):
        answer(settings, monitor, item, "both", "c1", now=late)
    assert renew_each(settings, [item, NONE], "c1") == frozenset()
    assert renew_each(settings, [item, NONE], "c4", now=late) == {item}
    answer(settings, monitor, item, "both", "c4", now=late)
    assert [c.coder for c in _codings(settings)] == ["c4"]


def test_an_answer_that_comes_late_counts_where_nobody_took_the_text(settings, monitor, queue):
    queue(settings)
    item = next_item(settings, monitor, "c1", now=NOW).item
    answer(settings, monitor, item, "both", "c1", now=NOW + 10 * LEASE)
    assert len(_codings(settings)) == 1


def test_a_text_that_is_given_back_or_left_goes_on(settings, monitor, queue):
    queue(settings)
    item = next_item(settings, monitor, "c1", now=NOW).item
    assert next_item(settings, monitor, "c1", leave=[item], now=NOW).item != item
    other = next_item(settings, monitor, "c1", leave=[item], now=NOW).item
    assert give_back(settings, [item, other, NONE], "c1") == 2
    assert give_back(settings, [item], "c1") == 0
    assert next_item(settings, monitor, "c2", now=NOW).item == item


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"value": "hostile"}, "unknown value 'hostile'; write one of nationalist, .*, unclear"),
        ({"item": "1"}, "m has no item 1"),  # its number
        ({"item": NONE}, f"m has no item {NONE}"),
        ({"coder": "c9"}, "item [0-9a-f]{16} is not with c9"),
        ({"coder": " "}, "is no coder's name"),
        ({"coder": "x" * 61}, "is no coder's name"),
    ],
)
def test_what_can_not_be_answered_is_refused_and_nothing_written(settings, monitor, queue, change, match):
    queue(settings)
    item = next_item(settings, monitor, "c1", now=NOW).item
    with pytest.raises(LabellingError, match=match):
        answer(settings, monitor, **{"item": item, "value": "both", "coder": "c1", **change})
    with pytest.raises(LabellingError, match=f"c1 has not answered item {item}"):
        undo(settings, monitor, "c1", item=item)
    assert _codings(settings) == []


def test_progress_counts_labels_and_shows_no_value(settings, monitor, queue):
    number = queue(settings, second=0.5)
    answer(settings, monitor, next_item(settings, monitor, "c1", now=NOW).item, "both", "c1", now=NOW)
    next_item(settings, monitor, "c2", now=NOW)
    rows = progress(settings, monitor, queue=number, now=NOW)
    assert {(r.part, r.group) for r in rows} == {("random", "a"), ("active", "a"), ("active", "b")}
    assert sum(r.texts for r in rows) == 12
    assert sum(r.wanted for r in rows) == 12 + 2 + 4
    assert (sum(r.coded for r in rows), sum(r.at_work for r in rows)) == (1, 1)
    assert sum(r.left for r in rows) == 16
    assert not {"value", "coder"} & set(vars(rows[0]))
    assert progress(settings, monitor, queue=99) == []


def test_what_was_coded_elsewhere_is_done(store_settings, monitor, queue):
    number = queue(store_settings)
    item = next(iter(_items(store_settings).values()))
    leased = next_item(store_settings, monitor, "c2", now=NOW).item
    with open_session(store_settings) as session:
        for coder in ("c1", "c9"):  # one more than the item wants
            document = session.get(Document, item.document_id)
            session.add(
                Coding(
                    monitor="m", address=document.address, document_id=document.id, variable="framing", value="both",
                    codebook_version=1, coder=coder, coded_at=NOW, draw=item.draw, probability=item.probability,
                    drawn_at=NOW,
                )
            )  # fmt: skip
        session.commit()
    later = NOW + LEASE + timedelta(seconds=1)
    for _ in range(2):
        assert sum(p.coded for p in progress(store_settings, monitor, queue=number, now=later)) == 1
    assert leased == item.key
    with pytest.raises(LabellingError, match="is not with c2"):
        answer(store_settings, monitor, item.key, "both", "c2")
    assert next_item(store_settings, monitor, "c3", now=later).item != item.key


def _coder(settings, monitor, name, given, errors):
    try:
        while (item := next_item(settings, monitor, name)) is not None:
            given.append((name, item.item))
            answer(settings, monitor, item.item, "neither", name)
    except Exception as error:
        errors.append(error)


def test_four_coders_at_once_never_collide(store_settings, monitor, queue):
    queue(store_settings, size=40, second=0.3)
    given: list[tuple[str, str]] = []
    errors: list[Exception] = []
    coders = [threading.Thread(target=_coder, args=(store_settings, monitor, f"c{i}", given, errors)) for i in range(4)]
    for one in coders:
        one.start()
    for one in coders:
        one.join()
    assert errors == []
    items = _items(store_settings)
    # given as often as coders are wanted, never twice to the same one, and each time coded
    assert Counter(item for _, item in given) == {key: i.coders for key, i in items.items()}
    assert len(set(given)) == len(given)
    codings = _codings(store_settings)
    assert len(codings) == len(given) == sum(i.coders for i in items.values())
    by_document = Counter(c.document_id for c in codings)
    assert by_document == {i.document_id: i.coders for i in items.values()}


def test_one_answer_is_quick(settings, monitor, queue):
    queue(settings, size=60)
    took = []
    for _ in range(20):
        start = time.perf_counter()
        item = next_item(settings, monitor, "c1")
        answer(settings, monitor, item.item, "both", "c1")
        took.append(time.perf_counter() - start)
    assert sorted(took)[10] < 0.1  # seconds; a busy machine takes a multiple of what benchmarks measure
