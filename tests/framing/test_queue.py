from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from classifiers.codebook import CodebookError
from pipeline.framing.codings.bring_in import import_codings
from pipeline.framing.codings.take_out import export_codings
from pipeline.framing.labelling import answer, close_queue, next_item
from pipeline.framing.queue import QueueError, draw_queue
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, Framing, Queue, QueueItem
from tests.framing.labelled import COLLECTED, add_model, add_texts

LATER = COLLECTED + timedelta(days=1)


def _draw(settings, monitor, **options):
    return draw_queue(settings, monitor, **{"variable": "framing", "seed": 1, "now": LATER, **options})


def _items(settings, queue=None):
    with open_session(settings) as session:
        query = select(QueueItem).order_by(QueueItem.queue_id, QueueItem.place)
        return list(session.scalars(query if queue is None else query.where(QueueItem.queue_id == queue)))


def _code_all(settings, monitor, coder="c1", value="neither", most=10_000):
    done = 0
    while done < most and (item := next_item(settings, monitor, coder)):
        answer(settings, monitor, item.item, value, coder)
        done += 1
    return done


def test_a_quarter_is_random_per_stratum_and_the_rest_what_the_model_doubts(store_settings, monitor):
    model = add_model(store_settings)
    add_texts(store_settings, 60, model=model, days=180, copies=1)
    add_texts(store_settings, 40, group="b", model=model, prefix="u")
    made = _draw(store_settings, monitor, size=60, second=0.2)
    assert (made.random, made.active, made.second) == (15, 45, 12)
    assert {(s.key.name, s.clusters, s.drawn) for s in made.strata} == {
        ("a/2024-Q1", 31, 5), ("a/2024-Q2", 29, 5), ("b/2024-Q1", 40, 5),
    }  # fmt: skip
    items = _items(store_settings)
    assert [i.place for i in items] == list(range(1, 61))
    assert sorted(i.probability for i in items if i.draw == "random") == sorted([5 / 31, 5 / 29, 5 / 40] * 5)
    assert {i.stratum for i in items if i.draw == "random"} == {"a/2024-Q1", "a/2024-Q2", "b/2024-Q1"}
    assert {(i.probability, i.stratum) for i in items if i.draw == "active"} == {(None, None)}
    assert Counter(i.coders for i in items if i.draw == "random") == {1: 12, 2: 3}
    # the parts are mixed: neither stands together
    assert len([1 for one, other in pairwise(items) if one.draw != other.draw]) > 10
    with open_session(store_settings) as session:
        doubted = session.execute(
            select(QueueItem.draw, Framing.p_first).join(Framing, Framing.document_id == QueueItem.document_id)
        ).all()
        kept = session.scalars(select(Queue)).one()
    assert (kept.model_id, kept.seed, kept.drawn_at) == (model, 1, LATER)
    assert kept.strata == ["a/2024-Q1", "a/2024-Q2", "b/2024-Q1"]
    away = {part: [abs(p - 0.5) for draw, p in doubted if draw == part] for part in ("random", "active")}
    assert sum(away["active"]) / 45 < sum(away["random"]) / 15
    assert len({i.document_id for i in items}) == 60  # no copy of a text beside it


def test_the_same_seed_gives_the_same_queue(settings, monitor, tmp_path):
    model = add_model(settings)
    add_texts(settings, 50, model=model)
    other = Settings(data=tmp_path / "other", database_url="", default_delay=0.0)
    add_texts(other, 50, model=add_model(other))
    for one in (settings, other):
        _draw(one, monitor, size=20)
    assert [(i.document_id, i.draw, i.coders) for i in _items(settings)] == [
        (i.document_id, i.draw, i.coders) for i in _items(other)
    ]


def test_without_a_model_all_are_drawn_at_random_and_it_is_said(settings, monitor):
    add_texts(settings, 30)
    made = _draw(settings, monitor, size=10)
    assert (made.random, made.active) == (10, 0)
    assert "no framing model is in force, so all were drawn at random" in made.notes[0]
    add_model(settings)
    assert (
        "no framing model has scored these texts yet"
        in _draw(settings, monitor, size=4, now=LATER + timedelta(days=1)).notes[1]
    )


def test_queues_share_no_text_and_the_audit_sample_grows_by_conditional_draws(settings, monitor):
    model = add_model(settings)
    add_texts(settings, 60, model=model)
    first = _draw(settings, monitor, size=24)
    add_texts(settings, 20, model=model, prefix="late", collected=LATER + timedelta(hours=1))
    second = _draw(settings, monitor, size=24, now=LATER + timedelta(days=1))
    assert "queue 1 still has 6 texts of the audit sample to code" in second.notes[0]
    items = _items(settings)
    documents = [i.document_id for i in items if i.draw == "random"]
    assert len(set(documents)) == len(documents)
    (stratum,) = second.strata
    assert (stratum.clusters, stratum.before, stratum.drawn) == (80, 6, 6)
    assert stratum.probability == 6 / 74
    assert first.strata[0].probability == 6 / 60
    assert len({i.document_id for i in items}) == len(items)
    assert Counter((i.queue_id, i.draw) for i in items)[2, "active"] == 18


def test_what_is_drawn_at_random_may_have_been_chosen_before_and_then_leaves_that_part(settings, monitor):
    """Else the uncertain texts would be missing from every later audit sample."""
    model = add_model(settings)
    add_texts(settings, 20, model=model)
    _draw(settings, monitor, size=20, second=0)
    begun = next_item(settings, monitor, "c1").item
    made = _draw(settings, monitor, size=20, random=1, now=LATER + timedelta(hours=1))
    assert made.random == 15
    left = [i for i in _items(settings, 1) if i.draw == "active"]
    assert [i.key for i in left] in ([], [begun])
    assert len(_items(settings, 2)) == 15


def test_coded_texts_are_chosen_again_only_by_chance(settings, monitor):
    model = add_model(settings)
    add_texts(settings, 30, model=model)
    with open_session(settings) as session:
        for document in session.scalars(select(Document).limit(20)):
            session.add(
                Coding(
                    monitor="m", address=document.address, document_id=document.id, variable="framing", value="both",
                    codebook_version=1, coder="c1", coded_at=COLLECTED, draw="import", drawn_at=COLLECTED,
                )
            )  # fmt: skip
        session.commit()
    made = _draw(settings, monitor, size=30, random=0.4)
    assert made.random == 12
    chosen = {i.document_id for i in _items(settings) if i.draw == "active"}
    assert min(chosen) > 20
    assert "only" in made.notes[-1]


def test_strata_can_be_chosen_and_are_widened_to_whole_audit_periods(settings, monitor):
    model = add_model(settings)
    add_texts(settings, 60, model=model, days=360)
    add_texts(settings, 20, group="b", model=model, prefix="u")
    made = _draw(settings, monitor, size=8, group="a", since=date(2024, 5, 1), until=date(2024, 7, 2))
    assert [s.key.name for s in made.strata] == ["a/2024-Q2", "a/2024-Q3"]
    assert all(s.clusters == 15 for s in made.strata)


def test_languages_limit_what_the_model_chooses_and_not_the_audit_sample(settings, monitor):
    model = add_model(settings)
    add_texts(settings, 30, model=model)
    arabic = set(add_texts(settings, 30, model=model, language="ar", prefix="ar"))
    _draw(settings, monitor, size=40, random=0.5, languages=["en"])
    items = _items(settings)
    assert not arabic & {i.document_id for i in items if i.draw == "active"}
    assert arabic & {i.document_id for i in items if i.draw == "random"}
    first = next_item(settings, monitor, "c1", languages=["ar"])
    assert first.language == "ar"


def test_only_own_dated_texts_that_were_there_are_drawn(settings, monitor):
    add_texts(settings, 5, speaker="observer")
    add_texts(settings, 5, prefix="future", collected=LATER + timedelta(days=1))
    with pytest.raises(QueueError, match="no dated text of its own is there"):
        _draw(settings, monitor, size=5)
    with open_session(settings) as session:
        assert session.scalars(select(Queue)).all() == []


def test_a_targeted_codebook_asks_once_for_each_group_a_text_names(settings, monitor):
    words = ("The Belt League came", "Nobody came", "The Front and the Belt League met")
    add_texts(settings, 30, words=words)
    add_texts(settings, 30, group="b", words=words, prefix="u")
    made = _draw(settings, monitor, variable="criticism", size=100)
    assert {(s.key.name, s.clusters) for s in made.strata} == {("a/2024-Q1/b", 20), ("b/2024-Q1/a", 10)}
    assert Counter(i.target for i in _items(settings)) == {"b": 20, "a": 10}
    item = next_item(settings, monitor, "c1")
    answer(settings, monitor, item.item, "hostile", "c1")
    with open_session(settings) as session:
        coding = session.scalars(select(Coding)).one()
    assert (coding.variable, coding.target, coding.value) == ("criticism", item.target, "hostile")
    assert item.target_name in ("Aurin Front", "Belt League")


def test_when_all_is_drawn_it_is_said(settings, monitor):
    add_texts(settings, 6)
    assert _draw(settings, monitor, size=20).notes[-1] == "only 6 of 20 texts were left to be drawn"
    with pytest.raises(QueueError, match="in the audit sample already"):
        _draw(settings, monitor, size=20, now=LATER + timedelta(days=1))
    assert len(_items(settings)) == 6


def test_asking_for_more_than_there_is_leaves_the_model_its_part(settings, monitor):
    add_texts(settings, 20, model=add_model(settings))
    made = _draw(settings, monitor, size=1000)
    assert (made.random, made.active) == (5, 15)


def test_wrong_options_are_refused(settings, monitor):
    add_texts(settings, 6)
    with pytest.raises(ValueError, match=r"write 0\.25 to 1"):
        _draw(settings, monitor, random=0.1)
    with pytest.raises(ValueError, match="write 1 or more"):
        _draw(settings, monitor, size=0)
    with pytest.raises(CodebookError, match="unknown variable"):
        _draw(settings, monitor, variable="mood")
    assert _items(settings) == []


def test_a_closed_queue_has_drawn_what_was_answered(store_settings, monitor):
    add_texts(store_settings, 40)
    _draw(store_settings, monitor, size=20, second=0)
    assert _code_all(store_settings, monitor, most=8) == 8
    held = next_item(store_settings, monitor, "c1")
    assert close_queue(store_settings, monitor, 1, now=LATER) == 12
    assert [i.probability for i in _items(store_settings)] == [pytest.approx(8 / 40)] * 8
    with open_session(store_settings) as session:
        assert [c.probability for c in session.scalars(select(Coding))] == [pytest.approx(8 / 40)] * 8
    with pytest.raises(ValueError, match="has no item"):
        answer(store_settings, monitor, held.item, "both", "c1")
    with pytest.raises(ValueError, match="no open queue 1"):
        close_queue(store_settings, monitor, 1)
    again = _draw(store_settings, monitor, size=4, now=datetime.now(UTC))
    assert (again.strata[0].before, again.strata[0].probability) == (8, 4 / 32)


def test_closing_finds_codings_of_a_text_that_two_sources_have_at_one_address(store_settings, monitor):
    firsts = add_texts(store_settings, 20)
    with open_session(store_settings) as session:
        for number in firsts:  # collected first, published later: the coding names the one of the lower id
            first = session.get(Document, number)
            copy = Document(
                **{c.name: getattr(first, c.name) for c in Document.__table__.columns if c.name != "id"}
                | {"published_at": first.published_at + timedelta(days=1)}
            )
            first.source = "other"
            session.flush()
            session.add(copy)
            session.flush()
            session.get(Cluster, first.cluster_id).first_document_id = copy.id
        session.commit()
    _draw(store_settings, monitor, size=10, random=1.0, second=0)
    assert _code_all(store_settings, monitor, most=6) == 6
    close_queue(store_settings, monitor, 1, now=LATER)
    with open_session(store_settings) as session:
        assert [c.probability for c in session.scalars(select(Coding))] == [pytest.approx(6 / 20)] * 6
        assert {c.document_id for c in session.scalars(select(Coding))} <= set(firsts)


def test_a_file_from_before_the_closing_does_not_bring_the_old_probability_back(store_settings, monitor, tmp_path):
    add_texts(store_settings, 20)
    _draw(store_settings, monitor, size=10, random=1.0, second=0)
    assert _code_all(store_settings, monitor, most=5) == 5
    file = tmp_path / "codings.csv"
    assert export_codings(store_settings, monitor, file) == 5
    close_queue(store_settings, monitor, 1, now=LATER)
    for _ in range(2):
        import_codings(store_settings, monitor, file)
        with open_session(store_settings) as session:
            assert [c.probability for c in session.scalars(select(Coding))] == [pytest.approx(5 / 20)] * 5
