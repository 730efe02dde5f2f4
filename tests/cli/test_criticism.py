import csv
import io
import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.cli.test_coding_session import MONITOR
from tests.framing.labelled import add_texts


@pytest.fixture
def run(settings, tmp_path, monkeypatch):
    file = tmp_path / "m.yaml"
    file.write_text(MONITOR + "\nsince: 2024-01-01\nuntil: 2024-03-31\n")
    monkeypatch.setenv("RIFTWATCH_DATA", str(settings.data))

    def run(*arguments, code=0):
        answer = CliRunner().invoke(app, ["criticism", *arguments, "-m", str(file)])
        assert answer.exit_code == code, answer.output
        return answer

    return run


def test_without_model_and_codings_attention_is_shown_and_the_rest_is_said(run, settings):
    add_texts(settings, 10, words=["the Belt League and the harvest", "rain in the valley"])
    answer = run()
    assert "a > b" in answer.stdout
    assert "2024-Q1" in answer.stdout
    assert "no model of criticism is in force" in answer.stderr
    assert "no criticism has been coded at random" in answer.stderr
    assert "blame without a name is in no figure" in answer.stderr
    (row,) = json.loads(run("--a", "a", "--format", "json").stdout)
    assert (row["clusters"], row["naming"], row["estimator"], row["rate"]) == (10, 5, "none", None)
    assert row["most_cited"] == []
    (row,) = csv.DictReader(io.StringIO(run("--b", "b", "--format", "csv").stdout))
    assert (row["naming"], row["share"], row["hostile_share"]) == ("5", "0.5", "")


def test_weeks_have_a_row_each(run, settings):
    add_texts(settings, 10, words=["the Belt League"])
    rows = json.loads(run("--period", "week", "--a", "a", "--format", "json").stdout)
    assert len(rows) == 13
    assert sum(row["naming"] for row in rows) == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--period", "decade"], "is no period"),
        (["--a", "zz"], "no group 'zz'"),
        (["--a", "a", "--b", "a"], "are one group"),
    ],
)
def test_what_can_not_be_asked_is_said(run, settings, arguments, said):
    add_texts(settings, 1)
    assert said in run(*arguments, code=1).stderr
