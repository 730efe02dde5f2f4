"""Reading the cells of a monitor: those that have changed from their texts, the others from what is remembered.

A cell has changed when its digest has: of the model and the code, of the marks of its texts, and of its random codings
and when their texts came. The marks are summed by the database, so that nothing is read of what has not changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipeline.environment import code_version
from pipeline.measure.cells import Cell, Coded, Grid
from pipeline.measure.summary import Summary, from_known, summarise, to_known
from pipeline.monitor import Period
from pipeline.monitor.periods import Span, period_of
from pipeline.store.cells import Texts, first_copies, first_days, places, texts_by_group, texts_of_days
from pipeline.store.marks import DayMarks, Marks, day_marks, days_of
from pipeline.store.measured import CellKey, Known, known_cells
from pipeline.store.published import pack, unpack
from pipeline.store.tables import Model

_CONTEXT, _REST = 12, 20
"""hexadecimal digits of a digest: of model and code, and of the cell"""
MOST_IN_PARTS = 0.5
"""Share of all texts above which they are read as a whole: many small questions take the database longer than one."""


def context_of(model: Model | None) -> str:
    """Digest of what all cells are measured with: another model or another version of the code changes every cell."""
    of_model = None
    if model is not None:
        of_model = [model.id, model.sha256, model.confusion, model.training_balance]
    said = json.dumps([code_version(), of_model], sort_keys=True)
    return blake2b(said.encode(), digest_size=_CONTEXT // 2).hexdigest()


@dataclass
class Cells:
    """All cells of a monitor."""

    summaries: dict[tuple[str, Span], Summary] = field(default_factory=dict)
    changed: dict[CellKey, tuple[np.ndarray[Any, np.dtype[np.int64]], tuple[int, ...]]] = field(default_factory=dict)
    """of the cells that were read: ids of the different texts and of their random codings"""
    fresh: dict[CellKey, Known] = field(default_factory=dict)
    """what is to be remembered of them"""
    gone: list[CellKey] = field(default_factory=list)
    """remembered cells that hold no text any more, or that the monitor does not have"""
    lent: bool = False
    """whether what the cells lend each other may have changed"""
    texts: int = 0
    """own dated texts"""
    read: int = 0
    """of them that were read"""
    unframed: int = 0
    """texts that stand for their cluster and are not framed by the model in force"""
    wordless: int = 0
    """of them those the model was shown, but knows no word of"""
    last: date | None = None
    """day of the latest text"""

    def rows(self) -> Iterator[dict[str, Any]]:
        """What is to be remembered of the cells that were read, as rows of the table."""
        for (group, period, start), known in self.fresh.items():
            documents, codings = self.changed[group, period, start]
            ids = {"documents": pack(documents), "coding_ids": pack(codings)}
            yield {"group_id": group, "period": period, "start": start} | vars(known) | ids


class Reader:
    """Reads the cells of one monitor, once."""

    def __init__(
        self, session: Session, monitor: str, model: Model | None, coded: Mapping[int, Coded], audit_period: Period
    ) -> None:
        self._session, self._monitor, self._model = session, monitor, model
        self._model_id = model.id if model else None
        self._coded, self._audit = coded, audit_period
        self._context = context_of(model)
        self._known = known_cells(session, monitor)
        self._arrived = first_copies(session, monitor, list(coded))
        self._places = places(session, monitor, list(coded))
        fits = any(known.digest.startswith(self._context) for known in self._known.values())
        # where nothing fits all texts are read, and their marks are reckoned from them
        self._marks: Marks | None = day_marks(session, monitor, self._model_id) if fits else None
        if self._marks is not None:
            self.first_days = {g: _day(days.day[0]) for g, days in self._marks.groups.items()}
        else:
            self.first_days = first_days(session, monitor)

    @property
    def outside(self) -> int:
        """Coded clusters that are in no cell: undated, or an observer's."""
        return len(self._coded) - len(self._arrived)

    def read(self, groups: Sequence[str], spans: Mapping[Period, Sequence[Span]]) -> Cells:
        """All cells of these groups and periods."""
        made = Cells()
        lines = self._coding_lines(spans)
        copies = self._copies_asked_for()
        wanted: dict[str, list[Span]] = {}
        for group in groups:
            for kind in spans:
                marks = _cell_marks(self._marks.groups.get(group) if self._marks else None, spans[kind])
                for span, (texts, mark) in zip(spans[kind], marks, strict=True):
                    key = (group, span.kind, span.start)
                    known = self._known.get(key)
                    asked = _asked_lines(known, copies)
                    if self._marks is not None and not texts:
                        made.summaries[group, span] = Summary(group, span)
                    elif known and known.digest == self._digest(key, texts, mark, lines.get(key, []), asked):
                        made.summaries[group, span] = from_known(group, span, known)
                    else:
                        wanted.setdefault(group, []).append(span)
        self._read_changed(made, wanted, spans, lines)
        self._finish(made, groups, spans)
        return made

    def _digest(self, key: CellKey, texts: int, mark: int, codings: Sequence[str], asked: Sequence[str]) -> str:
        said = "\n".join([f"{key[1] == self._audit} {texts} {mark}", *codings, "asked", *asked])
        return self._context + blake2b(said.encode(), digest_size=_REST // 2).hexdigest()

    def _coding_lines(self, kinds: Mapping[Period, Any]) -> dict[CellKey, list[str]]:
        """What is known of the coded texts of each cell, one line each."""
        made: dict[CellKey, list[str]] = {}
        start = cache(lambda kind, day: period_of(kind, day).start)
        for cluster in sorted(self._places):
            (group, day), coded = self._places[cluster], self._coded[cluster]
            draws = sorted((drawn_at.isoformat(), chance) for drawn_at, chance in coded.draws.items())
            line = f"{cluster} {coded.y!r} {draws} {coded.ids}"
            earlier = sorted(drawn_at.isoformat() for drawn_at in coded.earlier - coded.draws.keys())
            for kind in kinds:
                came = f" {self._arrived.get(cluster)}" if kind == self._audit else ""
                if kind == self._audit and coded.answered:
                    came += f" {sorted((drawn_at.isoformat(), share) for drawn_at, share in coded.answered.items())}"
                if kind == self._audit and earlier:
                    came += f" after {earlier}"
                made.setdefault((group, kind, start(kind, day)), []).append(line + came)
        return made

    def _copies_asked_for(self) -> dict[int, datetime]:
        asked = {int(c) for known in self._known.values() if known.asked for c in unpack(known.asked)}
        return first_copies(self._session, self._monitor, sorted(asked))

    def _read_changed(
        self,
        made: Cells,
        wanted: Mapping[str, Sequence[Span]],
        spans: Mapping[Period, Sequence[Span]],
        lines: Mapping[CellKey, list[str]],
    ) -> None:
        found: dict[str, DayMarks] = {}
        for group, texts in self._texts(wanted):
            made.read += len(texts)
            days = days_of(texts)
            if self._marks is None:
                found[group] = days
                made.unframed += int(np.isnan(texts.p_nationalist[texts.counts]).sum())
                made.wordless += texts.wordless
            grid = Grid(texts, self._coded, self._arrived)
            for kind in spans:
                some = [span for span in wanted.get(group, ()) if span.kind == kind]
                self._take(made, grid, group, some, _cell_marks(days, some), lines)
        # groups of which not one text is there any more
        for group, lacking in wanted.items():
            for span in lacking:
                made.summaries.setdefault((group, span), Summary(group, span))
        marks = self._marks or Marks(found, made.unframed, made.wordless)
        made.texts, made.unframed, made.wordless = marks.texts, marks.unframed, marks.wordless
        made.last = max((_day(days.day[-1]) for days in marks.groups.values()), default=None)

    def _texts(self, wanted: Mapping[str, Sequence[Span]]) -> Iterator[tuple[str, Texts]]:
        """Group by group the texts of the wanted cells; where these hold most of all texts, all texts."""
        ranges = {group: _joined(spans) for group, spans in wanted.items()}
        if self._marks is not None:
            number = sum(_number(self._marks.groups[group], pairs) for group, pairs in ranges.items())
            if number <= MOST_IN_PARTS * self._marks.texts:
                for group, pairs in ranges.items():
                    yield group, texts_of_days(self._session, self._monitor, self._model_id, group, pairs)
                return
        for texts in texts_by_group(self._session, self._monitor, self._model_id):
            yield str(texts.group[0]), texts

    def _take(
        self,
        made: Cells,
        grid: Grid,
        group: str,
        spans: Sequence[Span],
        marks: Sequence[tuple[int, int]],
        lines: Mapping[CellKey, list[str]],
    ) -> None:
        """Changed cells of one group and period kind, from their texts."""
        audit = any(span.kind == self._audit for span in spans)
        cells = grid.cells(group, spans, draws=audit)
        cut = [self._cut(grid, cell) for cell in cells] if audit else [(cell, {}) for cell in cells]
        summaries = summarise([cell for cell, _ in cut], self._model, audit=audit)
        for span, (cell, asked), summary, mark in zip(spans, cut, summaries, marks, strict=True):
            made.summaries[group, span] = summary
            if cell.texts:
                key = (group, span.kind, span.start)
                digest = self._digest(key, *mark, lines.get(key, []), _lines_of(sorted(asked), asked))
                packed = pack(sorted(asked)) if asked else b""
                made.changed[key] = (cell.documents, cell.codings)
                made.fresh[key] = to_known(summary, digest, asked=packed, audit=audit)

    def _cut(self, grid: Grid, cell: Cell) -> tuple[Cell, dict[int, datetime]]:
        """A cell, and when the first copies came of those of its texts that missed a draw unless a copy was there.

        Such a copy may be another group's.
        """
        later = [c for c in grid.came_later(cell) if c > 0 and c not in self._arrived]
        if not later:
            return cell, {}
        copies = first_copies(self._session, self._monitor, later)
        grid.arrived(copies)
        return grid.cell(cell.group, cell.span), copies

    def _finish(self, made: Cells, groups: Sequence[str], spans: Mapping[Period, Sequence[Span]]) -> None:
        # always in this order, whatever was read first: sums over cells are then the same to the last bit
        order = [(group, span) for kind in spans for group in groups for span in spans[kind]]
        made.summaries = {key: made.summaries[key] for key in order}
        filled = {(group, span.kind, span.start) for (group, span), cell in made.summaries.items() if cell.texts}
        made.gone = [key for key in self._known if key not in filled]
        touched: list[CellKey] = [*made.changed, *made.gone]
        for key in made.gone:
            made.changed[key] = (np.empty(0, dtype=np.int64), ())
        now: dict[CellKey, int] = {
            (group, span.kind, span.start): summary.coded for (group, span), summary in made.summaries.items()
        }
        made.lent = any(
            key[1] == self._audit and (now.get(key, 0) or (key in self._known and self._known[key].codings))
            for key in touched
        )


def _day(value: Any) -> date:
    day: date = value.astype(object)
    return day


def _asked_lines(known: Known | None, copies: Mapping[int, datetime]) -> list[str]:
    return _lines_of(unpack(known.asked).tolist(), copies) if known is not None and known.asked else []


def _lines_of(clusters: Sequence[int], copies: Mapping[int, datetime]) -> list[str]:
    return [f"{cluster} {copies.get(cluster)}" for cluster in clusters]


def _cell_marks(days: DayMarks | None, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """How many texts each span has, and the sum of their marks."""
    if days is None:
        return [(0, 0)] * len(spans)
    edges = np.array([(span.start, span.end) for span in spans], dtype="datetime64[D]").reshape(-1, 2)
    low, high = np.searchsorted(days.day, edges[:, 0]), np.searchsorted(days.day, edges[:, 1])
    texts, marks = (np.concatenate([[0], np.cumsum(one)]) for one in (days.texts, days.mark))
    return list(zip((texts[high] - texts[low]).tolist(), (marks[high] - marks[low]).tolist(), strict=True))


def _joined(spans: Sequence[Span]) -> list[tuple[date, date]]:
    """The days of all the spans as ranges of which none touches another."""
    ranges: list[tuple[date, date]] = []
    for span in sorted(spans):
        if ranges and span.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], span.end))
        else:
            ranges.append((span.start, span.end))
    return ranges


def _number(days: DayMarks, ranges: Sequence[tuple[date, date]]) -> int:
    edges = np.array(ranges, dtype="datetime64[D]")
    low, high = np.searchsorted(days.day, edges[:, 0]), np.searchsorted(days.day, edges[:, 1])
    return int(sum(days.texts[i:j].sum() for i, j in zip(low, high, strict=True)))
