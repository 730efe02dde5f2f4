"""The sheet of a dyad: what its change is made of, what it would be under other choices, how far apart its words are.

Everything on it stands beside the gap and none of it makes a state.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.text.mask import Mask
from pipeline.measure.balance import Bools, Floats
from pipeline.measure.cells import Coded, codings_by_cluster, sample_of
from pipeline.measure.composition import CompositionError, GroupTexts, judge_gap
from pipeline.measure.divergence import DivergenceError, jensen_shannon, shares, squared_distance
from pipeline.measure.error_rates import differential_error
from pipeline.measure.named import NamedError, NamesLeftIn
from pipeline.measure.one_thread import one_thread
from pipeline.measure.partisanship import PartisanshipError, choose_units, partisanship, unit_counts
from pipeline.measure.resampling import (
    Outcome,
    Placebo,
    ResamplingError,
    Weekly,
    change_test,
    permutation_test,
    placebo_dates,
    placebo_dyads,
    weekly,
)
from pipeline.measure.sensitivity import DyadTexts, SensitivityError, Sheet, Stretch, periods_of, sensitivity_sheet
from pipeline.measure.typical_words import TypicalWord, TypicalWordsError, count_words, typical_words
from pipeline.monitor import Monitor
from pipeline.monitor.periods import period_of, whole_periods
from pipeline.store.alarms import alarms_of
from pipeline.store.cells import VARIABLE, RandomCoding, first_copies, model_in_force, random_codings
from pipeline.store.kept import SourceDay, source_days
from pipeline.store.queues import texts_of
from pipeline.store.sheets import FramedText, framed_texts
from pipeline.store.tables import Model

SEED = 20090919
MANY_SOURCES = 10
"""So many sources of each group, and labels can be permuted over them."""
LONGEST_PLACEBO = 26
"""Weeks on each side of a placebo date, of a present that is longer"""
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
    a: str
    """id of the first group"""
    of_a: Bools
    present: Bools
    counts: Bools
    source: NDArray[np.str_]
    language: NDArray[np.str_]
    day: NDArray[np.datetime64]
    f: Floats
    y: Floats
    pi: Floats
    late: Bools
    """came after the draw, so that the coded ones do not speak for it"""

    def coded(self, of_a: bool, present: bool | None = None) -> Bools:
        """Coded texts of a side (in the present, or the reference)."""
        chosen: Bools = (self.of_a == of_a) & self.counts & ~np.isnan(self.y)
        if present is not None:
            chosen = chosen & (self.present == present)
        return chosen


def _columns(
    rows: Sequence[FramedText],
    a: str,
    present: Stretch,
    coded: Mapping[int, tuple[float, float]],
    late: Container[int],
) -> _Texts:
    own = [row for row in rows if not row.observer]
    day = np.array([row.day for row in own], dtype="datetime64[D]")
    nothing = (np.nan, np.nan)
    said = [coded.get(row.cluster, nothing) if row.counts else nothing for row in own]
    return _Texts(
        rows=own,
        a=a,
        of_a=np.array([row.group == a for row in own], dtype=bool),
        present=present.holds(day),
        counts=np.array([row.counts for row in own], dtype=bool),
        source=np.array([row.source for row in own], dtype=str),
        language=np.array([row.language for row in own], dtype=str),
        day=day,
        f=np.array([row.p_first - row.p_second for row in own], dtype=float),
        y=np.array([one[0] for one in said], dtype=float),
        pi=np.array([one[1] for one in said], dtype=float),
        late=np.array([row.counts and row.cluster in late for row in own], dtype=bool),
    )


def _composition(texts: _Texts, reference: Stretch, present: Stretch, names: tuple[str, str]) -> Section:
    title = "What moved"
    # months, as the rule was tried on: weeks of a source are too much alike to be taken for independent
    month, (before, now) = periods_of(texts.day, (reference.months(), present.months()))
    sides = []
    for of_a in (True, False):
        chosen = texts.of_a == of_a
        sides.append(
            GroupTexts(
                texts.source[chosen], texts.language[chosen], month[chosen], texts.f[chosen], texts.counts[chosen]
            )
        )
    try:
        words = judge_gap(sides[0], sides[1], before, now).in_words()
    except CompositionError as error:
        return Section(title, (f"Not computed: {error}.",))
    lines = [words.replace("A: ", f"{names[0]}: ").replace("B: ", f"{names[1]}: ")]
    short = [name for name, of in (("reference", before), ("present", now)) if len(of) == 1]
    if short:
        lines.append(f"The {' and the '.join(short)} is one month: how much is noise shows from two months on.")
    return Section(title, tuple(lines))


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


def every_week(days: Iterable[SourceDay], a: str, present: Stretch) -> tuple[Weekly, int]:
    """The texts of a dyad in every week up to the end of the present, and the number of the present's first week.

    Weeks are counted from the first day of the present. Of each group there is one row: dates are compared by all its
    texts, so what is kept grows with the weeks, not with the texts. Pure. Raises ResamplingError without a text.
    """
    made: dict[tuple[int, int], tuple[float, int]] = {}
    for one in days:
        at = (0 if one.group == a else 1), (one.day - present.start).days // 7
        total, texts = made.get(at, (0.0, 0))
        made[at] = total + one.total, texts + one.texts
    if not made:
        raise ResamplingError("no text of either group is framed")
    first = min(0, *(week for _, week in made))
    sums, counts = (np.zeros((2, len(present.weeks()) - first)) for _ in range(2))
    for (side, week), (total, texts) in made.items():
        sums[side, week - first], counts[side, week - first] = total, texts
    return Weekly(sums, counts, np.array([True, False])), -first


def _noise(texts: _Texts, reference: Stretch, present: Stretch, every: Callable[[], Iterable[SourceDay]]) -> Section:
    """every: sums of all framed texts of both groups up to the end of the present, between the stretches as well."""
    lines: list[str] = []
    used = texts.counts
    week, (before, after) = periods_of(texts.day, (reference.weeks(), present.weeks()))
    sources = [len(np.unique(texts.source[used & texts.present & (texts.of_a == side)])) for side in (True, False)]

    def change() -> list[str]:
        by_week = weekly(texts.f[used], texts.source[used], texts.of_a[used], week[used], weeks=after.stop)
        stretches = (before.start, before.stop), (after.start, after.stop)
        return _outcome("The change of the gap", change_test(by_week, *stretches, seed=SEED))

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
        attempt(change, "Block bootstrap of the change")
    month = texts.day.astype("datetime64[M]").astype(np.int64)

    def dyads() -> list[str]:
        made = placebo_dyads(
            texts.f[used], texts.source[used], texts.of_a[used], month[used], texts.present[used], seed=SEED
        )
        return [_placebo(f"group {group} alone", one) for group, one in made.items()]

    attempt(dyads, "Placebo dyads")

    def dates() -> list[str]:
        all_weeks, at = every_week(every(), texts.a, present)
        made = placebo_dates(all_weeks, at, length=min(LONGEST_PLACEBO, len(after)))
        return [_placebo(f"other dates than {present.start}", made)]

    attempt(dates, "Placebo dates")
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
        total = int((texts.counts & texts.present & (texts.of_a == of_a) & ~texts.late).sum())
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
    if after := int((texts.counts & texts.present & texts.late).sum()):
        lines.append(f"{after} texts arrived at a time that codings do not speak for and are in none of this.")
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


@one_thread
def dyad_sheet(
    session: Session,
    monitor: Monitor,
    a: str,
    b: str,
    reference: Stretch,
    present: Stretch,
    *,
    named: NamesLeftIn | None = None,
) -> DyadSheet:
    """The sheet of a dyad for a change from one stretch of time to another.

    named: scores texts with their names left in, for one row of the sensitivity sheet; None: that row is not made.

    Raises SheetError where no model is in force or a group has no framed text in a stretch.
    """
    model = model_in_force(session)
    if model is None:
        raise SheetError("no model is in force; run `riftwatch frame` first")
    start, end = min(reference.start, present.start), max(reference.end, present.end)
    there = framed_texts(session, monitor.name, [a, b], *whole_periods(monitor.audit_period, start, end), model.id)
    rows = [row for row in there if any(s.start <= row.day < s.end for s in (reference, present))]
    book = codebook_of(VARIABLE)
    codings = random_codings(session, monitor.name)
    coded, _ = codings_by_cluster(codings, book.balances)
    balances, late = _sampled(session, monitor, there, coded)
    texts = _columns(rows, a, present, balances, late)
    names = (monitor.group(a).name, monitor.group(b).name)
    everyone = [
        name for g in monitor.groups for name in (g.name, *(one for each in g.aliases.values() for one in each))
    ]
    mask = Mask([*everyone, *monitor.masked])
    dyad = _dyad_texts(rows, a, names, reference, present, balances, late)
    dyad = _with_names(session, dyad, rows, named, model, mask)
    try:
        sensitivity = sensitivity_sheet(dyad)
    except (SensitivityError, ValueError) as error:
        raise SheetError(f"the change of the gap of {a} and {b} can't be made: {error}") from None
    of_words, words = _words(session, texts, mask, names)
    sections = (
        Section("The change of the gap under other choices", (sensitivity.in_words(),)),
        _composition(texts, reference, present, names),
        _noise(
            texts,
            reference,
            present,
            lambda: source_days(session, monitor.name, model.id, groups=(a, b), before=present.end),
        ),
        _errors(texts),
        _distance(texts, _values(codings, book.balances, coded), book.names),
        of_words,
    )
    sizes = (int((texts.of_a & texts.counts).sum()), int((~texts.of_a & texts.counts).sum()))
    return DyadSheet(a, b, reference, present, sizes, sensitivity, sections, words)


def _sampled(
    session: Session, monitor: Monitor, rows: Sequence[FramedText], coded: Mapping[int, Coded]
) -> tuple[dict[int, tuple[float, float]], set[int]]:
    """Coded cluster -> its balance and inclusion probability; and the clusters that came after the draw.

    Each audit stratum (group and audit period) is reckoned by itself and as a whole, as in measuring, also where a
    stretch holds a part of it only; ``rows``: the texts of whole strata. A coded text that came too late to be spoken
    for is left out.
    """

    def stratum(group: str, day: date) -> tuple[str, date]:
        return group, period_of(monitor.audit_period, day).start

    strata: dict[tuple[str, date], dict[int, None]] = {}
    for row in rows:
        if row.counts and not row.observer:
            strata.setdefault(stratum(row.group, row.day), {})[row.cluster] = None
    strata = {key: clusters for key, clusters in strata.items() if any(cluster in coded for cluster in clusters)}
    arrived = first_copies(session, monitor.name, [cluster for clusters in strata.values() for cluster in clusters])
    said: dict[int, tuple[float, float]] = {}
    too_late: set[int] = set()
    for clusters in strata.values():
        there = [cluster for cluster in clusters if cluster in arrived]
        found = [coded.get(cluster) for cluster in there]
        pi, late = sample_of(found, [arrived[cluster] for cluster in there])
        too_late.update(cluster for cluster, is_late in zip(there, late.tolist(), strict=True) if is_late)
        said.update(
            (cluster, (one.y, chance))
            for cluster, one, chance in zip(there, found, pi.tolist(), strict=True)
            if one is not None and cluster not in too_late
        )
    return said, too_late


def _dyad_texts(
    rows: Sequence[FramedText],
    a: str,
    names: tuple[str, str],
    reference: Stretch,
    present: Stretch,
    coded: Mapping[int, tuple[float, float]],
    late: Container[int],
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
        late=np.array([row.counts and row.cluster in late for row in rows], dtype=bool),
        observer=np.array([row.observer for row in rows], dtype=bool) if any(row.observer for row in rows) else None,
    )


def _with_names(
    session: Session, dyad: DyadTexts, rows: Sequence[FramedText], named: NamesLeftIn | None, model: Model, mask: Mask
) -> DyadTexts:
    """The texts with what the model says of them when names are left in, or with why that is not known."""
    if named is None:
        return dyad
    try:
        # no other text is in the row
        scores = named.scores(session, model, mask, [row.document for row in rows if row.counts and not row.observer])
    except NamedError as error:
        return replace(dyad, not_unmasked=str(error))
    both = [scores.get(row.document, (row.p_first, row.p_second)) for row in rows]
    first, second = np.array(both, dtype=float).reshape(-1, 2).T
    return replace(dyad, unmasked=(first, second))


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
