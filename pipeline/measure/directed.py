"""Directed figures of every ordered pair of groups: who names, answers, cites and criticises whom. Reads the store."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from itertools import permutations
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.text.mask import Mask
from classifiers.text.mentions import Mentions
from pipeline.measure.attention import Citations, Vocabulary, most_cited, prints_of, replies, wilson
from pipeline.measure.balance import Floats
from pipeline.measure.cells import Coded, codings_by_cluster, sample_of
from pipeline.measure.criticism import Audited, Hostility, hostilities
from pipeline.measure.missing import Coverage, flags, why_empty
from pipeline.measure.timespan import coverage_of, measured_days
from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import Span, periods_covering
from pipeline.store.cells import last_collected
from pipeline.store.directed import (
    OwnText,
    hostile_probabilities,
    own_documents,
    random_codings_towards,
    texts_in_order,
)
from pipeline.store.models import model_in_force

VARIABLE = "criticism"
MOST_SPELLINGS = 3
"""other spellings that one flag names"""
RULES = 1
"""version of the rules by which names are found; another one has every text looked through again"""


@dataclass(frozen=True)
class CitedText:
    """A text of B that A cites in a period."""

    document: int
    title: str | None
    address: str
    day: date
    by: int
    """texts of A that cite it"""
    links: int
    titles: int
    quotes: int


@dataclass(frozen=True)
class DirectedRow:
    """What A's texts of one period say of B. Null figures: ``missing`` or ``why`` says why."""

    a: str
    b: str
    period: Period
    start: date
    end: date
    """first day after the period"""
    clusters: int
    """different texts of A: N"""
    naming: int
    """of them name B, by an alias or another transliteration of one"""
    share: float | None
    """naming / clusters: counted, so without error for the texts collected"""
    share_low: float | None
    """Wilson's 95% interval of the chance that a text of A names B, of which these texts are one outcome"""
    share_high: float | None
    audited: int
    """texts that hit an alias, from which codings are drawn: M"""
    codings: int
    """of them drawn at random and coded: n"""
    late: int
    estimator: str
    """corrected, counted (no text names b), uncorrected or none; of the hostile figures"""
    hostile_share: float | None
    """of the audited texts"""
    hostile_low: float | None
    hostile_high: float | None
    rate: float | None
    """h_AB: hostile texts that name B, of all texts of A"""
    rate_low: float | None
    rate_high: float | None
    interval: str | None
    """t or exact"""
    variance: float | None
    freedom: float | None
    lam: float | None
    why: str | None
    """why the hostile figures are not corrected, have no interval, or are not there"""
    triggers: int
    """B's texts of the period"""
    answered: int
    """of them followed by a text of A that names B"""
    reply_days: float | None
    """median time to the first such text, censored ones reckoned with; null: fewer than half are followed"""
    usual_days: float | None
    """the same from any day of the period: a reply is quick only against this"""
    cited: tuple[CitedText, ...]
    missing: str | None
    """why A has no text"""
    flags: tuple[str, ...]

    @property
    def most_cited(self) -> list[dict[str, Any]]:
        """``cited`` as plain values."""
        return [asdict(text) | {"day": text.day.isoformat()} for text in self.cited]


DIRECTED_COLUMNS: dict[str, str] = {
    "a": "who speaks",
    "b": "who is named",
    "period": "week, month, quarter or year",
    "start": "first day of the period (UTC)",
    "end": "first day after the period",
    "clusters": "different texts of a (N)",
    "naming": "of them name b",
    "share": "naming / clusters",
    "share_low": "lower end of Wilson's 95% interval",
    "share_high": "upper end",
    "audited": "texts that hit an alias of b, from which codings are drawn (M)",
    "codings": "of them drawn at random and coded (n)",
    "late": "audited texts that arrived at a time that codings do not speak for",
    "estimator": "corrected, counted (no text names b), uncorrected (the model alone) or none",
    "hostile_share": "hostile share of the audited texts",
    "hostile_low": "lower end of the 95% interval",
    "hostile_high": "upper end",
    "rate": "h: hostile texts that name b, of all texts of a",
    "rate_low": "lower end of the 95% interval",
    "rate_high": "upper end",
    "interval": "t, or exact where few codings are of one kind",
    "variance": "variance of the hostile share, of a t interval",
    "freedom": "its degrees of freedom",
    "lam": "how far the model is trusted, 0 to 1",
    "why": "why the hostile figures are not corrected, have no interval, or are not there",
    "triggers": "texts of b in the period",
    "answered": "of them followed by a text of a that names b",
    "reply_days": "median days to the first such text",
    "usual_days": "the same from any day of the period",
    "most_cited": "texts of b that a cites most",
    "missing": "why a has no text",
    "flags": "what a reader has to know",
}
"""The columns of the directed table: name -> meaning in one line."""


def names_of(monitor: Monitor) -> dict[str, list[str]]:
    """Group -> its name and aliases."""
    return {
        group.id: [group.name, *(alias for each in group.aliases.values() for alias in each)]
        for group in monitor.groups
    }


def digests_of(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Group -> digest of what is looked for in a text in which it speaks."""
    return {
        speaker: blake2b(
            json.dumps([RULES, speaker, {g: sorted(own) for g, own in sorted(names.items())}]).encode(), digest_size=16
        ).hexdigest()
        for speaker in names
    }


class CriticismCodings:
    """The random codings of criticism, by target."""

    def __init__(
        self, session: Session, monitor: str, *, only: Collection[int] | None = None, at: datetime | None = None
    ) -> None:
        """only: ids of those that count; None: all. at: as far as their draws were answered then; None: by now."""
        book = codebook_of(VARIABLE)
        hostile = book.heads["hostile"]
        values = {name: float(name in hostile) for name in book.names}
        self.problems: list[str] = []
        self._coded: dict[str, dict[int, Coded]] = {}
        for target, codings in random_codings_towards(session, monitor, VARIABLE, at=at).items():
            chosen = [one for one in codings if only is None or one.id in only]
            self._coded[target], problems = codings_by_cluster(chosen, values)
            self.problems += problems

    def towards(self, target: str) -> dict[int, Coded]:
        """Cluster -> what coders said of it towards this group: y is the share of them who said hostile."""
        return self._coded.get(target, {})


def _first_collected(documents: Iterable[OwnText]) -> dict[int, datetime]:
    """Cluster -> when its first copy was collected: from then on it could be drawn."""
    first: dict[int, datetime] = {}
    for text in documents:
        first[text.cluster] = min(text.collected_at, first.get(text.cluster, text.collected_at))
    return first


def _first_and_last_days(documents: Iterable[OwnText]) -> tuple[dict[str, date], dict[str, dict[str, date]]]:
    """Group -> day of its first text; group -> source -> day of its last text. Documents by publication."""
    first: dict[str, date] = {}
    last: dict[str, dict[str, date]] = {}
    for text in documents:
        day = text.published_at.date()
        first.setdefault(text.group, day)
        last.setdefault(text.group, {})[text.source] = day
    return first, last


class _Reading:
    """All of a monitor that the directed figures are made of, read once."""

    def __init__(self, session: Session, monitor: Monitor, documents: Sequence[OwnText]) -> None:
        self.collected = _first_collected(documents)
        names = names_of(monitor)
        mentions, frames = Mentions(names), {group: Mask(own) for group, own in names.items()}
        addresses: dict[int, list[str]] = {}
        for text in documents:
            addresses.setdefault(text.cluster, []).append(text.address)
        counted = {text.document: text for text in documents if text.counts}
        self.texts: list[OwnText] = []
        self.named: list[Mapping[str, tuple[str, ...]]] = []
        self.framed: list[set[str]] = []
        """groups whose alias a text hits, as the queue draws it"""
        vocabulary, prints = Vocabulary(), []
        for document, words in texts_in_order(session, list(counted)):
            text = counted[document]
            self.texts.append(text)
            self.named.append(mentions.named(words, text.group))
            self.framed.append({g for g, names in frames.items() if g != text.group and names.finds(words)})
            prints.append(prints_of(words, text.title, vocabulary))
        found = Citations([t.group for t in self.texts], prints, [addresses[t.cluster] for t in self.texts])
        self._cited: list[dict[tuple[str, str], list[tuple[int, int]]]] = []
        for pairs in (found.links(), found.titles(), found.quotes()):
            by: dict[tuple[str, str], list[tuple[int, int]]] = {}
            for cited, citing in pairs:
                by.setdefault((self.texts[citing].group, self.texts[cited].group), []).append((cited, citing))
            self._cited.append(by)
        self._places: dict[str, tuple[list[int], list[date]]] = {}
        self._naming: dict[tuple[str, str], list[int]] = {}
        for i, text in enumerate(self.texts):
            own, days = self._places.setdefault(text.group, ([], []))
            own.append(i)
            days.append(text.published_at.date())
            for b in self.named[i]:
                self._naming.setdefault((text.group, b), []).append(i)
        self.at = np.array([t.published_at.replace(tzinfo=None) for t in self.texts], dtype="datetime64[us]")
        model = model_in_force(session, VARIABLE)
        self.probabilities = hostile_probabilities(session, monitor.name, model.id) if model else {}
        self.codings = CriticismCodings(session, monitor.name)

    def places(self, group: str, span: Span | None = None) -> list[int]:
        """Where the texts of a group (of a period) stand."""
        own, days = self._places.get(group, ([], []))
        if span is None:
            return own
        return own[bisect_left(days, span.start) : bisect_left(days, span.end)]

    def naming(self, a: str, b: str) -> list[int]:
        """Where the texts of ``a`` that name ``b`` stand."""
        return self._naming.get((a, b), [])

    def citations(self, a: str, b: str, inside: set[int]) -> list[set[tuple[int, int]]]:
        """(cited, citing) of b's texts in those of a that stand ``inside``: by links, titles, quotations."""
        return [{pair for pair in found.get((a, b), ()) if pair[1] in inside} for found in self._cited]

    def moments_of(self, places: Sequence[int]) -> Any:
        return self.at[np.array(places, dtype=np.intp)]

    def audited(self, b: str, places: Sequence[int]) -> Audited:
        """The texts at ``places`` that hit an alias of ``b``, as the estimate needs them."""
        inside = [self.texts[i] for i in places if b in self.framed[i]]
        coded = self.codings.towards(b)
        return audited_cell(
            len(places),
            np.array([self.probabilities.get((text.document, b), np.nan) for text in inside], dtype=float),
            [coded.get(text.cluster) for text in inside],
            [self.collected[text.cluster] for text in inside],
        )


def audited_cell(
    clusters: int, f: Floats, coded: Sequence[Coded | None], collected: Sequence[datetime] | None
) -> Audited:
    """The audited texts of a cell as the estimate needs them.

    clusters: N, all different texts of A. f: the model's probability of hostile of each audited one, shape (M,). coded:
    of each, None where it is not coded. collected: when its first copy was; None where none is coded.
    """
    pi, late = np.full(len(coded), np.nan), np.zeros(len(coded), dtype=bool)
    if collected is not None:
        pi, late = sample_of(coded, collected)
    y = np.array([one.y if one else np.nan for one in coded], dtype=float)
    return Audited(clusters=clusters, f=f, y=y, pi=pi, late=late)


def uncorrected_hostility(cell: Audited, audit: Period) -> Hostility:
    """The model's mean alone, of a period that is no audit period."""
    made = hostilities([replace(cell, y=np.full(cell.naming, np.nan), late=np.zeros(cell.naming, dtype=bool))])[0]
    if made.estimator == "counted":
        return made
    why = f"random codings correct the audit period ({audit}) only"
    if made.estimator == "none":
        why += "; and no model of criticism has scored these texts"
    return replace(made, coded=cell.coded, why=why)


def _as_moment(day: date) -> np.datetime64:
    return np.datetime64(datetime.combine(day, time()), "us")


def _row(
    reading: _Reading, a: str, b: str, span: Span, hostile: Hostility | None, end: date, coverage: Coverage, today: date
) -> DirectedRow:
    own, others = reading.places(a, span), reading.places(b, span)
    naming = [i for i in own if b in reading.named[i]]
    low, high = wilson(len(naming), len(own)) if own else (None, None)
    every_day = np.arange(np.datetime64(span.start), np.datetime64(span.end)).astype("datetime64[us]")
    answer = replies(reading.moments_of(others), reading.moments_of(reading.naming(a, b)), every_day, _as_moment(end))
    cited = []
    links, titles, quotes = reading.citations(a, b, set(own))
    for found in most_cited(links, titles, quotes):
        text = reading.texts[found.text]
        day = text.published_at.date()
        cited.append(
            CitedText(text.document, text.title, text.address, day, found.by, found.links, found.titles, found.quotes)
        )
    audited = sum(b in reading.framed[i] for i in own)
    made = hostile or Hostility("none", why=f"{a} has no text in this period")
    return DirectedRow(
        a=a,
        b=b,
        period=span.kind,
        start=span.start,
        end=span.end,
        clusters=len(own),
        naming=len(naming),
        share=len(naming) / len(own) if own else None,
        share_low=low,
        share_high=high,
        audited=audited,
        codings=made.coded,
        late=made.late,
        estimator=made.estimator,
        hostile_share=made.share,
        hostile_low=made.low,
        hostile_high=made.high,
        rate=made.rate,
        rate_low=made.rate_low,
        rate_high=made.rate_high,
        interval=made.interval,
        variance=made.variance,
        freedom=made.freedom,
        lam=made.lam,
        why=made.why,
        triggers=answer.triggers,
        answered=answer.answered,
        reply_days=answer.median,
        usual_days=answer.usual,
        cited=tuple(cited),
        missing=why_empty(span, coverage) if not own else None,
        flags=tuple(flags(span, coverage, today) + _own_flags(reading, b, own, made)),
    )


def _own_flags(reading: _Reading, b: str, own: Sequence[int], made: Hostility) -> list[str]:
    said = []
    spelled = [i for i in own if reading.named[i].get(b)]
    if spelled:
        spellings = sorted({one for i in spelled for one in reading.named[i][b]})
        shown = ", ".join(spellings[:MOST_SPELLINGS]) + (" ..." if len(spellings) > MOST_SPELLINGS else "")
        said.append(f"{b} is named by spellings that are no alias ({shown}); add them, so that they can be coded")
    loose = sum(b in reading.framed[i] and b not in reading.named[i] for i in own)
    if loose:
        said.append(
            f"{loose} audited texts hit an alias of {b} only as an ordinary word, and do not count as naming it"
        )
    coded = reading.codings.towards(b)
    if outside := sum(reading.texts[i].cluster in coded and b not in reading.framed[i] for i in own):
        said.append(f"{outside} coded texts hit no alias of {b} (any more) and are in no figure")
    if made.late:
        said.append(
            f"{made.late} texts that name {b} arrived at a time that codings do not speak for; "
            "the hostile share is of the others"
        )
    return said


def directed_rows(
    session: Session, monitor: Monitor, period: Period, *, today: date | None = None
) -> list[DirectedRow]:
    """The directed rows of a monitor, by pair and period: every ordered pair of its groups.

    Hostile figures are corrected where ``period`` is the audit period; each cell borrows from all the others. Writes
    nothing. Empty where there is no dated own text and the monitor says no first day.
    """
    today = today or datetime.now(UTC).date()
    documents = own_documents(session, monitor.name)
    days = measured_days(monitor, documents[0].published_at.date() if documents else None, today)
    if days is None:
        return []
    reading, spans = _Reading(session, monitor, documents), periods_covering(period, *days)
    collected = last_collected(session, monitor.name)
    groups = [group.id for group in monitor.groups]
    first, last = _first_and_last_days(documents)
    coverage = {
        group: coverage_of(monitor, group, collected, first.get(group), last.get(group, {})) for group in groups
    }
    keys = [(a, b, span) for a, b in permutations(groups, 2) for span in spans]
    cells = {key: reading.audited(key[1], places) for key in keys if (places := reading.places(key[0], key[2]))}
    if period == monitor.audit_period:
        hostile = dict(zip(cells, hostilities(list(cells.values())), strict=True))
    else:
        hostile = {key: uncorrected_hostility(cell, monitor.audit_period) for key, cell in cells.items()}
    return [
        _row(reading, a, b, span, hostile.get((a, b, span)), _observed_until(coverage[a], today), coverage[a], today)
        for a, b, span in keys
    ]


def _observed_until(coverage: Coverage, today: date) -> date:
    """First day of which nothing is known of a group."""
    return min(coverage.last or today, today) + timedelta(days=1)


def what_is_missing(session: Session, monitor: Monitor) -> list[str]:
    """What keeps criticism from being measured at all, in sentences; empty: nothing."""
    said = []
    model = model_in_force(session, VARIABLE)
    if model is None:
        said.append("no model of criticism is in force; `riftwatch frame` puts the starter model in force")
    codings = CriticismCodings(session, monitor.name)
    said += codings.problems
    if not any(codings.towards(group.id) for group in monitor.groups):
        said.append(
            "no criticism has been coded at random, so no rate has an interval and no rise can be tested; "
            f"`riftwatch label queue --variable {VARIABLE}` draws texts that name a group"
        )
    return said
