import csv
import io
import json

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from classifiers.starter import load_starter
from classifiers.training.train import Training
from pipeline.cli import app
from pipeline.framing import retrain as retrain_module
from pipeline.framing import starter as starter_module
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Model
from tests.framing.coded import add_coded

MONITOR = """
name: m
title: A monitor
groups: [{id: a, name: Aurin Front}, {id: b, name: Belt League}]
sources: [{id: s0, kind: feed, group: a, speaker: own, addresses: ["http://127.0.0.1:1/feed"]}]
dyads: [[a, b]]
"""


@pytest.fixture
def riftwatch(settings, tmp_path, monkeypatch):
    """The command line on a store with codings, a small starter model and quick training."""
    codings = [c for c in load_starter() if c.lang == "en"][:120]
    for module in (retrain_module, starter_module):
        monkeypatch.setattr(module, "load_starter", lambda _book: codings)
    monkeypatch.setattr(retrain_module, "HOW", Training(curve_repeats=0, replicates=200, folds=2))
    (tmp_path / "m.yaml").write_text(MONITOR)
    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(tmp_path / "m.yaml"))

    def run(*arguments: str, code: int = 0):
        made = CliRunner().invoke(app, ["model", *arguments])
        assert made.exit_code == code, (made.output, made.exception)
        return made

    yield run
    engine_for(settings.database).dispose()


def test_from_retraining_to_rolling_back_by_hand(riftwatch, settings):
    assert "no model yet" in riftwatch("list").stderr
    add_coded(settings, 12, "active")
    refused = riftwatch("retrain", code=1)
    assert "12 different texts that were not drawn at random are coded, and 20 are needed" in refused.stdout
    add_coded(settings, 48, "active", first=12)
    add_coded(settings, 60, "random", first=1000)
    said = riftwatch("retrain", "--note", "first").stdout
    listed = json.loads(riftwatch("list", "--format", "json").stdout)
    new, starter = (row["name"] for row in listed)
    assert [row["state"] for row in listed] == ["waiting", "in force"]
    assert f"{new} waits for a decision; better" in said
    assert f"riftwatch model promote {new}" in said

    shown = riftwatch("show", new).stdout
    assert shown.startswith("# framing model")
    assert "State: waiting." in shown
    assert json.loads(riftwatch("show", new, "--format", "json").stdout)["card"]["note"] == "first"
    assert "no table" in riftwatch("show", new, "--format", "csv", code=1).stderr

    rows = list(csv.DictReader(io.StringIO(riftwatch("compare", starter, new, "--format", "csv").stdout)))
    assert {row["figure"] for row in rows} == {"macro_f1", "brier", "gap_error"}
    assert next(row for row in rows if row["figure"] == "macro_f1")["verdict"] == "better"
    same = riftwatch("compare", new, new)
    assert "not worse: 60 random codings of 60 different texts" in same.stderr
    assert "there is no model x" in riftwatch("compare", "x", new, code=1).stderr

    told = json.loads(riftwatch("promote", new, "--comment", "better", "--format", "json").stdout)
    assert told == [{"name": new, "instead_of": starter}]
    assert "is in force already" in riftwatch("promote", new, "--comment", "again", code=1).stderr
    assert f"{starter} is in force now, instead of {new}" in riftwatch("rollback", "--comment", "odd").stdout
    assert f"{new} is in force now" in riftwatch("rollback", "--to", new, "--comment", "it was right").stdout
    assert "Missing option" in riftwatch("rollback", code=2).stderr
    assert f"{new} is in force;" in riftwatch("reject", new, "--comment", "no", code=1).stderr
    table = riftwatch("list", "--variable", "framing").stdout
    assert "was in force" in table
    assert "no bridge of m yet" in riftwatch("bridge").stderr
    assert "a promotion of criticism has no bridge" in riftwatch("bridge", "--variable", "criticism").stderr


def test_a_rejected_model_says_why(riftwatch, settings):
    add_coded(settings, 40, "active")
    riftwatch("retrain")
    with open_session(settings) as session:
        name = session.scalar(select(Model.name).order_by(Model.id.desc()).limit(1))
        assert session.scalar(select(func.count()).select_from(Model)) == 2
    riftwatch("reject", name, "--comment", "too few letters")
    listed = json.loads(riftwatch("list", "--format", "json").stdout)
    assert listed[0]["state"] == "rejected"
    assert listed[0]["reason"].endswith(": too few letters")
    assert listed[0]["evaluated"] == "cross-validated, not comparable"
    assert "was not promoted: rejected by" in riftwatch("retrain").stdout
    assert "there are no random codings to compare on" in riftwatch("compare", name, name, code=1).stderr
