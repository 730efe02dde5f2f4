"""A coder is blind: nothing that is served tells of a prediction, of the draw, or of what another coder said before."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from sqlalchemy import select, update

from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Cluster, Coding, Document, Framing, KeptReference, Queue, QueueItem, RaisedAlarm
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
        first = select(QueueItem.id, QueueItem.document_id).join(Queue).where(Queue.closed_at.is_(None))
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
    # once it is answered there is nothing to keep
    assert client.post(f"{API}/next", json=ALL, headers=OWN | coder).json()["item"]["item"] == item
    client.post(f"{API}/answer", json={"item": item, "value": "both"}, headers=OWN | coder)
    assert len(asked(f"{TEXTS}/documents/{copied}", coder).json()["framings"]) == 1
    assert TO_CODE not in asked(f"{UI}/documents/{free}", coder).text
    engine_for(settings.database).dispose()


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
