"""Other people's texts through the whole way: one text a year is no ground for claims, and the table says so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pipeline.settings import PROJECT_ROOT

STATES = {
    "GBR": "uk",
    "USA": "usa",
    "CHN": "china",
    "RUS": "russia",
    "FRA": "france",
    "ALB": "albania",
    "AFG": "afghanistan",
    "YUG": "yugoslavia",
}

MONITOR = """\
name: general-debate
title: General debate, eight states
periods: [year]
audit_period: year
groups:
{groups}
sources:
  - id: speeches
    kind: table
    speaker: own
    path: {path}
    columns: {{text: text, date: year, id: source_path, group: iso3, source: iso3}}
    groups: {map}
dyads:
  - [yugoslavia, russia]
  - [albania, china]
  - [uk, france]
"""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_general_debate_from_table_to_trend_table(tmp_path, shared_data):
    monitor = tmp_path / "debate.yaml"
    monitor.write_text(
        MONITOR.format(
            groups="\n".join(f"  - {{id: {g}, name: {g}}}" for g in STATES.values()),
            path=shared_data / "ungd" / "ungd.csv.gz",
            map=json.dumps(STATES),
        ),
        encoding="utf-8",
    )

    def riftwatch(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "always", "-m", "pipeline.cli", *arguments, "--monitor", str(monitor)],
            env={"PATH": "/usr/bin:/bin", "RIFTWATCH_DATA": str(tmp_path / "data")},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=800,
        )

    log = riftwatch("run")
    assert "571 new" in log.stdout
    assert "warning" not in (log.stdout + log.stderr).lower()

    trends = json.loads(riftwatch("trends", "--format", "json").stdout)
    assert {t["group_id"] for t in trends} == set(STATES.values())
    assert min(t["start"] for t in trends) == "1946-01-01"
    assert sum(t["clusters"] for t in trends) >= 565  # a few delegations repeat a text
    assert sum(t["texts"] for t in trends) == 571
    assert {t["estimator"] for t in trends} == {"uncorrected", None}
    assert all(t["low"] is None and t["high"] is None for t in trends)
    # Yugoslavia spoke in 51 of 60 years: the others are missing, not zero
    silent = [t for t in trends if t["group_id"] == "yugoslavia" and t["balance"] is None]
    assert silent
    assert all(t["missing"] for t in silent)

    for a, b in (("yugoslavia", "russia"), ("albania", "china"), ("uk", "france")):
        gaps = json.loads(riftwatch("dyad", a, b, "--format", "json").stdout)
        assert {g["state"] for g in gaps} == {"not enough evidence"}
        assert all(g["low"] is None for g in gaps)
