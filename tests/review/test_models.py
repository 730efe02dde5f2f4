"""What the pages of the models say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.review import model_words
from tests.review import filling_models

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

MODELS = "/ui/m/harbour/models"


def test_every_version_stands_with_its_state(get):
    text = get(MODELS).text
    for said in ("framing-2026-01-01", filling_models.NEW, filling_models.WAITING, "in force", "was in force"):
        assert said in text, said
    assert f"{filling_models.WAITING} waits for a decision" in text
    assert "macro-F1, all values 0.710" in text
    assert "back again" in text
    assert "No model yet" in text  # of the codebook of criticism


def test_only_who_may_write_gets_the_button(client, token):
    def page(role):
        return client.get("/rift" + MODELS, headers=token(role)).text

    assert "Your account reads only" in page("viewer")
    assert "<button" not in page("viewer")
    assert 'data-run-dag="retrain__framing"' in page("user")
    assert "<button" in page("user")


def test_a_model_shows_its_card_whole(get):
    text = get(f"{MODELS}/{filling_models.NEW}").text
    for said in (
        "Against framing-2026-01-01",
        "Not worse.",
        "too few clusters",
        "What its promotion changed here".lower(),
        "Of 2 cells with a corrected balance 1 moved by more than their interval can explain",
        "fewer than five random codings",
        "0.180 (always neither)",
        "0.240 (base rate)",
        "finds .82 of heron",
        "&lt;b&gt;maple&lt;/b&gt;",
        "(no date)",
        "Trained on two invented movements.",
        "412",
    ):
        assert said in (text if said[0].isupper() or "&" in said else text.lower() if said.islower() else text), said
    assert text.count("<svg") >= 2
    assert "<b>maple" not in text


def test_a_model_without_a_card_says_so(get):
    text = get(f"{MODELS}/framing-2026-01-01").text
    assert "Its card holds no figures" in text


def test_the_api_gives_the_same(client, token):
    rows = client.get("/rift/api/v1/monitors/harbour/models", headers=token("viewer")).json()
    states = {row["name"]: row["state"] for row in rows}
    assert states[filling_models.WAITING] == "waiting"
    detail = client.get(f"/rift/api/v1/monitors/harbour/models/{filling_models.NEW}", headers=token("viewer")).json()
    assert [cell["delta"] for cell in detail["bridge"]] == [0.12, None, -0.03]
    assert detail["decisions"][0]["person"] == "ana"
    assert client.get("/rift/api/v1/monitors/harbour/models/none", headers=token("viewer")).status_code == 404


@given(st.sets(st.sampled_from(sorted(filling_models.card()))))
def test_a_card_of_another_version_may_lack_any_part(left_out):
    card = {name: value for name, value in filling_models.card().items() if name not in left_out}
    judged = model_words.judged_on(card)
    assert (judged is None) == ("random_sample" in left_out)
    assert bool(model_words.compared_of(card.get("comparison"))) == ("comparison" not in left_out)


def test_the_larger_change_stands_first_and_what_is_missing_last():
    from tests.review.bridge_lines import line

    lines = [line("a", None), line("b", 0.1), line("c", -0.4)]
    assert [one.group_id for one in model_words.worst_first(lines)] == ["c", "b", "a"]
    assert "No cell" in model_words.bridge_sentence([line("a", None)])
