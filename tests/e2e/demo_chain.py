"""The demo world, collected, framed and measured once by the job functions, over real HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np

from pipeline.collect.job import collect
from pipeline.demo.coders import quarter, write_audit_codings
from pipeline.demo.server import serve
from pipeline.demo.world import SITES, demo_monitor_text, load_posts, load_truth
from pipeline.framing.codings import import_codings
from pipeline.framing.job import frame
from pipeline.measure.job import measure
from pipeline.monitor import load_monitor
from pipeline.report import Report
from pipeline.settings import PROJECT_ROOT, Settings
from tests.ports import free_ports

BALANCE = {"nationalist": 1, "universalist": -1, "both": 0, "neither": 0}


class Demo:
    """A demo world that was collected, framed and measured once, for all tests of this file."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(len(SITES))
        self.file = folder / "demo.yaml"
        self.file.write_text(demo_monitor_text(self.port), encoding="utf-8")
        self.monitor = load_monitor(self.file)
        self.settings = Settings(data=folder / "data", database_url="", monitors=self.file)
        self.codings = folder / "codings.csv"
        write_audit_codings(self.codings, base_port=self.port)
        self.reports: dict[str, Report] = {}
        with serve(self.port) as world:
            # the codings come before their texts, and wait for them
            self.imported = import_codings(self.settings, self.monitor, self.codings)
            for source in self.monitor.sources:
                self.reports[source.id] = collect(self.settings, self.monitor, source.id)
            self.first_requests = {name: list(paths) for name, paths in world.requests.items()}
            self.again = [collect(self.settings, self.monitor, s.id) for s in self.monitor.sources]
        self.framed = frame(self.settings, self.monitor)
        self.measured = measure(self.settings, self.monitor)
        self.posts = load_posts()
        self.truth = load_truth()

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
