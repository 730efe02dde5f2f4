"""The API beneath the page of coders, and what the page says: leases, answers, undo, settling, drawing, blindness."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select, update

from pipeline.framing import live_agreement
from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Assignment, Coding, Queue, QueueItem
from tests.review import filling_label
from tests.review.small_store import fill_small
from tests.review.test_app import OWN

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

API = "/rift/api/v1/monitors/harbour/label"
ALL = {"variable": "framing"}
NONE = "0" * 16
"""a key that no text has"""


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request, tmp_path, on_store):
    """A filled store of its own, which the test may change; on SQLite, then on PostgreSQL."""
    address = "" if request.param == "sqlite" else request.getfixturevalue("postgres_address")
    yield from _filled(tmp_path, address, on_store)


@pytest.fixture
def store(tmp_path, on_store):
    """The same on SQLite."""
    yield from _filled(tmp_path, "", on_store)


def _filled(folder, address, on_store):
    made = Settings(data=folder / "data", database_url=address, monitors=folder / "monitors")
    made_ids = fill_small(made)
    on_store(made)
    yield made, made_ids
    engine_for(made.database).dispose()


@pytest.fixture
def post(client, token):
    """Part of the API, body and coder -> status and JSON."""

    def ask(what: str, body: object = None, coder: str = "ana"):
        answer = client.post(f"{API}/{what}", json=body, headers=OWN | as_coder(token, coder))
        return answer.status_code, answer.json()

    return ask


def as_coder(token, coder: str) -> dict[str, str]:
    return token("user") if coder == "ana" else token("user", coder)


@pytest.fixture(scope="session")
def token(airflow_app):
    """Role and name -> the header of a user who is logged in."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    manager = airflow_app[0].state.auth_manager

    def of(role: str | None, name: str = "ana") -> dict[str, str]:
        return {"Authorization": f"Bearer {manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role))}"}

    return of


def codings(settings: Settings, coder: str = "ana") -> list[Coding]:
    with open_session(settings) as session:
        return list(session.scalars(select(Coding).where(Coding.coder == coder).order_by(Coding.id)))


def test_a_coder_codes_text_after_text_and_the_answer_brings_the_next(both, post):
    settings, _ = both
    status, first = post("next", ALL)
    assert status == 200
    _, second = post("next", ALL | {"held": [first["item"]["item"]]})
    assert second["item"]["item"] != first["item"]["item"]
    held = [second["item"]["item"]]
    given = {"item": first["item"]["item"], "value": "both", "note": " why ", "then": ALL | {"held": held}}
    status, third = post("answer", given)
    assert status == 200
    assert third["item"]["item"] not in (first["item"]["item"], *held)
    (kept,) = codings(settings)
    assert (kept.value, kept.note, kept.draw, kept.probability) == ("both", "why", "random", 0.5)
    assert kept.drawn_at == filling_label.DRAWN


def test_every_text_comes_once_and_then_there_is_nothing(store, post):
    seen = []
    _, got = post("next", ALL)
    while got["item"]:
        seen.append(got["item"]["item"])
        _, got = post("answer", {"item": seen[-1], "value": "neither", "then": ALL})
    assert len(seen) == len(set(seen)) == 12
    assert len(codings(store[0])) == 12


def test_the_same_answer_again_is_one_coding_and_another_is_refused(both, post):
    settings, _ = both
    item = post("next", ALL)[1]["item"]["item"]
    for _ in range(3):
        assert post("answer", {"item": item, "value": "both"})[0] == 200
    status, said = post("answer", {"item": item, "value": "neither"})
    assert status == 409
    assert "answered before" in said["detail"]
    assert [one.value for one in codings(settings)] == ["both"]
    # unclear makes no coding, and is an answer all the same
    item = post("next", ALL)[1]["item"]["item"]
    assert post("answer", {"item": item, "value": "unclear", "note": "torn"})[0] == 200
    assert post("answer", {"item": item, "value": "both"})[0] == 409
    assert len(codings(settings)) == 1


def test_two_windows_at_once_make_one_coding(both, post):
    settings, _ = both
    item = post("next", ALL)[1]["item"]["item"]
    told: list[int] = []
    values = ("both", "neither", "both", "nationalist")
    threads = [
        threading.Thread(target=lambda value=value: told.append(post("answer", {"item": item, "value": value})[0]))
        for value in values
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (kept,) = codings(settings)
    assert sorted(told) == sorted(200 if value == kept.value else 409 for value in values)


def test_undo_goes_back_step_by_step_and_brings_the_text(both, post):
    settings, _ = both
    items = []
    for value in ("both", "neither", "unclear"):
        items.append(post("next", ALL)[1]["item"]["item"])
        post("answer", {"item": items[-1], "value": value, "note": f"said {value}"})
    for item, value in zip(reversed(items), ("unclear", "neither", "both"), strict=True):
        status, back = post("undo", ALL)
        assert status == 200
        assert (back["item"]["item"], back["value"], back["note"]) == (item, value, f"said {value}")
        assert back["item"]["text"]
    assert codings(settings) == []
    assert post("undo", ALL)[1]["item"] is None
    left = set(items)
    while left:
        left.remove(post("next", ALL | {"held": list(set(items) - left)})[1]["item"]["item"])


def test_a_lease_that_was_lost_is_said_in_words_and_nothing_is_kept(both, post):
    settings, _ = both
    item = post("next", ALL)[1]["item"]["item"]
    assert post("renew", {"items": [item, NONE]})[1] == {"kept": [item], "lost": [NONE]}
    with open_session(settings) as session:
        old = datetime.now(UTC) - timedelta(hours=1)
        session.execute(update(Assignment).where(Assignment.coder == "ana").values(leased_until=old))
        session.commit()
    assert post("next", ALL, "bo")[1]["item"]["item"] == item
    assert post("renew", {"items": [item]})[1]["lost"] == [item]
    status, said = post("answer", {"item": item, "value": "both"})
    assert status == 409
    assert "not with you any more" in said["detail"]
    assert codings(settings) == []


def test_what_is_skipped_goes_to_the_others(store, post):
    item = post("next", ALL)[1]["item"]["item"]
    assert post("next", ALL | {"skipped": [item]})[1]["item"]["item"] != item
    assert post("next", ALL, "bo")[1]["item"]["item"] == item


def test_languages_and_queues_are_chosen(store, post):
    assert post("next", ALL | {"languages": ["fa"]})[1]["item"]["language"] == "fa"
    assert post("next", ALL | {"queue": 999})[0] == 404
    assert "No open queue" in post("next", ALL | {"queue": 999})[1]["detail"]
    assert post("next", {"variable": "criticism"})[1]["item"] is None
    assert post("next", {"variable": "mood"})[0] == 404


@pytest.mark.parametrize(
    ("what", "body", "status", "said"),
    [
        ("answer", {"item": NONE, "value": "both"}, 404, "No queue of this monitor"),
        ("answer", {"item": "FIRST", "value": "both"}, 409, "not with you any more"),
        ("answer", {"item": "FIRST", "value": "splendid"}, 422, "Unknown value"),
        ("answer", {"item": "a\x00b", "value": "both"}, 422, "item"),
        ("answer", {"item": 10**40, "value": "both"}, 422, "item"),
        ("answer", {"item": NONE, "value": "both", "note": "a\x00b"}, 422, "NUL"),
        ("answer", {"item": NONE, "value": "both", "note": "x" * 20_001}, 422, "note"),
        ("answer", {}, 422, "item"),
        ("undo", ALL | {"item": NONE}, 404, "No queue of this monitor"),
        ("draw", {"size": 0}, 422, "size"),
        ("draw", {"random": 0.1}, 422, "random"),
        ("draw", {"variable": "mood"}, 404, "There is no codebook"),
        ("draw", {"group": "nobody"}, 404, "no such group"),
        ("settle", {"document": 10**9, "value": "both"}, 409, "nothing to settle"),
        ("settle", {"document": 1, "value": "splendid"}, 422, "no such value"),
    ],
)
def test_what_can_not_be_done_is_said_in_words(store, post, what, body, status, said):
    if body.get("item") == "FIRST":
        with open_session(store[0]) as session:
            opened = select(QueueItem.key).join(Queue).where(Queue.closed_at.is_(None), QueueItem.place == 1)
            body = body | {"item": session.scalars(opened).one()}
    got, answer = post(what, body)
    assert got == status, answer
    assert said in answer["detail"]


@pytest.mark.parametrize("written", [int, str])
def test_the_number_of_a_text_names_none(both, post, written):
    """As the answers that a browser has kept since texts were named by numbers."""
    item = post("next", ALL)[1]["item"]["item"]
    with open_session(both[0]) as session:
        number = written(session.scalars(select(QueueItem.id).where(QueueItem.key == item)).one())
    for what, body in (
        ("answer", {"item": number, "value": "both", "then": ALL | {"held": [number], "skipped": [number]}}),
        ("undo", ALL | {"item": number}),
    ):
        status, said = post(what, body)
        assert status == 404
        assert "No queue of this monitor has this text" in said["detail"]
    assert post("renew", {"items": [number]})[1] == {"kept": [], "lost": [str(number)]}
    assert codings(both[0]) == []


def test_a_surrogate_in_a_note_is_refused(client, token, store):
    body = b'{"item": 1, "value": "both", "note": "\\ud800"}'
    headers = OWN | token("user") | {"Content-Type": "application/json"}
    assert client.post(f"{API}/answer", content=body, headers=headers).status_code == 422


def test_a_viewer_reads_progress_and_agreement_and_is_given_no_text(client, token, store):
    viewer = OWN | token("viewer")
    for what in ("next", "answer", "undo", "renew", "draw", "settle"):
        assert client.post(f"{API}/{what}", json={}, headers=viewer).status_code == 403
    assert client.get(f"{API}/progress", headers=viewer).json()["wanted"] == 14
    text = client.get("/rift/ui/m/harbour/label", headers=viewer).text
    assert "You may read this page and not code" in text
    assert "label.js" not in text
    assert "draw-form" not in text
    assert "settle.js" not in client.get("/rift/ui/m/harbour/label/settle", headers=viewer).text


def test_progress_counts_answers_and_ones_own(both, post, client, token):
    item = post("next", ALL)[1]["item"]["item"]
    post("answer", {"item": item, "value": "both"})
    item = post("next", ALL)[1]["item"]["item"]
    post("answer", {"item": item, "value": "unclear"})
    told = client.get(f"{API}/progress", headers=token("viewer")).json()
    assert (told["texts"], told["wanted"], told["answered"], told["unclear"], told["left"]) == (12, 14, 3, 1, 11)
    assert (told["mine"], told["mine_lately"]) == (2, 2)
    assert told["asked_by_alarms"] == 0
    assert client.get(f"{API}/progress", headers=token("viewer", "vera")).json()["mine"] == 0


def test_agreement_is_live_and_only_of_finished_pairs(both, post, client, token):
    before = client.get(f"{API}/agreement", headers=token("viewer")).json()
    assert before[0]["language"] == "all"
    assert before[0]["low"] <= before[0]["alpha"] <= before[0]["high"]
    with open_session(both[0]) as session:
        pending = session.scalars(select(QueueItem).where(QueueItem.document_id == both[1]["pending"])).one().key
    held = []
    while (item := post("next", ALL | {"held": held})[1]["item"]["item"]) != pending:
        held.append(item)
    assert client.get(f"{API}/agreement", headers=token("viewer")).json() == before
    post("answer", {"item": pending, "value": "universalist"})
    # agreement tells now what the other said: whoever could undo would answer with it in mind
    for coder in ("ana", filling_label.FIRST_CODER):
        status, said = post("undo", ALL | {"item": pending}, coder)
        assert status == 409
        assert "This answer stays" in said["detail"]
    after = client.get(f"{API}/agreement", headers=token("viewer")).json()
    assert after[0]["texts"] == before[0]["texts"] + 1
    assert after[0]["alpha"] < before[0]["alpha"]  # the first coder had said nationalist


def test_agreement_says_what_is_not_in_it(store, post, client, token, monkeypatch):
    def told():
        return client.get(f"{API}/agreement", headers=token("viewer")).json()

    assert {(one["behind"], one["newest"]) for one in told()} == {(None, None)}
    monkeypatch.setattr(live_agreement, "_SLOW", -1.0)
    monkeypatch.setattr(live_agreement, "_REST", 10**6)
    monkeypatch.setattr(live_agreement, "MOST_VOTES", 20)
    for coder in ("ana", "ben"):
        post("answer", {"item": post("next", ALL, coder)[1]["item"]["item"], "value": "both"}, coder)
        found = told()
        assert {one["newest"] for one in found} == {20}
    assert found[0]["behind"] > 0  # the second answer is not in it, and its coder's page asks again


def test_texts_are_kept_for_their_coder_with_one_statement_however_many(store, post):
    held = []
    while len(held) < 6:
        held.append(post("next", ALL | {"held": held})[1]["item"]["item"])
    sent: list[str] = []
    engine = engine_for(store[0].database)
    event.listen(engine, "before_cursor_execute", lambda connection, cursor, statement, *rest: sent.append(statement))
    assert post("renew", {"items": held[:1]})[1]["kept"] == held[:1]
    of_one = len(sent)
    sent.clear()
    assert post("renew", {"items": [*held, NONE]})[1] == {"kept": held, "lost": [NONE]}
    assert len(sent) == of_one


def test_a_third_coder_settles_and_the_two_codings_stay(both, post, client, token):
    settings, _ = both
    viewer = token("viewer", "vera")
    found = client.get(f"{API}/disagreements", headers=viewer).json()
    number = found["others"]
    assert number >= 2
    dispute = next(one for one in found["shown"] if any(o["note"] for o in one["opinions"]) and one["language"] != "ar")
    assert len({one["value"] for one in dispute["opinions"]}) == 2
    page = client.get("/rift/ui/m/harbour/label/settle", headers=token("user")).text
    assert f"{number} texts wait to be settled" in page
    asked = {"document": dispute["document"], "value": "both", "note": "rule: quoting"}
    assert post("settle", asked, filling_label.FIRST_CODER)[0] == 409  # a party
    assert post("settle", asked) == (200, {"document": dispute["document"], "value": "both"})
    assert post("settle", asked)[0] == 409  # settled meanwhile
    with open_session(settings) as session:
        kept = session.scalars(select(Coding).where(Coding.document_id == dispute["document"])).all()
    assert sorted((one.coder, one.settles) for one in kept) == [
        ("ana", True), (filling_label.FIRST_CODER, False), (filling_label.SECOND_CODER, False),
    ]  # fmt: skip
    assert client.get(f"{API}/disagreements", headers=viewer).json()["others"] == number - 1


def test_who_disagrees_is_not_shown_what_the_other_said(store, client, token):
    party = client.get(f"{API}/disagreements", headers=token("user", filling_label.FIRST_CODER)).json()
    assert party["own"] == 2
    documents = {one["document"] for one in party["shown"]}
    other = client.get(f"{API}/disagreements", headers=token("user", "cy")).json()
    assert documents < {one["document"] for one in other["shown"]}
    page = client.get("/rift/ui/m/harbour/label/settle", headers=token("user", filling_label.FIRST_CODER)).text
    assert "2 more wait for somebody else" in page


def test_a_disagreement_that_waits_for_a_coder_is_not_shown(store, client, token):
    settings, _ = store
    before = client.get(f"{API}/disagreements", headers=token("user")).json()
    document = before["shown"][0]["document"]
    with open_session(settings) as session:
        queue = session.scalar(select(Queue.id).where(Queue.closed_at.is_(None)))
        place = session.scalar(select(func.max(QueueItem.place)))
        session.add(
            QueueItem(
                queue_id=queue, place=place + 1, document_id=document, target="", draw="active", probability=None,
                stratum=None, coders=1,
            )
        )  # fmt: skip
        session.commit()
    after = client.get(f"{API}/disagreements", headers=token("user")).json()
    assert document not in {one["document"] for one in after["shown"]}
    assert after["others"] == before["others"] - 1


def test_a_queue_is_drawn_once_though_asked_twice(both, post):
    asked = {"variable": "framing", "size": 20, "random": 0.5, "second": 0.5, "seed": 7}
    status, made = post("draw", asked)
    assert status == 200
    assert (made["texts"], made["for_two"]) == (20, 10)
    status, said = post("draw", asked)
    assert status == 409
    assert f"queue {made['queue']}" in said["detail"]


def test_of_too_many_texts_a_queue_is_drawn_at_a_terminal(both, post, monkeypatch):
    from pipeline.review.api import label

    monkeypatch.setattr(label, "MOST_DRAWN_FROM", 5)
    status, said = post("draw", {"variable": "framing", "size": 20, "seed": 9})
    assert status == 422
    assert "more than 5 texts" in said["detail"]
    assert "riftwatch label queue --variable framing --size 20" in said["detail"]
    # what is drawn from the texts themselves has a limit of its own
    monkeypatch.setattr(label, "MOST_READ", 6)
    assert "more than 6 texts" in post("draw", {"variable": "criticism", "size": 20, "seed": 9})[1]["detail"]


def test_two_presses_at_once_draw_one_queue(both, post):
    asked = {"variable": "framing", "size": 20, "random": 0.5, "seed": 8}
    together, told = threading.Barrier(2), []

    def press() -> None:
        together.wait()
        told.append(post("draw", asked))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (made, drawn), (refused, said) = sorted(told, key=lambda one: one[0])
    assert (made, refused) == (200, 409)
    assert f"queue {drawn['queue']}" in said["detail"]
    with open_session(both[0]) as session:
        assert session.scalar(select(func.count()).where(Queue.seed == 8)) == 1


def test_the_page_says_what_to_do_where_no_queue_is_open(store, client, token):
    text = client.get("/rift/ui/m/harbour/label?variable=criticism", headers=token("user")).text
    assert "No queue is open for criticism" in text
    assert '<details id="draw" open>' in text
    assert client.get("/rift/ui/m/harbour/label?queue=", headers=token("user")).status_code == 200
    assert client.get("/rift/ui/m/harbour/label?queue=x", headers=token("user")).status_code == 422
    assert client.get("/rift/ui/m/harbour/label?queue=999", headers=token("user")).status_code == 404


def test_the_page_shows_the_codebook_and_a_key_for_each_value(store, client, token):
    text = client.get("/rift/ui/m/harbour/label", headers=token("user")).text
    assert "In whose name does this text speak?" in text
    assert "Quoting an opponent" in text
    for value, digit in (
        ("nationalist", "1"),
        ("universalist", "2"),
        ("both", "3"),
        ("neither", "4"),
        ("unclear", "0"),
    ):
        assert f'data-value="{value}" data-digit="{digit}"' in text
