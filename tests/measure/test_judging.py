"""From texts to states: an alarm is raised, asks for codings, and coders make a state of it, or do not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier

import numpy as np
import pytest

from pipeline.framing.confirming import ask_for_codings, draw_for
from pipeline.framing.labelling import close_queue
from pipeline.measure.alarm.thresholds import threshold
from pipeline.measure.confirming import confirmed_so_far
from pipeline.measure.job import measure
from pipeline.measure.judging import lengths_of
from pipeline.measure.looking_back import watched_now
from pipeline.measure.telling import messages
from pipeline.measure.timespan import measured_periods
from pipeline.monitor.periods import period_of
from pipeline.store.alarms import alarms_of, keep_reference
from pipeline.store.session import open_session
from pipeline.store.states import state_changes
from pipeline.store.tables import (
    Assignment,
    Cluster,
    Coding,
    Document,
    DrawnSide,
    Framing,
    KeptReference,
    Queue,
    QueueItem,
    RaisedAlarm,
)
from pipeline.store.trends import gap_rows
from pipeline.store.watched import watched_dyad
from tests.measure.moving import FIRST, NOW, SHIFTED, WEEKLY, WEEKS, fill, go_on


@pytest.fixture
def moving(settings, world, monitor_of):
    """A store and its monitor, filled."""
    fill(settings, world)
    return settings, monitor_of(**WEEKLY)


def alarms(settings):
    with open_session(settings) as session:
        return alarms_of(session, "m")


def states(settings, period="week"):
    with open_session(settings) as session:
        return {row.start: (row.state, row.flags) for row in gap_rows(session, "m", period=period)}


def code(settings, truth, *, most=None):
    """Code the items of the queue of the alarm as ``truth(group, day)`` says, in the queue's order."""
    with open_session(settings) as session:
        (queue,) = session.query(Queue).all()
        rows = (
            session.query(QueueItem, Document)
            .join(Document, Document.id == QueueItem.document_id)
            .order_by(QueueItem.place)
            .all()
        )
        for item, document in rows[:most]:
            session.add(
                Coding(
                    monitor="m",
                    address=document.address,
                    document_id=document.id,
                    variable="framing",
                    value=truth(document.group_id, document.published_at.date(), item.place),
                    codebook_version=1,
                    coder="one",
                    coded_at=NOW,
                    draw=item.draw,
                    probability=item.probability,
                    drawn_at=queue.drawn_at,
                )
            )
        session.commit()


def as_the_model_says(group, day, place):
    late = day >= FIRST + timedelta(weeks=SHIFTED)
    often = place % 5 != 0
    if group == "a" and late:
        return "nationalist" if often else "neither"
    return ("nationalist", "universalist")[place // 4 % 2]


def nothing_changed(group, day, place):
    return ("nationalist", "universalist")[place // 4 % 2]


def test_an_alarm_is_raised_once_and_claims_nothing(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    (alarm,) = alarms(settings)
    assert alarm.side == 1
    assert (alarm.reference_start, alarm.reference_end) == (FIRST, FIRST + timedelta(weeks=52))
    shift = FIRST + timedelta(weeks=SHIFTED)
    assert abs((alarm.since - shift).days) <= 21
    assert shift <= alarm.raised <= shift + timedelta(weeks=12)
    assert alarm.closed is None
    of = states(settings)
    assert of[FIRST + timedelta(weeks=10)][0] == "not enough evidence"
    assert of[FIRST + timedelta(weeks=55)] == ("steady", ["no alarm is open", *of[FIRST + timedelta(weeks=55)][1][1:]])
    last = FIRST + timedelta(weeks=WEEKS - 1)
    assert of[last][0] == "steady"
    assert "codings needed" in of[last][1][0]
    assert "no texts are drawn for its confirmation yet" in of[last][1]
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    assert [a.id for a in alarms(settings)] == [alarm.id]
    assert "codings needed" in states(settings, "quarter")[date(2021, 7, 1)][1][0]


def test_it_asks_for_codings_by_itself_and_once(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    report = ask_for_codings(settings, monitor, now=NOW)
    assert (report.found, report.new, report.problems) == (1, settings.confirm_codings, ())
    assert ask_for_codings(settings, monitor, now=NOW + timedelta(hours=1)).found == 0
    (alarm,) = alarms(settings)
    with open_session(settings) as session:
        items = (
            session.query(QueueItem, Document).join(Document, Document.id == QueueItem.document_id)
            .order_by(QueueItem.place).all()
        )  # fmt: skip
    assert {item.draw for item, _ in items} == {"alarm"}
    assert alarm.planned == len(items) == len({d.id for _, d in items})
    sides = [(d.group_id, d.published_at.date() >= alarm.since) for _, d in items]
    # four sides in turns, each drawn from its own stretch only
    assert set(sides[:4]) == {("a", True), ("b", True), ("a", False), ("b", False)}
    for (group, present), (item, document) in zip(sides, items, strict=True):
        start, end = (alarm.since, alarm.end) if present else (alarm.reference_start, alarm.reference_end)
        assert start <= document.published_at.date() < end
        assert item.stratum == f"alarm {alarm.id}/{group}/{'present' if present else 'reference'}"
        assert 0 < item.probability <= 1


def test_coders_confirm_it_and_the_dyad_diverges(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says, most=20)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    last = FIRST + timedelta(weeks=WEEKS - 1)
    state, flags = states(settings)[last]
    assert state == "steady"
    assert any("20 of 160 texts of its confirmation are coded" in flag for flag in flags)


def test_all_codings_make_it_diverge_and_without_criticism_no_rift(store_settings, world, monitor_of):
    settings, monitor = store_settings, monitor_of(**WEEKLY)
    fill(settings, world)
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    (alarm,) = alarms(settings)
    of = states(settings)
    last = FIRST + timedelta(weeks=WEEKS - 1)
    assert of[last][0] == "diverging"
    assert any("criticism" in flag for flag in of[last][1])
    assert {state for start, (state, _) in of.items() if start < alarm.raised} == {"not enough evidence", "steady"}
    assert {state for start, (state, _) in of.items() if start >= alarm.raised} == {"diverging"}
    running = of[max(of)][1]
    assert "as in 2021-W38: no week of this period is finished" in running
    with open_session(settings) as session:
        said = [(c.previous, c.state) for c in state_changes(session, "m")]
    assert said == [(None, "steady"), ("steady", "diverging")]


def criticise(settings, alarm, value_in_stretch):
    """Every text of a names b; all are coded for criticism, in the alarm's stretch as told and before it neutral."""
    with open_session(settings) as session:
        for document in session.query(Document).filter(Document.group_id == "a"):
            document.text += " against the Maple Circle"
            day = document.published_at.date()
            session.add(
                Coding(
                    monitor="m", address=document.address, document_id=document.id, variable="criticism", target="b",
                    value=value_in_stretch if alarm.since <= day < alarm.end else "neutral", codebook_version=1,
                    coder="one", coded_at=NOW, draw="random", probability=1.0,
                    drawn_at=datetime(1970, 1, 1, tzinfo=UTC),
                )
            )  # fmt: skip
        session.commit()


@pytest.mark.parametrize(("value", "state"), [("hostile", "rift"), ("supportive", "diverging")])
def test_a_rift_needs_a_confirmed_rise_of_hostile_criticism(settings, world, monitor_of, value, state):
    fill(settings, world)
    groups = [{"id": "a", "name": "Heron League"}, {"id": "b", "name": "Maple Circle"}]
    monitor = monitor_of(**WEEKLY, groups=groups)
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    (alarm,) = alarms(settings)
    criticise(settings, alarm, value)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    found, flags = states(settings)[FIRST + timedelta(weeks=WEEKS - 1)]
    assert found == state
    assert any(flag.startswith("hostile criticism of b by a has risen") for flag in flags) == (state == "rift")


def test_coders_who_see_no_change_leave_it_steady(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, nothing_changed)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    state, flags = states(settings)[FIRST + timedelta(weeks=WEEKS - 1)]
    assert state == "steady"
    assert any(flag.startswith("not confirmed: change of the corrected gap") for flag in flags)


def test_codings_of_an_alarm_are_no_part_of_the_audit_sample(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    with open_session(settings) as session:
        assert {row.estimator for row in gap_rows(session, "m", period="quarter")} <= {"uncorrected", None}


def test_a_person_moves_the_reference_and_the_alarm_closes(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        keep_reference(
            session, "m", "a", "b", start=FIRST + timedelta(weeks=20), reason="a new paper", person="ana",
            now=NOW + timedelta(minutes=5),
        )  # fmt: skip
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    old, *_ = alarms(settings)
    assert old.closed_why == "a person moved the reference"
    # 52 weeks from week 20 hold the shift itself: nothing stands out of such a reference
    assert all(a.reference_start == FIRST + timedelta(weeks=20) for a in alarms(settings)[1:])


@pytest.mark.parametrize("weeks", [26, 104])
def test_a_reference_takes_the_weeks_a_person_asked_for(moving, weeks):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        keep_reference(
            session, "m", "a", "b", start=FIRST, weeks=weeks, reason="as long as that", person="ana",
            now=NOW + timedelta(minutes=5),
        )  # fmt: skip
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    old, *new = alarms(settings)
    assert old.closed_why == "a person moved the reference"
    found = states(settings)
    with open_session(settings) as session:
        watched = watched_dyad(session, "m", "a", "b")
        _, _, again = watched_now(session, monitor, ["week", "quarter"], NOW.date())
    assert again["a", "b"].threshold == watched.threshold
    if weeks > WEEKS:  # there are 90: it is not complete yet
        assert (new, watched.reference_start, watched.threshold) == ([], None, None)
        state, (why, *_) = found[FIRST + timedelta(weeks=WEEKS - 1)]
        assert (state, why) == ("not enough evidence", "no usable reference (needs 104 usable weeks, has 89)")
        return
    assert watched.reference_end == FIRST + timedelta(weeks=weeks)
    assert watched.threshold == threshold(weeks, watched.autocorrelation)
    assert [(one.reference_end, one.threshold) for one in new] == [(watched.reference_end, watched.threshold)]
    assert found[FIRST + timedelta(weeks=25)][1] == ["no usable reference (needs 26 usable weeks, has 25)"]
    assert found[FIRST + timedelta(weeks=26)] == ("steady", ["no alarm is open"])


def test_weeks_mean_nothing_to_alarms_of_months(moving):
    settings, _ = moving
    with open_session(settings) as session:
        kept = {("a", "b"): keep_reference(
            session, "m", "a", "b", start=FIRST, weeks=26, reason="x", person="ana", now=NOW
        )}  # fmt: skip
        assert (lengths_of("week", kept), lengths_of("month", kept)) == ({("a", "b"): 26}, {})


def test_another_model_takes_an_unconfirmed_alarm_back(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        rng = np.random.default_rng(8)
        for framing in session.query(Framing).all():
            framing.p_first, framing.p_second = float(rng.uniform(0, 1)), 0.5
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    (alarm,) = alarms(settings)
    assert alarm.closed == alarm.raised
    assert "is not raised" in alarm.closed_why
    assert states(settings)[FIRST + timedelta(weeks=WEEKS - 1)][1][0] == "no alarm is open"


def test_a_draw_by_number_refuses_what_it_cant_do(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    (alarm,) = alarms(settings)
    assert draw_for(settings, monitor, alarm.id, size=40) == 40
    with pytest.raises(ValueError, match="are drawn: queue"):
        draw_for(settings, monitor, alarm.id)
    with pytest.raises(ValueError, match="has no alarm 999"):
        draw_for(settings, monitor, 999)


def test_while_another_model_scores_the_texts_nothing_is_judged(moving, world):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    before, (alarm,) = states(settings), alarms(settings)
    with open_session(settings) as session:
        w = world(session)
        w._number = iter([2])
        new = w.model()
        old = session.query(Framing).order_by(Framing.document_id).all()
        session.add_all(
            Framing(
                document_id=f.document_id, model_id=new.id, text_digest=f.text_digest, featuriser="test",
                p_first=f.p_first, p_second=f.p_second, label="neither", scored_at=NOW,
            )
            for f in old[: len(old) // 2]
        )  # fmt: skip
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=2))
    after = states(settings)
    assert {start: state for start, (state, _) in after.items()} == {s: state for s, (state, _) in before.items()}
    assert all(flags[0].startswith("the state is an earlier one") for _, flags in after.values())
    (same,) = alarms(settings)
    assert (same.id, same.closed) == (alarm.id, None)
    with open_session(settings) as session:
        assert len(state_changes(session, "m")) == 2


def test_what_coders_have_confirmed_another_model_does_not_take_back(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    with open_session(settings) as session:
        rng = np.random.default_rng(8)
        for framing in session.query(Framing).all():
            framing.p_first, framing.p_second = float(rng.uniform(0, 1)), 0.5
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=2))
    (alarm,) = alarms(settings)
    assert alarm.confirmed_at is not None
    assert alarm.closed_why in {None, "C was zero for 8 periods in a row"}


def test_a_reference_that_was_complete_is_not_moved_by_older_texts(moving, world):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        w = world(session)
        w._number = iter(range(10_000, 20_000))
        model = session.query(Framing).first().model_id
        for week in range(1, 30):
            for group in "aabb":
                text = w.text(group, FIRST - timedelta(weeks=week))
                session.add(
                    Framing(
                        document_id=text.id, model_id=model, text_digest=text.text_digest, featuriser="test",
                        p_first=0.5, p_second=0.5, label="neither", scored_at=NOW,
                    )
                )  # fmt: skip
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    (alarm,) = alarms(settings)
    assert alarm.reference_start == FIRST
    assert states(settings)[FIRST - timedelta(weeks=10)][0] == "not enough evidence"


def test_a_text_nobody_can_decide_does_not_hold_a_confirmation_up(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    with open_session(settings) as session:
        items = session.query(QueueItem).order_by(QueueItem.place).limit(8).all()
        for item in items:
            document = session.get(Document, item.document_id)
            session.query(Coding).filter(Coding.document_id == document.id).delete()
            session.add(
                Assignment(
                    item_id=item.id, slot=1, coder="one", leased_until=NOW, outcome="unclear", finished_at=NOW
                )
            )  # fmt: skip
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    assert states(settings)[FIRST + timedelta(weeks=WEEKS - 1)][0] == "diverging"


def test_a_closed_queue_is_drawn_anew_and_two_processes_draw_one_alarm_once(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: ask_for_codings(settings, monitor), range(4)))
    assert sum(report.new for report in reports) == settings.confirm_codings
    (alarm,) = alarms(settings)
    with open_session(settings) as session:
        assert session.query(QueueItem).count() == settings.confirm_codings
    close_queue(settings, monitor, alarm.queue_id)
    assert draw_for(settings, monitor, alarm.id, size=60) == 60
    close_queue(settings, monitor, alarms(settings)[0].queue_id)
    with pytest.raises(ValueError, match="39 texts can't confirm anything; 40 are needed"):
        draw_for(settings, monitor, alarm.id, size=39)


def test_two_measurements_at_once_write_every_alarm_and_change_once(store_settings, world, monitor_of):
    settings, monitor = store_settings, monitor_of(**WEEKLY)
    fill(settings, world)
    together = Barrier(2)

    def once(_):
        together.wait(30)
        return measure(settings, monitor, now=NOW)

    def both():
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(once, range(2)))

    reports = both()
    assert sorted(report.updated > 0 for report in reports) == [False, True]
    (alarm,) = alarms(settings)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    both()
    with open_session(settings) as session:
        assert [(c.previous, c.state) for c in state_changes(session, "m")] == [
            (None, "steady"),
            ("steady", "diverging"),
        ]
        assert session.query(KeptReference).count() == 1
    assert [one.id for one in alarms(settings)] == [alarm.id]


def test_what_a_confirmation_was_drawn_from_is_frozen(store_settings, world, monitor_of):
    settings, monitor = store_settings, monitor_of(**WEEKLY)
    fill(settings, world)
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    (alarm,) = alarms(settings)

    def found():
        with open_session(settings) as session:
            (row,) = alarms_of(session, "m")
            model = session.query(Framing).first().model_id
            values = {"nationalist": 1.0, "universalist": -1.0, "neither": 0.0}
            return confirmed_so_far(session, row, model, values).confirmed

    before = found()
    assert before.holds
    after_the_draw = NOW + timedelta(hours=1)
    within = datetime.combine(alarm.since, time(12), tzinfo=UTC)
    with open_session(settings) as session:
        model = session.query(Framing).first().model_id
        drawn = {item.document_id for item in session.query(QueueItem)}
        own = session.query(Document).filter(Document.group_id == "a").order_by(Document.id).all()
        # dated anew, into the stretch and out of it; one of them was drawn
        outside = next(d for d in own if alarm.reference_end <= d.published_at.date() < alarm.since)
        outside.published_at = within
        inside = next(d for d in own if alarm.since <= d.published_at.date() < alarm.end and d.id in drawn)
        inside.published_at = datetime.combine(alarm.since - timedelta(days=40), time(9), tzinfo=UTC)
        # two that were drawn turn out to be one text
        one, other = [d for d in own if alarm.since <= d.published_at.date() < alarm.end and d.id in drawn][:2]
        cluster = Cluster(monitor="m", first_document_id=one.id)
        session.add(cluster)
        session.flush()
        one.cluster_id = other.cluster_id = cluster.id
        # a text whose first copy came after the draw
        late = Document(
            id=90_001, monitor="m", source="a-site", group_id="a", speaker="own", address="https://example.org/late",
            text="Late", text_digest="f" * 64, extractor="test", published_at=within, collected_at=after_the_draw,
            updated_at=after_the_draw,
        )  # fmt: skip
        session.add(late)
        session.flush()
        session.add(
            Framing(
                document_id=late.id, model_id=model, text_digest=late.text_digest, featuriser="test", p_first=0.0,
                p_second=1.0, label="universalist", scored_at=after_the_draw,
            )
        )  # fmt: skip
        session.commit()
    assert found() == before


def test_a_draw_of_which_nothing_was_kept_is_to_be_made_again(moving):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    with open_session(settings) as session:
        session.query(DrawnSide).delete()
        session.commit()
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    flags = states(settings)[FIRST + timedelta(weeks=WEEKS - 1)][1]
    assert any("draw anew (`riftwatch alarm draw --alarm 1`)" in flag for flag in flags)


def test_the_alarm_of_a_dyad_that_left_the_monitor_closes_and_opens_when_it_comes_back(
    store_settings, world, monitor_of
):
    settings, monitor = store_settings, monitor_of(**WEEKLY)
    fill(settings, world)
    measure(settings, monitor, now=NOW)
    for without, why in (
        (monitor_of(**WEEKLY, dyads=[]), "the monitor has no such dyad any more"),
        (monitor_of(periods=["month", "quarter"]), "the monitor's alarms run on other periods now"),
        (monitor_of(periods=["quarter"]), "the monitor's alarms run on other periods now"),
    ):
        measure(settings, without, now=NOW + timedelta(hours=1))
        (alarm,) = alarms(settings)
        assert (alarm.closed, alarm.closed_why) == (NOW.date(), why)
        measure(settings, monitor, now=NOW + timedelta(hours=2))
        (alarm,) = alarms(settings)
        assert (alarm.closed, alarm.closed_why) == (None, None)


def test_looking_back_trusts_the_model_as_far_as_the_alarm_does(moving):
    settings, monitor = moving
    rng = np.random.default_rng(3)
    with open_session(settings) as session:
        # codings in some audit cells, in one of them too few to correct it
        for document, framing in session.query(Document, Framing).join(Framing, Framing.document_id == Document.id):
            day = document.published_at.date()
            every = {1: 6, 2: 9, 3: 25}.get((day.month - 1) // 3, 0)
            if day.year == 2020 and every and document.id % every == 0:
                nationalist = rng.random() < 0.3 + 0.4 * framing.p_first
                session.add(
                    Coding(
                        monitor="m", address=document.address, document_id=document.id, variable="framing",
                        value="nationalist" if nationalist else "universalist", codebook_version=1, coder="one",
                        coded_at=NOW, draw="random", probability=0.2, drawn_at=datetime(1970, 1, 1, tzinfo=UTC),
                    )
                )  # fmt: skip
        session.commit()
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        _, _, watched = watched_now(session, monitor, measured_periods(monitor), NOW.date())
        stored = watched_dyad(session, "m", "a", "b")
    assert 0 < stored.lam < 1
    assert watched["a", "b"].series.lam == pytest.approx(stored.lam, rel=1e-12)


def test_an_alarm_that_can_not_be_drawn_does_not_hide_the_next(moving):
    """The first fails and is closed by somebody meanwhile: the second is the first of those that wait then."""
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    with open_session(settings) as session:
        (real,) = alarms_of(session, "m")
        same = {c.name: getattr(real, c.name) for c in real.__table__.columns if c.name != "id"}
        # nothing lies in its stretch, which is a day long
        hopeless = RaisedAlarm(
            **same | {"since": date(2019, 1, 7), "raised": date(2019, 1, 7), "end": date(2019, 1, 8)}
        )
        session.add(hopeless)
        session.commit()
        first, second = hopeless.id, real.id

    def progress(what, done, total):
        if done == 1:
            with open_session(settings) as session:
                session.get(RaisedAlarm, first).closed = NOW.date()
                session.commit()

    report = ask_for_codings(settings, monitor, now=NOW, progress=progress)
    assert report.new == settings.confirm_codings
    assert len(report.problems) == 1
    with open_session(settings) as session:
        assert session.get(RaisedAlarm, first).queue_id is None
        assert session.get(RaisedAlarm, second).queue_id is not None


def said_of_states(settings):
    with open_session(settings) as session:
        return [(c.previous, c.state, c.figures["said"], c.figures.get("alarms")) for c in state_changes(session, "m")]


@pytest.mark.parametrize("confirmed", [True, False])
def test_people_are_told_of_a_second_alarm_once_and_not_when_it_closes(moving, confirmed):
    settings, monitor = moving
    measure(settings, monitor, now=NOW)
    told = [(None, "steady", "steady, alarm", [1])]
    if confirmed:
        ask_for_codings(settings, monitor, now=NOW)
        code(settings, as_the_model_says)
        measure(settings, monitor, now=NOW + timedelta(hours=1))
        told.append(("steady", "diverging", "diverging", [1]))
    assert said_of_states(settings) == told
    later = go_on(settings, [-0.6] * 10)
    measure(settings, monitor, now=later)
    first, second = alarms(settings)
    assert (first.side, first.closed, second.side, second.closed) == (1, None, -1, None)
    state = "diverging" if confirmed else "steady"
    told.append((state, state, told[-1][2], [1, 2]))
    assert said_of_states(settings) == told
    with open_session(settings) as session:
        reasons = state_changes(session, "m")[-1].reasons
    named = second if confirmed else first
    assert reasons[-1] == f"another alarm since {period_of('week', named.raised).label}: codings needed"
    assert messages(settings, monitor, now=later)[-1].title == (
        "Riftwatch: A and B: diverging, another alarm, codings needed"
        if confirmed
        else "Riftwatch: A and B: alarm, codings needed"
    )
    ask_for_codings(settings, monitor, now=later)
    measure(settings, monitor, now=later + timedelta(hours=1))
    measure(settings, monitor, now=go_on(settings, [0.6] * 30))
    first, second = alarms(settings)
    assert (first.closed, second.closed is None) == (None, False)
    assert said_of_states(settings) == told


def test_what_an_older_version_knew_is_no_news_and_what_comes_after_it_is(moving):
    settings, monitor = moving

    def as_older_versions_left_it(*, but=0):
        """Without the alarms that changes told of; ``but`` the last ones, which these versions did not write."""
        with open_session(settings) as session:
            rows = list(state_changes(session, "m"))
            for row in rows[len(rows) - but :]:
                session.delete(row)
            for row in rows[: len(rows) - but]:
                row.figures = {name: value for name, value in row.figures.items() if name != "alarms"}
            session.commit()

    measure(settings, monitor, now=NOW)
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    as_older_versions_left_it()
    measure(settings, monitor, now=NOW + timedelta(hours=2))
    assert len(said_of_states(settings)) == 2
    later = go_on(settings, [-0.6] * 10)
    measure(settings, monitor, now=later)
    assert said_of_states(settings)[2:] == [("diverging", "diverging", "diverging", [1, 2])]
    as_older_versions_left_it(but=1)
    for hours in (1, 2):
        measure(settings, monitor, now=later + timedelta(hours=hours))
    assert len(said_of_states(settings)) == 2
