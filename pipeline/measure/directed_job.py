"""The job that keeps directed counts: how many texts of each group name, and criticise, each other group per period.

Names are looked for once in a text. A measurement reads the words of texts that are new, changed, or were looked
through with other names; everything else is numbers that the store keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from time import monotonic
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from classifiers.text.mask import Mask
from classifiers.text.mentions import Mentions
from pipeline.measure.cells import Coded
from pipeline.measure.criticism import lent_to
from pipeline.measure.directed import (
    VARIABLE,
    CriticismCodings,
    audited_cell,
    digests_of,
    names_of,
)
from pipeline.measure.publish_directed import Ids, Named, publish_directed, rate_values
from pipeline.measure.timespan import measured_days, measured_periods
from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import Span, periods_covering
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.alone import alone
from pipeline.store.cells import first_copies
from pipeline.store.directed import CountKey, TotalKey, keep_directed, texts_by_day
from pipeline.store.mentions import Naming, Unscanned, keep_mentions, naming_of, unscanned
from pipeline.store.models import model_in_force
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.tables import Model

AT_ONCE = 1_000
"""texts that are read and committed together"""


class _Scanner:
    """Finds the groups that a text names."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._mentions = Mentions(names)
        self._masks = {group: Mask(own) for group, own in names.items()}

    def found(self, text: Unscanned) -> dict[str, tuple[bool, bool]]:
        """Group -> whether the text counts as naming it, and whether it is audited."""
        named = self._mentions.named(text.text, text.group)
        audited = {g for g, mask in self._masks.items() if g != text.group and mask.finds(text.text)}
        return {group: (group in named, group in audited) for group in sorted({*named, *audited})}


def scan(session: Session, monitor: Monitor, progress: Progress = silent) -> int:
    """Look for names in every text that waits for it; returns how many. Commits as it goes."""
    names = names_of(monitor)
    digests, scanner = digests_of(names), _Scanner(names)
    after = done = 0
    while texts := unscanned(session, monitor.name, digests, after=after, limit=AT_ONCE):
        keep_mentions(session, texts, digests, {text.document: scanner.found(text) for text in texts})
        session.commit()
        after, done = texts[-1].document, done + len(texts)
        progress("looking for names", done, None)
    return done


def _slices(days: Any, spans: Sequence[Span]) -> list[slice]:
    """Of days in order, which belong to each of the spans."""
    edges = np.array([day for span in spans for day in (span.start, span.end)], dtype="datetime64[D]")
    return [slice(int(low), int(high)) for low, high in list(pairwise(np.searchsorted(days, edges)))[::2]]


def _named(naming: Naming, inside: slice, clusters: int, coded: Mapping[int, Coded], collected: Any) -> Named:
    """The texts of a cell that name the other, and of the audited ones what the estimate needs."""
    chosen = np.arange(inside.start, inside.stop)
    if coded:  # what was erased since the mentions were read is gone
        there = [not naming.audited[i] or int(naming.cluster[i]) in collected for i in chosen.tolist()]
        chosen = chosen[np.array(there, dtype=bool)]
    documents, named, audited = naming.document[chosen], naming.named[chosen], naming.audited[chosen]
    chosen = chosen[audited]
    units = naming.cluster[chosen].tolist()
    found = [coded.get(cluster) for cluster in units]
    times = [collected[cluster] for cluster in units] if any(found) else None
    cell = audited_cell(clusters, naming.f[chosen], found, times)
    codings = tuple(i for one in found if one for i in one.ids)
    return Named(cell, documents, audited, named, codings)


@dataclass(frozen=True)
class Counts:
    """The directed figures of a monitor, and what they were made of."""

    totals: dict[TotalKey, dict[str, Any]]
    documents: dict[TotalKey, Ids]
    """the texts that each total counts"""
    rates: dict[CountKey, dict[str, Any]]
    cells: dict[CountKey, Named]
    model: Model | None
    """of criticism, in force"""


def directed_counts(
    session: Session,
    monitor: Monitor,
    spans: Mapping[Period, Sequence[Span]],
    by_day: Mapping[str, tuple[Any, Ids]],
) -> Counts:
    """Totals of every group and period, and figures of every pair and period in which one names the other.

    by_day: group -> days of its different texts, and their documents. Reads no words: what :func:`scan` has found. The
    hostile figures are those of :func:`pipeline.measure.directed.directed_rows`, corrected in the audit period only.
    """
    groups = [group.id for group in monitor.groups]
    codings, model = CriticismCodings(session, monitor.name), model_in_force(session, VARIABLE)
    totals: dict[TotalKey, dict[str, Any]] = {}
    documents: dict[TotalKey, Ids] = {}
    cells: dict[CountKey, Named] = {}
    for a in groups:
        days, own = by_day.get(a, (np.empty(0, dtype="datetime64[D]"), np.empty(0, dtype=np.int64)))
        for kind, of_kind in spans.items():
            for span, part in zip(of_kind, _slices(days, of_kind), strict=True):
                totals[a, kind, span.start] = {"end": span.end, "clusters": part.stop - part.start}
                documents[a, kind, span.start] = own[part]
        for b, naming in naming_of(session, monitor.name, a, model.id if model else None).items():
            if b not in groups:
                continue  # a group that the monitor had
            coded = codings.towards(b)
            # when a text came matters only where some are coded
            asked = naming.cluster[naming.audited].tolist() if coded else []
            collected = first_copies(session, monitor.name, asked)
            for kind, of_kind in spans.items():
                for span, part in zip(of_kind, _slices(naming.day, of_kind), strict=True):
                    if part.stop > part.start:
                        clusters = totals[a, kind, span.start]["clusters"]
                        cells[a, b, kind, span.start] = _named(naming, part, clusters, coded, collected)
    audit = [key for key in cells if key[2] == monitor.audit_period]
    for key, lent in zip(audit, lent_to([cells[key].cell for key in audit]), strict=True):
        cells[key] = replace(cells[key], borrowed=lent)
    figures = {key: rate_values(one, monitor.audit_period) for key, one in cells.items()}
    return Counts(totals, documents, figures, cells, model)


def measure_directed(
    settings: Settings, monitor: Monitor, *, progress: Progress = silent, now: datetime | None = None
) -> Report:
    """Bring the directed counts of a monitor up to date.

    Killed anywhere and run again, no text is looked through twice. The report counts different own texts (found), those
    of them that were not looked through again (known) and cells that are new, differ or are gone (updated).
    """
    started, clock = datetime.now(UTC), monotonic()
    today = (now or started).astimezone(UTC).date()
    with alone(settings, f"directed {monitor.name}"), open_session(settings) as session:
        scanned = scan(session, monitor, progress)
        progress("counting who names whom", 0, None)
        read_at = datetime.now(UTC)
        by_day = texts_by_day(session, monitor.name)
        first = min((found[0][0].astype(object) for found in by_day.values()), default=None)
        days = measured_days(monitor, first, today)
        spans: dict[Period, Sequence[Span]] = {
            kind: periods_covering(kind, *days) if days else [] for kind in measured_periods(monitor)
        }
        found = directed_counts(session, monitor, spans, by_day)
        changed = keep_directed(session, monitor.name, found.totals, found.rates, read_at)
        publish_directed(
            session,
            monitor.name,
            found.totals,
            found.documents,
            found.rates,
            found.cells,
            audit=monitor.audit_period,
            model=found.model,
            today=today,
            as_of=read_at,
        )
        texts = sum(len(documents) for _, documents in by_day.values())
        report = Report(
            job="who names whom",
            found=texts,
            known=max(0, texts - scanned),
            updated=changed.written + changed.deleted,
            seconds=monotonic() - clock,
        )
        record_run(session, report, started_at=started, monitor=monitor.name)
        session.commit()
    return report
