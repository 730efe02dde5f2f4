"""The row of the sensitivity sheet with names left in: the same model on the same texts, unmasked."""

from datetime import date, timedelta

import numpy as np
import pytest

from classifiers.codebook import codebooks
from classifiers.model.passages import score_texts
from classifiers.starter import load_starter
from classifiers.text.mask import Mask
from pipeline.framing import starter as starter_module
from pipeline.framing.job import frame
from pipeline.framing.model import promoted_model
from pipeline.measure import named
from pipeline.measure.named import NamesLeftIn
from pipeline.measure.sensitivity import Stretch
from pipeline.measure.sheet import dyad_sheet
from pipeline.store.session import open_session
from pipeline.store.tables import Document

START = date(2023, 1, 1)
MIDDLE, END = START + timedelta(days=240), START + timedelta(days=420)
STRETCHES = Stretch(START, MIDDLE), Stretch(MIDDLE, END)
SENTENCES = (
    "The people of this land alone decide, and no stranger may rule its fields.",
    "Every human being is our brother, wherever he was born.",
    "The road to the market was repaired on Tuesday.",
)


@pytest.fixture
def framed(settings, world, monitor_of, monkeypatch):
    """Texts that the model has scored; in the present a's begin to name a group whose name speaks of the homeland."""
    short = {book.variable: [c for c in load_starter(book) if c.lang == "en"][:120] for book in codebooks()}
    monkeypatch.setattr(starter_module, "load_starter", lambda book: short[book.variable])
    monitor = monitor_of(groups=[{"id": "a", "name": "Land of Our People"}, {"id": "b", "name": "Maple"}])
    with open_session(settings) as session:
        w = world(session)
        for number in range(140):
            for group in "ab":
                day = START + timedelta(days=3 * number)
                text = w.text(group, day)
                text.language = "en"
                name = "Land of Our People, " * 3 if group == "a" and day >= MIDDLE else ""
                text.text = f"{name}{SENTENCES[(number + (group == 'a')) % 3]} Number {number}."
        session.commit()
    frame(settings, monitor)
    return settings, monitor


def masking(framed, **named_by):
    settings, monitor = framed
    with open_session(settings) as session:
        made = dyad_sheet(session, monitor, "a", "b", *STRETCHES, **named_by)
    (row,) = [row for row in made.sensitivity.rows if row.kind == "masking"]
    return row, made.sensitivity.base


def test_the_row_is_what_the_model_says_of_the_unmasked_texts(framed, monkeypatch):
    settings, _ = framed
    monkeypatch.setattr(named, "BATCH", 37)
    row, base = masking(framed, named=NamesLeftIn(settings))
    model = promoted_model(settings, "framing")
    with open_session(settings) as session:
        texts = [(t.group_id, t.published_at.date(), t.text) for t in session.query(Document).order_by(Document.id)]
    f = score_texts(model.classifier, [text for *_, text in texts], Mask())[0] @ [1, -1]
    of_a, late = np.array([group == "a" for group, *_ in texts]), np.array([day >= MIDDLE for _, day, _ in texts])
    gaps = [f[of_a & now].mean() - f[~of_a & now].mean() for now in (late, ~late)]
    assert row.change == pytest.approx(gaps[0] - gaps[1], abs=1e-6)
    assert row.se > 0
    # the name alone moves the gap
    assert abs(row.change - base.value) > 0.02


def test_where_it_cant_be_made_it_says_why(framed, monkeypatch):
    settings, _ = framed
    assert masking(framed)[0].why == "needs scores without masking"
    monkeypatch.setattr(named, "MOST_TEXTS", 279)
    assert masking(framed, named=NamesLeftIn(settings))[0].why == "280 texts; names are left in for 279 at most"
    (folder,) = [one for one in settings.models.iterdir() if one.name.startswith("framing")]
    (folder / "card.json").write_text("{}")
    row = masking(framed, named=NamesLeftIn(settings))[0]
    assert row.change is None
    assert row.why == "the folder of the model in force can't be read; `riftwatch frame` says why"
