"""`riftwatch replay`, then `riftwatch backtest --replay`, on a past in which one group moves before a split."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from pipeline.settings import PROJECT_ROOT
from pipeline.store.session import engine_for
from tests.framing.past import FIRST, SHIFTED, fill_past, past_monitor

SPLIT = FIRST + timedelta(weeks=SHIFTED + 20)


@pytest.fixture
def riftwatch(settings, tmp_path):
    """Runs the command line on the filled store."""
    fill_past(settings)
    engine_for(settings.database).dispose()
    event = {"date": str(SPLIT), "dyad": ["a", "b"], "kind": "split", "text": "x", "reference": "y"}
    file = tmp_path / "m.yaml"
    monitor = past_monitor(events=[event], until=str(SPLIT + timedelta(weeks=2)))
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
def test_the_past_is_replayed_and_held_against_its_event(riftwatch):
    refused = riftwatch("replay", "--every", "week")
    assert (refused.returncode, "'week' is not one of" in refused.stderr) == (2, True)
    made = riftwatch("replay", "--every", "year")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("replay: 1 found, 1 new in ")
    assert "REPLAY of 1 model, each of the codings of texts dated before its time (104); made on" in made.stdout
    assert "  a--b: watched 2021-01-04 to 2021-09-19; alarms: 2021-0" in made.stdout
    assert riftwatch("replay", "--every", "year").stdout.startswith("replay: 1 found, 1 known in ")
    tested = riftwatch("backtest", "--replay", "--kinds", "split", "--most-lead", "140", "--format", "json")
    assert tested.returncode == 0, tested.stderr
    by_name = {row["name"]: row for row in json.loads(tested.stdout)}
    assert list(by_name) == ["ours", "never", "always", "random", "random_within"]
    assert by_name["ours"]["hit_rate"] == 1.0
    assert "REPLAY" in tested.stderr
    assert "1 model, each of the codings of texts dated before its time (104)" in tested.stderr
    assert "description, not inference" in tested.stderr
    assert "  - 2021-01-04 to 2021-09-19: framing-replay-" in tested.stderr
