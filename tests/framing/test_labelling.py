import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

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
    renew,
    renew_each,
    undo,
)
from pipeline.framing.queue import draw_queue
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Document, QueueItem
from tests.framing.labelled import COLLECTED, add_model, add_texts

NOW = COLLECTED + timedelta(days=2)


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


def _items(settings) -> dict[int, QueueItem]:
    with open_session(settings) as session:
        return {i.id: i for i in session.scalars(select(QueueItem))}


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
        "item", "queue", "variable", "target", "target_name", "title", "text", "language", "published_at", "source",
        "group", "leased_until",
    }  # fmt: skip


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
    assert next_item(store_settings, monitor, "c1", now=NOW).item == first


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
    with pytest.raises(AnsweredError, match="has answered item 1 before: both"):
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
        held(settings, monitor, 10**6, "c1", now=NOW)


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
    assert renew(settings, item, "c1", now=NOW + LEASE - timedelta(seconds=1))
    soon, late = NOW + LEASE + timedelta(minutes=1), NOW + 3 * LEASE
    assert next_item(settings, monitor, "c3", now=soon).item != item
    assert next_item(settings, monitor, "c4", now=late).item == item
    with pytest.raises(LabellingError, match="is not with c1"):
        answer(settings, monitor, item, "both", "c1", now=late)
    assert not renew(settings, item, "c1")
    assert renew_each(settings, [item, 10**6], "c1") == frozenset()
    assert renew_each(settings, [item, 10**6], "c4", now=late) == {item}
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
    assert give_back(settings, [item, other, 10**6], "c1") == 2
    assert give_back(settings, [item], "c1") == 0
    assert next_item(settings, monitor, "c2", now=NOW).item == item


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"value": "hostile"}, "unknown value 'hostile'; write one of nationalist, .*, unclear"),
        ({"item": 999}, "m has no item 999"),
        ({"coder": "c9"}, "item 1 is not with c9"),
        ({"coder": " "}, "is no coder's name"),
        ({"coder": "x" * 61}, "is no coder's name"),
    ],
)
def test_what_can_not_be_answered_is_refused_and_nothing_written(settings, monitor, queue, change, match):
    queue(settings)
    item = next_item(settings, monitor, "c1", now=NOW).item
    assert item == 1
    with pytest.raises(LabellingError, match=match):
        answer(settings, monitor, **{"item": item, "value": "both", "coder": "c1", **change})
    with pytest.raises(LabellingError, match="c1 has not answered item 1"):
        undo(settings, monitor, "c1", item=1)
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
    assert leased == item.id
    with pytest.raises(LabellingError, match="is not with c2"):
        answer(store_settings, monitor, item.id, "both", "c2")
    assert next_item(store_settings, monitor, "c3", now=later).item != item.id


def _coder(settings, monitor, name, given, errors):
    try:
        while (item := next_item(settings, monitor, name)) is not None:
            given.append((name, item.item))
            answer(settings, monitor, item.item, "neither", name)
    except Exception as error:
        errors.append(error)


def test_four_coders_at_once_never_collide(store_settings, monitor, queue):
    queue(store_settings, size=40, second=0.3)
    given: list[tuple[str, int]] = []
    errors: list[Exception] = []
    coders = [threading.Thread(target=_coder, args=(store_settings, monitor, f"c{i}", given, errors)) for i in range(4)]
    for one in coders:
        one.start()
    for one in coders:
        one.join()
    assert errors == []
    items = _items(store_settings)
    # given as often as coders are wanted, never twice to the same one, and each time coded
    assert Counter(item for _, item in given) == {i.id: i.coders for i in items.values()}
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
