from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete

import pipeline.measure.directed_job as job
from pipeline.measure import speech
from pipeline.measure.directed import directed_rows
from pipeline.measure.directed_job import measure_directed
from pipeline.measure.speech import rise_of
from pipeline.store.cells import first_copies
from pipeline.store.directed import directed_cells, texts_in_order
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, DirectedCount, Document, Mention, ScannedText
from pipeline.store.texts import Wanted, search
from tests.measure.test_directed import (
    HOSTILE,
    PLAIN,
    PRESENT,
    Q1,
    REFERENCE,
    TODAY,
    Store,
    hostile_world,
    monitor_of,
)

NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)
KINDS = {"periods": ["week", "month", "quarter", "year"]}


def filled(settings):
    """Texts of all kinds: named, named otherwise, an ordinary word, coded, late, copied, an observer's, undated."""
    with open_session(settings) as session:
        store = Store(session)
        texts = hostile_world(store)
        model = store.model()
        for text in texts[::5]:
            store.framing(model, text, 0.8)
        store.text("a", date(2024, 2, 3), "So says Al-Hezam.")
        store.text("a", date(2024, 2, 3), "قاعدة بغرام")
        store.text("b", date(2024, 2, 4), "Aurin Front, hear us.")
        first = store.text("b", date(2024, 8, 4), "The Aurin Front lies.")
        store.text("b", date(2024, 8, 5), "The Aurin Front lies.", cluster=session.get(Cluster, first.cluster_id))
        store.text("a", date(2024, 8, 6), HOSTILE, collected=datetime(2025, 1, 1, tzinfo=UTC))
        store.text("a", date(2024, 8, 6), HOSTILE, speaker="observer")
        session.commit()


@pytest.fixture
def counted(store_settings):
    """A store that was filled and counted, and its monitor."""
    filled(store_settings)
    monitor = monitor_of(**KINDS)
    measure_directed(store_settings, monitor, now=NOW)
    return store_settings, monitor


def cells(settings, a="a", b="b", kind="quarter", most=60, **days):
    with open_session(settings) as session:
        return directed_cells(session, "m", a, b, kind, most, **days)


def test_the_counts_are_those_of_the_whole_reckoning(counted):
    settings, monitor = counted
    for kind in KINDS["periods"]:
        with open_session(settings) as session:
            whole = {(row.a, row.b, row.start): row for row in directed_rows(session, monitor, kind, today=TODAY)}
        for a, b in (("a", "b"), ("b", "a")):
            made = cells(settings, a, b, kind)
            expected = [row for key, row in whole.items() if key[:2] == (a, b)][-60:]
            assert [cell.start for cell in made] == [row.start for row in expected]
            for cell, row in zip(made, expected, strict=True):
                assert (cell.end, cell.clusters, cell.named, cell.audited, cell.coded, cell.late) == (
                    row.end, row.clusters, row.naming, row.audited, row.codings, row.late,
                )  # fmt: skip
                assert cell.estimator == row.estimator
                for mine, other in (
                    (cell.hostile_share, row.hostile_share), (cell.hostile_low, row.hostile_low),
                    (cell.hostile_high, row.hostile_high), (cell.rate, row.rate), (cell.low, row.rate_low),
                    (cell.high, row.rate_high),
                ):  # fmt: skip
                    assert mine == (None if other is None else pytest.approx(other))
                if row.clusters:
                    assert cell.why == row.why


def test_the_page_of_texts_finds_exactly_the_texts_that_are_counted(counted):
    """By their names, not by their words: other spellings count, and the group's own reposts do not."""
    settings, _ = counted
    numbers = []
    for a, b in (("a", "b"), ("b", "a")):
        for kind in KINDS["periods"]:
            for cell in cells(settings, a, b, kind):
                only = {"group": a, "speaker": "own"}
                asked = Wanted("m", None, cell.start, cell.end, only, counting=True, names=b)
                with open_session(settings) as session:
                    assert len(search(session, asked).hits) == cell.named
                numbers.append(cell.named)
    assert sum(number > 0 for number in numbers) > 5
    assert 0 in numbers


def test_it_is_bounded_and_says_what_is_not_there(counted):
    settings, _ = counted
    every = cells(settings)
    assert len(every) > 2
    # the days bound what is read, so old periods are not lost behind the newest ones
    assert cells(settings, most=1, since=every[0].start, until=every[0].start) == every[:1]
    assert cells(settings, since=every[1].start) == every[1:]
    assert cells(settings, until=every[0].start) == every[:1]
    made = cells(settings, most=2)
    assert [cell.start for cell in made] == [date(2024, 7, 1), date(2024, 10, 1)]
    assert (made[0].estimator, made[0].coded, made[0].hostile) == ("corrected", 8, 6.0)
    # a text that names b came after the draw
    assert (made[0].late, made[0].low, made[0].high) == (1, None, None)
    assert 0 < made[0].hostile_low <= made[0].hostile_share <= made[0].hostile_high
    assert made[0].rate > 0
    assert "1 of 9 texts arrived at a time that codings do not speak for" in made[0].why
    months = cells(settings, kind="month")
    assert {(month.estimator, month.low is None) for month in months if month.audited} == {("uncorrected", True)}
    assert (made[1].clusters, made[1].estimator, made[1].rate) == (0, "none", None)
    assert "a has no text" in made[1].why
    quiet = cells(settings, "b", "a")[1]
    assert (quiet.clusters, quiet.estimator) == (0, "none")
    assert cells(settings, "a", "z")[0].named == 0
    assert cells(settings, kind="day") == []


def test_a_cell_whose_texts_name_nobody_is_counted_as_zero(store_settings):
    with open_session(store_settings) as session:
        Store(session).text("a", Q1, PLAIN)
        session.commit()
    measure_directed(store_settings, monitor_of(), now=NOW)
    (first, *_) = cells(store_settings)
    assert (first.clusters, first.named, first.estimator, first.rate) == (1, 0, "counted", 0.0)


def test_only_what_is_new_or_changed_is_read_and_written(counted):
    settings, monitor = counted
    again = measure_directed(settings, monitor, now=NOW)
    assert (again.known, again.updated) == (again.found, 0)
    with open_session(settings) as session:
        store = Store(session)
        store._number = iter(range(900, 999))
        store.text("a", date(2024, 3, 5), HOSTILE)
        changed = session.query(Document).filter(Document.text == PLAIN).first()
        changed.text, changed.text_digest = HOSTILE, "e" * 64
        session.commit()
    before = {cell.start: cell for kind in KINDS["periods"] for cell in cells(settings, kind=kind)}
    report = measure_directed(settings, monitor, now=NOW + timedelta(hours=1))
    assert report.found - report.known == 2
    # two cells of each kind at most, and their totals; codings are lent to the other audit cells
    assert 0 < report.updated <= 2 * 4 * 2 + 3
    after = {cell.start: cell for kind in KINDS["periods"] for cell in cells(settings, kind=kind)}
    assert sum(before[start].named != after[start].named for start in before) >= 2
    assert measure_directed(settings, monitor, now=NOW).updated == 0


def test_another_alias_or_speaker_has_texts_looked_through_again(counted):
    settings, _ = counted
    groups = [
        {"id": "a", "name": "Aurin Front"},
        {"id": "b", "name": "Belt League", "aliases": {"en": ["al-Hizam", "harvest"]}},
    ]
    other = monitor_of(**KINDS, groups=groups)
    report = measure_directed(settings, other, now=NOW)
    assert report.known == 0
    assert cells(settings)[0].named > 30
    with open_session(settings) as session:
        text = session.query(Document).filter(Document.text == HOSTILE, Document.speaker == "own").first()
        text.group_id = "b"
        session.commit()
    assert measure_directed(settings, other, now=NOW).known == report.found - 1


def test_what_is_erased_or_copied_from_elsewhere_leaves_the_counts(counted):
    settings, monitor = counted
    before = cells(settings)[0]
    with open_session(settings) as session:
        text = session.query(Document).filter(Document.text == "So says Al-Hezam.").one()
        number = text.id
        session.delete(text)
        session.commit()
        assert session.get(ScannedText, number) is None
        assert session.query(Mention).filter(Mention.document_id == number).count() == 0
    measure_directed(settings, monitor, now=NOW)
    after = cells(settings)[0]
    assert (after.clusters, after.named) == (before.clusters - 1, before.named - 1)


def test_a_group_or_period_that_left_the_monitor_leaves_no_cell(counted):
    settings, monitor = counted
    fewer = monitor.model_copy(update={"periods": ["quarter"], "groups": monitor.groups[:1], "dyads": []})
    measure_directed(settings, fewer, now=NOW)
    assert cells(settings, kind="week") == []
    with open_session(settings) as session:
        assert session.query(DirectedCount).count() == 0


def test_killed_and_run_again_no_text_is_looked_through_twice(store_settings, monkeypatch):
    filled(store_settings)
    monkeypatch.setattr(job, "AT_ONCE", 20)

    def killed(step, done, _total):
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_directed(store_settings, monitor_of(**KINDS), progress=killed, now=NOW)
    report = measure_directed(store_settings, monitor_of(**KINDS), now=NOW)
    assert report.known == 40
    assert cells(store_settings)[2].coded == 8


def test_a_rise_is_told_from_what_is_kept_without_reading_words(counted, monkeypatch):
    """The same counts before names were looked for, after it, and where a text has changed since."""
    settings, monitor = counted
    read = []

    def watched(session, documents):
        read.append(list(documents))
        return texts_in_order(session, documents)

    monkeypatch.setattr(speech, "texts_in_order", watched)
    with open_session(settings) as session:
        kept = rise_of(session, monitor, "a", "b", PRESENT, REFERENCE)
        session.execute(delete(Mention))
        session.execute(delete(ScannedText))
        anew = rise_of(session, monitor, "a", "b", PRESENT, REFERENCE)
    assert kept == anew
    assert kept.hostile == (6, 0)
    assert read[0] == []
    assert len(read[1]) == sum(kept.clusters) + 1  # the late one, too
    with open_session(settings) as session:
        changed = session.query(Document).filter(Document.text == PLAIN, Document.group_id == "a").first()
        changed.text, changed.text_digest = HOSTILE, "e" * 64
        session.flush()
        again = rise_of(session, monitor, "a", "b", PRESENT, REFERENCE)
        assert read[2] == [changed.id]
        assert sum(again.naming) == sum(kept.naming) + 1


def test_a_text_erased_while_it_is_counted_is_left_out(counted, monkeypatch):
    """Another process erases between the reading of mentions and that of copies."""
    settings, monitor = counted
    before = cells(settings)[0]
    with open_session(settings) as session:
        gone = session.query(Document).filter(Document.text == HOSTILE, Document.group_id == "a").first().cluster_id

    def without(session, name, clusters):
        return {c: when for c, when in first_copies(session, name, clusters).items() if c != gone}

    monkeypatch.setattr(job, "first_copies", without)
    measure_directed(settings, monitor, now=NOW)
    assert cells(settings)[0].audited == before.audited - 1
