"""What the instrument says of real series: the UN general debate and British manifestos, around splits that happened.

    python -m benchmarks.real_series [--full] [--years] [--data FOLDER]

Three parts. *General debate*: one speech a country and year, scored by the starter framing model; what the rules of the
house answer, and then, as description only, the change of the model's gap across three dated events beside the same
change at placebo dates and in pairs that did not split, and change points. *Words*: leave-out partisanship of the same
pairs beside it, and simulated dyads whose words jump while their framing stays. *Manifestos*: the crowd's economic and
social labels as codings, corrected gaps of 40 random codings a cell beside the gap of all labels.

Nothing here is evidence of a split, and the floors pin that: every state is "not enough evidence", and no share of
placebos is called a p value. Writes nothing; exits 1 when a floor is missed. Skipped where the data set is absent.
``--full``: more simulated dyads and audits. ``--years``: the yearly series too.
"""

from __future__ import annotations

import argparse
import ast
import csv
import gzip
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from classifiers.model.classifier import TextClassifier
from classifiers.model.passages import passage_heads, score_features
from classifiers.starter import load_starter
from classifiers.text.cutting import split_passages
from classifiers.text.features import featurise
from classifiers.text.mask import Mask
from pipeline.measure.alarm.cusum import watch
from pipeline.measure.alarm.reference import pooled_autocorrelation, reference, standardise
from pipeline.measure.alarm.thresholds import RATE, threshold
from pipeline.measure.balance import Balance, Borrowed, balance, borrow, moments
from pipeline.measure.change_points import LEAST_SEGMENT, ChangePoints, change_points, read_constants
from pipeline.measure.gap import Gap, gap
from pipeline.measure.partisanship import NOT_SEPARABLE, choose_units, leave_out, unit_counts
from pipeline.measure.resampling import p_value
from pipeline.measure.state import NOT_ENOUGH, State, decide
from pipeline.measure.typical_words import count_words
from pipeline.monitor.events import KNOWN_RUPTURES
from pipeline.settings import PROJECT_ROOT

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Dyad = tuple[str, str]
Missed = list[str]

SEED = 20090919
DEBATE, MANIFESTOS = Path("ungd") / "ungd.csv.gz", Path("uk_manifestos") / "manifestosentsUK.csv.gz"
EVENTS = KNOWN_RUPTURES

NAMES: Mapping[str, tuple[str, ...]] = {
    "AFG": ("Afghanistan", "Afghan", "Afghans"),
    "ALB": ("Albania", "Albanian", "Albanians"),
    "CHN": ("People's Republic of China", "Republic of China", "China", "Chinese"),
    "FRA": ("France", "French"),
    "GBR": ("United Kingdom", "Great Britain", "Britain", "British"),
    "RUS": ("Soviet Union", "Union of Soviet Socialist Republics", "USSR", "Soviet", "Russia", "Russian", "Russians"),
    "USA": ("United States of America", "United States", "America", "American", "Americans"),
    "YUG": ("Yugoslavia", "Yugoslav", "Yugoslavs", "Serbia", "Serbian"),
}
"""Masked before scoring and before words are counted, as a monitor's aliases are."""
PARTIES = {
    "communist-party-of-yugoslavia": "YUG",
    "communist-party-of-the-soviet-union": "RUS",
    "party-of-labour-of-albania": "ALB",
    "communist-party-of-china": "CHN",
}
"""Groups of the list of known ruptures -> the state whose delegation stands in for the ruling party."""
OTHER_SPEAKER = {"CHN": 1972, "RUS": 1992, "YUG": 2001}
"""First year in which the code stands for another state: Beijing instead of Taipei, Russia instead of the Soviet Union,
the smaller Yugoslavia. No window reaches across it."""
DID_SPLIT = frozenset({("RUS", "YUG"), ("ALB", "CHN"), ("ALB", "RUS"), ("ALB", "YUG"), ("CHN", "RUS")})
"""Pairs that are no controls: their ruling parties broke at some time (Albania with Yugoslavia in 1948, the Soviet
Union with China and with Albania about 1961: Griffith 1963, *Albania and the Sino-Soviet Rift*)."""
YEARS = np.arange(1946, 2025)
LENGTHS = (5, 3, 8, 2)
"""Years on each side of a date that are compared: the first is the one that was meant, the others show how much hangs
on it, and two are all that there is before 1948."""
HOLES = 5
"""One year in so many may be missing from a window, rounded down: none of three, one of five."""
DEBATE_OPENS = 9
"""Month: an event before it lies before that year's speech."""
LEAST_INDEPENDENT = 19
"""Placebos with years of their own (or controls with countries of their own) without which a share is no p value: with
fewer it can't reach .05."""
REFERENCE = 24
"""Years from which the scale of change points comes; fewer are not simulated."""

SPEECHES, DYADS, SPLIT_PAIRS = 571, 28, 5
"""What is in the data."""
ANSWERED = {1948: False, 1955: True, 1978: True}
"""Event -> whether there are years enough for a change of five years against five."""
WORDS_APART = 0.52
"""Median partisanship of pairs that never split; the null is .5."""
JUMP_BEFORE, JUMP_AFTER = 0.51, 0.54
"""Word distance of a simulated dyad before (at most) and after (at least) A changes its topic."""
SEEN = 0.9
"""Simulated dyads in which a shift of the *framing* raises the alarm: else silence would mean nothing."""
COVERAGE = 0.92
"""Of the corrected gaps of the manifestos over 100 audits; it moves by about .01, as gaps hang together."""
CODINGS = 40
SAME_TEXT = 0.95
"""Runs of four words that two copies of one manifesto share, at least."""


# ---- the general debate ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Speech:
    """One country's speech of one year."""

    country: str
    year: int
    text: str


def read_speeches(file: Path) -> list[Speech]:
    """All speeches, in the file's order."""
    csv.field_size_limit(10**8)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        return [Speech(row["iso3"], int(row["year"]), row["text"]) for row in csv.DictReader(lines)]


@dataclass(frozen=True)
class Scored:
    """What the starter model says of speeches."""

    speeches: Sequence[Speech]
    f: Floats
    """shape (speeches,): balance of a speech, its passages weighted by their words"""
    passages: Sequence[str]
    passage_f: Floats
    """shape (passages,)"""


def mask() -> Mask:
    """Takes the countries' names out of a text."""
    return Mask([name for names in NAMES.values() for name in names])


def score_speeches(speeches: Sequence[Speech]) -> Scored:
    """Score speeches as `riftwatch frame` does: cut, masked, each passage scored, passages averaged by words."""
    codings = load_starter()
    model = TextClassifier().fit([c.row for c in codings], [c.value for c in codings], [c.tradition for c in codings])
    features = featurise([("", s.text, "") for s in speeches], mask(), context=model.context_weight > 0)
    p, known = score_features(model, features)
    if not all(known):
        raise ValueError(f"the model knows no word of {known.count(False)} speeches")
    of_passage, _ = passage_heads(model, features)
    passages = [passage for s in speeches for passage in split_passages(s.text)]
    return Scored(speeches, p[:, 0] - p[:, 1], passages, of_passage[:, 0] - of_passage[:, 1])


def by_year(scored: Scored) -> dict[str, Floats]:
    """Country -> its balance in each of :data:`YEARS`, shape (years,); NaN where it did not speak."""
    made = {country: np.full(len(YEARS), np.nan) for country in NAMES}
    for speech, f in zip(scored.speeches, scored.f, strict=True):
        made[speech.country][speech.year - YEARS[0]] = f
    return made


def dyads() -> list[Dyad]:
    """All pairs of countries, by name."""
    return list(combinations(sorted(NAMES), 2))


def answer(f_a: float, f_b: float) -> tuple[Balance, Gap, State]:
    """What the rules of the house say of one year: balance of A, gap, state. One speech each, no codings."""
    a, b = (balance(np.array([f]), np.array([np.nan]), Borrowed()) for f in (f_a, f_b))
    made = gap(a, b)
    # the monitor of the debate has years only, so no alarm can have a reference
    return a, made, decide(unit=None, usable=0)


@dataclass(frozen=True)
class Event:
    """A dated event of a pair; ``first`` is the first debate after it."""

    dyad: Dyad
    first: int
    kind: str


def read_events(file: Path = EVENTS) -> list[Event]:
    """The listed events whose two parties governed states of the data, in order of time."""
    made = []
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["a"] in PARTIES and row["b"] in PARTIES:
                year, month = (int(part) for part in row["date"].split("-")[:2])
                a, b = sorted((PARTIES[row["a"]], PARTIES[row["b"]]))
                made.append(Event((a, b), year if month < DEBATE_OPENS else year + 1, row["kind"]))
    return made


def speaker_of(country: str) -> NDArray[np.int64]:
    """Shape (years,): 0, or 1 from the year in which the code stands for another state."""
    return np.asarray(OTHER_SPEAKER.get(country, 9999) <= YEARS, dtype=np.int64)


def changes(series: Floats, dyad: Dyad, length: int) -> Floats:
    """Shape (years,): mean gap of the ``length`` years from each year on, less that of the ``length`` years before.

    series: shape (years,), NaN where either did not speak. NaN where a window leaves the series, has more holes
    than :data:`HOLES` allows, or holds years of two different states under one code.
    """
    made = np.full(len(YEARS), np.nan)
    spoken = np.flatnonzero(~np.isnan(series))
    if not len(spoken):
        return made
    speakers = [speaker_of(country) for country in dyad]
    for at in range(spoken[0] + length, spoken[-1] - length + 2):
        before, after = series[at - length : at], series[at : at + length]
        one = all(speaker[at - length] == speaker[at + length - 1] for speaker in speakers)
        if one and max(np.isnan(before).sum(), np.isnan(after).sum()) <= length // HOLES:
            made[at] = np.nanmean(after) - np.nanmean(before)
    return made


def apart(years: Sequence[int], distance: int) -> int:
    """The most of these years that lie ``distance`` or more from each other."""
    kept: list[int] = []
    for year in sorted(years):
        if not kept or year - kept[-1] >= distance:
            kept.append(year)
    return len(kept)


@dataclass(frozen=True)
class Compared:
    """The change of a gap across an event beside the same change where no event was. Description, no test."""

    event: Event
    length: int
    change: float
    noise: float
    """standard deviation of the change if nothing changed: years independent, scattered as neighbouring years differ"""
    of_a: float
    """change of A's balance; ``change`` is it less ``of_b``"""
    of_b: float
    dates: Floats
    """shape (D,): the change at placebo dates of the same pair"""
    independent_dates: int
    """of them, at most, have no year in common"""
    controls: Floats
    """shape (K,): the change of pairs that did not split, across the same date"""
    strangers: Floats
    """those of them that share no country with the pair"""
    independent_controls: int
    """pairs, at most, that share no country with each other or with this one"""

    def share(self, values: Floats) -> float | None:
        """(1 + values at least as far from 0) / (1 + number of values): equal ones count as far. None without any."""
        return p_value(abs(self.change), np.abs(values)) if len(values) else None

    @property
    def evidence(self) -> bool:
        """Whether there are placebos enough for a share to be a p value at all."""
        return max(self.independent_dates, self.independent_controls) >= LEAST_INDEPENDENT


def compare(f: Mapping[str, Floats], event: Event, events: Sequence[Event], length: int) -> Compared | str:
    """The change across an event beside its placebos; or why there is none, in words.

    f: country -> shape (years,). Placebo dates are those of the same two states whose windows share no year with the
    windows of any listed event of the pair.
    """
    a, b = event.dyad
    series, at = f[a] - f[b], event.first - int(YEARS[0])
    of_pair = changes(series, event.dyad, length)
    if np.isnan(of_pair[at]):
        return _why_none(series, event.dyad, at, length)
    same = np.ones(len(YEARS), dtype=bool)
    for country in event.dyad:
        same &= speaker_of(country) == speaker_of(country)[at]
    own = [e.first for e in events if e.dyad == event.dyad]
    far = np.all([np.abs(YEARS - year) >= 2 * length for year in own], axis=0)
    placebo = same & far & ~np.isnan(of_pair)
    controls = {d: float(changes(f[d[0]] - f[d[1]], d, length)[at]) for d in dyads() if d not in DID_SPLIT}
    controls = {d: change for d, change in controls.items() if not np.isnan(change)}
    strangers = {d: change for d, change in controls.items() if not set(d) & set(event.dyad)}
    sides = [np.nanmean(f[c][at : at + length]) - np.nanmean(f[c][at - length : at]) for c in event.dyad]
    return Compared(
        event,
        length,
        float(of_pair[at]),
        float(np.nanstd(np.diff(series), ddof=1) / length**0.5),
        float(sides[0]),
        float(sides[1]),
        of_pair[placebo],
        apart(YEARS[placebo].tolist(), 2 * length),
        np.array(list(controls.values())),
        np.array(list(strangers.values())),
        len({country for d in strangers for country in d}) // 2,
    )


def _why_none(series: Floats, dyad: Dyad, at: int, length: int) -> str:
    """Why there is no change of ``length`` years against as many at year number ``at``."""
    first = int(np.flatnonzero(~np.isnan(series))[0])
    if at - first < length:
        return f"the series begins too late: {at - first} years before it, {length} are needed"
    for country in dyad:
        speaker = speaker_of(country)[at - length : at + length]
        if len(set(speaker.tolist())) > 1:
            return f"{country} stands for another state from {OTHER_SPEAKER[country]} on, and the window reaches across"
    return f"the series ends too early, or more than {length // HOLES} years of a window are missing"


def report_years(f: Mapping[str, Floats]) -> None:
    """Print the model's balance of every country and year, and the gaps of the two pairs, uncorrected."""
    pairs = list(dict.fromkeys(event.dyad for event in read_events()))
    print("\nThe model's mean, uncorrected, one speech each")
    print("  year" + "".join(f"{c:>8}" for c in sorted(f)) + "".join(f"{'-'.join(d):>10}" for d in pairs))
    for at, year in enumerate(YEARS):
        cells = [f"{f[c][at]:>+8.3f}" for c in sorted(f)] + [f"{f[a][at] - f[b][at]:>+10.3f}" for a, b in pairs]
        print(f"  {year}" + "".join(cell.replace("+nan", "  --") for cell in cells))


def report_answers(f: Mapping[str, Floats]) -> Missed:
    """Print what the rules of the house say of every dyad and year."""
    said: dict[tuple[str, ...], int] = {}
    corrected = 0
    names: set[str] = set()
    why: set[str] = set()
    for a, b in dyads():
        for f_a, f_b in zip(f[a], f[b], strict=True):
            if not np.isnan(f_a - f_b):
                side, made, state = answer(float(f_a), float(f_b))
                corrected += made.interval is not None
                names.add(state.name)
                why.add(side.why or "corrected")
                said[state.reasons] = said.get(state.reasons, 0) + 1
    total = sum(said.values())
    print(f"\nWhat the instrument answers: {len(dyads())} dyads, {total} dyad-years in which both spoke")
    print(
        f"  corrected gaps: {corrected}; every balance is the model's mean, without interval: {'; '.join(sorted(why))}"
    )
    print(f"  states: {', '.join(sorted(names))}")
    for reasons, number in said.items():
        print(f"    {number} dyad-years: {'; '.join(reasons)}")
    missed = []
    if names != {NOT_ENOUGH} or corrected:
        missed.append(
            f"general debate: states {sorted(names)}, {corrected} corrected gaps; one text a year is no ground"
        )
    return missed


def _share(value: float | None, number: int) -> str:
    return f"{'--' if value is None else format(value, '.2f')} of {number}"


def report_events(f: Mapping[str, Floats]) -> Missed:
    """Print the change across each event beside its placebos."""
    missed, events = [], read_events()
    print("\nDescription only: change of the model's gap (balance of the first less the second) across each event.")
    print("share: (1 + placebos at least as far from 0) / (1 + placebos); equal ones count as far. It is no p value.")
    print(
        f"  {'':28}{'years':>6}{'change':>9}{'noise':>7}{'first':>8}{'second':>8}{'other dates':>15}{'own years':>11}"
        f"{'median':>8}{'controls':>13}{'strangers':>13}"
    )
    for length in LENGTHS:
        for event in events:
            made = compare(f, event, events, length)
            name = f"{'-'.join(event.dyad)} {event.first} {event.kind}"
            if length == LENGTHS[0] and isinstance(made, str) == ANSWERED[event.first]:
                missed.append(f"{name}: {made}")
            if isinstance(made, str):
                print(f"  {name:28}{length:>6}  {made}")
                continue
            middle = float(np.median(np.abs(made.dates))) if len(made.dates) else np.nan
            print(
                f"  {name:28}{length:>6}{made.change:>+9.3f}{made.noise:>7.3f}{made.of_a:>+8.3f}{made.of_b:>+8.3f}"
                f"{_share(made.share(made.dates), len(made.dates)):>15}{made.independent_dates:>11}{middle:>8.3f}"
                f"{_share(made.share(made.controls), len(made.controls)):>13}"
                f"{_share(made.share(made.strangers), len(made.strangers)):>13}"
            )
            if made.evidence:
                missed.append(f"{name}: placebos enough for a p value? The data set has changed; look again")
    print("  Two years on each side were added for 1948, after the yearly series had been seen.")
    print(f"  A p value needs {LEAST_INDEPENDENT} placebos with years or countries of their own; no row has them.")
    return missed


def first_person(text: str) -> float:
    """Words "we", "us" and "our" of 1,000. A summary record in the third person ("Mr. X said that ...") has next to
    none."""
    words = [word.strip(".,;:'\"()") for word in text.lower().split()]
    return 1000 * sum(word in {"we", "us", "our"} for word in words) / len(words)


def report_form(speeches: Sequence[Speech], f: Mapping[str, Floats]) -> None:
    """Print beside the gap around 1948 in which form the speeches were recorded."""
    event = read_events()[0]
    years = range(int(YEARS[0]), event.first + LENGTHS[0])
    form = {(s.country, s.year): first_person(s.text) for s in speeches if s.country in event.dyad and s.year in years}
    print(f'\nAround {event.first}: form of the record, "we", "us" and "our" of 1,000 words; a summary record has none')
    print(f"  {'':10}" + "".join(f"{year:>8}" for year in years))
    for country in event.dyad:
        print(f"  {country:10}" + "".join(f"{form.get((country, year), np.nan):>8.1f}" for year in years))
    a, b = event.dyad
    print(f"  {'gap':10}" + "".join(f"{f[a][y - YEARS[0]] - f[b][y - YEARS[0]]:>+8.3f}" for y in years))


def standardised(f: Mapping[str, Floats]) -> dict[Dyad, tuple[Floats, Floats]]:
    """Dyad -> its series, shape (years,), in standard deviations of its last 24 usable years, and those years alone.

    The longest stretch in which both codes stand for one state. Dyads with fewer than 40 usable years are left out:
    no constants were simulated for them.
    """
    made = {}
    for a, b in dyads():
        stretch = speaker_of(a) * 2 + speaker_of(b)
        parts = [np.where(stretch == s, f[a] - f[b], np.nan) for s in np.unique(stretch)]
        series = max(parts, key=lambda part: int((~np.isnan(part)).sum()))
        usable = np.flatnonzero(~np.isnan(series))
        if len(usable) < min(read_constants().limits[REFERENCE][0.0]):
            continue
        nothing = np.where(np.isnan(series), np.nan, 0.0)
        ref = reference(series, nothing, length=REFERENCE, start=int(usable[-REFERENCE]))
        if ref is None:
            raise ValueError(f"{a}-{b}: fewer than {REFERENCE} usable years")
        z = standardise(series, nothing, ref)
        made[a, b] = z, np.where(np.arange(len(z)) >= ref.first, z, np.nan)
    return made


def report_change_points(f: Mapping[str, Floats]) -> Missed:
    """Print the changes of level of the two pairs, beside those of all controls."""
    series = standardised(f)
    phi = pooled_autocorrelation([ref for _, ref in series.values()])
    print(f"\nChange points, after the fact; scale from the last {REFERENCE} years, autocorrelation {phi:.2f} assumed")
    print("  The first 24 years, which an alarm would take, hold the events themselves: no reference lies before them.")
    try:
        found = {d: change_points(z, read_constants(), reference=REFERENCE, phi=phi) for d, (z, _) in series.items()}
    except ValueError as error:
        print(f"  none: {error}")
        return []
    for event in read_events():
        made = found.get(event.dyad)
        name = f"{'-'.join(event.dyad)} {event.first}"
        if made is None:
            print(f"  {name}: fewer than {min(read_constants().limits[REFERENCE][0.0])} usable years of one speaker")
            continue
        usable = ~np.isnan(series[event.dyad][0])
        ahead = int(usable[event.first > YEARS].sum())
        if ahead < LEAST_SEGMENT:
            print(f"  {name}: {ahead} years before it, a level lasts {LEAST_SEGMENT} or more; it can't be found")
            continue
        print(f"  {name}: {_in_words(made)}; the event lies in {_hits(made, event.first)} of the sets")
    controls = {d: made for d, made in found.items() if d not in DID_SPLIT}
    changed = sum(bool(made.changes) for made in controls.values())
    print(f"  controls long enough: {len(controls)}; with a change at some time: {changed}; with a set that holds")
    for event in read_events()[1:]:
        spans = [d for d in controls if _spans(series[d][0], event.first)]
        hits = ["-".join(d) for d in spans if _hits(controls[d], event.first)]
        print(f"    {event.first}: {len(hits)} of {len(spans)}{': ' if hits else ''}{', '.join(hits)}")
    return []


def _spans(z: Floats, year: int) -> bool:
    there = YEARS[~np.isnan(z)]
    return bool(there[0] + LEAST_SEGMENT <= year <= there[-1] + 1 - LEAST_SEGMENT)


def _in_words(made: ChangePoints) -> str:
    each = [
        f"{YEARS[c.index]} ({YEARS[c.dates[0]]}-{YEARS[c.dates[-1]]}, {c.after - c.before:+.1f} sd)"
        for c in made.changes
    ]
    return f"{made.usable} years, " + (f"changes at {', '.join(each)}" if each else "no change")


def _hits(made: ChangePoints, year: int) -> int:
    return sum(year - YEARS[0] in change.dates for change in made.changes)


# ---- words -----------------------------------------------------------------------------------------------------------


def word_counts(texts: Sequence[str], least: int = 5) -> sp.csr_matrix:
    """Shape (texts, words): words used ``least`` times or more, names masked."""
    counts, _ = count_words(texts, mask())
    return sp.csr_matrix(counts[:, np.asarray(counts.sum(axis=0)).ravel() >= least])


def word_distance(
    counts: sp.csr_matrix, speeches: Sequence[Speech], dyad: Dyad, years: range
) -> tuple[float, tuple[str, ...]] | None:
    """Leave-out partisanship of a dyad's speeches of some years, and its flags; None under three years of either.

    One source a country, so the unit is the year's speech, and style is not separable from group.
    """
    rows = np.array([i for i, s in enumerate(speeches) if s.country in dyad and s.year in years], dtype=np.int64)
    in_a = np.array([speeches[i].country == dyad[0] for i in rows], dtype=bool)
    if min(int(in_a.sum()), int((~in_a).sum())) < 3:
        return None
    units = choose_units([speeches[i].country for i in rows], [speeches[i].year for i in rows], in_a)
    return leave_out(unit_counts(counts[rows], units.unit), units.in_a, seed=SEED), units.flags


def report_words(scored: Scored, f: Mapping[str, Floats]) -> Missed:
    """Print word distance beside the model's gap: every pair in stretches of five years, and across the events."""
    counts = word_counts([s.text for s in scored.speeches])
    found: dict[Dyad, list[tuple[float, float]]] = {}
    flags: set[str] = set()
    for dyad in dyads():
        for start in range(int(YEARS[0]), int(YEARS[-1]) - 3, 5):
            made = word_distance(counts, scored.speeches, dyad, range(start, start + 5))
            if made is not None:
                gaps = (f[dyad[0]] - f[dyad[1]])[start - YEARS[0] : start - YEARS[0] + 5]
                found.setdefault(dyad, []).append((made[0], float(abs(np.nanmean(gaps)))))
                flags |= set(made[1])
    never = np.array([row for d, rows in found.items() if d not in DID_SPLIT for row in rows])
    split = np.array([row for d, rows in found.items() if d in DID_SPLIT for row in rows])
    print("\nLeave-out partisanship of words (null .500), stretches of five years; beside it the |gap| of the model")
    print(f"  {'':34}{'stretches':>11}{'least':>8}{'median':>8}{'most':>8}{'above .5':>10}{'median |gap|':>14}")
    for name, rows in (("pairs that never split", never), ("pairs that did, at some time", split)):
        p = rows[:, 0]
        print(
            f"  {name:34}{len(rows):>11}{p.min():>8.3f}{np.median(p):>8.3f}{p.max():>8.3f}{(p > 0.5).mean():>10.2f}"
            f"{np.median(rows[:, 1]):>14.3f}"
        )
    medians = sorted(((float(np.median([p for p, _ in rows])), d) for d, rows in found.items()), reverse=True)
    for event_dyad in dict.fromkeys(event.dyad for event in read_events()):
        place = next(i for i, (_, d) in enumerate(medians) if d == event_dyad) + 1
        value = next(p for p, d in medians if d == event_dyad)
        print(f"  {'-'.join(event_dyad)}: median {value:.3f}, place {place} of {len(medians)} pairs, the widest first")
    print(f"  flags: {'; '.join(sorted(flags))}")
    for event in read_events():
        _print_word_change(counts, scored.speeches, event)
    missed = []
    if np.median(never[:, 0]) < WORDS_APART:
        missed.append(f"words: the median of pairs that never split is below {WORDS_APART}; nothing is shown by it")
    if flags != {NOT_SEPARABLE}:
        missed.append(f"words: flags {sorted(flags)}; one source a country is style")
    return missed


def _print_word_change(counts: sp.csr_matrix, speeches: Sequence[Speech], event: Event) -> None:
    """Word distance of five years before and after an event, and its change beside that of the controls."""
    windows = range(event.first - LENGTHS[0], event.first), range(event.first, event.first + LENGTHS[0])

    def values(dyad: Dyad) -> tuple[float | None, float | None]:
        one = all(len(set(speaker_of(c)[np.isin(YEARS, [*windows[0], *windows[1]])].tolist())) == 1 for c in dyad)
        found = [word_distance(counts, speeches, dyad, window) if one else None for window in windows]
        return found[0] and found[0][0], found[1] and found[1][0]

    (before, after), name = values(event.dyad), f"{'-'.join(event.dyad)} {event.first}"
    if before is None or after is None:
        now = "nothing" if after is None else f"{after:.3f}"
        print(f"  {name}: words after {now}; before it too few years")
        return
    pairs = [values(d) for d in dyads() if d not in DID_SPLIT]
    others = np.array([b - a for a, b in pairs if a is not None and b is not None])
    share = p_value(abs(after - before), np.abs(others))
    print(f"  {name}: words before {before:.3f}, after {after:.3f}; the change's share among controls ", end="")
    print(f"{share:.2f} of {len(others)} (no p value)")


# ---- words jump, framing stays ---------------------------------------------------------------------------------------

ARMS = frozenset({"disarmament", "nuclear", "weapons", "weapon", "arms", "missiles", "missile", "armaments"})
TRADE = frozenset({"economic", "trade", "economy", "industrial", "industry", "investment", "technology", "prices"})
WEEKS, JUMP_AT, TEXTS = 156, 78, 8
"""Weeks of a simulated dyad, of which 52 are its reference; the week of the jump; texts a group and week."""
SHIFT = 0.2
"""Of the framing, for the positive control."""


@dataclass(frozen=True)
class Pools:
    """Passages of real speeches on two topics, matched so that the model's balance is spread alike in both."""

    arms: NDArray[np.int64]
    """numbers of passages"""
    trade: NDArray[np.int64]
    all_arms: NDArray[np.int64]
    """unmatched: what the model makes of the topic is left in"""
    all_trade: NDArray[np.int64]


def topic_pools(scored: Scored, bins: int = 40) -> Pools:
    """Passages with two or more words of one topic and none of the other. Matched: as many of each in every one of
    ``bins`` classes of equal width of the model's balance."""
    words = [[w.strip(".,;:") for w in passage.lower().split()] for passage in scored.passages]
    hits = np.array([[sum(w in topic for w in each) for topic in (ARMS, TRADE)] for each in words])
    topics = [np.flatnonzero((hits[:, i] >= 2) & (hits[:, 1 - i] == 0)) for i in (0, 1)]
    random = np.random.default_rng([SEED, 1])
    edges = np.linspace(-1, 1, bins + 1)[1:-1]
    kept: tuple[list[int], list[int]] = [], []
    for each in range(bins):
        inside = [topic[np.digitize(scored.passage_f[topic], edges) == each] for topic in topics]
        number = min(len(part) for part in inside)
        for matched, part in zip(kept, inside, strict=True):
            matched.extend(random.permutation(part)[:number].tolist())
    return Pools(np.array(kept[0]), np.array(kept[1]), *topics)


def alarm_rate(f: Floats, before: NDArray[np.int64], after: NDArray[np.int64], runs: int, shift: float = 0.0) -> float:
    """Alarms per simulated dyad. A draws its texts from ``before``, and from the jump on from ``after``; B never
    changes. f: shape (passages,), the model's balance; shift: added to A's from the jump on.

    The alarm reads what it reads in earnest: the gap of the model's means and its sampling variance.
    """
    random = np.random.default_rng([SEED, 2])
    a = f[random.choice(before, (runs, WEEKS, TEXTS))]
    b = f[random.choice(before, (runs, WEEKS, TEXTS))]
    late = random.choice(after, (runs, WEEKS - JUMP_AT, TEXTS))
    a[:, JUMP_AT:] = f[late] + shift
    m = a.mean(axis=2) - b.mean(axis=2)
    v = (a.var(axis=2, ddof=1) + b.var(axis=2, ddof=1)) / TEXTS
    h, alarms = threshold(52, 0.3), 0
    for m_run, v_run in zip(m, v, strict=True):
        ref = reference(m_run, v_run, length=52)
        if ref is None:
            raise ValueError("a simulated dyad lacks its reference")
        alarms += len(watch(m_run, v_run, ref, h).alarms)
    return alarms / runs


def jump_of_words(scored: Scored, pools: Pools, repeats: int = 5) -> tuple[float, float]:
    """Word distance of the simulated dyad before and after A changes its topic, over ``repeats`` draws: eight units a
    group, of up to 32 passages each. The two groups never share a passage."""
    random = np.random.default_rng([SEED, 3])
    half = len(pools.arms) // 2
    size = min(half, 8 * 4 * TEXTS) // 8 * 8
    units = np.repeat(np.arange(16), size // 8)
    made = []
    for _ in range(repeats):
        arms, trade = random.permutation(pools.arms), random.permutation(pools.trade)
        for of_a in (arms[:size], trade[:size]):
            texts = [scored.passages[i] for i in (*of_a, *arms[half : half + size])]
            counts = unit_counts(word_counts(texts, 2), units)
            made.append(leave_out(counts, np.arange(16) < 8, seed=SEED))
    return float(np.mean(made[::2])), float(np.mean(made[1::2]))


def report_jump(scored: Scored, runs: int) -> Missed:
    """Print how often the alarm is raised where words jump, and where framing does."""
    pools, f = topic_pools(scored), scored.passage_f
    before, after = jump_of_words(scored, pools)
    years = (WEEKS - 52) / 52
    print(f"\nSimulated dyads of real passages: A turns from arms to trade, B stays; {runs} dyads of {years:.0f} years")
    print(f"  {len(pools.arms)} passages of each topic, mean balance {f[pools.arms].mean():+.3f}", end="")
    print(f" and {f[pools.trade].mean():+.3f}, standard deviation {f[pools.arms].std():.3f}")
    print(f"  unmatched: {len(pools.all_arms)} on arms {f[pools.all_arms].mean():+.3f}", end="")
    print(f", {len(pools.all_trade)} on trade {f[pools.all_trade].mean():+.3f}")
    print(f"  partisanship of words before {before:.3f}, after {after:.3f} (null .500)")
    rates = {
        "nothing changes": alarm_rate(f, pools.arms, pools.arms, runs),
        "the words jump, framing matched": alarm_rate(f, pools.arms, pools.trade, runs),
        f"the framing moves by {SHIFT}": alarm_rate(f, pools.arms, pools.arms, runs, SHIFT),
        "the words jump, framing as the model has it": alarm_rate(f, pools.all_arms, pools.all_trade, runs),
    }
    print(f"  {'alarms':46}{'per dyad-year':>15}{'stated at most':>16}")
    for name, rate in rates.items():
        print(f"  {name:46}{rate / years:>15.4f}{RATE if 'matched' in name or 'nothing' in name else '--':>16}")
    print("  The last: what the model makes of a topic is in its gap; an alarm of it would ask coders to look.")
    missed = []
    slack = 3 * (RATE / (runs * years)) ** 0.5
    for name in list(rates)[:2]:
        if rates[name] / years > RATE + slack:
            missed.append(f"{name}: {rates[name] / years:.3f} alarms per dyad-year, {RATE} are stated")
    if rates[f"the framing moves by {SHIFT}"] < SEEN:
        missed.append(f"a shift of the framing raises {rates[f'the framing moves by {SHIFT}']:.2f} alarms a dyad")
    if before > JUMP_BEFORE or after < JUMP_AFTER:
        missed.append(f"the words do not jump: {before:.3f} to {after:.3f}")
    return missed


WORD_MEASURES = frozenset({"partisanship", "divergence", "typical_words"})


def measures_behind(module: str, folder: Path = PROJECT_ROOT / "pipeline" / "measure") -> set[str]:
    """Modules of ``pipeline.measure`` that a module of it imports, directly or not (a package counts as its parts)."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        place = folder / name.replace(".", "/")
        files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        for file in files:
            for found in _imports(file):
                if found not in seen and found != name:
                    seen.add(found)
                    waiting.append(found)
    return seen


def _imports(file: Path) -> Iterator[str]:
    prefix = "pipeline.measure."
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name.removeprefix(prefix) for each in node.names if each.name.startswith(prefix))
        elif isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(prefix):
            inside = f"{node.module}.".removeprefix(prefix).rstrip(".")
            yield from [inside] if inside else (each.name for each in node.names)


def report_rules() -> Missed:
    """Print what decides a state, and that no distance of words is part of it."""
    asked = list(inspect.signature(decide).parameters)
    behind = {module: measures_behind(module) & WORD_MEASURES for module in ("state", "alarm")}
    print(f"\nWhat decides a state: {', '.join(asked)}. Word measures behind it: ", end="")
    print(", ".join(sorted(set().union(*behind.values()))) or "none")
    return [f"{module} imports {sorted(names)}" for module, names in behind.items() if names]


# ---- manifestos ------------------------------------------------------------------------------------------------------

LABELS = {"Economic": 1.0, "Social": -1.0, "Not Economic or Social": 0.0}
TRAINED_ON = 1992
"""The election that trains: all others with labels are cells. 1987, the only labelled manifesto that the Social
Democrats signed, must not be trained on if it is to be a cell."""
CELLS = (1987, 1997, 2001, 2005, 2010)
SUCCESSORS: Mapping[str, tuple[str, str, tuple[int, ...]]] = {
    "SDP 1981": ("Lab", "LibSDP", (1983, 1987)),
    "UKIP 1993": ("Con", "UKIP", (1997, 2005, 2010, 2015, 2017, 2019)),
    "Brexit Party 2019": ("UKIP", "Brexit", (2019,)),
}
"""Split -> parent, successor, elections in which the data has both."""


@dataclass(frozen=True)
class Sentences:
    """Sentences of manifestos. Arrays of shape (n,)."""

    text: Sequence[str]
    party: NDArray[np.str_]
    year: NDArray[np.int64]
    y: Floats
    """+1 economic, -1 social, 0 neither; NaN: not labelled"""

    def cell(self, party: str, year: int) -> Bools:
        """Which sentences are of a party and year."""
        made: Bools = (self.party == party) & (self.year == year)
        return made


def read_sentences(file: Path) -> Sentences:
    """All sentences, in the file's order."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return Sentences(
        [row["texts"] for row in rows],
        np.array([row["party"] for row in rows]),
        np.array([int(row["year"]) for row in rows], dtype=np.int64),
        np.array([LABELS.get(row["crowd_econsocial_label"], np.nan) for row in rows]),
    )


def shared_runs(first: Sequence[str], second: Sequence[str]) -> float:
    """Share of the different runs of four words of one text that another has too: the same text, cut otherwise?"""
    runs = []
    for texts in (first, second):
        words = ["".join(c for c in word if c.isalpha()) for word in " ".join(texts).lower().split()]
        words = [word for word in words if word]
        runs.append(set(zip(words, words[1:], words[2:], words[3:], strict=False)))
    if not runs[0]:
        raise ValueError("a text of fewer than four words has no runs to share")
    return len(runs[0] & runs[1]) / len(runs[0])


def economic_model(data: Sentences) -> Pipeline:
    """Economic, social or neither, from the labels of one election."""
    train = np.flatnonzero((data.year == TRAINED_ON) & ~np.isnan(data.y))
    made = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=3.0, max_iter=1000))
    return made.fit([data.text[i] for i in train], data.y[train])


def balances_of(model: Pipeline, texts: Sequence[str]) -> Floats:
    """Shape (n,): the model's economic less social."""
    p = model.predict_proba(texts)  # classes in order: -1, 0, 1
    return np.asarray(p[:, 2] - p[:, 0])


Cells = Mapping[tuple[str, int], tuple[Floats, Floats]]
"""(party, year) -> the model's and the crowd's balance of each sentence"""


def audit(cells: Cells, random: np.random.Generator) -> dict[tuple[str, int], Balance]:
    """Draw 40 sentences of every cell at random, take the crowd's labels as their codings, and correct."""
    coded = {}
    for key, (_, y) in cells.items():
        coded[key] = np.full(len(y), np.nan)
        sample = random.choice(len(y), min(CODINGS, len(y)), replace=False)
        coded[key][sample] = y[sample]
    lent = {key: moments(f[~np.isnan(coded[key])], coded[key][~np.isnan(coded[key])]) for key, (f, _) in cells.items()}
    return {
        key: balance(f, coded[key], borrow([m for other, m in lent.items() if other != key]))
        for key, (f, _) in cells.items()
    }


def coverage(cells: Cells, audits: int) -> tuple[dict[int, float], float]:
    """Election -> share of intervals, over audits and its pairs, that hold the gap of all labels; mean half-width."""
    random = np.random.default_rng([SEED, 5])
    hits: dict[int, list[bool]] = {}
    widths = []
    pairs = [(p, q) for p, q in combinations(cells, 2) if p[1] == q[1]]
    for _ in range(audits):
        made = audit(cells, random)
        for p, q in pairs:
            inside = gap(made[p], made[q]).interval
            truth = float(cells[p][1].mean() - cells[q][1].mean())
            hits.setdefault(p[1], []).append(inside is not None and inside.low <= truth <= inside.high)
            if inside is not None:
                widths.append((inside.high - inside.low) / 2)
    return {year: float(np.mean(each)) for year, each in hits.items()}, float(np.mean(widths))


PAIRS = (("Lab", "LD"), ("Con", "LD"), ("Con", "Lab"))
"""Pairs of parties with labels; the last never were one party."""


def report_parties(data: Sentences) -> Missed:
    """Print which successors there are, in which years, and whether any of their sentences has a label."""
    missed = []
    print("\nManifestos: the crowd's economic less social, which is not nationalist less universalist")
    for name, (parent, heir, years) in SUCCESSORS.items():
        there = tuple(int(y) for y in np.unique(data.year[data.party == heir]))
        both = tuple(y for y in there if data.cell(parent, y).any())
        labelled = int((~np.isnan(data.y[data.party == heir])).sum())
        print(f"  {name}: {heir} in {', '.join(map(str, there))}; of them with {parent}: {len(both)};", end="")
        print(f" sentences with a label {labelled}")
        if both != years or labelled:
            missed.append(f"{name}: {heir} with {parent} in {both}, {labelled} labels; look again")
    alliance = [[data.text[i] for i in np.flatnonzero(data.cell(party, 1987))] for party in ("LD", "LibSDP")]
    same = shared_runs(*alliance)
    print(
        "  LD of 1987 is the manifesto of the Liberal-SDP Alliance, LibSDP the same text cut otherwise: it shares",
        end="",
    )
    print(f" {same:.3f} of its runs of four words")
    if same < SAME_TEXT:
        missed.append(f"LD and LibSDP of 1987 share {same:.3f} of their runs of words: not one manifesto")
    return missed


def report_corrected(data: Sentences, model: Pipeline, audits: int) -> Missed:
    """Print gaps corrected by one audit beside those of all labels, and how many audits cover."""
    missed = []
    cells: dict[tuple[str, int], tuple[Floats, Floats]] = {}
    for year in CELLS:
        for party in ("Lab", "LD", "Con"):
            inside = np.flatnonzero(data.cell(party, year) & ~np.isnan(data.y))
            cells[party, year] = balances_of(model, [data.text[i] for i in inside]), data.y[inside]
    made = audit(cells, np.random.default_rng([SEED, 4]))
    print(f"\n  Gaps corrected by {CODINGS} random codings a cell (95%), the model trained on {TRAINED_ON}. *: misses")
    print(f"  {'':10}" + "".join(f"{' '.join(pair):>36}" for pair in PAIRS))
    print(f"  {'':10}" + f"{'corrected':>26}{'crowd':>10}" * len(PAIRS))
    for year in CELLS:
        line = f"  {year:<10}"
        for a, b in PAIRS:
            found = gap(made[a, year], made[b, year])
            truth = float(cells[a, year][1].mean() - cells[b, year][1].mean())
            if found.interval is None:
                missed.append(f"{a}-{b} {year}: no interval from {CODINGS} codings")
                continue
            inside = f"{found.value:+.2f} [{found.interval.low:+.2f}, {found.interval.high:+.2f}]"
            outside = "" if found.interval.low <= truth <= found.interval.high else "*"
            line += f"{inside + outside:>26}{truth:>+10.2f}"
        print(line)
    held, width = coverage(cells, audits)
    hit = float(np.mean(list(held.values())))
    print(f"  {audits} audits: intervals hold the crowd's gap in {hit:.3f} (floor {COVERAGE})", end="")
    print(f", half-width {width:.2f}; {', '.join(f'{year} {share:.3f}' for year, share in held.items())}")
    if hit < COVERAGE:
        missed.append(f"manifestos: coverage {hit:.3f} is below {COVERAGE}")
    return missed


def report_uncorrected(data: Sentences, model: Pipeline) -> Missed:
    """Print the model's gaps of successors and parents, of which nothing is coded."""
    missed = []
    print("\n  Without codings: the model's gap, uncorrected, no interval, " + NOT_ENOUGH)
    for name, (parent, heir, years) in SUCCESSORS.items():
        line = []
        for year in years:
            sides = []
            for party in (parent, heir):
                f = balances_of(model, [data.text[i] for i in np.flatnonzero(data.cell(party, year))])
                sides.append(balance(f, np.full(len(f), np.nan), Borrowed()))
            found = gap(*sides)
            state = decide(unit=None, usable=0)
            if found.interval is not None or state.name != NOT_ENOUGH:
                missed.append(f"{name} {year}: {state.name}, from no codings")
            line.append(f"{year} {found.value:+.2f}")
        print(f"  {name}, {parent} less {heir}: {', '.join(line)}")
    return missed


def report_manifestos(file: Path, audits: int) -> Missed:
    """The manifestos, all parts."""
    data = read_sentences(file)
    model = economic_model(data)
    return report_parties(data) + report_corrected(data, model, audits) + report_uncorrected(data, model)


# ---- all -------------------------------------------------------------------------------------------------------------


def report_debate(file: Path, runs: int, years: bool) -> Missed:
    """The general debate, all parts."""
    speeches = read_speeches(file)
    scored = score_speeches(speeches)
    f = by_year(scored)
    print(f"General debate: {len(speeches)} speeches, {len(dyads())} pairs, {len(DID_SPLIT)} of them no controls")
    for country in sorted(f):
        there = f[country][~np.isnan(f[country])]
        print(f"  {country} {len(there):3} speeches, balance {there.mean():+.3f}, from year to year ", end="")
        print(f"{np.nanstd(np.diff(f[country]), ddof=1) / 2**0.5:.3f} (standard deviation of one)")
    missed = []
    if (len(speeches), len(dyads()), len(DID_SPLIT)) != (SPEECHES, DYADS, SPLIT_PAIRS):
        missed.append(f"{len(speeches)} speeches, {len(dyads())} pairs; {SPEECHES} and {DYADS} were there")
    if years:
        report_years(f)
    missed += report_answers(f) + report_events(f)
    report_form(speeches, f)
    missed += report_change_points(f)
    return missed + report_words(scored, f) + report_jump(scored, runs)


def main() -> int:
    """Print all tables; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="five times the simulated dyads and audits")
    parser.add_argument("--years", action="store_true", help="print the balance of every country and year too")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with ungd and uk_manifestos")
    given = parser.parse_args()
    times = 5 if given.full else 1
    missed = report_rules()
    if (given.data / DEBATE).is_file():
        missed += report_debate(given.data / DEBATE, 400 * times, given.years)
    else:
        print(f"\n{DEBATE}: skipped, it is absent")
    if (given.data / MANIFESTOS).is_file():
        missed += report_manifestos(given.data / MANIFESTOS, 100 * times)
    else:
        print(f"\n{MANIFESTOS}: skipped, it is absent")
    print("\n" + ("\n".join(missed) or "No floor missed. None of this is evidence of a split, or of none."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
