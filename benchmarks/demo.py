"""Does the trend table of the demo tell the truth? The whole chain over HTTP once, then many audits.

    python -m benchmarks.demo [--audits 200]

The demo's sites are collected, framed and clustered as a user would do it. Every text of it has been coded by two
(simulated) coders, so the audit sample of 30 texts a group and quarter can be drawn again and again: how often do the
intervals hold the coders' balance of *all* texts, is the quarrel seen, and are the flood and the reposts *not* seen as
a change? Beside it what a reader would get from the model alone, and from counting every repost. Exits 1 below a floor.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.collect.job import collect
from pipeline.demo.coders import PER_STRATUM
from pipeline.demo.server import serve
from pipeline.demo.world import BASE_PORT, demo_monitor_text, load_truth
from pipeline.framing.job import frame
from pipeline.measure.balance import Balance, balance, borrow, moments
from pipeline.measure.gap import gap
from pipeline.monitor import load_monitor
from pipeline.monitor.periods import periods_covering
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.trends import documents_of_cell

FLOOR_COVERAGE = 0.93
CEILING_FALSE_CHANGE = 0.10
"""a 5% test, and the Monte-Carlo error of 200 audits"""
FLOOR_QUARREL_SEEN = 0.90
VALUES = {"nationalist": 1.0, "universalist": -1.0, "both": 0.0, "neither": 0.0}
GROUPS = ("kestrel", "juniper")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """All texts of a group and quarter."""

    f: Floats
    """the model's balance, shape (N,)"""
    y: Floats
    """mean of what the two coders say, shape (N,)"""
    label: Floats
    """balance of the model's label"""
    with_reposts: Floats
    """the model's balance of every document, reposts included"""


def populations(settings: Settings, port: int) -> dict[tuple[str, date], Population]:
    """Collect and frame the demo; its texts by group and first day of the quarter."""
    file = settings.data / "demo.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(demo_monitor_text(port), encoding="utf-8")
    monitor = load_monitor(file)
    with serve(port):
        for source in monitor.sources:
            print(source.id, collect(settings, monitor, source.id).sentence())
    print(frame(settings, monitor).sentence())
    coded = {row.id: float(np.mean([VALUES[value] for value in row.coders])) for row in load_truth()}
    cells = {}
    assert monitor.since is not None
    assert monitor.until is not None
    with open_session(settings) as session:
        for span in periods_covering("quarter", monitor.since, monitor.until):
            for group in GROUPS:
                texts = documents_of_cell(session, monitor.name, group, span.start, span.end, limit=10_000)
                own = [t for t in texts if t.counts]
                cells[group, span.start] = Population(
                    f=np.array([t.p_nationalist - t.p_universalist for t in own]),
                    y=np.array([coded[t.address.rpartition("/")[2]] for t in own]),
                    label=np.array([VALUES[t.label] for t in own]),
                    with_reposts=np.array([t.p_nationalist - t.p_universalist for t in texts]),
                )
    return cells


def audit(cells: dict[tuple[str, date], Population], seed: int) -> dict[tuple[str, date], Balance]:
    """Balances after one random audit of :data:`PER_STRATUM` texts a cell."""
    draw = random.Random(seed)  # noqa: S311 (a simulation)
    samples = {key: draw.sample(range(len(c.y)), min(PER_STRATUM, len(c.y))) for key, c in cells.items()}
    lent = {key: moments(c.f[samples[key]], c.y[samples[key]]) for key, c in cells.items()}
    made = {}
    for key, cell in cells.items():
        seen = np.full(len(cell.y), np.nan)
        seen[samples[key]] = cell.y[samples[key]]
        made[key] = balance(cell.f, seen, borrow([m for other, m in lent.items() if other != key]))
    return made


def _holds(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] - 1e-9 <= truth <= interval[1] + 1e-9


def _changed(a: Balance, b: Balance, really: float) -> bool:
    """A 5% test, from the two intervals, of a difference other than that of the coders' balance of *all* texts."""
    assert a.interval
    assert b.interval
    half = np.hypot((a.interval.high - a.interval.low) / 2, (b.interval.high - b.interval.low) / 2)
    return bool(abs(a.value - b.value - really) > half)


def main() -> int:
    """Print the figures; 1 when one lies beyond its floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cells = populations(Settings(data=Path(folder), database_url=""), BASE_PORT + 200)
    truth = {key: float(c.y.mean()) for key, c in cells.items()}
    quarters = sorted({start for _, start in cells})
    hits, gap_hits, halves, errors = [], [], [], []
    flood, reposts, quarrel = [], [], []
    for seed in range(given.audits):
        made = audit(cells, seed)
        for key, estimate in made.items():
            assert estimate.interval is not None
            hits.append(_holds((estimate.interval.low, estimate.interval.high), truth[key]))
            halves.append((estimate.interval.high - estimate.interval.low) / 2)
            errors.append(abs(estimate.value - truth[key]))
        gaps = {start: gap(made["kestrel", start], made["juniper", start]) for start in quarters}
        for start, estimated in gaps.items():
            assert estimated.interval is not None
            true_gap = truth["kestrel", start] - truth["juniper", start]
            gap_hits.append(_holds((estimated.interval.low, estimated.interval.high), true_gap))
        for seen, group, months in ((flood, "juniper", (7, 10)), (reposts, "kestrel", (4, 7))):
            before, after = ((group, date(2024, month, 1)) for month in months)
            seen.append(_changed(made[before], made[after], truth[before] - truth[after]))
        first, height = gaps[date(2024, 1, 1)], gaps[date(2025, 4, 1)]
        assert first.interval
        assert height.interval
        quarrel.append(height.interval.low > first.interval.high)
    model = [abs(float(c.f.mean()) - truth[key]) for key, c in cells.items()]
    counted = [abs(float(c.label.mean()) - truth[key]) for key, c in cells.items()]
    summer = cells["kestrel", date(2024, 7, 1)]
    print(f"\n{given.audits} audits of {PER_STRATUM} texts a group and quarter, {len(cells)} cells")
    print(f"  balance: coverage of the 95% interval {np.mean(hits):.3f}, mean half-width {np.mean(halves):.3f}")
    print(f"  gap:     coverage of the 95% interval {np.mean(gap_hits):.3f}")
    print(f"  mean abs. error of the balance: {np.mean(errors):.3f}; model alone {np.mean(model):.3f}, ", end="")
    print(f"its labels counted {np.mean(counted):.3f}")
    print(f"  flood seen as a change that coders of all texts do not see (a 5% test): {np.mean(flood):.3f}")
    print(
        f"  reposts seen as such a change: {np.mean(reposts):.3f}; counting every repost would move the ",
        end="",
    )
    print(f"model's balance of that quarter from {summer.f.mean():+.3f} to {summer.with_reposts.mean():+.3f}")
    print(f"  quarrel seen (intervals apart, 2024-Q1 and 2025-Q2): {np.mean(quarrel):.3f}")
    wrong = [
        text
        for text, bad in (
            (f"coverage of balances is below {FLOOR_COVERAGE}", np.mean(hits) < FLOOR_COVERAGE),
            (f"coverage of gaps is below {FLOOR_COVERAGE}", np.mean(gap_hits) < FLOOR_COVERAGE),
            ("the flood is seen as a change too often", np.mean(flood) > CEILING_FALSE_CHANGE),
            ("the reposts are seen as a change too often", np.mean(reposts) > CEILING_FALSE_CHANGE),
            ("the quarrel is not seen", np.mean(quarrel) < FLOOR_QUARREL_SEEN),
        )
        if bad
    ]
    print("\n" + ("\n".join(wrong) or "All within their floors."))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
