"""People are told: by a real mail server and a real web server on loopback, through Airflow's own notifiers."""

from __future__ import annotations

import email
import json
import threading
from datetime import UTC, date, datetime
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.states import add_change, state_changes
from tests.airflow_home import prepare
from tests.ports import free_ports

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.xdist_group("airflow"),
    # of libraries that apprise and the mail server bring
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

MONITOR = """
name: m
title: Two currents
groups: [{id: heron, name: Heron}, {id: maple, name: Maple}]
sources: [{id: s, kind: feed, speaker: own, group: heron, addresses: ["https://example.org/feed"]}]
dyads: [[heron, maple]]
"""


class Mailbox:
    """Keeps what the mail server is given."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@pytest.fixture
def mailbox():
    """A mail server on loopback."""
    box = Mailbox()
    box.port = free_ports(1)
    server = Controller(box, hostname="127.0.0.1", port=box.port)
    server.start()
    yield box
    server.stop()


@pytest.fixture
def hook_server():
    """A web server that takes what apprise posts; its ``status`` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server.posted.append(json.loads(body))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.posted, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def tell(tmp_path, monkeypatch, mailbox, hook_server, tmp_path_factory):
    """The task as Airflow calls it, with a change of state in the store."""
    (tmp_path / "m.yaml").write_text(MONITOR)
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(tmp_path))
    monkeypatch.setenv("RIFTWATCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("RIFTWATCH_ALERT_EMAILS", "desk@example.org, night@example.org")
    monkeypatch.setenv("RIFTWATCH_ALERT_APPRISE", "apprise_default")
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "riftwatch@example.org"}
    mail = {"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox.port, "extra": extra}
    address = f"json://127.0.0.1:{hook_server.server_port}/"
    posts = {"conn_type": "apprise", "extra": {"config": {"path": address, "tag": "all"}}}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(mail))
    monkeypatch.setenv("AIRFLOW_CONN_APPRISE_DEFAULT", json.dumps(posts))
    with open_session(Settings()) as session:
        add_change(
            session, monitor="m", a="heron", b="maple", period="week", start=date(2024, 5, 27), state="diverging",
            previous="steady", after_id=0, reasons=["confirmed by coders"], figures={}, as_of=datetime.now(UTC),
        )  # fmt: skip
        session.commit()
    prepare(tmp_path_factory.mktemp("airflow"))
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(PROJECT_ROOT / "dags" / "alert.py"))
    assert bag.import_errors == {}
    yield bag.dags["alert"].get_task("tell").python_callable
    engine_for(Settings().database).dispose()


@pytest.fixture
def dag(tell):
    """The DAG as Airflow's parser reads it, with Airflow's database made."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    return DagBag(str(PROJECT_ROOT / "dags")).dags["alert"]


def changes():
    with open_session(Settings()) as session:
        return state_changes(session, "m")


def test_a_change_of_state_is_mailed_and_posted_once(tell, mailbox, hook_server):
    assert tell() == ["Riftwatch: Heron and Maple: diverging"]
    ((to, mail),) = mailbox.messages
    assert to == ["desk@example.org", "night@example.org"]
    assert mail["subject"] == "Riftwatch: Heron and Maple: diverging"
    assert "confirmed by coders" in mail.get_body(("html",)).get_content()
    (post,) = hook_server.posted
    assert post["title"] == "Riftwatch: Heron and Maple: diverging"
    assert "It was: steady." in post["message"]
    assert tell() == []
    assert (len(mailbox.messages), len(hook_server.posted)) == (1, 1)
    assert changes()[0].told_at is not None


@pytest.mark.filterwarnings("ignore")  # Airflow's own, as it starts its API in this process
def test_a_run_of_the_dag_tells_people_once(dag, mailbox, hook_server):
    title = "Riftwatch: Heron and Maple: diverging"
    first, second = dag.test(), dag.test()
    assert (first.state, second.state) == ("success", "success")
    ((to, mail),) = mailbox.messages
    assert (to, mail["subject"]) == (["desk@example.org", "night@example.org"], title)
    assert [post["title"] for post in hook_server.posted] == [title]
    assert changes()[0].told_at is not None


@pytest.mark.filterwarnings("ignore")
def test_a_run_of_the_dag_fails_where_an_address_does_not_take_the_message(dag, mailbox, hook_server):
    hook_server.status = 500
    for task in dag.tasks:
        task.retries = 0  # it waits ten minutes
    assert dag.test().state == "failed"
    assert changes()[0].told_at is None
    hook_server.status = 200
    assert dag.test().state == "success"
    assert changes()[0].told_at is not None
    assert len(mailbox.messages) == 1


def test_it_is_woken_by_what_measuring_emits_with_a_clock_as_a_net(dag):
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    def as_the_scheduler_knows(one):  # which reads the DAGs that the parser has written down
        return DagSerialization.from_dict(DagSerialization.to_dict(one))

    measure = as_the_scheduler_knows(DagBag(str(PROJECT_ROOT / "dags")).dags["measure"])
    timetable = as_the_scheduler_knows(dag).timetable
    (emitted,) = measure.get_task("measure").outlets
    ((waited_for, _),) = timetable.asset_condition.iter_assets()
    assert (waited_for.name, waited_for.uri) == (emitted.name, emitted.uri)
    assert timetable.timetable.serialize()["expression"] == "57 * * * *"


def test_what_an_address_does_not_take_fails_the_task_and_is_tried_again(tell, mailbox, hook_server):
    hook_server.status = 500
    with pytest.raises(RuntimeError, match="could not send to every address of apprise_default"):
        tell()
    assert changes()[0].told_at is None
    hook_server.status = 200
    assert len(tell()) == 1
    assert hook_server.posted[-1]["message"].startswith("This may have been sent before")
    # the mail had gone out at the first try
    assert len(mailbox.messages) == 1


def test_without_an_address_the_task_is_skipped_and_nothing_is_lost(tell, monkeypatch, mailbox, hook_server):
    from airflow.sdk.exceptions import AirflowSkipException

    monkeypatch.delenv("RIFTWATCH_ALERT_EMAILS")
    monkeypatch.delenv("RIFTWATCH_ALERT_APPRISE")
    with pytest.raises(AirflowSkipException, match="set RIFTWATCH_ALERT_EMAILS"):
        tell()
    assert mailbox.messages == hook_server.posted == []
    assert changes()[0].told_at is None
