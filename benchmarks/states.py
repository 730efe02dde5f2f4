"""How often does a dyad get a state it should not have? The whole way, from texts to alarm, coders, criticism, state.

    python -m benchmarks.states [--dyads N] [--full]

Simulated dyads, in monitors of ten: texts with a coded balance and a model's reading of it, week by week, one year of
reference and ten years watched, in worlds without a lasting change of what coders would see, and with artefacts.
Alarms, confirmation, evidence of criticism and states are the shipped functions (pipeline.measure: watching,
alarm_log, confirming, criticism, state). The coders look after every round of four codings (--full: after every
coding) and stop at the first claim; criticism is looked at after every coding. Beside it the test that suggests itself:
5% every week. Beside each rate stands its upper 95% limit: a rate is shown to be kept where the limit is not above what
is stated; where it is, so few dyad-years show no more than the limit. The rarest, that of false rifts, is looked at in
all worlds of one stated rate together, too. Writes nothing; exits 1 when a stated rate is passed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, poisson

from benchmarks.alarm_worlds import SWING, TEXTS, ar1, texts
from benchmarks.criticism import looks, p_of_rise
from pipeline.measure.alarm.cusum import Alarm
from pipeline.measure.alarm.thresholds import RATE
from pipeline.measure.alarm_log import Known, compare
from pipeline.measure.balance import LEAST_CODINGS, Borrowed, Moments, borrow, moments
from pipeline.measure.confirmation import LEAST_PER_SIDE, ConfirmationError, Side, confirm, spread
from pipeline.measure.confirming import confirmed_by
from pipeline.measure.criticism import LEAST_HOSTILE, LEVEL_OF_RISE, NEEDED, evidence_of_rise
from pipeline.measure.series import GroupSeries
from pipeline.measure.state import CONVERGING, DIVERGING, RIFT, STEADY, WITHIN_WEEKS, Criticism, OpenAlarm, decide
from pipeline.measure.watching import Watched, watch_dyads
from pipeline.monitor.periods import Span, periods_covering

YEARS, YEAR = 10, 52
WEEKS = (YEARS + 1) * YEAR
IN_MONITOR = 10
"""dyads that share an estimate of the autocorrelation"""
SEED = 20090919
SIMULATED, FULL = 150, 1000
"""dyads a world"""

CLAIMED = (DIVERGING, CONVERGING, RIFT)
CONFIRMED = 0.1
"""Share of false alarms that coders confirm, at most. The confidence sequence allows .05; the rest are stretches whose
few texts did differ by chance, which is what raised the alarm, and what coders then find in them."""
CLAIMS = RATE * CONFIRMED
"""Stated: false "diverging", "converging" and "rift" per dyad-year where nothing lasting changes in what coders see."""
RIFTS = CLAIMS * 2 * LEVEL_OF_RISE
"""Stated: false "rift" per dyad-year in the same worlds: of those, criticism rises in at most .05 (two directions)."""
WAVERING_RIFTS = RATE * 2 * LEVEL_OF_RISE
"""Stated where the groups really waver: every alarm may be right for its stretch, so only criticism stands between."""

SLOPE, NOISE = 0.7, 0.35
"""f = SLOPE y + lean + noise: how the model reads a text of coded balance y"""
SPOKEN = 0.33
"""share of nationalist texts, and of universalist ones, where the balance is 0"""
WAVE, RESEMBLANCE = 0.07, 0.6
"""Standard deviation of the model's true weekly gap, and its autocorrelation, as in benchmarks.alarms."""
PLANNED = 160
NAMING, HOSTILE, A_QUARTER = 0.25, 0.1, 20
"""share of texts that name the other group, share of these that are hostile, codings of criticism a quarter"""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Random = np.random.Generator


@dataclass(frozen=True)
class World:
    """A kind of monitor. Functions take (weeks, groups) and a random generator and give an array of that shape."""

    title: str
    wavers: bool = False
    """the waves are in what coders see, not in the model's errors"""
    volume: Callable[[tuple[int, int], Random], Floats] | None = None
    """what the volume is multiplied with"""
    mix: Callable[[tuple[int, int], Random], Floats] | None = None
    """what the mix of sources adds to the coded balance"""
    copies: bool = False
    breaks: float = 0.0
    """the model's lean towards the first group of a dyad moves by so much, once, in a year of its own"""
    moves: float = 0.0
    """the first group's coded balance moves by so much, once: no false claim then"""
    criticised: float = 1.0
    """and the rate of hostile criticism by so many times"""
    promotion: bool = False
    bursts: bool = False
    """hostile texts come in affairs of two on average"""
    resemblance: float = RESEMBLANCE
    """of a week's wave with the one before"""
    claims: float = CLAIMS
    """stated rates"""
    rifts: float = RIFTS
    alarms: float = RATE


def sources(shape: tuple[int, int], random: Random) -> Floats:
    """Five sources a group with levels of their own (standard deviation .04), up for 60 weeks and away for 20."""
    level = random.normal(0, 0.04, (5, shape[1]))
    up = random.random((5, shape[1])) < 0.75
    made = np.empty(shape)
    for week in range(shape[0]):
        turn = random.random(up.shape)
        up = np.where(up, turn > 1 / 60, turn < 1 / 20)
        made[week] = (up * level).sum(axis=0) / np.maximum(up.sum(axis=0), 1)
    return made


def outages(shape: tuple[int, int], random: Random) -> Floats:
    """Once in two years a group falls silent for 3 to 12 weeks, and as often half of its texts are lost."""
    left = np.ones(shape)
    for share in (0.0, 0.5):
        for week, group in zip(*np.nonzero(random.random(shape) < 0.5 / YEAR), strict=True):
            left[week : week + random.integers(3, 13), group] *= share
    return left


BREAK = 0.3
NOTHING = World("nothing changes; the model wavers")
WORLDS = (
    NOTHING,
    World("copies taken for texts", copies=True),
    World("one side falls silent, or is halved", volume=outages),
    World("another model is promoted", promotion=True),
    World("hostile texts come in affairs of two", bursts=True),
    World(
        "the model breaks for one group, once",
        breaks=BREAK,
        alarms=RATE + 1 / YEARS,
        claims=CLAIMS + 0.05 / YEARS,
        rifts=RIFTS + 0.05 * 2 * LEVEL_OF_RISE / YEARS,
    ),
    World("the model wavers slowly (.9)", resemblance=0.9),
    World("the groups themselves waver", wavers=True, claims=RATE, rifts=WAVERING_RIFTS),
    World("sources come and go", mix=sources, claims=RATE, rifts=WAVERING_RIFTS),
)
CHANGED = (
    World("a group moves by .4", moves=0.4),
    World("a group moves by .4, and criticises five times as often", moves=0.4, criticised=5.0),
)
"""Worlds with a change, so that nobody thinks the rates above come of never claiming anything."""


# texts ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Texts:
    """All texts of the groups of a monitor, as sums. Arrays of shape (weeks, groups)."""

    number: Ints
    plus: Ints
    minus: Ints
    lean: Floats
    """the model's mean error"""
    noise: Floats
    """mean of its random errors"""

    def series(self, group: int, slope: float) -> GroupSeries:
        """What a measurement makes of a group."""
        n, plus, minus = (part[:, group].astype(float) for part in (self.number, self.plus, self.minus))
        with np.errstate(divide="ignore", invalid="ignore"):
            coded = (plus - minus) / n
            spread = np.where(n > 1, ((plus + minus) / n - coded**2) * n / (n - 1), np.nan)
            mean = np.where(n > 0, slope * coded + self.lean[:, group] + self.noise[:, group], np.nan)
        return GroupSeries(n, mean, slope**2 * spread + np.where(n > 1, NOISE**2, np.nan))

    def side(self, group: int, weeks: slice, slope: float, random: Random) -> tuple[Floats, Floats]:
        """f and y of every text of a group in a stretch, in random order."""
        n, plus, minus = (part[weeks, group] for part in (self.number, self.plus, self.minus))
        week = np.repeat(np.arange(len(n)), n)
        place = np.arange(len(week)) - np.repeat(np.cumsum(n) - n, n)
        y = np.where(place < plus[week], 1.0, np.where(place < (plus + minus)[week], -1.0, 0.0))
        error = random.normal(0, NOISE, len(week))
        # the random errors of a week have the mean they had when it was measured
        sums = np.bincount(week, error, minlength=len(n)) if len(week) else np.zeros(len(n))
        error += (self.noise[weeks, group] - sums / np.maximum(n, 1))[week]
        order = random.permutation(len(week))
        return (slope * y + self.lean[weeks, group][week] + error)[order], y[order]


def make_texts(world: World, changes: Ints, random: Random) -> Texts:
    """The texts of one monitor; groups 2i and 2i + 1 are dyad i. changes: week in which each dyad's change comes."""
    shape = (WEEKS, 2 * IN_MONITOR)
    volume = world.volume(shape, random) if world.volume else np.ones(shape)
    number = texts(shape, SWING, random, TEXTS * volume).astype(np.int64)
    wave = WAVE / 2**0.5 * ar1(shape, world.resemblance, random)
    balance = wave / SLOPE if world.wavers else np.zeros(shape)
    lean = np.zeros(shape) if world.wavers else wave
    balance = balance + (world.mix(shape, random) if world.mix else 0.0)
    after = np.arange(WEEKS)[:, None] >= changes
    balance[:, ::2] += world.moves * after
    lean[:, ::2] += world.breaks * after
    noise = random.normal(0, NOISE, shape) / np.sqrt(np.maximum(number, 1))
    up = np.clip(SPOKEN + balance / 2, 0, 1)
    plus = random.binomial(number, up)
    minus = random.binomial(number - plus, np.clip((2 * SPOKEN - up) / np.maximum(1 - up, 1e-9), 0, 1))
    if world.copies:
        # one text in ten has a copy, and in one week in ten each text one on average: the number lies about the noise
        rate = np.where(random.random(shape) < 0.1, 1.0, 0.1)
        neither = number - plus - minus
        plus, minus = plus + random.poisson(plus * rate), minus + random.poisson(minus * rate)
        number = plus + minus + neither + random.poisson(neither * rate)
    return Texts(number, plus, minus, lean, noise)


def another_reading(old: Texts, random: Random) -> Texts:
    """The same texts read by another model: its errors resemble the old one's (.8), it leans by .1."""
    shape = old.lean.shape
    lean = 0.8 * old.lean + 0.6 * WAVE / 2**0.5 * ar1(shape, RESEMBLANCE, random) + 0.1
    noise = 0.8 * old.noise + 0.6 * random.normal(0, NOISE, shape) / np.sqrt(np.maximum(old.number, 1))
    return replace(old, lean=lean, noise=noise)


def lent(random: Random) -> Borrowed:
    """What eight audit cells of 20 codings lend."""
    cells: list[Moments] = []
    for _ in range(8):
        y = random.choice([1.0, -1.0, 0.0], 20, p=[SPOKEN, SPOKEN, 1 - 2 * SPOKEN])
        cells.append(moments(SLOPE * y + random.normal(0, 0.05) + random.normal(0, NOISE, 20), y))
    return borrow(cells)


# coders --------------------------------------------------------------------------------------------------------------


def rounds(shares: Sequence[int], every: bool) -> Iterator[list[int]]:
    """Codings of the four sides at each look: in turns, from ten each to the planned ones."""
    now = [min(LEAST_PER_SIDE, share) for share in shares]
    yield list(now)
    while now != list(shares):
        for i, share in enumerate(shares):
            if now[i] < share:
                now[i] += 1
                if every:
                    yield list(now)
        if not every:
            yield list(now)


def answer(sides: Sequence[tuple[Floats, Floats]], borrowed: Borrowed, risen: bool, every: bool) -> str:
    """The first claim that coders come to who look again and again; steady: none, with all planned codings."""
    totals = [len(y) for _, y in sides]
    if min(totals) < LEAST_CODINGS:
        return STEADY
    for coded in rounds(spread(PLANNED, totals), every):
        seen = [Side(f, np.where(np.arange(len(y)) < n, y, np.nan)) for (f, y), n in zip(sides, coded, strict=True)]
        try:
            p_a, p_b, r_a, r_b = seen
            if not confirm(p_a, p_b, r_a, r_b, borrowed, planned=PLANNED).confirmed:
                continue
        except ConfirmationError:
            continue
        found = confirmed_by(seen, borrowed, planned=PLANNED)
        return decide(
            unit="week",
            usable=YEAR,
            alarms=[OpenAlarm("a week", found, None, Criticism(risen, ("as simulated",)))],
        ).name
    return STEADY


@dataclass(frozen=True)
class Rises:
    """Whether hostile criticism of the other group was ever claimed to have risen."""

    evidence: bool
    naive: bool
    """by a 5% test after every coding"""


def rises(total: tuple[int, int], quarters: tuple[int, int], world: World, changed: bool, random: Random) -> Rises:
    """One direction, with a look after every coding; present first. total: texts of the one who criticises."""
    so_far, whole, coded = [], [], []
    for side in (0, 1):
        times = world.criticised if changed and side == 0 else 1.0
        named = int(random.binomial(total[side], min(0.9, NAMING * times**0.5)))
        share = min(0.9, HOSTILE * times**0.5)
        n = min(named, A_QUARTER * quarters[side])
        if world.bursts:
            blamed = int(random.binomial(random.binomial(named, 0.5), share))
            blamed = min(named, blamed + int(random.poisson(blamed)))
            hostile = (random.permutation(named) < blamed)[:n]
        else:
            hostile = random.random(n) < share
        so_far.append(np.concatenate([[0], np.cumsum(hostile)]))
        whole.append(total[side] / named if named else 0.0)
        coded.append(n)
    if min(coded) < LEAST_CODINGS:
        return Rises(False, False)
    at = looks("in turns", coded[0], coded[1])
    h = (so_far[0][at[0]], so_far[1][at[1]])
    enough = (at[0] >= LEAST_CODINGS) & (at[1] >= LEAST_CODINGS)
    exposure = tuple(np.where(enough, whole[side] * at[side], 1.0) for side in (0, 1))
    shown = evidence_of_rise(h, (exposure[0], exposure[1])) >= NEEDED
    tested = p_of_rise(h, (exposure[0], exposure[1])) <= 0.05
    return Rises(bool((enough & (h[0] >= LEAST_HOSTILE) & shown).any()), bool((enough & (h[0] > 0) & tested).any()))


# the whole way -------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of the dyads of a world."""

    years: float = 0.0
    dyads: int = 0
    alarms: int = 0
    claims: dict[str, int] = field(default_factory=dict)
    """state -> how often it was come to"""
    rises: int = 0
    """alarms beside which criticism was claimed to have risen"""
    naive_claims: int = 0
    naive_rises: list[bool] = field(default_factory=list)
    """of a sample of the naive claims"""

    def count(self, *states: str) -> int:
        """How often these states were come to."""
        return sum(self.claims.get(state, 0) for state in states)


SPANS: list[Span] = periods_covering("week", date(2010, 1, 4), date(2010 + YEARS + 2, 1, 1))[:WEEKS]


def _around(
    texts_of: Texts, groups: tuple[int, int], since: int, first: int
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """(texts now, texts in the reference, quarters of both) of each group, around the beginning of a stretch."""
    now = slice(max(first, since - WITHIN_WEEKS), min(WEEKS, since + WITHIN_WEEKS))
    for group in groups:
        number = texts_of.number[:, group]
        quarters = (max(1, round((now.stop - now.start) / 13)), max(1, round(first / 13)))
        yield int(number[now].sum()), int(number[:first].sum()), quarters


def _known(alarm: Alarm, number: int) -> Known:
    closed = SPANS[alarm.closed].end if alarm.closed is not None else None
    return Known(
        number, SPANS[alarm.since].start, SPANS[alarm.at].start, SPANS[alarm.at].end, alarm.side, closed, False, False
    )


def _alarms(now: Watched, before: Watched | None, promoted: int) -> list[tuple[Alarm, bool]]:
    """Alarms of a dyad as they are written down, and whether the old model raised each."""
    if now.path is None:
        return []
    if before is None or before.path is None:
        return [(alarm, False) for alarm in now.path.alarms]
    old = [alarm for alarm in before.path.alarms if alarm.at < promoted]
    fresh, _ = compare([_known(a, i) for i, a in enumerate(old)], now.path, SPANS, today=SPANS[-1].end)
    return [(alarm, True) for alarm in old] + [(alarm, False) for alarm in fresh]


def monitor(world: World, random: Random, every: bool, outcome: Outcome) -> None:
    """Ten dyads of a world, added to what came of the others."""
    changes = random.integers(2 * YEAR, 6 * YEAR, IN_MONITOR)
    made = make_texts(world, changes, random)
    borrowed = lent(random)
    readings = [made]
    promoted = int(random.integers(3 * YEAR, 8 * YEAR)) if world.promotion else 0
    if world.promotion:
        readings.insert(0, another_reading(made, random))
    names = [f"{i:02}" for i in range(2 * IN_MONITOR)]
    dyads = [(names[2 * i], names[2 * i + 1]) for i in range(IN_MONITOR)]
    watched = [
        watch_dyads("week", SPANS, {n: reading.series(i, SLOPE) for i, n in enumerate(names)}, dyads, lam=borrowed.lam)
        for reading in readings
    ]
    for i, dyad in enumerate(dyads):
        now = watched[-1][dyad]
        if now.path is None or now.reference is None:
            continue
        first, groups = now.reference.last + 1, (2 * i, 2 * i + 1)
        outcome.years += (WEEKS - first) / YEAR
        outcome.dyads += 1
        for alarm, old in _alarms(now, watched[0][dyad] if world.promotion else None, promoted):
            outcome.alarms += 1
            changed = bool(world.moves) and alarm.at >= changes[i]
            around = [
                rises((p, r), quarters, world, changed and side == 0, random)
                for side, (p, r, quarters) in enumerate(_around(made, groups, alarm.since, first))
            ]
            risen = any(one.evidence for one in around)
            outcome.rises += risen
            reading = readings[0] if old else readings[-1]
            stretches = (slice(alarm.since, alarm.at + 1), slice(now.reference.first, first))
            sides = [reading.side(group, weeks, SLOPE, random) for weeks in stretches for group in groups]
            claim = answer(sides, borrowed, risen, every)
            if world.moves and claim != STEADY and not (changed and alarm.side > 0):
                continue  # a false one; the world is here to show what is seen
            outcome.claims[claim] = outcome.claims.get(claim, 0) + 1
        significant = np.abs(np.nan_to_num(now.path.z)) > 1.96
        significant[:first] = False
        onsets = np.flatnonzero(significant[1:] & ~significant[:-1]) + 1
        outcome.naive_claims += len(onsets)
        for since in random.permutation(onsets)[:2].tolist():
            pairs = _around(made, groups, since, first)
            outcome.naive_rises.append(any(rises((p, r), q, world, False, random).naive for p, r, q in pairs))


def run(world: World, dyads: int, every: bool) -> Outcome:
    """A world; the same number of dyads gives the same figures."""
    random, outcome = np.random.default_rng([SEED, *world.title.encode()]), Outcome()
    for _ in range(max(1, dyads // IN_MONITOR)):
        monitor(world, random, every, outcome)
    return outcome


def passed(count: int, stated: float, years: float) -> bool:
    """Whether so many in so many dyad-years would come of the stated rate with a chance of less than 1 in 20."""
    return bool(poisson.sf(count - 1, stated * years) < 0.05)


def upper_limit(count: int, years: float) -> float:
    """The rate a year under which so few would come with a chance of 1 in 20: more than this it hardly is.

    One-sided 95% limit of a Poisson rate (Garwood 1936, Biometrika 28).
    """
    return float(chi2.ppf(0.95, 2 * (count + 1)) / 2 / years)


def main() -> int:
    """Print everything; 1 when a stated rate is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dyads", type=int, help=f"of each world ({SIMULATED}; --full: {FULL})")
    parser.add_argument("--full", action="store_true", help="more dyads, and a look after every coding")
    given = parser.parse_args()
    dyads = given.dyads or (FULL if given.full else SIMULATED)
    wrong: list[str] = []
    print(f"False states per dyad-year: {dyads:,} dyads x {YEARS} years a world after 52 weeks; at most {RATE} alarms")
    heads = (
        ("alarms", 8), ("claims", 9), ("up to", 9), ("stated", 8), ("rift", 9), ("up to", 9), ("stated", 9),
        ("rises", 8), ("5% a week", 11),
    )  # fmt: skip
    shown, asked = 0, 0
    together: dict[float, tuple[int, float]] = {}
    print(f"  {'world':40}" + "".join(f"{head:>{width}}" for head, width in heads) + f"{'rift':>7}")
    for world in WORLDS:
        found = run(world, dyads, given.full)
        claims, rift = found.count(*CLAIMED) / found.years, found.count(RIFT) / found.years
        naive = found.naive_claims / found.years
        share = float(np.mean(found.naive_rises)) if found.naive_rises else 0.0
        print(
            f"  {world.title:40}{found.alarms / found.years:8.3f}{claims:9.4f}"
            f"{upper_limit(found.count(*CLAIMED), found.years):9.4f}{world.claims:8.4f}{rift:9.5f}"
            f"{upper_limit(found.count(RIFT), found.years):9.5f}{world.rifts:9.5f}"
            f"{found.rises / max(found.alarms, 1):8.3f}{naive:11.2f}{naive * share:7.2f}"
        )
        for name, count, stated in (
            ("alarms", found.alarms, world.alarms),
            ("false states", found.count(*CLAIMED), world.claims),
            ("rifts", found.count(RIFT), world.rifts),
        ):
            asked += 1
            shown += upper_limit(count, found.years) <= stated
            if passed(count, stated, found.years):
                wrong.append(
                    f"{world.title}: {count} {name} in {found.years:,.0f} dyad-years, {stated:.5f} a year stated"
                )
        so_far = together.get(world.rifts, (0, 0.0))
        together[world.rifts] = so_far[0] + found.count(RIFT), so_far[1] + found.years
    print(f"\n{shown} of these {asked} rates are shown to be kept: their upper limit is not above what is stated")
    print("Rifts of all worlds of one stated rate together")
    for stated, (count, years) in together.items():
        print(f"  {stated:.5f} stated: {count} in {years:,.0f} dyad-years, so at most {upper_limit(count, years):.5f}")
        if passed(count, stated, years):
            wrong.append(f"{count} rifts in {years:,.0f} dyad-years, {stated:.5f} a year stated")
    print("\nWhere there is a change, claims of the state for each dyad (one for each of its alarms at most)")
    for world in CHANGED:
        found = run(world, max(IN_MONITOR, dyads // 4), given.full)
        shares = {state: found.count(state) / found.dyads for state in (DIVERGING, RIFT)}
        print(f"  {world.title:58} diverging {shares[DIVERGING]:.2f}, rift {shares[RIFT]:.2f}")
        if shares[DIVERGING] + shares[RIFT] < SEEN:
            wrong.append(f"{world.title}: {shares[DIVERGING] + shares[RIFT]:.2f} claims for each dyad, not {SEEN}")
    print("\n" + ("\n".join(wrong) or "No stated rate is passed."))
    return 1 if wrong else 0


SEEN = 0.5
"""Claims for each dyad with a true change, with the planned codings: so many at least."""

if __name__ == "__main__":
    sys.exit(main())
