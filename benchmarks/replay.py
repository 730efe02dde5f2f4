"""Does a new model every quarter raise false alarms? A replay in which nothing changes, watched week by week.

    python -m benchmarks.replay [--monitors 24]

Simulated monitors of five dyads, each group with about four texts a week whose balance does not change; in the
restless world a week is like the week before. The models of two stretches agree on a text as far as the correlation
says; at 1 one model watches all the time, which is what the threshold was simulated for. Counted apart are alarms of
the very week, and those that a new model shows of earlier weeks. Writes nothing; exits 1 where the alarms of the very
week pass the stated rate by more than their Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta

import numpy as np

from pipeline.measure.alarm.thresholds import RATE
from pipeline.measure.replayed import Stretch, watch_as_of
from pipeline.measure.series import GroupSeries
from pipeline.monitor.periods import periods_covering

YEARS = 6
"""the first is the reference"""
QUARTER = 13
WEEKS = 52 * YEARS
SPANS = periods_covering("week", date(2001, 1, 1), date(2001, 1, 1) + timedelta(weeks=WEEKS, days=-1))
DYADS = [(f"a{i}", f"b{i}") for i in range(5)]
CORRELATIONS = (1.0, 0.95, 0.9)
TEXTS = 4.0
SPREAD = 0.5
"""standard deviation of a text's balance about its week's"""
WORLDS = {"calm": (0.1, 0.3), "restless": (0.2, 0.5)}
"""standard deviation and autocorrelation of the weeks' own levels"""
SEED = 20090919


Series = np.ndarray[tuple[int], np.dtype[np.float64]]


def monitor(rng: np.random.Generator, correlation: float, world: tuple[float, float], every: int) -> list[Stretch]:
    """The stretches of one simulated monitor."""
    common = {group: _group(rng, correlation, *world) for dyad in DYADS for group in dyad}
    made = []
    for first in range(every, WEEKS, every):
        said = {group: _said(rng, *of, correlation, first + every) for group, of in common.items()}
        made.append(Stretch(first, first + every, said, 0.6))
    return made


def _group(rng: np.random.Generator, correlation: float, spread: float, phi: float) -> tuple[Series, Series, Series]:
    """Texts of each week, what all models say of them on the mean, and their variance."""
    texts = rng.poisson(TEXTS, WEEKS).astype(float)
    news = rng.normal(0, spread * (1 - phi**2) ** 0.5, WEEKS)
    level = np.zeros(WEEKS)
    for week in range(1, WEEKS):
        level[week] = phi * level[week - 1] + news[week]
    freedom = np.maximum(texts - 1, 1)
    chance = rng.normal(0, 1, WEEKS) * SPREAD * (correlation / np.maximum(texts, 1)) ** 0.5
    return texts, level + chance, SPREAD**2 * rng.chisquare(freedom) / freedom


def _said(
    rng: np.random.Generator, texts: Series, common: Series, variance: Series, correlation: float, end: int
) -> GroupSeries:
    """What one model says up to a week."""
    n = texts[:end]
    own = rng.normal(0, 1, end) * SPREAD * ((1 - correlation) / np.maximum(n, 1)) ** 0.5
    return GroupSeries(n, np.where(n > 0, common[:end] + own, np.nan), np.where(n > 1, variance[:end], np.nan))


def rates(correlation: float, monitors: int, world: tuple[float, float], every: int) -> tuple[float, float, float]:
    """Alarms per dyad-year: of the very week, the Monte-Carlo error of these, and those a new model shows."""
    timely = belated = weeks = 0
    for number in range(monitors):
        stretches = monitor(np.random.default_rng([SEED, number]), correlation, world, every)
        for one in watch_as_of("week", SPANS, stretches, DYADS).values():
            weeks, belated = weeks + len(one.weeks), belated + len(one.belated)
            timely += len(one.alarms) - len(one.belated)
    years = weeks / 52
    return timely / years, max(timely, 1) ** 0.5 / years, belated / years


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--monitors", type=int, default=24)
    chosen = parser.parse_args()
    print(f"{chosen.monitors} monitors of {len(DYADS)} dyads, {YEARS - 1} years after the reference; nothing changes")
    print("world      a model every   models agree   alarms per dyad-year: of the week   by a new model")
    passed = True
    for world, levels in WORLDS.items():
        for every, name in ((QUARTER, "quarter"), (4 * QUARTER, "year")):
            for correlation in CORRELATIONS if every == QUARTER else CORRELATIONS[-1:]:
                timely, error, belated = rates(correlation, chosen.monitors, levels, every)
                print(
                    f"{world:<10} {name:<15} {correlation:>12.2f} {timely:>27.3f} +- {2 * error:.3f} {belated:>16.3f}",
                    flush=True,
                )
                passed &= timely <= RATE + 2 * error
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
