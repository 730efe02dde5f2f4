"""A coder is blind: nothing that is served tells of a prediction, of the draw, or of what another coder said before."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from pipeline.settings import Settings
from pipeline.store.published import pack
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import (
    Assignment,
    Cluster,
    Coding,
    Document,
    Framing,
    KeptReference,
    Published,
    Queue,
    QueueItem,
    RaisedAlarm,
)
from tests.review import filling_label
from tests.review.small_store import fill_small
from tests.review.test_app import OWN, addresses

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

API = "/rift/api/v1/monitors/harbour/label"
ALL = {"variable": "framing"}
CHANGES = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( UTC|Z|\+00:00)?")
"""moments, such as when a lease ends"""


@pytest.fixture
def store(tmp_path, on_store):
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    ids = fill_small(made)
    on_store(made)
    yield made, ids
    engine_for(made.database).dispose()


@pytest.fixture
def served(airflow_app, client, token, store):
    """Every address that only reads -> what a coder is answered, with a text before them."""
    _, ids = store

    def walk() -> dict[str, bytes]:
        found = {address for method, address in addresses(airflow_app[1], ids) if method == "GET"}
        found |= {a.replace(str(ids["heron-en"]), str(ids["pending"])) for a in found if str(ids["heron-en"]) in a}
        more = ("label?languages=fa", "label/settle?skip=1", "label?variable=criticism")
        found |= {f"/ui/m/harbour/{a}" for a in more} | {"/api/v1/monitors/harbour/label/disagreements?limit=50"}
        answers = {a: client.get("/rift" + a, headers=token("user")).content for a in sorted(found)}
        return {address: CHANGES.sub(b"", body) for address, body in answers.items()}

    return walk


def _change(settings: Settings, value: str, coder: str, note: str) -> None:
    with open_session(settings) as session:
        pending = session.scalars(select(Coding).where(Coding.note == filling_label.PENDING_NOTE)).one()
        session.execute(update(Coding).where(Coding.id == pending.id).values(value=value, coder=coder, note=note))
        session.commit()


def test_what_a_second_coder_still_has_to_code_is_served_nowhere(store, served):
    before = served()
    assert len(before) > 20
    for address, body in before.items():
        assert filling_label.PENDING_NOTE.encode() not in body, address
    # the same bytes whoever coded what, so nothing can tell of it
    _change(store[0], "universalist", "somebody else", "another remark")
    after = served()
    assert {a for a in before if before[a] != after[a]} == set()


def test_the_walk_would_see_it(store, served):
    """Once the second coder has answered, the disagreement is there for a third."""
    settings, ids = store
    with open_session(settings) as session:
        item = session.scalars(select(QueueItem).where(QueueItem.document_id == ids["pending"])).one()
        first = session.scalars(select(Coding).where(Coding.document_id == ids["pending"])).one()
        session.add_all(
            [
                filling_label._done(item, "coder two", 2, filling_label.DRAWN),
                Coding(
                    monitor="harbour", address=first.address, document_id=first.document_id, variable="framing",
                    value="universalist", codebook_version=1, coder="coder two", coded_at=filling_label.DRAWN,
                    draw="random", probability=0.5, drawn_at=filling_label.DRAWN,
                ),
            ]
        )  # fmt: skip
        session.commit()
    told = [address for address, body in served().items() if filling_label.PENDING_NOTE.encode() in body]
    assert any("disagreements" in address for address in told)


def test_a_text_is_given_out_without_prediction_draw_and_others(store, client, token):
    settings, _ = store
    with open_session(settings) as session:
        session.execute(update(Framing).values(p_first=0.98765, p_second=0.01234))
        session.commit()
    answers, held = [], []
    for _ in range(12):
        got = client.post(f"{API}/next", json=ALL | {"held": held}, headers=OWN | token("user"))
        answers.append(got.text)
        held.append(got.json()["item"]["item"])
    asked = {"item": held[0], "value": "both", "then": ALL | {"held": held}}
    given = client.post(f"{API}/answer", json=asked, headers=OWN | token("user"))
    back = client.post(f"{API}/undo", json=ALL, headers=OWN | token("user"))
    renewed = client.post(f"{API}/renew", json={"items": held}, headers=OWN | token("user"))
    answers += [given.text, back.text, renewed.text]
    shown = {
        "item", "variable", "target", "target_name", "title", "text", "direction", "language", "published",
        "leased_until",
    }  # fmt: skip
    for answer in answers:
        item = json.loads(answer).get("item")
        assert item is None or set(item) == shown
        for never in ("98765", "01234", "random", "active", "probability", "heron-news", filling_label.FIRST_CODER):
            assert never not in answer
    page = client.get("/rift/ui/m/harbour/label", headers=token("user")).text
    for never in ("98765", "01234", filling_label.FIRST_CODER, filling_label.PENDING_NOTE):
        assert never not in page


UI, TEXTS = "/rift/ui/m/harbour", "/rift/api/v1/monitors/harbour"
TO_CODE = "You have this text to code"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_models_word_on_a_text_is_kept_from_whoever_has_it_to_code(
    tmp_path, on_store, request, client, token, database
):
    address = request.getfixturevalue("postgres_address") if database == "postgresql" else ""
    settings = Settings(data=tmp_path / "data", database_url=address, monitors=tmp_path / "monitors")
    fill_small(settings)
    on_store(settings)
    with open_session(settings) as session:
        session.execute(update(Framing).values(p_first=0.98765, p_second=0.01234, label="both"))
        open_ones = select(QueueItem.document_id).join(Queue).where(Queue.closed_at.is_(None))
        queued = set(session.scalars(open_ones))
        first = select(QueueItem.key, QueueItem.document_id).join(Queue).where(Queue.closed_at.is_(None))
        item, copied = session.execute(first.where(QueueItem.place == 1)).one()
        others = select(Document.id).where(Document.group_id == "heron", Document.id.not_in(queued))
        free = session.scalars(others.order_by(Document.id)).first()
        # a repost of the first text, in no queue itself
        session.add(Cluster(id=9_000, monitor="harbour", first_document_id=copied))
        session.flush()
        session.execute(update(Document).where(Document.id.in_([copied, free])).values(cluster_id=9_000))
        session.commit()
    hidden = queued | {free}
    coder, viewer = token("user"), token("viewer")

    def asked(address: str, who: dict[str, str]):
        answer = client.get(address, headers=who)
        assert answer.status_code == 200, address
        return answer

    for who, kept in ((viewer, set()), (coder, hidden)):
        found = asked(f"{TEXTS}/texts?limit=200", who).json()
        assert {one["id"] for one in found["texts"] if one["withheld"]} == kept
        for one in found["texts"]:
            assert (one["p_nationalist"] is None) == (one["label"] is None) == one["withheld"]
        assert next((one["texts"] for one in found["facets"]["label"] if one["value"] == "none"), 0) == len(kept)
        for label in ("both", "none"):
            told = asked(f"{TEXTS}/texts?limit=200&label={label}", who).json()["texts"]
            assert {one["id"] for one in told} & kept == set()
        for form in ("texts.csv", "texts.json", "texts.json?text=1"):
            assert asked(f"{UI}/{form}", who).text.count("0.98765") == found["total"] - len(kept)
        assert asked(f"{UI}/texts?limit=200", who).text.count("you have this text to code") == len(kept)
    for document in (copied, free):
        page = asked(f"{UI}/documents/{document}", coder).text
        assert TO_CODE in page
        assert "Balance" not in page
        assert TO_CODE not in asked(f"{UI}/documents/{document}", viewer).text
        assert asked(f"{UI}/documents/{document}?view=weights", coder).text.count(TO_CODE) == 2
        told = asked(f"{TEXTS}/documents/{document}", coder).json()
        assert (told["framings"], told["framings_withheld"]) == ([], True)
        assert len(asked(f"{TEXTS}/documents/{document}", viewer).json()["framings"]) == 1
    # an answer that can be taken back is not final; once its queue is closed there is nothing to keep
    assert client.post(f"{API}/next", json=ALL, headers=OWN | coder).json()["item"]["item"] == item
    client.post(f"{API}/answer", json={"item": item, "value": "both"}, headers=OWN | coder)
    assert asked(f"{TEXTS}/documents/{copied}", coder).json()["framings_withheld"]
    found = asked(f"{TEXTS}/texts?limit=200", coder).json()
    assert {one["id"] for one in found["texts"] if one["withheld"]} == hidden
    _close(settings)
    assert len(asked(f"{TEXTS}/documents/{copied}", coder).json()["framings"]) == 1
    assert TO_CODE not in asked(f"{UI}/documents/{free}", coder).text
    engine_for(settings.database).dispose()


def _close(settings: Settings, variable: str = "framing") -> None:
    with open_session(settings) as session:
        session.execute(update(Queue).where(Queue.variable == variable).values(closed_at=filling_label.DRAWN))
        session.commit()


OWN_NOTE, NEW_NOTE = "what ana said long ago", "what ana says now"
CRITICISM_NOTE = "of criticism, by another"
KEPT_NOTES = ("by a machine", "by another, long ago", "of the copy, by another")


def _said_before(session, document: Document, copy: Document) -> None:
    """Codings of a text that is drawn again, and of its copy."""
    for text, coder, note, more in (
        (document, "m-1", KEPT_NOTES[0], {"origin": "machine"}),
        (document, "bo", KEPT_NOTES[1], {}),
        (copy, "bo", KEPT_NOTES[2], {}),
        (document, "ana", OWN_NOTE, {}),
        (document, "bo", CRITICISM_NOTE, {"variable": "criticism", "target": "maple", "value": "hostile"}),
    ):
        session.add(
            Coding(
                **{
                    "monitor": "harbour", "address": text.address, "document_id": text.id, "variable": "framing",
                    "value": "both", "codebook_version": 1, "coder": coder, "coded_at": filling_label.EARLIER,
                    "draw": "random", "probability": 0.5, "drawn_at": filling_label.EARLIER, "note": note,
                }
                | more
            )
        )  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_was_said_of_a_text_is_kept_from_whoever_has_it_to_code(
    tmp_path, on_store, request, client, token, database
):
    address = request.getfixturevalue("postgres_address") if database == "postgresql" else ""
    settings = Settings(data=tmp_path / "data", database_url=address, monitors=tmp_path / "monitors")
    fill_small(settings)
    on_store(settings)
    with open_session(settings) as session:
        item = session.scalars(
            select(QueueItem).join(Queue).where(Queue.closed_at.is_(None), QueueItem.place == 1)
        ).one()
        drawn = session.get_one(Document, item.document_id)
        queued = select(QueueItem.document_id)
        copy = session.scalars(select(Document).where(Document.id.not_in(queued)).order_by(Document.id)).first()
        session.add(Cluster(id=9_000, monitor="harbour", first_document_id=drawn.id))
        session.flush()
        drawn.cluster_id = copy.cluster_id = 9_000
        _said_before(session, drawn, copy)
        codings = [one.id for one in session.scalars(select(Coding).where(Coding.document_id.in_([drawn.id, copy.id])))]
        _publish(session, drawn, codings)
        session.commit()
        key, pair = item.key, (drawn.id, copy.id)
    coder, viewer = token("user"), token("viewer")
    everything = {*KEPT_NOTES, OWN_NOTE, CRITICISM_NOTE}

    def told(who: dict[str, str]) -> set[str]:
        found = set()
        for document in pair:
            known = client.get(f"{TEXTS}/documents/{document}", headers=who).json()
            notes = {one["note"] for one in known["codings"]}
            page = client.get(f"{UI}/documents/{document}", headers=who).text
            assert {note for note in everything if note in page} == notes - {NEW_NOTE}
            assert ("machine: what a model said elsewhere" in page) == (KEPT_NOTES[0] in notes)
            assert ("this text waits for you" in page) == bool(known["codings_withheld"])
            origins = {one["note"]: one["origin"] for one in known["codings"]}
            assert all(origins[note] == ("machine" if note == KEPT_NOTES[0] else "human") for note in notes)
            found |= notes
        return found

    def explained(who: dict[str, str]) -> set[int]:
        known = client.get(f"{TEXTS}/dyads/heron/maple/explain{FIGURE}", headers=who).json()
        listed = {one["id"] for one in known["figure"]["codings"]}
        assert len(listed) + known["codings_left_out"] == len(codings)
        page = client.get(f"{UI}/dyads/heron/maple/explain{FIGURE}", headers=who).text
        assert ("still have to code" in page) == (known["codings_left_out"] > 0)
        assert {one for one in codings if f'<th scope="row">{one}</th>' in page} == listed
        return listed

    assert told(viewer) == everything
    assert told(coder) == {OWN_NOTE, CRITICISM_NOTE}
    assert explained(viewer) == set(codings)
    assert explained(coder) == set()
    # of each variable by itself; what a machine said of the other might give it away
    with open_session(settings) as session:
        other = Queue(monitor="harbour", variable="criticism", drawn_at=filling_label.DRAWN, seed=3)
        session.add(other)
        session.flush()
        asked = filling_label._item(other, session.get_one(Document, pair[0]), 1)
        asked.target = "maple"
        session.add(asked)
        session.commit()
    assert told(coder) == {OWN_NOTE}
    assert told(viewer) == everything
    # after the answer too, as long as it can be taken back
    assert client.post(f"{API}/next", json=ALL, headers=OWN | coder).json()["item"]["item"] == key
    client.post(f"{API}/answer", json={"item": key, "value": "both", "note": NEW_NOTE}, headers=OWN | coder)
    assert told(coder) == {OWN_NOTE, NEW_NOTE}
    _close(settings)
    assert told(coder) == everything - {CRITICISM_NOTE, KEPT_NOTES[0]} | {NEW_NOTE}
    assert explained(coder) == set(codings)
    _close(settings, "criticism")
    assert told(coder) == everything | {NEW_NOTE}
    engine_for(settings.database).dispose()


FIGURE = "?period=2025-Q1&subject=heron"


def _publish(session, document: Document, codings: list[int]) -> None:
    """A figure that was made of these codings, among them a machine's: the page looks at none but by number."""
    figures = dict.fromkeys(("low", "high", "variance", "freedom", "lam", "model_balance", "missing"))
    figures |= {"balance": 0.1, "estimator": "uncorrected", "clusters": 1, "codings": 1, "late": 0}
    session.add(
        Published(
            monitor="harbour", kind="trend", subject="heron", period="quarter", start=date(2025, 1, 1),
            end=date(2025, 4, 1), as_of=filling_label.DRAWN, figures=figures | {"borrowed": {"heron": None}},
            digest="0" * 32, documents=pack([document.id]), codings=pack(codings), code_version="1",
        )
    )  # fmt: skip


@pytest.fixture
def alarmed(store):
    """The store with a second open queue of one text, an alarm's; the text was coded before, by two who agreed."""
    settings, ids = store
    with open_session(settings) as session:
        old = select(QueueItem).join(Queue).where(Queue.closed_at.is_not(None), QueueItem.place == 1)
        document = session.get_one(Document, session.scalars(old).one().document_id)
        queue = Queue(monitor="harbour", variable="framing", drawn_at=filling_label.DRAWN + timedelta(hours=1), seed=9)
        session.add(queue)
        session.flush()
        item = filling_label._item(queue, document, 1)
        item.draw = "alarm"
        session.add_all([item, _alarm(session, queue.id)])
        session.commit()
        return settings, ids, item.key, document.id


def test_no_number_tells_an_alarms_texts_from_others(alarmed, served, client, token):
    settings, _, of_alarm, _ = alarmed
    held = []
    while got := client.post(f"{API}/next", json=ALL | {"held": held}, headers=OWN | token("user")).json()["item"]:
        held.append(got["item"])
    assert of_alarm in held
    with open_session(settings) as session:
        ordinary = select(QueueItem.key).where(QueueItem.key.in_(held), QueueItem.key != of_alarm)
        # the newest: of an older one for two the other coder has finished, so that the answer would stay
        last = ordinary.order_by(QueueItem.id.desc())
        one, two = (session.scalars(last.where(QueueItem.coders == n)).first() for n in (1, 2))
        queue = session.scalar(select(QueueItem.queue_id).where(QueueItem.key == one))

    def after(item: str) -> dict[str, bytes]:
        # another value than the earlier coders gave
        client.post(f"{API}/answer", json={"item": item, "value": "neither"}, headers=OWN | token("user"))
        seen = served()
        for more in (f"{API}/progress?queue={queue}", f"/rift/ui/m/harbour/label?queue={queue}"):
            seen[more] = CHANGES.sub(b"", client.get(more, headers=token("user")).content)
        assert client.post(f"{API}/undo", json=ALL | {"item": item}, headers=OWN | token("user")).status_code == 200
        return seen

    first = after(of_alarm)
    assert any("/label/agreement" in address for address in first)
    for other in (one, two):
        seen = after(other)
        assert {address for address in first if first[address] != seen[address]} == set()
    told = client.get(f"{API}/progress?queue={queue}", headers=token("user")).json()
    assert (told["wanted"], told["answered"], told["waiting_for_second"]) == (15, 1, None)
    assert [(one["answered"], one["mine"]) for one in told["queues"]] == [(None, None), (None, None)]


def test_while_an_alarms_queue_is_open_no_other_is_chosen(alarmed, client, token):
    settings, _, of_alarm, _ = alarmed
    with open_session(settings) as session:
        mine = session.scalars(select(QueueItem).join(Queue).where(Queue.closed_at.is_(None), Queue.seed != 9)).all()
        queue, ordinary = mine[0].queue_id, {item.key for item in mine}
    chosen, held = ALL | {"queue": queue}, []
    while got := client.post(f"{API}/next", json=chosen | {"held": held}, headers=OWN | token("user")).json()["item"]:
        held.append(got["item"])
    assert of_alarm in held  # it comes among the others, so what comes tells nothing
    # what is held comes back as a whole, and so does the last answer
    again = [client.post(f"{API}/next", json=chosen, headers=OWN | token("user")).json()["item"]["item"]]
    assert again[0] == min(held)
    client.post(f"{API}/answer", json={"item": of_alarm, "value": "neither"}, headers=OWN | token("user"))
    taken = client.post(f"{API}/undo", json=chosen, headers=OWN | token("user")).json()
    assert taken["item"]["item"] == of_alarm
    page = client.get(f"/rift/ui/m/harbour/label?queue={queue}", headers=token("user")).text
    assert 'name="queue"' not in page
    assert f"queue={queue}" not in page
    with open_session(settings) as session:
        session.execute(update(Queue).where(Queue.seed == 9).values(closed_at=datetime.now(UTC)))
        session.commit()
    page = client.get("/rift/ui/m/harbour/label", headers=token("user")).text
    assert f"queue={queue}" in page
    got = client.post(f"{API}/next", json=chosen, headers=OWN | token("user")).json()["item"]
    assert got["item"] in ordinary


def test_an_answer_is_kept_where_the_next_queue_was_closed(store, client, token):
    settings, _ = store
    item = client.post(f"{API}/next", json=ALL, headers=OWN | token("user")).json()["item"]["item"]
    gone = {"item": item, "value": "neither", "then": ALL | {"queue": 999_999}}
    answer = client.post(f"{API}/answer", json=gone, headers=OWN | token("user"))
    assert (answer.status_code, answer.json()) == (200, {"item": None})
    with open_session(settings) as session:
        outcome = select(Assignment.outcome).join(QueueItem).where(QueueItem.key == item, Assignment.coder == "ana")
        assert session.scalars(outcome).all() == ["coded"]


def test_no_number_of_an_item_or_of_an_alarms_queue_is_served(store, served, client, token):
    settings, ids = store
    of_queue, of_item = 86_420_975, 97_531_086  # numbers that nothing else has
    with open_session(settings) as session:
        taken = {ids["heron-en"], *session.scalars(select(QueueItem.document_id))}
        own = select(Document).where(Document.monitor == "harbour", Document.speaker == "own")
        texts = [session.get_one(Document, ids["heron-en"]), *session.scalars(own.where(Document.id.not_in(taken)))][:3]
        days = [filling_label.DRAWN + timedelta(days=n) for n in (1, 2)]
        ordinary, alarms = (
            Queue(id=of_queue + n, monitor="harbour", variable="framing", drawn_at=day, seed=n)
            for n, day in enumerate(days)
        )
        session.add_all([ordinary, alarms])
        session.flush()
        items = [filling_label._item(q, text, n) for q in (ordinary, alarms) for n, text in enumerate(texts, start=1)]
        for number, item in enumerate(items):
            item.id = of_item + number
        session.add_all([*items, _alarm(session, alarms.id)])
        session.commit()
        numbers = [str(item.id) for item in items]
        hidden, chosen = str(alarms.id), str(ordinary.id)
    bodies: dict[str, bytes] = {}
    held: list[str] = []

    def ask(what: str, body: object) -> dict:
        answer = client.post(f"{API}/{what}", json=body, headers=OWN | token("user"))
        bodies[f"{what} {len(bodies)}"] = answer.content
        return answer.json()

    while item := ask("next", ALL | {"held": held})["item"]:
        held.append(item["item"])
    ask("answer", {"item": held[0], "value": "both", "then": ALL | {"held": held}})
    ask("answer", {"item": held[0], "value": "neither"})
    ask("undo", ALL)
    ask("undo", ALL | {"item": held[1]})
    ask("renew", {"items": [*held, "0" * 16]})
    assert len(held) == 12 + len(items)
    for address, body in (bodies | served()).items():
        for number in (*numbers, hidden):
            assert number.encode() not in body, address
    # the walk would see it: a queue that may be chosen is named by its number
    assert chosen in client.get("/rift/ui/m/harbour/label", headers=token("user")).text


def test_how_a_text_was_drawn_is_shown_when_its_queue_is_closed(alarmed, client, token):
    settings, _, item, document = alarmed
    with open_session(settings) as session:
        queue = session.scalar(select(QueueItem.queue_id).where(QueueItem.key == item))
    held: list[str] = []
    while item not in held:
        held.append(
            client.post(f"{API}/next", json=ALL | {"held": held}, headers=OWN | token("user")).json()["item"]["item"]
        )
    client.post(f"{API}/answer", json={"item": item, "value": "both"}, headers=OWN | token("user"))

    def shown(who: str) -> list[tuple[str | None, float | None]]:
        page = client.get(f"{UI}/documents/{document}", headers=token(who)).text
        found = client.get(f"{TEXTS}/documents/{document}", headers=token(who)).json()["codings"]
        drawn = [(one["draw"], one["probability"]) for one in found if one["coder"] == "ana"]
        assert ("shown when its queue is closed" in page) == (drawn == [(None, None)])
        assert ("<td>alarm" in page) == (drawn == [("alarm", 0.5)])
        return drawn

    assert shown("user") == shown("viewer") == [(None, None)]
    with open_session(settings) as session:
        session.execute(update(Queue).where(Queue.id == queue).values(closed_at=filling_label.DRAWN))
        session.commit()
    assert shown("user") == shown("viewer") == [("alarm", 0.5)]


def test_an_alarms_codings_are_named_and_can_not_be_told_from_others(store, client, token):
    settings, _ = store
    before = client.get(f"{API}/progress", headers=token("user")).json()
    with open_session(settings) as session:
        queue = session.scalars(select(QueueItem.queue_id).order_by(QueueItem.queue_id.desc())).first()
        session.add(_alarm(session, queue))
        session.commit()
    told = client.get(f"{API}/progress", headers=token("user")).json()
    assert told["asked_by_alarms"] == 12
    assert [(one["queue"], one["answered"], one["asked_by_alarm"]) for one in told["queues"]] == [(None, None, True)]
    assert told["wanted"] == before["wanted"]
    page = client.get("/rift/ui/m/harbour/label", headers=token("user")).text
    assert "asked for by an alarm" in page
    assert f"?queue={queue}" not in page
    for asked in (
        client.get(f"/rift/ui/m/harbour/label?queue={queue}", headers=token("user")),
        client.post(f"{API}/next", json=ALL | {"queue": queue}, headers=OWN | token("user")),
    ):
        assert asked.status_code == 404
        assert "An alarm asked for this queue" in asked.text
    item = client.post(f"{API}/next", json=ALL, headers=OWN | token("user"))
    assert item.status_code == 200
    assert "alarm" not in item.text


def _alarm(session, queue: int) -> RaisedAlarm:
    decided = filling_label.EARLIER
    reference = KeptReference(
        monitor="harbour", a="heron", b="maple", start=date(2024, 1, 1), reason="first", person=None, kept_at=decided
    )
    session.add(reference)
    session.flush()
    return RaisedAlarm(
        monitor="harbour", a="heron", b="maple", period="week", since=date(2025, 2, 3), raised=date(2025, 3, 3),
        end=date(2025, 3, 10), side=1, reference_id=reference.id, reference_start=date(2024, 1, 1),
        reference_end=date(2024, 12, 30), threshold=9.0, autocorrelation=0.3, found_at=decided, queue_id=queue,
        planned=12,
    )  # fmt: skip
