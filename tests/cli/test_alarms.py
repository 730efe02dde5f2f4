"""The commands of alarms, change points, back-test, sheet and export, on a store in which one group moves."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from pipeline.measure.job import measure
from pipeline.settings import PROJECT_ROOT
from pipeline.store.session import engine_for
from tests.measure.conftest import World, make_monitor
from tests.measure.moving import FIRST, NOW, SHIFTED, WEEKLY, fill

SHIFT = FIRST + timedelta(weeks=SHIFTED)


@pytest.fixture
def riftwatch(settings, tmp_path):
    """Runs the command line on the filled and measured store."""
    fill(settings, World)
    event = {
        "date": str(SHIFT + timedelta(weeks=20)),
        "dyad": ["a", "b"],
        "kind": "split",
        "text": "x",
        "reference": "y",
    }
    monitor = make_monitor(**WEEKLY, events=[event])
    measure(settings, monitor, now=NOW)
    engine_for(settings.database).dispose()
    file = tmp_path / "m.yaml"
    file.write_text(monitor.model_dump_json(exclude_defaults=True), encoding="utf-8")

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments, "--monitor", str(file)],
            env={"PATH": "/usr/bin:/bin", "RIFTWATCH_DATA": str(settings.data)},
            capture_output=True,
            text=True,
            check=False,
            cwd=PROJECT_ROOT,
        )

    return run


@pytest.mark.long
def test_an_alarm_is_listed_drawn_and_its_reference_moved(riftwatch):
    (alarm,) = json.loads(riftwatch("alarm", "list", "--format", "json").stdout)
    assert (alarm["a"], alarm["b"], alarm["side"], alarm["queue_id"]) == ("a", "b", 1, None)
    assert "ask for codings: 1 found, 160 new" in riftwatch("alarm", "draw").stdout
    assert "0 found" in riftwatch("alarm", "draw").stdout
    refused = riftwatch("alarm", "draw", "--alarm", str(alarm["id"]))
    assert (refused.returncode, "are drawn: queue" in refused.stderr) == (1, True)
    parts = json.loads(riftwatch("label", "status", "--format", "json").stdout)
    assert [(part["part"], part["group"], part["texts"]) for part in parts] == [("alarm", "a", 80), ("alarm", "b", 80)]
    (change,) = json.loads(riftwatch("alarm", "states", "--format", "json").stdout)
    assert (change["state"], change["previous"], change["silenced"]) == ("steady", None, None)
    moved = riftwatch("alarm", "reference", "a", "b", "--start", "2020-05-25", "--reason", "a new editor")
    assert "the reference of a and b begins on 2020-05-25 and takes 52 usable weeks" in moved.stdout
    wrong = riftwatch("alarm", "reference", "b", "a", "--start", "2020-05-25", "--reason", "x")
    assert "b and a are no dyad of m" in wrong.stderr


@pytest.mark.long
def test_a_reference_is_as_long_as_a_person_asks(riftwatch):
    def ask(weeks):
        day = str(FIRST)
        return riftwatch("alarm", "reference", "a", "b", "--start", day, "--weeks", weeks, "--reason", "a quiet year")

    for weeks in ("25", "24", "0", "-52"):
        refused = ask(weeks)
        said = f"a reference takes 26, 52 or 104 weeks, not {weeks}: for no other length is there a threshold\n"
        assert (refused.returncode, refused.stderr) == (1, said)
    made = ask("26")
    assert (
        made.stdout
        == f"the reference of a and b begins on {FIRST} and takes 26 usable weeks; run `riftwatch measure`\n"
    )
    assert riftwatch("measure").returncode == 0
    old, *new = json.loads(riftwatch("alarm", "list", "--format", "json").stdout)
    assert old["closed_why"] == "a person moved the reference"
    assert {one["reference_end"] for one in new} == {str(FIRST + timedelta(weeks=26))}
    assert riftwatch("changes", "a", "b").returncode == 0
    assert ask("104").returncode == 0
    lacking = riftwatch("changes", "a", "b")
    assert (lacking.returncode, "104 weeks with texts of both are needed" in lacking.stderr) == (1, True)


@pytest.mark.long
def test_looking_back(riftwatch):
    found = riftwatch("changes", "a", "b")
    assert found.returncode == 0, found.stderr
    assert "dates that can't be told apart" in found.stdout
    assert "no dyad of m" in riftwatch("changes", "b", "a").stderr
    unmade = riftwatch("backtest", "--replay", "--kinds", "split")
    assert (unmade.returncode, unmade.stderr) == (1, "no replay of m is made; run `riftwatch replay` first\n")
    lacking = riftwatch("backtest", "--kinds", "split")
    # all weeks were measured for the first time just now, so nobody watched in any of them
    assert (lacking.returncode, "was ever published within 21 days of its period" in lacking.stderr) == (1, True)
    known = riftwatch("backtest", "--events", "known", "--kinds", "split")  # the list that ships, of other groups
    assert (known.returncode, known.stderr) == (1, lacking.stderr)
    assert "No such file" in riftwatch("backtest", "--events", "unknown", "--kinds", "split").stderr


@pytest.mark.long
def test_sheet_and_export(riftwatch, tmp_path):
    shown = riftwatch("sheet", "a", "b")
    assert shown.returncode == 0, shown.stderr
    for title in ("What moved", "Is it more than noise", "Does the model err alike", "Words"):
        assert title in shown.stdout
    days = ["2020-01-06", "2021-01-04"]
    whole = json.loads(
        riftwatch("sheet", "a", "b", "--json", "--reference", *days, "--present", "2021-03-01", "2021-09-01").stdout
    )
    assert whole["rows"][0]["kind"] == "base"
    assert "name both --reference and --present" in riftwatch("sheet", "a", "b", "--reference", *days).stderr
    assert riftwatch("sheet", "a", "b", "--keep").stdout == "kept for the page: the sheet is made\n"
    assert "leave out --reference" in riftwatch("sheet", "a", "b", "--keep", "--json").stderr
    assert "no dyad of m in this order" in riftwatch("sheet", "b", "a", "--keep").stderr
    out = tmp_path / "figures"
    made = riftwatch("export", "--out", str(out), "--format", "csv,xlsx", "--period", "quarter")
    assert made.returncode == 0, made.stderr
    assert (out / "gaps.csv").exists()
    assert (out / "m.xlsx").exists()
    assert "unknown format 'ods'" in riftwatch("export", "--out", str(out), "--format", "ods").stderr
