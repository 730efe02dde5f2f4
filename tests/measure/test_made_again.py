"""States, confirmations and rates of criticism are made again from the ids that they were published with."""

import json
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import delete, select, update
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.framing.confirming import ask_for_codings, draw_for
from pipeline.framing.labelling import close_queue
from pipeline.measure.again import verify
from pipeline.measure.directed_job import measure_directed
from pipeline.measure.explain import ExplainError, explain, explain_alarm, in_words
from pipeline.measure.job import measure
from pipeline.store.alarms import keep_reference
from pipeline.store.published import unpack
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Document, Mention, Published, QueueItem, ScannedText
from tests.measure.moving import FIRST, NOW, WEEKLY, WEEKS, fill
from tests.measure.test_directed import HOSTILE, PLAIN, Store, hostile_world
from tests.measure.test_directed import monitor_of as directed_monitor
from tests.measure.test_judging import alarms, as_the_model_says, code, criticise, nothing_changed

LAST = FIRST + timedelta(weeks=WEEKS - 1)
GROUPS = [{"id": "a", "name": "Heron League"}, {"id": "b", "name": "Maple Circle"}]


def newest(session, kind):
    return session.scalars(select(Published).where(Published.kind == kind).order_by(Published.id.desc())).first()


def every(session):
    """Published figure -> what is wrong with it when it is made again; none: it came out to the last bit."""
    rows = session.scalars(select(Published)).all()
    made = {(row.kind, row.subject, row.start, row.id): verify(session, row) for row in rows}
    return {key: one for key, one in made.items() if one.differences or one.left or not one.exact}


def make_rift(settings, world, monitor):
    """A dyad with a confirmed alarm and a confirmed rise of criticism; returns the alarm's number."""
    fill(settings, world)
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    (alarm,) = alarms(settings)
    criticise(settings, alarm, "hostile")
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    measure_directed(settings, monitor, now=NOW + timedelta(hours=1))
    return alarm.id


@pytest.fixture
def rift(store_settings, world, monitor_of):
    monitor = monitor_of(**WEEKLY, groups=GROUPS)
    return store_settings, monitor, make_rift(store_settings, world, monitor)


def test_everything_that_was_published_is_made_again_to_the_last_bit(rift):
    settings, *_ = rift
    with open_session(settings) as session:
        assert {row.kind for row in session.scalars(select(Published))} == {
            "trend", "gap", "state", "change", "rise", "texts", "criticism"
        }  # fmt: skip
        gap = explain(session, "m", subject=("a", "b"), period="week", day=LAST).row
        assert gap.figures["state"] == "rift"
        assert newest(session, "change").figures["holds"]
        assert newest(session, "rise").subject.startswith("alarm ")
        assert every(session) == {}


@pytest.mark.long
def test_what_coders_say_later_leaves_what_was_published_as_it_was(rift):
    settings, monitor, number = rift
    with open_session(settings) as session:
        first = newest(session, "change")
        # a second coder disagrees with all
        for coding in session.scalars(select(Coding).where(Coding.draw == "alarm")).all():
            other = {"nationalist": "universalist", "universalist": "nationalist"}.get(coding.value, coding.value)
            columns = {c.name: getattr(coding, c.name) for c in Coding.__table__.columns if c.name != "id"}
            session.add(Coding(**columns | {"coder": "two", "value": other, "coded_at": NOW + timedelta(hours=1)}))
        session.commit()
        measure(settings, monitor, now=NOW + timedelta(hours=2))
        session.expire_all()
        second = newest(session, "change")
        assert second.id != first.id
        assert abs(second.figures["change"]) < abs(first.figures["change"]) / 2
        assert len(unpack(second.codings)) == 2 * len(unpack(first.codings))
        assert every(session) == {}
        said = [in_words(one, verify(session, one.row)) for one in explain_alarm(session, "m", number)]
        assert "earlier:" in said[0]
        older = explain_alarm(session, "m", number, as_of=first.as_of)
        assert older[0].row.id == first.id
        gap = explain(session, "m", subject=("a", "b"), period="week", day=LAST)
        assert gap.row.figures["state"] == "steady"
        assert [one.figures["state"] for one in gap.earlier] == ["rift", "steady"]


@pytest.mark.long
def test_an_alarm_that_is_drawn_anew_keeps_what_its_first_codings_said(rift):
    settings, monitor, number = rift
    with open_session(settings) as session:
        first = newest(session, "change")
    close_queue(settings, monitor, first.figures["queue"])
    draw_for(settings, monitor, number, size=60)
    measure(settings, monitor, now=NOW + timedelta(hours=2))
    with open_session(settings) as session:
        # nothing new is coded: the sample goes on in another queue, and says what it said
        second = newest(session, "change")
        assert (second.figures["queue"] > first.figures["queue"], second.figures["change"]) == (
            True,
            first.figures["change"],
        )
        assert second.figures["planned"] == first.figures["planned"]
        assert every(session) == {}


def test_the_commands(settings, world, monitor_of, tmp_path, monkeypatch):
    monitor = monitor_of(**WEEKLY, groups=GROUPS)
    number = make_rift(settings, world, monitor)
    with open_session(settings) as session:
        for item in session.scalars(select(QueueItem)):
            session.add(
                Assignment(item_id=item.id, slot=1, coder="one", leased_until=NOW, outcome="coded", finished_at=NOW)
            )
        session.commit()
    file = tmp_path / "m.yaml"
    file.write_text(monitor.model_dump_json(exclude_defaults=True), encoding="utf-8")
    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))

    def run(*arguments, code=0):
        answer = CliRunner().invoke(app, [*arguments, "--monitor", str(file)])
        assert answer.exit_code == code, answer.output
        return answer.stdout if code == 0 else answer.stderr

    said = run("alarm", "explain", str(number))
    assert "alarm 1, week from" in said
    assert "change of the corrected gap +0." in said
    assert "rise of criticism: it counts; hostile criticism of b by a has risen" in said
    assert said.count("made again from these: equal to the last bit") == 3
    both = json.loads(run("alarm", "explain", str(number), "--format", "json"))
    assert [(one["kind"], one["differences"], one["exact"]) for one in both] == [
        ("change", [], True), ("rise", [], True), ("rise", [], True)
    ]  # fmt: skip
    # the queue is open, and every answer can be taken back
    assert (both[0]["codings"], both[0]["codings_then"], both[0]["codings_pending"]) == ([], 160, 160)
    assert "unclear" not in both[0]["figures"]
    assert "codings (0 of 160; 160 are not shown while their queue is open)" in said
    close_queue(settings, monitor, both[0]["figures"]["queue"])
    assert len(json.loads(run("alarm", "explain", str(number), "--format", "json"))[0]["codings"]) == 160
    assert "nothing was published of what coders say of alarm 99" in run("alarm", "explain", "99", code=1)
    rate = run("trends", "explain", "a--b", "2021-Q2", "--criticism")
    assert "hostile texts that name the other, of all texts: " in rate
    assert "made again from these: equal to the last bit" in rate
    alone = run("trends", "explain", "a", "2021-Q2", "--criticism", code=1)
    assert "criticism is of two groups; write it as a--b" in alone
    gap = run("trends", "explain", "a--b", "2021-W37")
    assert "state: rift" in gap
    with open_session(settings) as session:
        session.execute(update(Coding).where(Coding.draw == "alarm").values(value="neither"))
        session.commit()
    answer = CliRunner().invoke(app, ["trends", "explain", "a--b", "2021-W37", "--monitor", str(file)])
    assert (answer.exit_code, "alarm 1: change: " in answer.stdout) == (1, True)


@pytest.mark.long
def test_what_was_skipped_when_the_queue_closed_is_still_part_of_what_was_said(rift):
    """Until a lease is given back the text counts as begun, and what was answered after it counts."""
    settings, monitor, _ = rift
    with open_session(settings) as session:
        first = newest(session, "change")
        codings, queue = len(unpack(first.codings)), first.figures["queue"]
        items = session.scalars(select(QueueItem).order_by(QueueItem.place)).all()
        skipped = items[4]
        session.execute(delete(Coding).where(Coding.document_id == skipped.document_id, Coding.draw == "alarm"))
        session.add(Assignment(item_id=skipped.id, coder="one", slot=1, leased_until=NOW + timedelta(days=1)))
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=2))
    with open_session(settings) as session:
        second = newest(session, "change")
        number = second.id
        assert len(unpack(second.codings)) == codings - 1
        session.execute(delete(Assignment))
        session.commit()
    close_queue(settings, monitor, queue)
    with open_session(settings) as session:
        assert session.query(QueueItem).count() < 150
        assert verify(session, session.get(Published, number)).exact


@pytest.mark.long
def test_a_week_that_is_filled_later_is_known_to_the_states(settings, world, monitor_of):
    """A hole in the past is filled; sums, alarms and the newest state are as before."""
    monitor = monitor_of(**WEEKLY)
    fill(settings, world)
    hole = [FIRST + timedelta(weeks=w) for w in (54, 55, 56, 57)]
    with open_session(settings) as session:
        inside = Document.published_at.between(
            datetime.combine(hole[0], time(), tzinfo=UTC),
            datetime.combine(hole[-1] + timedelta(days=7), time(), tzinfo=UTC),
        )
        held = {d.id: d.published_at for d in session.scalars(select(Document).where(inside, Document.group_id == "a"))}
        session.execute(update(Document).where(Document.id.in_(held)).values(published_at=None))
        session.commit()
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        assert every(session) == {}
        for number, when in held.items():
            session.get(Document, number).published_at = when
        session.commit()
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        gap = explain(session, "m", subject=("a", "b"), period="week", day=hole[-1])
        assert [one.figures["state"] for one in (gap.row, *gap.earlier)] == ["steady", "not enough evidence"]
        assert every(session) == {}


def test_a_dyad_without_a_reference_is_made_again_where_none_has_enough_weeks(settings, world, monitor_of):
    """Too few pairs of neighbouring weeks for any autocorrelation: that is said of all dyads."""
    groups = [{"id": g, "name": g.upper()} for g in "abc"]
    dyads = [["a", "b"], ["a", "c"]]
    monitor = monitor_of(**WEEKLY, groups=groups, dyads=dyads)
    fill(settings, world)
    with open_session(settings) as session:
        # every second week only: 52 usable weeks without a neighbour
        for document in session.scalars(select(Document)):
            weeks = (document.published_at.date() - FIRST).days // 7
            document.published_at += timedelta(weeks=weeks)
        keep_reference(session, "m", "a", "b", start=FIRST, weeks=26, reason="x", person="one", now=NOW)
        session.commit()
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        states = {row.subject: row for row in session.scalars(select(Published).where(Published.kind == "state"))}
        assert {row.figures["autocorrelation"] for row in states.values()} == {None}
        assert "pairs of neighbouring weeks" in states["a--c"].figures["impossible"]
        assert every(session) == {}


def test_coders_who_see_no_change_are_made_again_too(settings, world, monitor_of):
    monitor = monitor_of(**WEEKLY)
    fill(settings, world)
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        assert every(session) == {}  # an alarm of which nothing is coded
        with pytest.raises(ExplainError, match="nothing was published of what coders say of alarm 1"):
            explain_alarm(session, "m", 1)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, nothing_changed)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    with open_session(settings) as session:
        assert not newest(session, "change").figures["holds"]
        assert every(session) == {}


def told(session, row):
    return "\n".join(verify(session, row).differences)


def test_a_coding_that_was_changed_by_hand_is_found_out(rift):
    settings, *_ = rift
    with open_session(settings) as session:
        change, rise = newest(session, "change"), newest(session, "rise")
        gap = explain(session, "m", subject=("a", "b"), period="week", day=LAST).row
        session.execute(update(Coding).where(Coding.id.in_(unpack(change.codings)[:30].tolist())).values(value="both"))
        assert "change: " in told(session, change)
        assert f"{change.subject}: change: " in told(session, gap)
        assert "present_low: " in told(session, change) or "reference_low: " in told(session, change)
        session.execute(update(Coding).where(Coding.variable == "criticism").values(value="neutral"))
        assert "counts: True was published, False comes out now" in "\n".join(
            told(session, one) for one in session.scalars(select(Published).where(Published.kind == "rise"))
        )
        assert f"criticism beside {rise.subject.split('/')[0]}/a: counts: True" in told(session, gap)
        rates = session.scalars(select(Published).where(Published.kind == "criticism")).all()
        some = [one for one in rates if one.figures["hostile"]]
        assert some
        assert all(
            f"hostile: {one.figures['hostile']:g} was published, 0 comes out now" in told(session, one) for one in some
        )


def test_a_week_of_another_value_changes_the_state(rift):
    settings, *_ = rift
    with open_session(settings) as session:
        state = newest(session, "state")
        assert verify(session, state).exact
        week = explain(session, "m", subject=("a",), period="week", day=LAST).row
        week.figures = week.figures | {"model_balance": -0.9}
        session.flush()
        assert "model_gap: " in told(session, state)
        week.figures = {name: value for name, value in week.figures.items() if name != "framed"}
        session.flush()
        (left,) = verify(session, state).left
        assert left.startswith("the state: of a week of a it was published by an earlier version")


def test_a_state_that_does_not_follow_is_told(rift):
    settings, *_ = rift
    with open_session(settings) as session:
        gap = explain(session, "m", subject=("a", "b"), period="quarter", day=LAST).row
        assert gap.figures["state"] == "rift"
        gap.figures = gap.figures | {"state": "steady"}
        session.flush()
        assert "state: steady was published, rift comes out now" in told(session, gap)
        session.execute(delete(Published).where(Published.kind == "state"))
        assert verify(session, gap).left == (
            "the state: it was published by an earlier version, which did not keep what it was made of, or no week or "
            "month was finished",
        )


NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def criticised(store_settings):
    with open_session(store_settings) as session:
        store = Store(session)
        texts = hostile_world(store)
        model = store.model()
        for text in texts[::5]:
            store.framing(model, text, 0.8)
        session.commit()
    monitor = directed_monitor(periods=["week", "month", "quarter", "year"])
    measure_directed(store_settings, monitor, now=NOON)
    return store_settings, monitor


def test_rates_of_criticism_are_published_once_and_again_when_they_change(criticised):
    settings, monitor = criticised
    with open_session(settings) as session:
        assert every(session) == {}
        rows = session.scalars(select(Published).where(Published.kind == "criticism")).all()
        assert {row.figures["estimator"] for row in rows} == {"corrected", "uncorrected"}
        before = len(rows)
        quarter = next(row for row in rows if row.figures["estimator"] == "corrected")
    measure_directed(settings, monitor, now=NOON + timedelta(days=1))
    with open_session(settings) as session:
        assert session.query(Published).filter_by(kind="criticism").count() == before
        store = Store(session)
        store.texts_begin_at(1_000)
        store.coding(store.text("a", quarter.start, HOSTILE), "hostile")
        store.text("a", quarter.start, PLAIN)
        session.commit()
    measure_directed(settings, monitor, now=NOON + timedelta(days=1))
    with open_session(settings) as session:
        found = explain(session, "m", subject=("a", "b"), period="quarter", day=quarter.start, criticism=True)
        assert len(found.earlier) == 1
        assert found.row.figures["clusters"] == quarter.figures["clusters"] + 2
        assert found.row.figures["coded"] == quarter.figures["coded"] + 1
        assert every(session) == {}
        said = "\n".join(in_words(found, verify(session, found.row)))
        for words in (
            "hostile texts that name the other, of all texts: 0.",
            "M = ",
            "made again from these: equal to the last bit",
        ):
            assert words in said


def test_a_rate_whose_basis_changed_says_what_comes_out_now(criticised):
    settings, _ = criticised
    with open_session(settings) as session:
        rows = session.scalars(select(Published).where(Published.kind == "criticism")).all()
        row = next(one for one in rows if one.figures["estimator"] == "corrected" and one.figures["hostile"])
        some = unpack(row.documents).tolist()
        session.execute(update(Coding).where(Coding.document_id.in_(some)).values(value="neutral"))
        assert "hostile_share: " in told(session, row)
        gone = session.get(Document, some[0])
        days, group = gone.published_at, gone.group_id
        for day, of in ((None, group), (days + timedelta(days=400), group), (days, "b" if group == "a" else "a")):
            gone.published_at, gone.group_id = day, of
            session.flush()
            assert f"audited: {len(some)} was published, {len(some) - 1} comes out now" in told(session, row)
            assert f"texts of {group}: clusters: " in told(session, row)
        totals = select(Published).where(
            Published.kind == "texts", Published.subject == row.figures["a"], Published.start == row.start
        )
        total = session.scalars(totals).first()
        assert "clusters: " in told(session, total)


def test_where_nobody_is_named_any_more_that_is_published_too(criticised):
    settings, monitor = criticised
    with open_session(settings) as session:
        for document in session.scalars(select(Document).where(Document.group_id == "a")):
            document.text, document.text_digest = PLAIN, f"{document.id:064x}"
        session.execute(delete(Mention))
        session.execute(delete(ScannedText))
        session.commit()
    measure_directed(settings, monitor, now=NOON)
    with open_session(settings) as session:
        rows = session.scalars(
            select(Published).where(Published.kind == "criticism", Published.subject == "a--b").order_by(Published.id)
        ).all()
        last = {(row.period, row.start): row for row in rows}
        assert {row.figures["estimator"] for row in last.values()} == {"counted"}
        assert {(row.figures["rate"], row.figures["named"]) for row in last.values()} == {(0.0, 0)}
        assert all(verify(session, row).exact for row in last.values())
