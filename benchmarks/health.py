"""How often the volume of a healthy source is reported, and how soon that of a source that has fallen silent.

Simulated sources of several habits are looked at every day. A new finding where nothing is wrong is a false alarm. Then
each source is switched off, and the days until it is found silent are counted. Beside it: the rule "no text for 7
days", in the same run. And what it costs and saves to let quiet feeds rest.

    python -m benchmarks.health
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np

from pipeline.collect.places import after_reading
from pipeline.collect.volume import volume
from pipeline.store.places import PlaceState

MOST_FALSE_ALARMS = 0.12
"""findings per source and year, over all habits together"""
MOST_IN_ONE_HABIT = 0.35
SLOWEST_DAILY = 12
"""median days until a source of one text a day is found silent"""
MOST_REQUESTS = 0.6
"""of those that an hourly round of all feeds would take"""

Counts = np.ndarray
BEGIN = date(2020, 1, 6)
WARM_UP, YEARS, SOURCES, OFF = 420, 2, 10, 300
DAYS = WARM_UP + 365 * YEARS


def _poisson(rate: float) -> Callable[[np.random.Generator, int], Counts]:
    return lambda chance, days: chance.poisson(rate, days)


def _overdispersed(rate: float, phi: float) -> Callable[[np.random.Generator, int], Counts]:
    """Each week has a rate of its own, gamma around the source's."""

    def make(chance: np.random.Generator, days: int) -> Counts:
        size = rate * 7 / (phi - 1)
        weeks = chance.gamma(size, rate / size, days // 7 + 1)
        return chance.poisson(np.repeat(weeks, 7)[:days])

    return make


def _working_days(chance: np.random.Generator, days: int) -> Counts:
    return chance.poisson(np.where(np.arange(days) % 7 < 5, 1.4, 0.02))


def _bursts(chance: np.random.Generator, days: int) -> Counts:
    """Busy for ten days on average, then idle for twenty."""
    busy, made = True, np.zeros(days, dtype=int)
    for day in range(days):
        if chance.random() < (0.1 if busy else 0.05):
            busy = not busy
        made[day] = chance.poisson(1.5 if busy else 0.0)
    return made


def _summer(chance: np.random.Generator, days: int) -> Counts:
    """Silent for three weeks of every August."""
    day = np.arange(days) % 365
    return chance.poisson(np.where((day > 210) & (day < 232), 0.0, 1.0))


def _monthly(chance: np.random.Generator, days: int) -> Counts:
    """An issue a month, a few days early or late, and now and then one is left out."""
    made = np.zeros(days, dtype=int)
    for month in range(days // 30):
        if chance.random() > 0.1:
            made[min(days - 1, month * 30 + int(chance.integers(0, 10)))] = 1
    return made


def _drift(chance: np.random.Generator, days: int) -> Counts:
    """Shrinks by a third every year."""
    return chance.poisson(3.0 * np.exp(-0.4 * np.arange(days) / 365))


HABITS: dict[str, Callable[[np.random.Generator, int], Counts]] = {
    "20 a day": _poisson(20),
    "1 a day": _poisson(1),
    "3 a week": _poisson(3 / 7),
    "1 a week": _poisson(1 / 7),
    "2 a day, overdispersed 4": _overdispersed(2, 4),
    "3 a week, overdispersed 3": _overdispersed(3 / 7, 3),
    "working days": _working_days,
    "bursts": _bursts,
    "silent every August": _summer,
    "once a month": _monthly,
    "shrinks by a third a year": _drift,
}


def _by_day(counts: Counts) -> dict[date, int]:
    return {BEGIN + timedelta(days=i): int(n) for i, n in enumerate(counts) if n}


def _naive(texts: dict[date, int], until: date) -> bool:
    return all(until - timedelta(days=i) not in texts for i in range(1, 8))


def _ours(texts: dict[date, int], until: date) -> bool:
    return volume(texts, until).is_finding


def _alarms(rule: Callable[[dict[date, int], date], bool], texts: dict[date, int], first: int, last: int) -> int:
    """How often something is found; what comes back within four weeks is the same alarm."""
    alarms, newest = 0, -28
    for day in range(first, last):
        if rule(texts, BEGIN + timedelta(days=day)):
            alarms += day - newest >= 28
            newest = day
    return alarms


def _delay(rule: Callable[[dict[date, int], date], bool], texts: dict[date, int], off: int) -> float:
    for day in range(off + 1, off + OFF):
        if rule(texts, BEGIN + timedelta(days=day)):
            return day - off
    return float("inf")


def volumes() -> list[str]:
    """Prints the table; returns what is past a floor."""
    print(f"{SOURCES} sources a habit, {YEARS} years each, looked at every day")
    print(f"{'':28}{'false alarms a source and year':>32}{'days until found silent (median)':>36}")
    print(f"{'habit':28}{'this rule':>16}{'none in 7 days':>16}{'this rule':>18}{'none in 7 days':>18}")
    rates, missed = [], []
    for name, habit in HABITS.items():
        alarms = {_ours: 0, _naive: 0}
        delays: dict[object, list[float]] = {_ours: [], _naive: []}
        for number in range(SOURCES):
            counts = habit(np.random.default_rng([number, len(name)]), DAYS)
            texts = _by_day(counts)
            off = WARM_UP + 365 + 30 * number
            gone = _by_day(counts[:off])
            for rule in (_ours, _naive):
                alarms[rule] += _alarms(rule, texts, WARM_UP, DAYS)
                delays[rule].append(_delay(rule, gone, off))
        rate = {rule: alarms[rule] / (SOURCES * YEARS) for rule in alarms}
        median = {rule: float(np.median(delays[rule])) for rule in delays}
        print(f"{name:28}{rate[_ours]:16.3f}{rate[_naive]:16.2f}{median[_ours]:18.0f}{median[_naive]:18.0f}")
        rates.append(rate[_ours])
        if rate[_ours] > MOST_IN_ONE_HABIT:
            missed.append(f"{name}: {rate[_ours]:.2f} false alarms a source and year, floor {MOST_IN_ONE_HABIT}")
        if name == "1 a day" and median[_ours] > SLOWEST_DAILY:
            missed.append(f"{name}: found after {median[_ours]:.0f} days, floor {SLOWEST_DAILY}")
    mean = float(np.mean(rates))
    print(f"{'all':28}{mean:16.3f}")
    if mean > MOST_FALSE_ALARMS:
        missed.append(f"{mean:.3f} false alarms a source and year, floor {MOST_FALSE_ALARMS}")
    return missed


def _rounds(hours: Counts, shown: int) -> tuple[int, int, float]:
    """(requests, entries lost, mean hours from a text to its reading) of a feed that shows its ``shown`` newest."""
    begin = datetime(2020, 1, 6, tzinfo=UTC)
    total = np.concatenate([[0], np.cumsum(hours)])
    state, read, requests, lost, waited, last = PlaceState("x"), 0, 0, 0, 0.0, 0
    for hour in range(1, len(hours) + 1):
        now = begin + timedelta(hours=hour)
        if state.not_before is not None and now < state.not_before:
            continue
        new = int(total[hour]) - read
        if requests:
            lost += max(0, new - shown)
        if new:
            since = np.arange(last, hour)
            waited += float(((hour - since - 1) * hours[since]).sum())
        read, last, requests = int(total[hour]), hour, requests + 1
        state = after_reading(state, now=now, entries=min(read, shown), new=min(new, shown), digest="x", rules="x")
    return requests, lost, waited / max(1, read)


def rests() -> list[str]:
    """Prints what resting saves and costs; returns what is past a floor."""
    shown = 15
    print(f"\nquiet feeds rest: {shown} entries shown, an hourly schedule, two years")
    columns = f"{'requests of hourly':>20}{'entries lost':>14}{'hourly loses':>14}{'mean wait, hours':>18}"
    print(f"{'habit':28}{columns}")
    missed, shares = [], []
    wakes = {"wakes up after a year": lambda c, n: np.concatenate([c.poisson(0.01, 364), c.poisson(3, n - 364)])}
    for name, habit in (HABITS | wakes).items():
        requests = lost = hourly = 0
        waits: list[float] = []
        for number in range(2):
            chance = np.random.default_rng([number, 7])
            days = habit(chance, 730)
            hours = np.concatenate([np.bincount(chance.integers(0, 24, n), minlength=24) for n in days])
            asked, gone, wait = _rounds(hours, shown)
            requests, lost, waits = requests + asked, lost + gone, [*waits, wait]
            hourly += int(np.maximum(hours - shown, 0)[1:].sum())
        shares.append(requests / (730 * 24 * 2))
        print(f"{name:28}{shares[-1]:20.2f}{lost:14,}{hourly:14,}{np.mean(waits):18.1f}")
        if lost > hourly:
            missed.append(f"{name}: {lost} entries lost, an hourly round loses {hourly}")
    print(f"{'all':28}{np.mean(shares):20.2f}")
    if np.mean(shares) > MOST_REQUESTS:
        missed.append(f"{np.mean(shares):.2f} of an hourly round's requests, floor {MOST_REQUESTS}")
    return missed


def main() -> int:
    missed = volumes() + rests()
    for one in missed:
        print(f"past the floor: {one}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
