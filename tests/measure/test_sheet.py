from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from pipeline.measure.sensitivity import Stretch
from pipeline.measure.sheet import SheetError, _values, dyad_sheet, usual_stretches
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
    assert "Placebo dates: not computed" in noise  # 44 weeks are too short for those
    assert "model" in said["Does the model err alike"]
    assert "Jensen-Shannon divergence: not computed" in said["How far apart the codings are"]
    words = next(text for title, text in said.items() if title.startswith("Words"))
    assert "harbour" in words
    assert "sky" in words
    assert "heron" not in words.replace("typical of Heron", "")
    assert "leave-out partisanship of words" in words


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
