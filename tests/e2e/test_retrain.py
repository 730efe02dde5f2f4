"""Retraining as Airflow runs it: trained, judged, approved by a person or not, put in force, scored again, measured."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from classifiers.starter import load_starter
from classifiers.training.train import Training
from pipeline import up
from pipeline.framing import retrain as retrain_module
from pipeline.framing import starter as starter_module
from pipeline.framing.job import frame
from pipeline.framing.model import ensure_model
from pipeline.framing.promote import roll_back
from pipeline.measure.job import measure
from pipeline.monitor import load_monitor
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.bridges import bridges
from pipeline.store.models import model_in_force, model_named, models_of
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Framing, Promotion, Published
from pipeline.up import airflow_environment, airflow_home
from tests.airflow_home import prepare
from tests.framing.coded import add_coded
from tests.ports import free_ports

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

MONITOR = """
name: m
title: A monitor
groups:
  - {id: a, name: Aurin Front}
  - {id: b, name: Belt League}
sources:
  - {id: s0, kind: feed, group: a, speaker: own, addresses: ["http://127.0.0.1:1/feed"]}
dyads: [[a, b]]
since: 2024-01-01
until: 2024-06-30
"""
DAG = "retrain__framing"


def _filled(folder: Path) -> Settings:
    """A monitor with 80 coded texts to train on and 80 drawn at random, framed and measured by the starter model."""
    file = folder / "m.yaml"
    file.write_text(MONITOR)
    settings = Settings(data=folder / "data", database_url="", monitors=file)
    add_coded(settings, 80, "active")
    add_coded(settings, 80, "random", first=1000)
    frame(settings, load_monitor(file))
    measure(settings, load_monitor(file))
    return settings


@pytest.mark.filterwarnings("ignore")  # Airflow's own, as it starts its API in this process
@pytest.mark.parametrize("codings", ["enough", "too few"])
def test_without_an_answer_nothing_is_put_in_force_and_too_few_codings_end_well(tmp_path, monkeypatch, codings):
    """The DAG in this process; the approval is marked as done, which is no person's answer."""
    prepare(tmp_path / "airflow")
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    codings = [coding for coding in load_starter() if coding.lang == "en"][:120]
    for module in (retrain_module, starter_module):
        monkeypatch.setattr(module, "load_starter", lambda _book: codings)
    monkeypatch.setattr(retrain_module, "HOW", Training(curve_repeats=0, replicates=100, folds=2))
    (tmp_path / "m.yaml").write_text(MONITOR)
    settings = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "m.yaml")
    add_coded(settings, 40 if codings == "enough" else 5, "active")
    _, starter = ensure_model(settings, "framing")
    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(settings.monitors))
    dag = DagBag(str(PROJECT_ROOT / "dags")).get_dag(DAG)
    run = dag.test(mark_success_pattern="approve", run_conf={"note": "a try"})
    states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    asked = "success" if codings == "enough" else "skipped"
    assert states == {
        "train": "success", "gate": asked, "approve": asked, "promote": asked, "frame": "skipped", "measure": "skipped",
        "conclude": "success",
    }  # fmt: skip
    assert run.state == "success"
    with open_session(settings) as session:
        assert model_in_force(session, "framing").name == starter.name
        assert len(models_of(session, "framing")) == (2 if codings == "enough" else 1)
    engine_for(settings.database).dispose()


def test_enough_new_codings_wake_the_retraining_and_too_few_skip(settings, tmp_path, monkeypatch):
    prepare(tmp_path / "airflow")
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.exceptions import AirflowSkipException

    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))
    monkeypatch.setenv("RIFTWATCH_RETRAIN_AFTER", "30")
    dags = DagBag(str(PROJECT_ROOT / "dags")).dags
    task = dags["count_codings"].get_task("framing")
    woken_by = dags[DAG].timetable.asset_condition.objects
    assert [asset.uri for asset in task.outlets] == [asset.uri for asset in woken_by]
    add_coded(settings, 29, "active")
    with pytest.raises(AirflowSkipException, match="29 new codings of framing, 30 start a retraining"):
        task.python_callable("framing")
    add_coded(settings, 1, "active", first=29)
    assert task.python_callable("framing") == "30 new codings of framing, 30 start a retraining"


class Airflow:
    """Airflow's API, as a person's browser uses it."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        password = json.loads((airflow_home(settings) / "passwords.json").read_text())["admin"]
        self.token = ""
        self.token = self.ask("POST", "/auth/token", {"username": "admin", "password": password})["access_token"]

    def ask(self, method: str, path: str, body: object = None) -> dict:
        request = urllib.request.Request(  # noqa: S310 (loopback)
            self.base + path, method=method, data=json.dumps(body).encode() if body is not None else None
        )
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (loopback)
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from None

    def trigger(self, **conf: object) -> str:
        body = {"logical_date": None, "conf": conf}
        return str(self.ask("POST", f"/api/v2/dags/{DAG}/dagRuns", body)["dag_run_id"])

    def first_run(self) -> str:
        """The run that its schedule makes as soon as the DAG is no longer paused."""
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with suppress(AssertionError):  # at first the file is not parsed
                self.ask("PATCH", f"/api/v2/dags/{DAG}", {"is_paused": False})
                if runs := self.ask("GET", f"/api/v2/dags/{DAG}/dagRuns")["dag_runs"]:
                    assert runs[0]["run_type"] == "scheduled"
                    return str(runs[0]["dag_run_id"])
            time.sleep(2)
        raise AssertionError("no run was scheduled")

    def run(self, run: str) -> dict:
        return self.ask("GET", f"/api/v2/dags/{DAG}/dagRuns/{run}")

    def states(self, run: str) -> dict[str, str]:
        found = self.ask("GET", f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances")["task_instances"]
        return {one["task_id"]: one["state"] for one in found}

    def wait_for(self, run: str, seconds: float, *, awaiting: bool) -> dict[str, str]:
        """Until the run waits for a person, or has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            states = self.states(run)
            if awaiting and states["approve"] == "awaiting_input":
                return states
            if self.run(run)["state"] in {"success", "failed"}:
                assert not awaiting, states
                return states
            time.sleep(1)
        raise AssertionError(f"{run} took longer than {seconds} s: {self.states(run)}")

    def answer(self, run: str, option: str, comment: str) -> None:
        """As a person would; an answer within a second of the question is lost at times."""
        time.sleep(2)
        path = f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
        self.ask("PATCH", path, {"chosen_options": [option], "params_input": {"comment": comment}})

    def question(self, run: str) -> str:
        path = f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
        return str(self.ask("GET", path)["body"])

    def left(self, run: str, task: str) -> object:
        path = f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"
        return self.ask("GET", path)["value"]


@pytest.fixture
def airflow(tmp_path, monkeypatch) -> Iterator[tuple[Settings, Airflow]]:
    settings = _filled(tmp_path)
    port = free_ports(1)
    home = airflow_home(settings)
    home.mkdir(parents=True)
    (home / "passwords.json").write_text(json.dumps({"admin": "secret"}))
    paused = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}  # only what is tested runs
    monkeypatch.setattr(up, "airflow_environment", lambda *given: airflow_environment(*given) | paused)
    with up._airflow(settings, port, print) as process:
        up._wait_until_healthy(process, settings, port, print)
        yield settings, Airflow(settings, port)
    engine_for(settings.database).dispose()


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_a_model_is_trained_timed_out_rejected_approved_and_rolled_back(airflow):
    settings, web = airflow
    monitor = load_monitor(settings.monitors)
    with open_session(settings) as session:
        starter = model_in_force(session, "framing").name
        vintage = session.scalar(select(func.count()).select_from(Published))

    # the week's run, and a person rejects
    run = web.first_run()
    web.wait_for(run, 600, awaiting=True)
    assert "| macro-F1 |" in web.question(run)
    web.answer(run, "Reject", "not before the conference")
    states = web.wait_for(run, 120, awaiting=False)
    assert (web.run(run)["state"], states["promote"], states["frame"]) == ("success", "skipped", "skipped")
    assert str(web.left(run, "conclude")).endswith("rejected (rejected by admin: not before the conference)")

    # the same codings: nothing to decide
    run = web.trigger()
    states = web.wait_for(run, 120, awaiting=False)
    assert (web.run(run)["state"], states["train"], states["approve"]) == ("success", "success", "skipped")
    assert web.left(run, "conclude") == "no model to decide on"

    # other folds, and nobody answers
    run = web.trigger(seed=1, approval_hours=0.002)
    states = web.wait_for(run, 600, awaiting=False)
    assert (web.run(run)["state"], states["promote"], states["conclude"]) == ("success", "skipped", "success")
    with open_session(settings) as session:
        reasons = {model.rejection for model in models_of(session, "framing")}
        assert reasons == {None, "nobody answered in time", "rejected by admin: not before the conference"}
        assert model_in_force(session, "framing").name == starter

    # a person approves
    run = web.trigger(seed=2, note="after the conference")
    web.wait_for(run, 600, awaiting=True)
    assert "after the conference" in web.question(run)
    web.answer(run, "Approve", "better everywhere")
    states = web.wait_for(run, 300, awaiting=False)
    assert set(states.values()) == {"success"}, states
    with open_session(settings) as session:
        model = model_in_force(session, "framing")
        assert model.name == web.left(run, "train")
        promotion = session.scalars(select(Promotion).order_by(Promotion.id.desc())).first()
        assert (promotion.person, promotion.comment) == ("admin", "better everywhere")
        framed = dict(session.execute(select(Framing.model_id, func.count()).group_by(Framing.model_id)).all())
        assert framed == {model.id: 160, promotion.previous_id: 160}, "all history scored again, the old framings stay"
        found = bridges(session, "m", "framing")
        assert {(row.group_id, row.codings > 0, row.delta is not None) for row in found} >= {
            ("a", True, True),
            ("b", True, True),
        }
        assert {row.new_model for row in found} == {model.name}
        published = session.scalars(select(Published).order_by(Published.id)).all()
        assert len(published) > vintage, "the vintage series grows, and loses nothing"
        assert {row.model for row in published[:vintage]} != {row.model for row in published[vintage:]}
        new = model.name

    # one command, and the model before it is in force
    assert roll_back(settings, "framing", person="ana", comment="odd").name == starter
    frame(settings, monitor)
    measure(settings, monitor, now=datetime(2024, 7, 1, tzinfo=UTC))
    with open_session(settings) as session:
        assert model_named(session, new).rejection == "rolled back: odd"
        assert {row.new_model for row in bridges(session, "m", "framing")} == {starter}
