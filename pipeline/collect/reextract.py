"""Making documents anew from the archive, without the network: after the extractor or a source's rules have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.collect.archive import ArchiveError, Shelf, read, shelf_of
from pipeline.collect.keep import Tally, rules_of
from pipeline.collect.problems import Problems
from pipeline.collect.readers import Page, Read, read_all
from pipeline.extract.document import ExtractionRules, stamp
from pipeline.extract.memento import memento_at
from pipeline.monitor import Monitor, Source
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.documents import Incoming, keep_documents
from pipeline.store.reextraction import (
    Again,
    coded_among,
    count_outdated,
    fetched_pages,
    outdated,
    quarantined,
    set_problem,
)
from pipeline.store.runs import record_run
from pipeline.store.session import open_session

_STEP = 200
"""responses in one look at the index"""
BATCH = 32
"""documents in one transaction"""
_HINTED = frozenset({"feed", "news", "sitemap", "listing", "table", "capture"})
"""origins of dates that do not stand in the page itself"""
_NAMED = 20
"""addresses that one line of a report names"""

Next = Callable[[int], list[Again]]


def reextract(
    settings: Settings, monitor: Monitor, source_id: str, *, every: bool = False, progress: Progress = silent
) -> Report:
    """Read again the responses of a source whose documents were made by another extractor or under other rules
    (``every``: all), and those that gave no document; write the report line.

    Documents keep their ids, their codings and the day they were collected. A page that gives no text any more keeps
    its old one and is reported. Killed and run again, it goes on where it was (with ``every`` it begins anew, to the
    same end).
    """
    source = monitor.source(source_id)
    started = datetime.now(UTC)
    with open_session(settings, expire_on_commit=False) as session:
        run = _Run(settings, session, monitor.name, source, started, every=every, progress=progress)

        def recorded() -> Report:
            report = run.report()
            record_run(session, report, started_at=started, monitor=monitor.name, source=source.id)
            session.commit()
            return report

        try:
            run.run()
        except BaseException as error:
            session.rollback()
            run.problems.note(f"the run was broken off ({' '.join(f'{type(error).__name__}: {error}'.split())[:300]})")
            with suppress(SQLAlchemyError):  # it may be the database itself that is away
                recorded()
            raise
        return recorded()


class _Run:
    def __init__(
        self,
        settings: Settings,
        session: Session,
        monitor: str,
        source: Source,
        started: datetime,
        *,
        every: bool,
        progress: Progress,
    ) -> None:
        self.problems, self.tally = Problems(), Tally()
        self._settings, self._session, self._monitor, self._source = settings, session, monitor, source
        self._started, self._every, self._progress = started, every, progress
        self._shelf: Shelf = shelf_of(settings)
        self._rules: ExtractionRules = rules_of(source)
        self._stamp = stamp(self._rules)
        self._began = time.monotonic()
        self._found = self._size = self._still = self._places = 0
        self._recoded: set[str] = set()

    def run(self) -> None:
        total, without = count_outdated(
            self._session, self._monitor, self._source.id, stamp=self._stamp, every=self._every
        )
        if without:
            self.problems.note(
                f"{without:,} texts have no stored response (rows of tables, contents of feed entries) and were left; "
                "import or collect them again"
            )
        done = 0
        for batch in _batches(read_all(self._settings, self._pages(self._documents()))):
            self._write(batch)
            done += len(batch)
            self._progress("re-extract", done, total)
        for batch in _batches(read_all(self._settings, self._pages(self._quarantined()))):
            self._write(batch)
        if self._still:
            self.problems.note(f"{self._still:,} quarantined responses still give no document")

    def report(self) -> Report:
        if self._recoded:
            named = sorted(self._recoded)
            more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
            self.problems.note(
                f"{len(named):,} coded texts have changed; their codings stay, look at them again: "
                f"{', '.join(named[:_NAMED])}{more}"
            )
        tally = self.tally
        return Report(
            job="re-extract",
            found=self._found,
            new=tally.new,
            known=tally.known,
            updated=tally.updated,
            reposts=tally.reposts,
            failed=tally.failed,
            bytes=self._size,
            seconds=time.monotonic() - self._began,
            first=tally.first,
            last=tally.last,
            problems=self.problems.lines(),
        )

    # What is to be read

    def _documents(self) -> Iterator[list[Again]]:
        last = 0
        while some := outdated(
            self._session,
            self._monitor,
            self._source.id,
            stamp=self._stamp,
            every=self._every,
            after=last,
            limit=_STEP,
        ):
            yield some
            last = max(one.document_id or 0 for one in some)

    def _quarantined(self) -> Iterator[list[Again]]:
        last = 0
        while some := quarantined(self._session, self._monitor, self._source.id, after=last, limit=_STEP):
            yield some
            last = some[-1].capture_id

    def _pages(self, steps: Iterator[list[Again]]) -> Iterator[tuple[Again, Page]]:
        """The responses with all that extraction was told at first."""
        for some in steps:
            hints = fetched_pages(self._session, self._monitor, self._source.id, [one.address for one in some])
            self._session.commit()  # no transaction waits for the extraction
            for one in some:
                if one.document_id is None and not self._was_a_page(one, hints):
                    continue
                self._found += 1
                try:
                    body = read(self._shelf, one.warc_file, one.warc_offset).body
                except ArchiveError as error:
                    self._failed(one, str(error))
                    continue
                self._size += len(body)
                said = hints.get(one.address) or self._hints(one)
                yield one, Page(one.address, body, one.content_type, self._now(one), said, self._rules)

    def _was_a_page(self, one: Again, hints: dict[str, dict[str, Any]]) -> bool:
        """Feeds, sitemaps and listings that could not be read are in quarantine too, and are no texts."""
        return self._source.kind == "warc" or one.address in hints or memento_at(one.address) is not None

    def _hints(self, one: Again) -> dict[str, Any]:
        """Where the frontier knows nothing of it (an import, a redirect): the dates that did not stand in the page."""
        dates = [{"origin": d["origin"], "value": d["value"]} for d in one.dates if d["origin"] in _HINTED]
        if not dates and self._source.kind in {"warc", "wayback"}:
            dates = [{"origin": "capture", "value": one.captured_at.isoformat()}]
        return {"dates": dates}

    def _now(self, one: Again) -> datetime:
        """When it was read at first: what lies ahead of that is no date of publication."""
        if self._source.kind == "warc":
            return one.collected_at or self._started
        return max(one.captured_at, one.collected_at or one.captured_at)

    # Writing

    def _failed(self, one: Again, reason: str) -> None:
        self.tally.failed += 1
        self.problems.add(one.address, reason)

    def _write(self, batch: Sequence[tuple[Again, Read]]) -> None:
        texts: list[Incoming] = []
        origins: list[Again] = []
        for one, made in batch:
            if made.text is None:
                if one.document_id is None:
                    self._still += 1
                    set_problem(self._session, one.capture_id, made.problem)
                else:
                    self._failed(one, f"gives no text any more ({made.problem}); the old one was kept")
                continue
            for name in made.text.unmatched:
                self.problems.add(one.address, f"{name} finds nothing there; what extraction found by itself is kept")
            if one.document_id is None:
                set_problem(self._session, one.capture_id, None)
            texts.append(
                Incoming(
                    self._source.id,
                    self._source.group,
                    self._source.speaker,
                    # whatever has become of spellings: it is the same document
                    replace(made.text, address=one.document_address or made.text.address),
                    one.capture_id,
                    self._started,
                    made.bands,
                    self._stamp,
                )
            )
            origins.append(one)
        changed = []
        for text, one, kept in zip(texts, origins, keep_documents(self._session, self._monitor, texts), strict=True):
            setattr(self.tally, kept.status, getattr(self.tally, kept.status) + 1)
            if kept.status == "new":
                self.tally.reposts += kept.repost
                self.tally.published(text.extracted.published_at)
            elif kept.status == "updated" and one.document_id is not None:
                changed.append(kept.document_id)
        recoded = coded_among(self._session, changed)
        self._session.commit()
        self._recoded.update(recoded)


def _batches(read: Iterator[tuple[Again, Read]]) -> Iterator[list[tuple[Again, Read]]]:
    while batch := list(islice(read, BATCH)):
        yield batch
