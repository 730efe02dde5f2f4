"""The demo world, collected, framed, measured and coded once by the job functions, over real HTTP."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np

from pipeline.collect.job import collect
from pipeline.demo.answering import PLANNED, answer_confirmations
from pipeline.demo.coders import quarter, write_audit_codings, write_criticism_codings
from pipeline.demo.server import serve
from pipeline.demo.world import DEMO_FOLDER, MADE, SITES, demo_monitor_text, load_posts, load_truth
from pipeline.framing.codings import import_codings
from pipeline.framing.confirming import ask_for_codings
from pipeline.framing.job import frame
from pipeline.measure.job import measure
from pipeline.monitor import load_monitor
from pipeline.report import Report
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import open_session
from pipeline.store.trends import gap_rows
from tests.ports import free_ports

BALANCE = {"nationalist": 1, "universalist": -1, "both": 0, "neither": 0}


def hand_written(folder: Path) -> Path:
    """A demo world in ``folder`` that has only the texts which were written one by one."""
    shutil.copytree(DEMO_FOLDER, folder)
    (folder / MADE).write_text("", encoding="utf-8")
    with (DEMO_FOLDER / "truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(row for row in rows if row["id"].startswith("t"))
    return folder


class Demo:
    """A demo world that was collected, framed and measured once, for all tests of this file."""

    def __init__(self, folder: Path, world: Path = DEMO_FOLDER) -> None:
        self.port = free_ports(len(SITES))
        self.file = folder / "demo.yaml"
        self.file.write_text(demo_monitor_text(self.port), encoding="utf-8")
        self.monitor = load_monitor(self.file)
        self.settings = Settings(data=folder / "data", database_url="", monitors=self.file, confirm_codings=PLANNED)
        self.codings = folder / "codings.csv"
        write_audit_codings(self.codings, folder=world, base_port=self.port)
        self.reports: dict[str, Report] = {}
        with serve(self.port, world) as served:
            # the codings come before their texts, and wait for them
            self.imported = import_codings(self.settings, self.monitor, self.codings)
            for source in self.monitor.sources:
                self.reports[source.id] = collect(self.settings, self.monitor, source.id)
            self.first_requests = {name: list(paths) for name, paths in served.requests.items()}
            self.again = [collect(self.settings, self.monitor, s.id) for s in self.monitor.sources]
        self.framed = frame(self.settings, self.monitor)
        self.measured = measure(self.settings, self.monitor)
        self.uncoded = self.changes()
        self.asked = ask_for_codings(self.settings, self.monitor)
        self.answered = answer_confirmations(self.settings, self.monitor)
        measure(self.settings, self.monitor)
        self.confirmed = self.changes()
        write_criticism_codings(folder / "criticism.csv", folder=world, base_port=self.port)
        self.criticised = import_codings(self.settings, self.monitor, folder / "criticism.csv")
        measure(self.settings, self.monitor)
        self.posts = load_posts(world)
        self.truth = load_truth(world)

    def changes(self) -> list[tuple[date, str]]:
        """First day and name of each state that the dyad's weeks have, one after the other."""
        with open_session(self.settings) as session:
            weeks = [(row.start, row.state) for row in gap_rows(session, "demo", "kestrel", "juniper", period="week")]
        return [week for i, week in enumerate(weeks) if i == 0 or week[1] != weeks[i - 1][1]]

    def coded_balance(self) -> dict[tuple[str, date], float]:
        """Mean of what the two coders say of *every* text, per group and quarter's first day."""
        cells: dict[tuple[str, date], list[float]] = defaultdict(list)
        for row in self.truth:
            if row.group:
                year, number = quarter(row.day)
                key = (row.group, date(year, 3 * number - 2, 1))
                cells[key].append(float(np.mean([BALANCE[value] for value in row.coders])))
        return {key: float(np.mean(values)) for key, values in cells.items()}

    def riftwatch(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The command line, on this demo."""
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "RIFTWATCH_DATA": str(self.settings.data),
            "RIFTWATCH_MONITORS": str(self.file),
            "PYTHONWARNINGS": "error",
        }
        command = [sys.executable, "-m", "pipeline.cli", *arguments]
        return subprocess.run(
            command,
            env=environment,
            cwd=PROJECT_ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
