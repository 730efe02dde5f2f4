"""What the pages of the models say."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from sqlalchemy import delete, event, select

from pipeline.review import model_words
from pipeline.store.models import keep_model, model_named, promote
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Model, Promotion
from tests.review import filling_models

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

MODELS = "/ui/m/harbour/models"


@pytest.fixture
def statements(review_store):
    """The questions sent to the store while the test runs."""
    sent: list[str] = []
    engine = engine_for(review_store[0].database)

    def note(connection, cursor, statement, *rest):
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@contextmanager
def more_models(settings, number):
    """So many more models of each codebook, each put in force once, meanwhile."""
    with open_session(settings) as session:
        ids = {one: set(session.scalars(select(one.id))) for one in (Model, Promotion)}
        for place in range(number):
            for book in ("framing", "criticism"):
                row = keep_model(
                    session, variable=book, name=f"{book}-more-{place}", sha256="0" * 64, trained_at=filling_models.NOW,
                    training_balance=0.0, confusion={}, card=filling_models.card(),
                )  # fmt: skip
                promote(session, row, promoted_at=filling_models.NOW, comment="one more")
        session.commit()
    try:
        yield
    finally:
        with open_session(settings) as session:
            for table in (Promotion, Model):
                session.execute(delete(table).where(table.id.not_in(ids[table])))
            session.commit()


@contextmanager
def card_changed(settings, name, card):
    """The model has this card meanwhile: the store is shared by all tests."""
    with open_session(settings) as session:
        row = model_named(session, name)
        before, row.card = row.card, card
        session.commit()
    try:
        yield
    finally:
        with open_session(settings) as session:
            model_named(session, name).card = before
            session.commit()


def test_every_version_stands_with_its_state(get):
    text = get(MODELS).text
    for said in ("framing-2026-01-01", filling_models.NEW, filling_models.WAITING, "in force", "was in force"):
        assert said in text, said
    assert f"{filling_models.WAITING} waits for a decision" in text
    assert "macro-F1, all values 0.710" in text
    assert "back again" in text
    assert "No model yet" in text  # of the codebook of criticism


@pytest.mark.parametrize(
    ("address", "most"),
    [
        (MODELS, 12),  # six a codebook
        (f"{MODELS}/{filling_models.NEW}", 4),
        ("/api/v1/monitors/harbour/models", 2),
        (f"/api/v1/monitors/harbour/models/{filling_models.NEW}", 4),
    ],
)
def test_however_many_models_there_are_a_page_asks_as_often(get, review_store, statements, address, most):
    asked = []
    for number in (1, 40):
        with more_models(review_store[0], number):
            statements.clear()
            assert get(address).status_code == 200
            asked.append(len(statements))
    assert asked[0] == asked[1] <= most


def test_a_model_that_waits_leads_to_what_its_dag_asks(get):
    asked = '../../dags/retrain__framing/required_actions" data-airflow>what its DAG asks in Airflow'
    assert asked in get(MODELS).text
    assert asked in get(f"{MODELS}/{filling_models.WAITING}").text


def test_a_list_that_is_cut_says_so(get, monkeypatch):
    text = get(MODELS).text
    assert "there are earlier ones" not in text
    assert "Every change of the model in force" in text
    monkeypatch.setattr("pipeline.review.pages.models.MODELS_SHOWN", 1)
    text = get(MODELS).text
    assert "The newest 1; there are earlier ones" in text
    assert text.count('<th scope="row">') == 1
    assert "The newest 1 changes of the model in force" in text
    assert "back again" in text
    assert "better on both sides" not in text
    assert f"{filling_models.WAITING} waits for a decision" in text  # though the list does not show it
    assert "The newest 1 decisions" in get(f"{MODELS}/framing-2026-01-01").text


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


def rows_of(text: str, label: str) -> list[list[str]]:
    """The cells of the table of this name, in words, without its head."""
    (table,) = html.fromstring(text).xpath(f'//*[@aria-label="{label}"]//table')
    return [["".join(cell.itertext()) for cell in row] for row in table.xpath("./tbody/tr")]


def test_what_its_drawings_show_stands_in_a_table_beneath_each(get):
    text = get(f"{MODELS}/{filling_models.NEW}").text
    assert text.count("The table beneath says the same.") == text.count("The drawing as a table") == 2
    bins = [
        ["0.10", "0.08", "0.00 to 0.20", "40"],
        ["0.30", "0.36", "0.24 to 0.48", "40"],
        ["0.50", "0.47", "0.35 to 0.59", "40"],
        ["0.70", "0.66", "0.54 to 0.78", "40"],
        ["0.90", "0.93", "0.81 to 1.00", "40"],
    ]
    assert rows_of(text, "What came true of what was said") == [
        [head, *row] for head in ("nationalist", "universalist") for row in bins
    ]
    assert rows_of(text, "macro-F1 by number of training codings") == [
        ["50", "0.550", "0.030", "3"],
        ["100", "0.630", "0.030", "3"],
        ["200", "0.700", "0.030", "3"],
    ]


def test_a_bridge_that_is_cut_says_so(get, monkeypatch):
    address = f"{MODELS}/{filling_models.NEW}"
    text = get(address).text
    assert len(rows_of(text, "Bridge")) == 3
    assert "newest" not in text.partition("The bridge")[2].partition("</section>")[0]
    for face in ("pages", "api"):
        monkeypatch.setattr(f"pipeline.review.{face}.models.MOST_CELLS", 2)
    text = get(address).text
    assert [row[0] for row in rows_of(text, "Bridge")] == ["Heron League 2025-01-01", "Heron League 2025-10-01"]
    assert "the largest change first, of its newest 2 cells, which alone are read here" in text
    assert "and at least 1 more cells" in text
    made = get(f"/api/v1/monitors/harbour/models/{filling_models.NEW}").json()
    assert [cell["delta"] for cell in made["bridge"]] == [0.12, None]
    assert made["bridge_more"] is True


def test_two_models_that_answer_alike_are_not_said_to_be_all_coded(get, review_store):
    alike = filling_models.card()
    alike["comparison"]["figures"]["macro_f1"] |= {"old": 0.71, "difference": 0.0, "interval": [0.0, 0.0]}
    with card_changed(review_store[0], filling_models.WAITING, alike):
        text = get(f"{MODELS}/{filling_models.WAITING}").text
    assert "0.000 to 0.000" in text
    assert "all coded" not in text


def test_the_one_limit_of_a_starter_model_is_one_line(get, review_store):
    with card_changed(review_store[0], filling_models.WAITING, {"limits": "Figures on your texts are unknown."}):
        text = get(f"{MODELS}/{filling_models.WAITING}").text
    assert "<li>Figures on your texts are unknown.</li>" in text


def test_a_model_without_a_card_says_so(get):
    text = get(f"{MODELS}/framing-2026-01-01").text
    assert "Its card holds no figures" in text


def test_the_api_gives_the_same(client, token):
    rows = client.get("/rift/api/v1/monitors/harbour/models", headers=token("viewer")).json()
    states = {row["name"]: row["state"] for row in rows}
    assert states[filling_models.WAITING] == "waiting"
    detail = client.get(f"/rift/api/v1/monitors/harbour/models/{filling_models.NEW}", headers=token("viewer")).json()
    assert [cell["delta"] for cell in detail["bridge"]] == [0.12, None, -0.03]
    assert detail["bridge_more"] is False
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
