"""Drawing a labelling queue: a random part that measures, and a part from which the model learns most."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from classifiers.codebook import Codebook, codebook_of
from classifiers.coding.selection import doubt, shortlist, spread, word_features
from pipeline.framing.draw import Key, RandomDraw, StratumDraw, blind_seconds, draw_at_random, random_share
from pipeline.framing.naming import Naming
from pipeline.monitor import Monitor
from pipeline.monitor.periods import Span, period_of
from pipeline.report import Progress, silent
from pipeline.settings import Settings
from pipeline.store.models import model_in_force
from pipeline.store.queues import (
    Candidate,
    add_items,
    add_queue,
    adopt,
    candidates,
    coded_units,
    drawn_with_seed,
    leave_active,
    lock_queues,
    probabilities,
    queued_units,
    texts_of,
    unanswered,
)
from pipeline.store.session import open_session


@dataclass(frozen=True)
class Drawn:
    """A queue that was drawn."""

    queue: int
    variable: str
    drawn_at: datetime
    seed: int
    random: int
    """items drawn at random: the audit sample"""
    active: int
    """items chosen because the model doubts them"""
    second: int
    """items that two coders get"""
    strata: list[StratumDraw]
    notes: list[str]
    """what a reader should know of this draw, in sentences"""


@dataclass(frozen=True)
class _Unit:
    """A cluster, of a targeted codebook one for each group it names."""

    text: Candidate
    target: str
    key: Key

    @property
    def identity(self) -> tuple[int, str]:
        return self.text.cluster, self.target

    @property
    def place(self) -> tuple[int, str]:
        return self.text.document, self.target


class QueueError(ValueError):
    """A queue that can't be drawn or used; says why and what to do."""


def _units(
    session: Session, monitor: Monitor, book: Codebook, texts: Sequence[Candidate], progress: Progress
) -> list[_Unit]:
    spans: dict[date, Span] = {}

    def key(text: Candidate, target: str) -> Key:
        span = spans.get(text.day) or spans.setdefault(text.day, period_of(monitor.audit_period, text.day))
        return Key(text.group, span.start, span.label, target)

    if not book.targeted:
        return [_Unit(text, "", key(text, "")) for text in texts]
    naming, by_document = Naming(monitor), {text.document: text for text in texts}
    units = []
    for done, (document, words) in enumerate(texts_of(session, list(by_document)), start=1):
        text = by_document[document]
        units += [_Unit(text, target, key(text, target)) for target in naming.named_in(words, text.group)]
        progress("looking for names", done, len(texts))
    return sorted(units, key=lambda unit: unit.place)


def _within(texts: Sequence[Candidate], monitor: Monitor, since: date | None, until: date | None) -> list[Candidate]:
    """The texts of the audit periods that hold a day from ``since`` to before ``until``."""

    def inside(day: date) -> bool:
        span = period_of(monitor.audit_period, day)
        return (since is None or span.end > since) and (until is None or span.start < until)

    days = {text.day for text in texts}
    kept = {day for day in days if inside(day)}
    return [text for text in texts if text.day in kept]


def _active(
    session: Session,
    units: Sequence[_Unit],
    said: dict[tuple[int, str], tuple[float, float]],
    size: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Places of the units that the model doubts most and that differ from one another."""
    known = np.array([i for i, unit in enumerate(units) if unit.place in said], dtype=np.intp)
    if not len(known) or not size:
        return np.empty(0, dtype=np.intp)
    doubts = doubt(np.array([said[units[i].place] for i in known.tolist()]))
    # of a targeted codebook a text that names several groups is taken once: its cluster counts once
    order = shortlist(doubts, size, rng)
    _, first = np.unique([units[known[i]].text.cluster for i in order.tolist()], return_index=True)
    order = order[np.sort(first)]
    words = dict(texts_of(session, [units[known[i]].text.document for i in order.tolist()]))
    features = word_features([words.get(units[known[i]].text.document, "") for i in order.tolist()])
    chosen: NDArray[np.intp] = known[order[spread(features, doubts[order], size, int(rng.integers(2**31)))]]
    return chosen


def draw_queue(
    settings: Settings,
    monitor: Monitor,
    *,
    variable: str,
    size: int = 200,
    random: float = 0.25,
    second: float = 0.2,
    seed: int | None = None,
    group: str | None = None,
    since: date | None = None,
    until: date | None = None,
    languages: Sequence[str] = (),
    progress: Progress = silent,
    once_within: timedelta | None = None,
    now: datetime | None = None,
) -> Drawn:
    """Draw a queue of ``size`` texts and keep it, in one transaction.

    random: the share drawn at random per group and audit period, at least a quarter; the rest the model chooses.
    second: the share of either part that two coders get. since, until, group: only these strata, widened to whole
    audit periods, since a draw from half a period says nothing of the whole. languages: only for what the model
    chooses; the random part is of all languages, else its figures would speak of some texts only. once_within: the
    same seed within this time is the same request, sent twice, and is refused. Raises QueueError for that and
    where nothing can be drawn, ValueError for shares out of range, CodebookError for an unknown variable.
    """
    book = codebook_of(variable)
    if size < 1:
        raise ValueError(f"a queue of {size} texts is none; write 1 or more")
    random_share(size, random)  # refuses a wrong share before any work
    drawn_at = (now or datetime.now(UTC)).astimezone(UTC)
    seed = secrets.randbelow(2**31) if seed is None else seed
    rng = np.random.default_rng(seed)
    with open_session(settings) as session:
        progress("reading texts", 0, None)
        texts = [t for t in candidates(session, monitor.name, drawn_at) if group is None or t.group == group]
        units = _units(session, monitor, book, _within(texts, monitor, since, until), progress)
        if not units:
            what = " that names a group" if book.targeted else ""
            raise QueueError(f"no dated text of its own{what} is there to be drawn; collect first, or widen the choice")
        model = model_in_force(session, variable)
        said = probabilities(session, monitor.name, model.id) if model else {}
        # from here on no other queue of this monitor is drawn
        lock_queues(session, monitor.name)
        queue = add_queue(
            session,
            monitor=monitor.name,
            variable=variable,
            drawn_at=drawn_at,
            seed=seed,
            model_id=model.id if model and said else None,
        )
        if once_within is not None:
            known = drawn_with_seed(session, monitor.name, variable, seed, drawn_at - once_within, before=queue)
            if known is not None:
                raise QueueError(f"this queue is drawn already: it is queue {known}")
        adopt(session, monitor.name, drawn_at)
        notes = _open_notes(unanswered(session, monitor.name, variable, before=queue))
        audit = coded_units(session, monitor.name, variable, random=True)
        audit |= queued_units(session, monitor.name, variable, random=True)
        # of more than there is, the random part would take all, and leave nothing to train on
        left = sum(unit.identity not in audit for unit in units)
        by_chance = random_share(min(size, left), random)
        if not said:
            by_chance = size
            why = f"no {variable} model has scored these texts yet" if model else f"no {variable} model is in force"
            notes.append(f"{why}, so all were drawn at random; `riftwatch frame` scores them")
        made = draw_at_random(
            [unit.key for unit in units], np.array([unit.identity in audit for unit in units]), by_chance, rng
        )
        if not len(made.units) and not said:
            raise QueueError("every text is in the audit sample already; collect more, or widen the choice")
        chosen = [units[i] for i in made.units.tolist()]
        leave_active(session, monitor.name, variable, [unit.place for unit in chosen])
        rest = _rest(session, monitor, variable, units, audit | {u.identity for u in chosen}, languages)
        picked = [rest[i] for i in _active(session, rest, said, size - by_chance, rng).tolist()]
        if len(chosen) + len(picked) == 0:
            raise QueueError("every text is coded or in a queue already; collect more, or widen the choice")
        if len(chosen) + len(picked) < size:
            notes.append(f"only {len(chosen) + len(picked)} of {size} texts were left to be drawn")
        twice = blind_seconds([len(chosen), len(picked)], second, rng)
        add_items(session, queue, _rows(made, chosen, picked, twice, rng))
        session.commit()
    return Drawn(
        queue=queue,
        variable=variable,
        drawn_at=drawn_at,
        seed=seed,
        random=len(chosen),
        active=len(picked),
        second=int(twice.sum()),
        strata=made.strata,
        notes=notes,
    )


def _open_notes(left: dict[int, int]) -> list[str]:
    return [
        f"queue {queue} still has {number} texts of the audit sample to code; finish it, or give them up with "
        f"`riftwatch label close {queue}`: until then its figures rest on fewer texts than were drawn"
        for queue, number in left.items()
    ]


def _rest(
    session: Session,
    monitor: Monitor,
    variable: str,
    units: Sequence[_Unit],
    audit: set[tuple[int, str]],
    languages: Sequence[str],
) -> list[_Unit]:
    """What the model may choose from: no cluster of the audit sample, nothing coded or queued."""
    clusters = {cluster for cluster, _ in audit}
    taken = coded_units(session, monitor.name, variable, random=False)
    taken |= queued_units(session, monitor.name, variable, random=False)
    return [
        unit
        for unit in units
        if unit.text.cluster not in clusters
        and unit.identity not in taken
        and (not languages or unit.text.language in languages)
    ]


def _rows(
    made: RandomDraw,
    chosen: Sequence[_Unit],
    picked: Sequence[_Unit],
    twice: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """The queue's items, in an order that tells nothing of how they were drawn."""
    drawn: list[tuple[_Unit, str, float | None, str | None]] = [
        (unit, "random", float(p), unit.key.name) for unit, p in zip(chosen, made.probability, strict=True)
    ]
    drawn += [(unit, "active", None, None) for unit in picked]
    rows = [
        {
            "place": int(place),
            "document_id": unit.text.document,
            "target": unit.target,
            "draw": draw,
            "probability": probability,
            "stratum": stratum,
            "coders": 2 if both else 1,
        }
        for (unit, draw, probability, stratum), both, place in zip(
            drawn, twice.tolist(), rng.permutation(len(drawn)) + 1, strict=True
        )
    ]
    return sorted(rows, key=lambda row: row["place"])  # ids in the order of places tell nothing either
