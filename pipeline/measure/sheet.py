"""The sheet of a dyad: what its change is made of, what it would be under other choices, how far apart its words are.

Everything on it stands beside the gap and none of it makes a state.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.text.mask import Mask
from pipeline.measure.balance import Bools, Floats
from pipeline.measure.cells import codings_by_cluster
from pipeline.measure.composition import CompositionError, GroupTexts, judge_gap
from pipeline.measure.divergence import DivergenceError, jensen_shannon, shares, squared_distance
from pipeline.measure.error_rates import differential_error
from pipeline.measure.partisanship import PartisanshipError, choose_units, partisanship, unit_counts
from pipeline.measure.resampling import (
    Outcome,
    Placebo,
    ResamplingError,
    change_test,
    permutation_test,
    placebo_dates,
    placebo_dyads,
    weekly,
)
from pipeline.measure.sensitivity import DyadTexts, SensitivityError, Sheet, Stretch, sensitivity_sheet
from pipeline.measure.typical_words import TypicalWord, TypicalWordsError, count_words, typical_words
from pipeline.monitor import Monitor
from pipeline.store.alarms import alarms_of
from pipeline.store.cells import VARIABLE, RandomCoding, model_in_force, random_codings
from pipeline.store.queues import texts_of
from pipeline.store.sheets import FramedText, framed_texts

SEED = 20090919
MANY_SOURCES = 10
"""So many sources of each group, and labels can be permuted over them."""
MOST_WORDS = 12
"""words of each group that are named"""
LEAST_TEXTS = 20
"""texts of each group in one language, below which its words are not compared"""
MOST_TEXTS = 5_000
"""texts of each group in one language whose words are counted; of more a random part"""


class SheetError(ValueError):
    """A sheet that can't be made; says why and what to do."""


@dataclass(frozen=True)
class Section:
    """A part of the sheet, in sentences."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """Words typical of A and of B in one language, in the present."""

    language: str
    """code, or und"""
    texts: tuple[int, int]
    """of A and of B whose words were counted"""
    there: tuple[int, int]
    """texts there are"""
    of_a: tuple[TypicalWord, ...] = ()
    """the most typical first"""
    of_b: tuple[TypicalWord, ...] = ()
    why: str | None = None
    """why there are none"""


@dataclass(frozen=True)
class DyadSheet:
    """The sheet of a dyad."""

    a: str
    b: str
    reference: Stretch
    present: Stretch
    texts: tuple[int, int]
    """different texts of A and of B in both stretches"""
    sensitivity: Sheet
    sections: tuple[Section, ...]
    words: tuple[Words, ...] = ()
    """by language"""


@dataclass(frozen=True)
class _Texts:
    """The texts of a dyad as columns of shape (N,)."""

    rows: Sequence[FramedText]
    of_a: Bools
    present: Bools
    counts: Bools
    source: NDArray[np.str_]
    language: NDArray[np.str_]
    day: NDArray[np.datetime64]
    f: Floats
    y: Floats
    pi: Floats

    def coded(self, of_a: bool, present: bool | None = None) -> Bools:
        """Coded texts of a side (in the present, or the reference)."""
        chosen: Bools = (self.of_a == of_a) & self.counts & ~np.isnan(self.y)
        if present is not None:
            chosen = chosen & (self.present == present)
        return chosen


def _columns(rows: Sequence[FramedText], a: str, present: Stretch, coded: Mapping[int, tuple[float, float]]) -> _Texts:
    own = [row for row in rows if not row.observer]
    day = np.array([row.day for row in own], dtype="datetime64[D]")
    nothing = (np.nan, np.nan)
    said = [coded.get(row.cluster, nothing) if row.counts else nothing for row in own]
    return _Texts(
        rows=own,
        of_a=np.array([row.group == a for row in own], dtype=bool),
        present=present.holds(day),
        counts=np.array([row.counts for row in own], dtype=bool),
        source=np.array([row.source for row in own], dtype=str),
        language=np.array([row.language for row in own], dtype=str),
        day=day,
        f=np.array([row.p_first - row.p_second for row in own], dtype=float),
        y=np.array([one[0] for one in said], dtype=float),
        pi=np.array([one[1] for one in said], dtype=float),
    )


def _weeks(day: NDArray[np.datetime64], first: date) -> NDArray[np.int64]:
    return (day - np.datetime64(first, "D")).astype(np.int64) // 7


def _composition(texts: _Texts, reference: Stretch, present: Stretch, names: tuple[str, str]) -> Section:
    title = "What moved"
    first = min(reference.start, present.start)
    week = _weeks(texts.day, first)
    sides = []
    for of_a in (True, False):
        chosen = texts.of_a == of_a
        sides.append(
            GroupTexts(
                texts.source[chosen], texts.language[chosen], week[chosen], texts.f[chosen], texts.counts[chosen]
            )
        )
    periods = [
        list(range((s.start - first).days // 7, max((s.start - first).days // 7 + 1, (s.end - first).days // 7)))
        for s in (reference, present)
    ]
    try:
        words = judge_gap(sides[0], sides[1], periods[0], periods[1]).in_words()
    except CompositionError as error:
        return Section(title, (f"Not computed: {error}.",))
    return Section(title, (words.replace("A: ", f"{names[0]}: ").replace("B: ", f"{names[1]}: "),))


def _outcome(name: str, made: Outcome) -> list[str]:
    return [
        f"{name}: {made.statistic:+.2f}, p {made.p:.3f} ({made.resampled}; {made.replicates:,} times).",
        f"It holds if {made.assumption}." if not made.assumption.endswith(".") else made.assumption,
        *made.flags,
    ]


def _placebo(name: str, made: Placebo) -> str:
    return (
        f"Placebo, {name}: {made.share:.0%} of {len(made.values):,} placebos change by as much as the dyad's "
        f"{made.real:+.2f} ({made.made}; {made.caution})."
    )


def _noise(texts: _Texts, reference: Stretch, present: Stretch) -> Section:
    lines: list[str] = []
    used = texts.counts
    first = min(reference.start, present.start)
    week = _weeks(texts.day, first)
    ends = [((s.start - first).days // 7, -(-(s.end - first).days // 7)) for s in (reference, present)]
    sources = [len(np.unique(texts.source[used & texts.present & (texts.of_a == side)])) for side in (True, False)]
    of_sources = weekly(texts.f[used], texts.source[used], texts.of_a[used], week[used], weeks=int(week.max()) + 1)

    def attempt(make: Callable[[], list[str]], name: str) -> None:
        try:
            lines.extend(make())
        except (ResamplingError, ValueError) as error:
            lines.append(f"{name}: not computed: {error}.")

    now = used & texts.present
    if min(sources) >= MANY_SOURCES:
        attempt(
            lambda: _outcome(
                "The gap of the present",
                permutation_test(texts.f[now], texts.source[now], texts.of_a[now], texts.language[now], seed=SEED),
            ),
            "Permutation of labels over sources",
        )
    else:
        attempt(
            lambda: _outcome("The change of the gap", change_test(of_sources, ends[0], ends[1], seed=SEED)),
            "Block bootstrap of the change",
        )
    month = texts.day.astype("datetime64[M]").astype(np.int64)

    def dyads() -> list[str]:
        made = placebo_dyads(
            texts.f[used], texts.source[used], texts.of_a[used], month[used], texts.present[used], seed=SEED
        )
        return [_placebo(f"group {group} alone", one) for group, one in made.items()]

    attempt(dyads, "Placebo dyads")
    length = max(1, min(26, ends[1][1] - ends[1][0]))
    attempt(lambda: [_placebo("other dates", placebo_dates(of_sources, ends[1][0], length=length))], "Placebo dates")
    return Section("Is it more than noise", tuple(lines))


def _values(codings: Sequence[RandomCoding], known: Container[str], clusters: Container[int]) -> dict[int, str]:
    """Cluster -> the value that stands for it: the newest that the codebook knows, of those that settle it if any."""
    values: dict[int, str] = {}
    settled: dict[int, str] = {}
    for one in sorted(codings, key=lambda one: one.coded_at):
        # one without a usable probability is no part of the sample, as in codings_by_cluster
        if one.value in known and one.cluster in clusters and one.probability and 0 < one.probability <= 1:
            (settled if one.settles else values)[one.cluster] = one.value
    return values | settled


def _distance(texts: _Texts, values: Mapping[int, str], names: Sequence[str]) -> Section:
    lines = []
    sides = []
    for of_a in (True, False):
        chosen = np.flatnonzero(texts.coded(of_a, present=True))
        coded = [values[texts.rows[i].cluster] for i in chosen.tolist()]
        each = np.array([[float(value == name) for name in names] for value in coded], dtype=float).reshape(
            -1, len(names)
        )
        total = int((texts.counts & texts.present & (texts.of_a == of_a)).sum())
        alike = len(chosen) > 0 and np.allclose(texts.pi[chosen], texts.pi[chosen][0], rtol=1e-6)
        try:
            sides.append(shares(each, total=total) if alike or not len(chosen) else shares(each, pi=texts.pi[chosen]))
        except DivergenceError as error:
            return Section("How far apart the codings are", (f"Not computed: {error}.",))
    distance = squared_distance(sides[0], sides[1])
    lines.append(
        f"Squared distance of the coded values, present: {distance.value:+.3f} ({distance.low:.3f} to "
        f"{distance.high:.3f}); {distance.codings[0]} and {distance.codings[1]} codings. Without its correction for "
        f"chance: {distance.plain:.3f}."
    )
    try:
        jsd = jensen_shannon(sides[0], sides[1])
        lines.append(f"Jensen-Shannon divergence: {jsd.value:.3f} nats, less a bias of {jsd.bias:.3f}.")
    except DivergenceError as error:
        lines.append(f"Jensen-Shannon divergence: not computed: {error}.")
    return Section("How far apart the codings are", tuple(lines))


def _errors(texts: _Texts) -> Section:
    a, b = (texts.coded(side) for side in (True, False))
    made = differential_error(texts.f[a], texts.y[a], texts.f[b], texts.y[b], pi_a=texts.pi[a], pi_b=texts.pi[b])
    return Section("Does the model err alike", (made.sentence[0].upper() + made.sentence[1:] + ".",))


def _some(chosen: NDArray[np.intp], of_a: Bools) -> NDArray[np.intp]:
    """At most ``MOST_TEXTS`` of each group, drawn at random, in their order."""
    rng = np.random.default_rng(SEED)
    kept = [
        chosen[side] if side.sum() <= MOST_TEXTS else rng.choice(chosen[side], MOST_TEXTS, replace=False)
        for side in (of_a, ~of_a)
    ]
    made: NDArray[np.intp] = np.sort(np.concatenate(kept))
    return made


def _words(session: Session, texts: _Texts, mask: Mask, names: tuple[str, str]) -> tuple[Section, tuple[Words, ...]]:
    title = "Words (topics as much as framing: they make no state)"
    lines: list[str] = []
    found: list[Words] = []
    now = texts.counts & texts.present
    for language in np.unique(texts.language[now]).tolist():
        every = np.flatnonzero(now & (texts.language == language))
        there = int(texts.of_a[every].sum()), int((~texts.of_a[every]).sum())
        if min(there) < LEAST_TEXTS:
            why = f"{there[0]} and {there[1]} texts, {LEAST_TEXTS} of each are needed"
            lines.append(f"{language}: {why}.")
            found.append(Words(language, (0, 0), there, why=why))
            continue
        chosen = _some(every, texts.of_a[every])
        of_a = texts.of_a[chosen]
        used = int(of_a.sum()), int((~of_a).sum())
        if used != there:
            lines.append(f"{language}: words of {used[0]} and {used[1]} texts, drawn from {there[0]} and {there[1]}.")
        by_document = dict(texts_of(session, [texts.rows[i].document for i in chosen.tolist()]))
        counts, words = count_words([by_document.get(texts.rows[i].document, "") for i in chosen.tolist()], mask)
        try:
            typical = typical_words(counts, words, of_a)
            found.append(Words(language, used, there, typical.of_a[:MOST_WORDS], typical.of_b[:MOST_WORDS]))
            for name, some in zip(names, (typical.of_a, typical.of_b), strict=True):
                said = ", ".join(f"{one.word} ({one.uses[0]}/{one.uses[1]})" for one in some[:MOST_WORDS]) or "none"
                lines.append(f"{language}, typical of {name} (uses by either): {said}.")
        except TypicalWordsError as error:
            found.append(Words(language, used, there, why=str(error)))
            lines.append(f"{language}, typical words: not computed: {error}.")
        try:
            month = texts.day[chosen].astype("datetime64[M]").astype(np.int64)
            units = choose_units(texts.source[chosen], month, of_a)
            made = partisanship(unit_counts(counts, units.unit), units, seed=SEED)
            lines.append(
                f"{language}, leave-out partisanship of words: {made.value:.3f} (.5: nothing to tell), p {made.p:.3f}; "
                f"{made.units[0]} and {made.units[1]} {units.kind}s. " + " ".join(f"{flag}." for flag in made.flags)
            )
        except (PartisanshipError, ResamplingError, ValueError) as error:
            lines.append(f"{language}, leave-out partisanship: not computed: {error}.")
    return Section(title, tuple(line.strip() for line in lines)), tuple(found)


def dyad_sheet(session: Session, monitor: Monitor, a: str, b: str, reference: Stretch, present: Stretch) -> DyadSheet:
    """The sheet of a dyad for a change from one stretch of time to another.

    Raises SheetError where no model is in force or a group has no framed text in a stretch.
    """
    model = model_in_force(session)
    if model is None:
        raise SheetError("no model is in force; run `riftwatch frame` first")
    start, end = min(reference.start, present.start), max(reference.end, present.end)
    rows = [
        row
        for row in framed_texts(session, monitor.name, [a, b], start, end, model.id)
        if any(s.start <= row.day < s.end for s in (reference, present))
    ]
    book = codebook_of(VARIABLE)
    codings = random_codings(session, monitor.name)
    coded, _ = codings_by_cluster(codings, book.balances)
    balances = {cluster: (one.y, _chance(list(one.draws.values()))) for cluster, one in coded.items()}
    texts = _columns(rows, a, present, balances)
    names = (monitor.group(a).name, monitor.group(b).name)
    try:
        sensitivity = sensitivity_sheet(_dyad_texts(rows, a, names, reference, present, balances))
    except (SensitivityError, ValueError) as error:
        raise SheetError(f"the change of the gap of {a} and {b} can't be made: {error}") from None
    everyone = [
        name for g in monitor.groups for name in (g.name, *(one for each in g.aliases.values() for one in each))
    ]
    of_words, words = _words(session, texts, Mask([*everyone, *monitor.masked]), names)
    sections = (
        Section("The change of the gap under other choices", (sensitivity.in_words(),)),
        _composition(texts, reference, present, names),
        _noise(texts, reference, present),
        _errors(texts),
        _distance(texts, _values(codings, book.balances, coded), book.names),
        of_words,
    )
    sizes = (int((texts.of_a & texts.counts).sum()), int((~texts.of_a & texts.counts).sum()))
    return DyadSheet(a, b, reference, present, sizes, sensitivity, sections, words)


def _chance(probabilities: Sequence[float]) -> float:
    """pi = 1 - prod(1 - pi_draw) over the draws a text fell into."""
    return float(1 - np.prod(1 - np.asarray(probabilities)))


def _dyad_texts(
    rows: Sequence[FramedText],
    a: str,
    names: tuple[str, str],
    reference: Stretch,
    present: Stretch,
    coded: Mapping[int, tuple[float, float]],
) -> DyadTexts:
    said = [coded.get(row.cluster, (np.nan, np.nan)) if row.counts else (np.nan, np.nan) for row in rows]
    return DyadTexts(
        names=names,
        reference=reference,
        present=present,
        of_a=np.array([row.group == a for row in rows], dtype=bool),
        source=np.array([row.source for row in rows], dtype=str),
        day=np.array([row.day for row in rows], dtype="datetime64[D]"),
        cluster=np.array([row.cluster for row in rows], dtype=np.int64),
        counts=np.array([row.counts for row in rows], dtype=bool),
        p_nationalist=np.array([row.p_first for row in rows], dtype=float),
        p_universalist=np.array([row.p_second for row in rows], dtype=float),
        y=np.array([one[0] for one in said], dtype=float),
        pi=np.array([one[1] for one in said], dtype=float),
        observer=np.array([row.observer for row in rows], dtype=bool) if any(row.observer for row in rows) else None,
    )


def usual_stretches(session: Session, monitor: Monitor, a: str, b: str, *, today: date) -> tuple[Stretch, Stretch]:
    """Reference and present for a sheet that names none: those of the newest alarm that is open, or was confirmed and
    closed less than a year ago. Without one the last half year against the year before it; an alarm that was withdrawn
    is none."""
    year_ago = today - timedelta(days=365)
    lasting = [
        alarm
        for alarm in alarms_of(session, monitor.name, a, b)
        if alarm.closed is None or (alarm.confirmed_at is not None and alarm.closed > year_ago)
    ]
    if lasting:
        last = lasting[-1]
        return Stretch(last.reference_start, last.reference_end), Stretch(last.since, last.end)
    middle = today - timedelta(weeks=26)
    return Stretch(middle - timedelta(weeks=52), middle), Stretch(middle, today)
