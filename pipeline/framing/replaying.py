"""The replay: history scored as it could have been at the time, where there was no Riftwatch yet.

Time is cut into stretches, one each audit period unless told otherwise. Of each stretch a model is trained as
retraining does, on codings of texts dated before it, and scores all texts to its end. What the alarms need of that, the
model's balance per group and week, is kept; :mod:`pipeline.measure.replayed` reads it. Such models are in no list and
are never promoted: they are made for looking back.

What no cut can keep out: coders knew what came later, somebody chose later which texts to code and which names to mask,
and which texts are copies of one another was found among all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import blake2b, sha256
from itertools import groupby
from time import monotonic
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from classifiers.codebook import Codebook, codebook_of
from classifiers.model.model_folder import FORMAT
from classifiers.model.passages import score_features
from classifiers.starter import StarterCoding
from classifiers.text.encoder import Encoder, load_encoder
from classifiers.text.featuriser import RULES
from classifiers.training.fitting import Training
from pipeline.environment import code_version
from pipeline.framing.as_of import Learnt, TooFewCodingsError, dated_before, learn, training_of
from pipeline.framing.job import BATCH, mask_of, masks_for
from pipeline.framing.kept import DocumentFeatures, featuriser_of
from pipeline.framing.replay_cells import Scored, cells
from pipeline.framing.retrain import HOW, content_of, digest_of, prepared_starter, rows_of
from pipeline.framing.starter import TRAINER
from pipeline.framing.stretches import Stretch, alarm_unit, finished, stretches, usual
from pipeline.monitor import Monitor, Period
from pipeline.monitors import load_monitors
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.cells import VARIABLE, first_days, random_codings
from pipeline.store.framings import Unframed
from pipeline.store.replays import (
    CountedTexts,
    Planned,
    begin_replay,
    counted_texts,
    keep_stretch,
    midnight,
    pack_coded,
    stretches_of,
)
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.training import CodedText, coded_texts, copies_of_coded

VERSION = 1
"""Raise it when the replay itself is made otherwise: every stretch is then made again."""


class ReplayError(ValueError):
    """No replay can be made at all; says why and what to do."""


@dataclass(frozen=True)
class _Basis:
    """What all stretches of a run share."""

    monitor: Monitor
    monitors: Mapping[str, Monitor]
    """all that are known, for the names that are masked in codings of theirs"""
    book: Codebook
    coded: Sequence[CodedText]
    """of all monitors"""
    starter: Sequence[StarterCoding]
    made_by: tuple[Any, ...]
    """all that training depends on beside the codings"""
    how: Training
    encoder: Encoder | None
    unit: Period
    first: date
    """first day of the first week or month"""
    texts: CountedTexts
    """all that is scored"""


def _basis(
    session: Session,
    settings: Settings,
    monitor: Monitor,
    monitors: Sequence[Monitor],
    unit: Period,
    first: date,
    seed: int,
) -> _Basis:
    book = codebook_of(VARIABLE)
    others = load_monitors(settings.monitor_files()).monitors.values()
    starter, starter_digest = prepared_starter(book)
    return _Basis(
        monitor=monitor,
        monitors={one.name: one for one in [*others, *monitors, monitor]},
        book=book,
        coded=list(coded_texts(session, VARIABLE)),
        starter=starter,
        made_by=(TRAINER, FORMAT, RULES, settings.encoder, book.model_dump(), starter_digest, seed),
        how=replace(HOW, seed=seed, classifier={"encoder": settings.encoder or None}),
        encoder=load_encoder(settings.encoder) if settings.encoder else None,
        unit=unit,
        first=first,
        texts=counted_texts(session, monitor.name, [group.id for group in monitor.groups], first),
    )


def _line(coded: CodedText) -> str:
    """What is known of a coding; its text by its digest."""
    return repr([value for name, value in vars(coded).items() if name != "text"])


def _digest(lines: Iterable[str]) -> str:
    made = sha256()
    for line in lines:
        made.update(f"{line}\n".encode(errors="surrogatepass"))
    return made.hexdigest()


def marks_of(texts: CountedTexts) -> dict[date, int]:
    """Day -> one number made of all its texts: another text, or another version of one, is another number. Pure.

    A sum of each text's own, below 2^64, so that no order matters.
    """
    sums: dict[date, int] = {}
    columns = (texts.id, texts.digest, texts.cluster, texts.group)
    for day, *said in zip(texts.day.astype(object).tolist(), *(column.tolist() for column in columns), strict=True):
        mark = int.from_bytes(blake2b(repr(said).encode(), digest_size=8).digest())
        sums[day] = (sums.get(day, 0) + mark) % 2**64
    return sums


def _plan(session: Session, basis: _Basis, planned: Sequence[Stretch]) -> list[Planned]:
    """The stretches, each with a digest of all it is made of. Nothing that is dated later is in it."""
    marks = sorted(marks_of(basis.texts).items())
    names = {
        name: f"{name} {monitor.audit_period} {[mask.featuriser for mask in masks_for(monitor, basis.book).values()]}"
        for name, monitor in basis.monitors.items()
    }
    shared = [
        f"{VERSION} {basis.unit} {basis.first} {sorted(group.id for group in basis.monitor.groups)}",
        digest_of(*basis.made_by),
        featuriser_of(mask_of(basis.monitor), basis.encoder),
    ]
    made = []
    for stretch in planned:
        coded = dated_before(basis.coded, stretch.start)
        parts: tuple[Iterable[str], ...] = (
            shared,
            [f"{stretch.start} {stretch.end}"],
            map(_line, coded),
            (names.get(name, name) for name in sorted({one.monitor for one in coded})),
            sorted(map(repr, copies_of_coded(session, VARIABLE, before=midnight(stretch.start)))),
            map(repr, random_codings(session, basis.monitor.name, before=stretch.start)),
            (f"{day} {mark}" for day, mark in marks if day < stretch.end),
        )
        made.append(Planned(stretch.start, stretch.end, _digest(line for part in parts for line in (*part, ""))))
    return made


class _Maker:
    """Makes stretches, one after another; codings that are the same train one model."""

    def __init__(self, settings: Settings, session: Session, basis: _Basis) -> None:
        self._session, self._basis = session, basis
        monitor = basis.monitor
        self.features = DocumentFeatures(settings, monitor.name, mask_of(monitor), encoder=basis.encoder)
        self._last: tuple[str, Learnt] | None = None
        self.problems: dict[str, None] = {}
        """what was left out of the codings, each once"""

    def figures(self, stretch: Planned) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The columns of a stretch, and its cells."""
        said: dict[str, Any] = {
            "digest": stretch.digest, "model": None, "model_sha256": None, "learnt_from": None, "codings": 0,
            "texts": 0, "missing": None, "scored": 0, "wordless": 0, "coded": None, "code_version": code_version(),
        }  # fmt: skip
        try:
            learnt_from, learnt = self._learnt(stretch.start)
        except TooFewCodingsError as error:
            return said | {"missing": str(error), "made_at": datetime.now(UTC)}, []
        scored = self._scored(stretch.end, learnt)
        random = {one.cluster for one in random_codings(self._session, self._basis.monitor.name, before=stretch.start)}
        is_coded = np.isin(scored.cluster, sorted(random))
        return said | {
            "model": f"{VARIABLE}-replay-{learnt_from[:10]}",
            "model_sha256": learnt.sha256,
            "learnt_from": learnt_from,
            "codings": learnt.codings,
            "texts": learnt.texts,
            "scored": len(scored.balance),
            "wordless": scored.wordless,
            "coded": pack_coded(scored.cluster[is_coded], scored.balance[is_coded]),
            "made_at": datetime.now(UTC),
        }, cells(scored, self._basis.unit)

    def _learnt(self, day: date) -> tuple[str, Learnt]:
        """The model as of a day, and the digest of what it learnt from. Raises TooFewCodingsError."""
        basis = self._basis
        copies = copies_of_coded(self._session, VARIABLE, before=midnight(day))
        self._session.commit()  # no old view is kept while a model is trained
        rows, left_out = rows_of(dated_before(basis.coded, day), basis.monitors, basis.book, copies)
        self.problems |= dict.fromkeys(left_out)
        learnt_from = digest_of(*basis.made_by, content_of(training_of(rows, basis.book)))
        if self._last is None or self._last[0] != learnt_from:
            self._last = (learnt_from, learn(rows, basis.book, basis.starter, basis.how))
        return self._last

    def _scored(self, end: date, learnt: Learnt) -> Scored:
        """Every text that counts, published before ``end``, as the model scores it."""
        texts = self._basis.texts
        rows = np.flatnonzero(texts.day < np.datetime64(end))
        place = dict(zip(texts.id[rows].tolist(), rows.tolist(), strict=True))
        scored: list[int] = []
        balances: list[float] = []
        wordless = 0
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            wanted = [
                Unframed(id_, digest.decode(), None, None, stale=False)
                for id_, digest in zip(texts.id[some].tolist(), texts.digest[some].tolist(), strict=True)
            ]
            for documents, features in self.features.of(self._session, wanted):
                probabilities, known = score_features(learnt.classifier, features)
                understood = np.array(known, dtype=bool)
                wordless += int((~understood).sum())
                scored += [place[one.id] for one, yes in zip(documents, known, strict=True) if yes]
                balances += (probabilities[understood, 0] - probabilities[understood, 1]).tolist()
        order = np.argsort(np.array(scored, dtype=np.int64))  # always the same, whatever was kept in which shard
        chosen = np.array(scored, dtype=np.int64)[order]
        balance = np.array(balances, dtype=np.float64)[order]
        return Scored(texts.group[chosen], texts.day[chosen], texts.cluster[chosen], balance, wordless)


def _without_model(session: Session, monitor: str) -> list[str]:
    """The times without a replay and why, neighbours that lack the same said once."""
    lines = []
    for missing, same in groupby(stretches_of(session, monitor), key=lambda row: row.missing):
        rows = list(same)
        if missing is not None:
            lines.append(f"no replay from {rows[0].start} to before {rows[-1].end}: {missing}")
    return lines


def replay(
    settings: Settings,
    monitor: Monitor,
    *,
    every: Period | None = None,
    monitors: Sequence[Monitor] = (),
    seed: int = 0,
    progress: Progress = silent,
    now: datetime | None = None,
) -> Report:
    """Make what is missing of a monitor's replay, and what was made of other texts or codings than there are now.

    every: how often a model is trained anew, else each audit period. monitors: besides those of the settings, whose
    codings train too. now: decides which weeks are over. A stretch and a commit at a time, so that a run that was
    broken off is gone on with. The report counts stretches: found, and of them new, updated (made again), known (left
    alone) and failed: the codings of the time can't train a model, as its problems say, and there is no replay of them.

    Raises :class:`ReplayError` where there is nothing to replay.
    """
    started, clock = datetime.now(UTC), monotonic()
    today = (now or started).astimezone(UTC).date()
    unit = alarm_unit(monitor)
    if unit is None:
        raise ReplayError(f"{monitor.name} has neither weeks nor months, so no alarm runs; add one to its periods")
    with open_session(settings) as session:
        progress("reading codings", 0, None)
        first = monitor.since or min(first_days(session, monitor.name).values(), default=None)
        if first is None:
            raise ReplayError(f"{monitor.name} has no own text with a date; collect first")
        units = finished(unit, first, min(monitor.until or today, today), today)
        planned = stretches(units, every or usual(monitor))
        if not planned:
            raise ReplayError(
                f"{monitor.name} has {len(units)} finished {unit}s, and no {every or usual(monitor)} begins after the "
                "first of them: there is no time to replay yet"
            )
        basis = _basis(session, settings, monitor, monitors, unit, units[0].start, seed)
        plan = _plan(session, basis, planned)
        open_ = begin_replay(session, monitor.name, unit, plan)
        session.commit()
        maker = _Maker(settings, session, basis)
        for done, stretch in enumerate(one for one in plan if one.start in open_):
            progress("replaying", done, len(open_))
            keep_stretch(session, monitor.name, stretch.start, *maker.figures(stretch))
            session.commit()
        maker.features.store.tidy()
        lacking = {row.start for row in stretches_of(session, monitor.name) if row.missing is not None}
        made = [changed for start, changed in open_.items() if start not in lacking]
        report = Report(
            job="replay",
            found=len(plan),
            new=made.count(False),
            updated=made.count(True),
            known=len(plan) - len(made) - len(lacking),
            failed=len(lacking),
            seconds=monotonic() - clock,
            problems=(*_without_model(session, monitor.name), *maker.problems),
        )
        record_run(session, report, started_at=started, monitor=monitor.name)
        session.commit()
    return report
