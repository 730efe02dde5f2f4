"""Codings in and out, and alpha: codings a second and memory, beside a bare csv reader that writes into bare SQLite.

``python -m benchmarks.codings [N]``; exit 1 below a floor.
"""

from __future__ import annotations

import csv
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from classifiers.coding.agreement import Rating, agreement
from pipeline.framing.codings import FileFormat, export_codings, import_codings
from pipeline.monitor import load_monitor
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import open_session

FLOORS = {
    "brought in, share of bare speed": 0.01,
    "MB above the start": -200.0,
    "seconds for alpha, 10,000 documents, 1,000 draws": -10.0,
}
"""negative: at most"""


def _write(file: Path, size: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["address", "variable", "value", "coder", "coded_at", "draw", "probability", "note"])
        for i in range(size):
            value, coder = ("both", "neither")[i // 3 % 2], f"c{i % 2}"
            address = f"https://x.example/{i // 2}"
            writer.writerow([address, "framing", value, coder, "2026-01-01T09:00:00Z", "random", 0.5, f"a note {i}"])


def _bare(file: Path, folder: Path) -> float:
    began = time.perf_counter()
    with sqlite3.connect(folder / "bare.db") as base, file.open(encoding="utf-8", newline="") as lines:
        base.execute("CREATE TABLE c (a, b, c, d, e, f, g, h, UNIQUE (a, b, d, f))")
        rows = csv.reader(lines)
        next(rows)
        base.executemany("INSERT INTO c VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    base.close()
    return time.perf_counter() - began


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(size: int) -> int:
    """Print the figures; 1 when one is below its floor."""
    monitor = load_monitor(PROJECT_ROOT / "monitors" / "demo.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(data=folder / "data", database_url="")
        with open_session(settings):
            start = _memory()
        file = folder / "codings.csv"
        _write(file, size)
        bare = _bare(file, folder)
        began = time.perf_counter()
        report = import_codings(settings, monitor, file)
        took = time.perf_counter() - began
        assert (report.new, report.failed) == (size, 0), report.sentence()
        print(f"{size:,} codings brought in: {size / took:,.0f} a second; csv and SQLite alone: {size / bare:,.0f}")
        for form in FileFormat:
            began = time.perf_counter()
            export_codings(settings, monitor, folder / "out", form=form)
            print(f"taken out as {form}: {size / (time.perf_counter() - began):,.0f} a second")
        more = _memory() - start
    rng = np.random.default_rng(0)
    ratings = [Rating(u, u, c, str(v)) for c in "AB" for u, v in enumerate(rng.integers(0, 4, 10_000))]
    began = time.perf_counter()
    agreement(ratings)
    measured = dict(zip(FLOORS, (bare / took, more, time.perf_counter() - began), strict=True))
    failed = False
    for what, floor in FLOORS.items():
        wrong = measured[what] > -floor if floor < 0 else measured[what] < floor
        failed |= wrong
        print(f"{what}: {measured[what]:.3f} (at {'most' if floor < 0 else 'least'} {abs(floor)}){' FAILED' * wrong}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
