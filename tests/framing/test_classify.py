import json

import pytest
from sqlalchemy import select

from classifiers.text.mask import Mask
from pipeline.framing import classify
from pipeline.framing.classify import classify_lines, promoted_model
from pipeline.framing.job import frame, mask_of
from pipeline.framing.model import ensure_model
from pipeline.store.session import open_session
from pipeline.store.tables import Framing


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The whole starter model: trained as on a new installation."""
    from pipeline.settings import Settings

    return ensure_model(Settings(data=tmp_path_factory.mktemp("data"), database_url=""), "framing")[1]


def _line(identity, text, **more):
    return json.dumps({"id": identity, "text": text, **more})


def test_answers_come_in_order_with_errors_in_their_place(model, monkeypatch):
    monkeypatch.setattr(classify, "BATCH", 2)
    lines = [
        _line("a", "The people of this land alone decide; no brotherhood abroad may speak for us."),
        "{not json",
        "",
        _line(7, "Wherever a human being is hungry, there is our country; borders are accidents."),
        _line("c", ""),
        '{"id": "d"}',
        '["text"]',
        _line("e", "日本語"),
        _line("f", 3),
        _line([], "land"),
        _line("g", "The road was closed on Monday.", before=None, after="So it was.", lang="en"),
    ]
    answers = list(classify_lines(iter(lines), model))
    assert [a.get("id", a.get("line")) for a in answers] == ["a", 2, 7, 5, 6, 7, 8, 9, 10, "g"]
    assert answers[0].keys() == {"id", "p_nationalist", "p_universalist", "label"}
    assert answers[0]["label"] == "nationalist"
    assert answers[2]["p_universalist"] >= 0.5 > answers[0]["p_universalist"]
    errors = {a["line"]: a["error"] for a in answers if "error" in a}
    assert "not JSON" in errors[2]
    assert "empty" in errors[5]
    assert "text is missing" in errors[6]
    assert "not an object" in errors[7]
    assert "id e" in errors[8]
    assert "text must be a text" in errors[9]
    assert "id must be" in errors[10]


def test_it_reads_no_further_than_it_must(model, monkeypatch):
    monkeypatch.setattr(classify, "BATCH", 2)
    read = []

    def lines():
        for i in range(10):
            read.append(i)
            yield _line(i, "the land")

    answers = classify_lines(lines(), model)
    assert next(answers)["id"] == 0
    assert len(read) == 2


def test_names_can_be_masked(model):
    lines = [_line(1, "Land Party speaks of the wells"), _line(2, "speaks of the wells")]
    one, other = classify_lines(lines, model, Mask(["Land Party"]))
    assert one["p_nationalist"] == other["p_nationalist"]


@pytest.mark.usefixtures("short_starter")
def test_with_a_monitors_mask_a_line_gets_the_probabilities_that_frame_gives(settings, monitor, add_documents):
    text = "Aurin Front: the people of this land alone decide, and the Front will guard the wells."
    add_documents(settings, [text])
    frame(settings, monitor)
    with open_session(settings) as session:
        framing = session.scalars(select(Framing)).one()
    trained = promoted_model(settings, "framing")
    (masked,) = classify_lines([_line(1, text)], trained, mask_of(monitor))
    (plain,) = classify_lines([_line(1, text)], trained)
    assert masked["p_nationalist"] == pytest.approx(framing.p_first, abs=1e-6)
    assert masked["p_universalist"] == pytest.approx(framing.p_second, abs=1e-6)
    assert plain["p_nationalist"] != masked["p_nationalist"]


def test_nothing_in_nothing_out(model):
    assert list(classify_lines([], model)) == []


def test_without_a_model_it_says_what_to_do(settings):
    with pytest.raises(LookupError, match="riftwatch frame"):
        promoted_model(settings, "framing")
