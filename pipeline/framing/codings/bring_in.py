"""Bringing codings in: every label of a file is kept, or named with its place and what is wrong with it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from pipeline.framing.codings.fields import Checker, CodingsFileError, Defaults, Found
from pipeline.framing.codings.formats import FileFormat, module_of, recognise
from pipeline.monitor import Monitor
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.codings import KEYS, count_waiting, keep_codings, match_waiting
from pipeline.store.label import IMPORTING
from pipeline.store.queues import adopt, keep_probabilities
from pipeline.store.runs import record_run
from pipeline.store.session import open_session

BATCH = 2000
"""labels in memory at a time, and per commit"""
MOST_PROBLEMS = 1000
"""named one by one; the others are counted"""


def _digest(values: list[Any]) -> bytes:
    return blake2b(json.dumps(values, default=str, sort_keys=True).encode(), digest_size=12).digest()


class _Import:
    """What has become of the labels so far."""

    def __init__(self, monitor: Monitor, file: Path, defaults: Defaults) -> None:
        self._monitor, self._file = monitor.name, file.name
        self._checker = Checker([group.id for group in monitor.groups], defaults)
        self._seen: dict[bytes, tuple[str, bytes]] = {}
        self._unnamed = 0
        self.found = self.new = self.updated = self.known = self.failed = self.unlabelled = 0
        self.problems: list[str] = []

    def fail(self, problem: str, place: str = "") -> None:
        self.failed += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{self._file}:{place}: {problem}" if place else f"{self._file}: {problem}")
        else:
            self._unnamed += 1

    def next_batch(self, labels: Iterator[Found]) -> list[Found]:
        """The next labels; where the file can't be read on, those before it, and the reason as a problem."""
        batch: list[Found] = []
        try:
            for found in islice(labels, BATCH):
                batch.append(found)
        except CodingsFileError as error:
            self.fail(str(error))
        return batch

    def take(self, session: Session, batch: list[Found]) -> None:
        """Check and keep some labels. Does not commit."""
        good: dict[bytes, tuple[str, dict[str, Any]]] = {}
        for found in batch:
            self.found += 1
            if found.row is None and not found.wrong:
                self.unlabelled += 1
                continue
            try:
                if found.row is None:
                    raise ValueError(found.wrong)
                coding = self._checker.coding(found.row)
                key = _digest([coding[name] for name in KEYS if name != "monitor"])
                content = _digest([coding[name] for name in coding if name != "extra"])
                first, before = self._seen.setdefault(key, (found.place, content))
                if before != content:
                    raise ValueError(f"{_at(first)} has the same text, coder and draw, and says something else")
            except ValueError as error:
                self.fail(str(error), found.place)
                continue
            if first == found.place:
                good[key] = (found.place, coding)
            else:
                self.known += 1
        kept = keep_codings(session, self._monitor, [coding for _, coding in good.values()])
        self.new, self.updated, self.known = self.new + kept.new, self.updated + kept.updated, self.known + kept.known
        for place, coding in good.values():
            if coding["address"] in kept.erased:  # the address is not repeated: it was erased
                self.fail("its text was erased, and its codings with it; they are not taken back", place)
            elif tuple({**coding, "monitor": self._monitor}[name] for name in KEYS) in kept.by_hand:
                self.fail(
                    f"{coding['coder']} coded this text by hand, and a machine's label takes no person's place; "
                    "give the machine a coder's name of its own",
                    place,
                )

    def said(self) -> tuple[str, ...]:
        """All problems, those that were not named as a number."""
        more = (
            [f"{self.unlabelled} without a label, or skipped by the coder: missing is missing"]
            if self.unlabelled
            else []
        )
        return (*self.problems, *([f"and {self._unnamed:,} more"] if self._unnamed else []), *more)


def _at(place: str) -> str:
    return f"line {place}" if place[:1].isdigit() else place


def import_codings(
    settings: Settings,
    monitor: Monitor,
    file: Path,
    *,
    form: FileFormat | None = None,
    defaults: Defaults | None = None,
    progress: Progress = silent,
) -> Report:
    """Bring in the codings of a file (UTF-8): CSV, Label Studio, doccano or 4CAT; by default as its content shows.

    A wrong label is reported with its line or task, and the rest is brought in, BATCH at a time. A coding whose text is
    not collected yet waits for it; one whose text was erased is refused. The same file again changes nothing; a
    changed value corrects the coding. A time without zone is UTC; no ``drawn_at`` means a draw from a list that was
    complete. The report counts labels: found, new, updated, known, failed; waiting are all the monitor's codings
    without a document. Raises CodingsFileError for a file that can't be opened.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    found_form = recognise(file)
    form = form or found_form
    defaults = defaults or Defaults()
    if form is not FileFormat.CSV and defaults.draw is None:
        defaults = replace(defaults, draw="import")
    run = _Import(monitor, file, defaults)
    with open_session(settings) as session:
        labels = module_of(form).read(file, defaults)
        while batch := run.next_batch(labels):
            run.take(session, batch)
            session.commit()
            progress("codings", run.found, None)
        # documents may have come while their codings were on the way
        match_waiting(session, monitor.name)
        keep_probabilities(session, monitor.name)
        adopt(session, monitor.name, datetime.now(UTC))
        report = Report(
            job=IMPORTING,
            found=run.found,
            new=run.new,
            updated=run.updated,
            known=run.known,
            failed=run.failed,
            waiting=count_waiting(session, monitor.name),
            bytes=file.stat().st_size,
            seconds=time.monotonic() - clock,
            problems=run.said(),
        )
        record_run(session, report, started_at=started_at, monitor=monitor.name)
        session.commit()
    return report
