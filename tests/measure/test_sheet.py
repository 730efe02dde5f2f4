import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.measure.sensitivity import Stretch, periods_of
from pipeline.measure.sheet import SheetError, _composition, _values, dyad_sheet, usual_stretches
from pipeline.store.cells import RandomCoding
from pipeline.store.session import open_session

START = date(2022, 1, 3)
MIDDLE, END = START + timedelta(weeks=30), START + timedelta(weeks=44)
BEFORE, NOW = Stretch(START, MIDDLE), Stretch(MIDDLE, END)


@pytest.fixture
def filled(store_settings, world, monitor_of):
    """Two groups of three sources each; in the second stretch a's texts move by .5. A fifth of them coded."""
    rng = np.random.default_rng(3)
    monitor = monitor_of(groups=[{"id": "a", "name": "Heron"}, {"id": "b", "name": "Maple"}])
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        for week in range(44):
            for group in "ab":
                for source in range(3):
                    level = 0.5 if group == "a" and week >= 30 else 0.0
                    f = float(np.clip(rng.normal(level, 0.25), -1, 1))
                    day = START + timedelta(weeks=week, days=int(rng.integers(7)))
                    text = w.text(group, day, f, model=model, source=f"{group}{source}")
                    text.language = "en"
                    text.text = f"{'harbour soil' if group == 'a' else 'sea sky'} of the Heron " + text.text
                    if week % 5 == 0:
                        w.coding(text, "nationalist" if f > 0.2 else "universalist" if f < -0.2 else "neither")
        session.commit()
    return store_settings, monitor


def test_a_real_change_is_told_in_every_section(filled):
    settings, monitor = filled
    with open_session(settings) as session:
        made = dyad_sheet(session, monitor, "a", "b", BEFORE, NOW)
    said = {section.title: " ".join(section.lines) for section in made.sections}
    assert made.texts == (132, 132)
    assert 0.3 < made.sensitivity.base.value < 0.7
    assert "beyond noise" in said["The change of the gap under other choices"]
    assert "within sources" in said["What moved"]
    noise = said["Is it more than noise"]
    assert "The change of the gap: +0." in noise
    assert noise.count("Placebo, ") == 2
    # 14 weeks on each side: no other date of 44 weeks but weeks 14 to 16
    assert "Placebo dates: not computed: 3 placebo dates, 5 are needed: the series is too short." in noise
    assert "model" in said["Does the model err alike"]
    assert "Jensen-Shannon divergence: not computed" in said["How far apart the codings are"]
    words = next(text for title, text in said.items() if title.startswith("Words"))
    assert "harbour" in words
    assert "sky" in words
    assert "heron" not in words.replace("typical of Heron", "")
    assert "leave-out partisanship of words" in words


@pytest.fixture
def watched_long(settings, world, monitor_of):
    """Adds texts of a monitor: one of each group on every given day, a's moved up from a day on."""
    monitor = monitor_of(groups=[{"id": "a", "name": "Heron"}, {"id": "b", "name": "Maple"}])

    def fill(days, moved):
        rng = np.random.default_rng(5)
        with open_session(settings) as session:
            w = world(session)
            model = w.model()
            for day in days:
                for group in "ab":
                    level = 0.5 if group == "a" and day >= moved else 0.0
                    w.text(group, day, float(np.clip(rng.normal(level, 0.2), -1, 1)), model=model)
            session.commit()

    def noise(reference, present):
        with open_session(settings) as session:
            made = dyad_sheet(session, monitor, "a", "b", reference, present)
        return {section.title: section.lines for section in made.sections}

    return fill, noise


def days_between(first, end, step):
    return [first + timedelta(days=n) for n in range(0, (end - first).days, step)]


def test_placebo_dates_are_of_all_weeks_not_of_the_two_stretches_alone(watched_long):
    """An alarm a year and more after its reference: what lies between is no hole."""
    fill, sections = watched_long
    present = Stretch(START + timedelta(weeks=120), START + timedelta(weeks=141))
    fill(days_between(START, present.end, 7), present.start)
    made = sections(Stretch(START, START + timedelta(weeks=52)), present)["Is it more than noise"]
    (dates,) = [line for line in made if "other dates" in line]
    # 21 weeks on each side: weeks 21 to 99 of 141
    assert dates.startswith(
        "Placebo, other dates than 2024-04-22: 1% of 79 placebos change by as much as the dyad's +0."
    )
    assert "21 weeks before against 21 after" in dates
    # beside the test stand both kinds of placebo
    assert [line.split(":")[0] for line in made if line.startswith("Placebo")] == [
        "Placebo, group A alone",
        "Placebo, group B alone",
        "Placebo, other dates than 2024-04-22",
    ]


def test_what_came_after_the_present_is_in_no_placebo_date(watched_long):
    fill, sections = watched_long
    end = START + timedelta(weeks=80)
    fill(days_between(START, end + timedelta(weeks=40), 7), end)
    stretches = Stretch(START, START + timedelta(weeks=52)), Stretch(START + timedelta(weeks=70), end)
    (dates,) = [line for line in sections(*stretches)["Is it more than noise"] if "other dates" in line]
    assert "of 51 placebos" in dates  # weeks 10 to 60 of 80


@pytest.mark.parametrize(
    ("reference", "present", "months"),
    [
        (Stretch(date(2024, 1, 1), date(2025, 1, 1)), Stretch(date(2025, 1, 1), date(2026, 1, 1)), (12, 12)),
        # an alarm of months begins where its reference ends, on any day of a week
        (Stretch(date(2022, 1, 1), date(2024, 1, 1)), Stretch(date(2024, 1, 1), date(2024, 6, 1)), (24, 5)),
        # named by hand: a year and the 45 days after it
        (Stretch(date(2024, 3, 10), date(2025, 3, 10)), Stretch(date(2025, 3, 10), date(2025, 6, 14)), (12, 3)),
    ],
)
def test_stretches_of_any_length_share_no_day_and_lose_none(watched_long, reference, present, months):
    fill, sections = watched_long
    fill(days_between(reference.start, present.end, 2), present.start)
    made = sections(reference, present)
    assert [len(stretch.months()) for stretch in (reference, present)] == list(months)
    noise = " ".join(made["Is it more than noise"])
    weeks = [-(-(stretch.end - stretch.start).days // 7) for stretch in (reference, present)]
    assert f"blocks of 4 weeks within the stretches of {weeks[0]} and {weeks[1]} weeks" in noise
    assert "not one after the other" not in noise
    days = np.arange(np.datetime64(reference.start), np.datetime64(present.end))
    for cut in (Stretch.weeks, Stretch.months):
        period, (before, after) = periods_of(days, (cut(reference), cut(present)))
        assert np.array_equal(np.isin(period, before), reference.holds(days))
        assert np.array_equal(np.isin(period, after), present.holds(days))
    # every text counts, and on its own side: A's all lie .5 higher from the first day of the present
    moved = re.search(r"within sources (\S+) .* On a fixed panel of 2 sources it is (\S+)\. ", made["What moved"][0])
    assert [float(one) for one in moved.groups()] == pytest.approx([0.5, 0.5], abs=0.05)


def test_months_are_counted_from_the_first_day_of_a_stretch():
    assert Stretch(date(2024, 1, 31), date(2024, 4, 30)).months() == [
        date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31),
    ]  # fmt: skip
    # a rest under half a month belongs to the month before, 15 days are one
    assert len(Stretch(date(2024, 3, 1), date(2024, 4, 15)).months()) == 1
    assert len(Stretch(date(2024, 3, 1), date(2024, 4, 16)).months()) == 2
    assert len(Stretch(date(2024, 3, 1), date(2024, 3, 4)).months()) == 1


def test_of_a_present_of_one_month_nobody_says_how_much_is_noise(watched_long):
    fill, sections = watched_long
    present = Stretch(START + timedelta(weeks=60), START + timedelta(weeks=64))
    fill(days_between(START, present.end, 3), present.start)
    moved = sections(Stretch(START, START + timedelta(weeks=52)), present)["What moved"]
    assert "noise not known" in moved[0]
    assert "not decided" in moved[0]
    assert moved[1] == "The present is one month: how much is noise shows from two months on."


def weeks_alike(rng):
    """Two groups of three sources, 52 and 26 weeks, in which nothing happens: weeks of a source lie .15 apart, and
    resemble each other by .8 from one to the next."""
    deviation = rng.normal(0, 0.15, (6, 78))
    for week in range(1, 78):
        deviation[:, week] = 0.8 * deviation[:, week - 1] + 0.6 * deviation[:, week]
    source, week, _ = (axis.ravel() for axis in np.indices((6, 78, 4)))
    day = np.datetime64(START) + 7 * week + rng.integers(0, 7, len(week))
    f = np.clip(deviation[source, week] + rng.normal(0, 0.35, len(week)), -1, 1)
    present = Stretch(START + timedelta(weeks=52), START + timedelta(weeks=78))
    language, counts = np.full(len(f), "en"), np.ones(len(f), dtype=bool)
    columns = {"of_a": source < 3, "source": source.astype(str), "language": language, "counts": counts}
    return SimpleNamespace(day=day, f=f, **columns), present


def test_composition_takes_months_of_a_source_for_independent_not_weeks():
    """By weeks it called .20 of such worlds a change of framing."""
    rng = np.random.default_rng(11)
    worlds, named = 300, 0
    for _ in range(worlds):
        texts, present = weeks_alike(rng)
        said = _composition(texts, Stretch(START, present.start), present, ("A", "B"))
        named += "Judgement: a change of framing within sources" in said.lines[0]
    assert named / worlds < 0.11


def test_the_same_store_gives_the_same_sheet(filled):
    settings, monitor = filled
    with open_session(settings) as session:
        first, again = (dyad_sheet(session, monitor, "a", "b", BEFORE, NOW) for _ in range(2))
    assert first.sections == again.sections


def test_what_cant_be_made_is_said(filled, world, monitor_of):
    settings, monitor = filled
    with open_session(settings) as session:
        empty = Stretch(date(1999, 1, 4), date(1999, 6, 7))
        with pytest.raises(SheetError, match="the change of the gap of a and b can't be made"):
            dyad_sheet(session, monitor, "a", "b", empty, NOW)
    with open_session(settings) as session:
        made = dyad_sheet(session, monitor, "a", "b", Stretch(MIDDLE - timedelta(weeks=2), MIDDLE), NOW)
    noise = next(section for section in made.sections if section.title == "Is it more than noise")
    assert any("not computed" in line for line in noise.lines)


def test_without_a_model_or_an_alarm(settings, monitor_of):
    monitor = monitor_of()
    with open_session(settings) as session:
        with pytest.raises(SheetError, match="no model is in force"):
            dyad_sheet(session, monitor, "a", "b", BEFORE, NOW)
        today = datetime(2024, 1, 1, tzinfo=UTC).date()
        reference, present = usual_stretches(session, monitor, "a", "b", today=today)
    assert (present.end, reference.end) == (today, present.start)
    assert (present.end - present.start, reference.end - reference.start) == (timedelta(weeks=26), timedelta(weeks=52))


def test_what_stands_for_a_text_is_what_settles_it_and_no_value_that_the_codebook_lacks():
    def coding(cluster, value, day, *, settles=False, probability=0.5):
        at = datetime(2024, 1, day, tzinfo=UTC)
        return RandomCoding(cluster, value, f"coder {day}", at, at, probability, settles=settles)

    codings = [
        coding(1, "both", 2, settles=True),
        coding(1, "nationalist", 3),
        coding(2, "neither", 1),
        coding(2, "unheard of", 2),
        coding(3, "both", 2),
        coding(3, "nationalist", 1),
        coding(4, "both", 1),
        coding(5, "both", 1),
        coding(5, "neither", 2, probability=None),
    ]
    assert _values(codings, {"both", "neither", "nationalist"}, {1, 2, 3, 5}) == {
        1: "both", 2: "neither", 3: "both", 5: "both",
    }  # fmt: skip
