"""From what was read to what is stored: extract, archive, index, document. The only place of a run that writes."""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.collect.archive import Archive, Position
from pipeline.collect.failure import Failure, verdict
from pipeline.collect.fetch import Response
from pipeline.collect.kinds.events import PageItem, TextItem, Trouble
from pipeline.collect.problems import Problems
from pipeline.extract.address import canonical
from pipeline.extract.document import Extracted, ExtractError, ExtractionRules
from pipeline.extract.page import extract_page, extract_text
from pipeline.extract.memento import memento_at
from pipeline.monitor import Source
from pipeline.store import frontier
from pipeline.store.captures import capture_id, keep_capture
from pipeline.store.documents import keep_document
from pipeline.store.frontier import Due


@dataclass
class Tally:
    """Counts of a run."""

    new: int = 0
    known: int = 0
    updated: int = 0
    reposts: int = 0
    failed: int = 0
    first: datetime | None = None
    last: datetime | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def copy(self) -> Tally:
        return replace(self, skipped=Counter(self.skipped))

    def published(self, when: datetime | None) -> None:
        if when is not None:
            self.first = min(self.first or when, when)
            self.last = max(self.last or when, when)


def rules_of(source: Source) -> ExtractionRules:
    """What a source says of its own pages."""
    return ExtractionRules(
        text_selector=getattr(source, "text_selector", None),
        date_selector=getattr(source, "date_selector", None),
        title_selector=getattr(source, "title_selector", None),
        language=source.language,
        earliest=source.earliest,
    )


@dataclass(frozen=True)
class _Write:
    place: str
    write: Callable[[], None]
    instead: Callable[[str], None] | None


_REFUSED = (SQLAlchemyError, ValueError)


def ends_the_run(error: Exception) -> bool:
    """Whether the database is away or its disk is full. Of any other refusal a single text is to blame."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # class 54 of PostgreSQL's error codes: a value past a limit of the database
    return not str(getattr(error.orig, "sqlstate", None) or "").startswith("54")


@dataclass(frozen=True)
class _Read:
    """What extraction made of something: a text, or why there is none."""

    text: Extracted | None
    problem: str | None


def _final_address(response: Response, asked: str) -> str:
    """Where the response came from, redirects followed; the address asked for where that has no canonical form.

    Of a capture in a web archive, where people can look at it.
    """
    memento = memento_at(response.address)
    try:
        return canonical(memento.shown if memento else response.address)
    except ValueError:
        return asked


BATCH = 16
"""writes in one transaction"""
BATCH_SECONDS = 1.0
READINGS = 3
"""how often a page is read whose reading ends the process (memory, time, a fault in a library)"""


class Keeper:
    """Writes what a run of one source brings in.

    A text is extracted when it comes and written a little later, with others: so no transaction stays open while
    a page is extracted (others wait for it), and a killed run loses little. What a transaction writes hangs together:
    archive index, document and frontier row are there all or not at all.
    """

    def __init__(
        self, session: Session, monitor: str, source: Source, archive: Archive, problems: Problems, now: datetime
    ) -> None:
        self.session, self.tally, self.problems = session, Tally(), problems
        self._monitor, self._source, self._archive = monitor, source, archive
        self._now = now
        self._rules = rules_of(source)
        # only spreads the waits after a 429; nothing secret hangs on it
        self._chance = random.Random()  # noqa: S311
        self._writes: list[_Write] = []
        self._last = time.monotonic()

    def later(self, place: str, write: Callable[[], None], instead: Callable[[str], None] | None = None) -> None:
        """Put a write into the present batch; it may run at once.

        ``instead``, called with the reason, is what is written when the database can't take it.
        """
        self._writes.append(_Write(place, write, instead))
        if len(self._writes) >= BATCH or time.monotonic() - self._last > BATCH_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write the batch. What the database can't take is reported, and takes nothing else with it."""
        writes, self._writes = self._writes, []
        before = self.tally.copy()
        try:
            for one in writes:
                one.write()
            self.session.commit()
        except _REFUSED as error:
            self.tally = before
            if ends_the_run(error):
                raise
            self.session.rollback()
            for one in writes:
                self._commit_one(one)
        self._last = time.monotonic()

    def _commit_one(self, one: _Write) -> None:
        before = self.tally.copy()
        try:
            one.write()
            self.session.commit()
        except _REFUSED as error:
            self.tally = before
            if ends_the_run(error):
                raise
            self.session.rollback()
            reason = f"can't be stored: {type(error).__name__}: {error}".splitlines()[0][:300]
            self._failed(one.place, reason)
            if one.instead is not None:
                one.instead(reason)
                self.session.commit()

    # Reading: no writes

    def read_page(self, address: str, body: bytes, content_type: str | None, hints: Mapping[str, Any]) -> _Read:
        try:
            made = extract_page(
                body, address=address, content_type=content_type, hints=hints, rules=self._rules, now=self._now
            )
        except ExtractError as error:
            return _Read(None, error.reason)
        except Exception as error:  # a page that breaks a library must not end the run; its bytes are kept
            return _Read(None, f"extraction failed: {type(error).__name__}: {error}"[:300])
        return _Read(made, None)

    def read_text(self, address: str, text: str, title: str | None, hints: Mapping[str, Any]) -> _Read:
        try:
            made = extract_text(text, address=address, title=title, hints=hints, rules=self._rules, now=self._now)
        except ExtractError as error:
            return _Read(None, error.reason)
        return _Read(made, None)

    # Writing

    def _known(self, address: str, digest: str) -> bool:
        return capture_id(self.session, self._monitor, self._source.id, address, digest) is not None

    def _document(self, made: Extracted, capture: int | None, *, group: str | None, source: str) -> None:
        kept = keep_document(
            self.session,
            monitor=self._monitor,
            source=source,
            group_id=group,
            speaker=self._source.speaker,
            extracted=made,
            capture_id=capture,
            collected_at=self._now,
        )
        setattr(self.tally, kept.status, getattr(self.tally, kept.status) + 1)
        if kept.status == "new":
            self.tally.reposts += kept.repost
            self.tally.published(made.published_at)

    def _capture(self, page: PageItem, digest: str, problem: str | None) -> int:
        return keep_capture(
            self.session,
            monitor=self._monitor,
            source=self._source.id,
            address=page.address,
            captured_at=page.captured_at,
            http_status=page.status,
            content_type=page.content_type,
            digest=digest,
            length=len(page.body),
            warc_file=page.position.file,
            warc_offset=page.position.offset,
            problem=problem,
        )

    def _failed(self, place: str, reason: str) -> None:
        self.tally.failed += 1
        self.problems.add(place, reason)

    def _page(self, page: PageItem, read: _Read, digest: str) -> None:
        capture = self._capture(page, digest, read.problem)
        if read.text is None:
            self._failed(page.address, f"kept without a document: {read.problem}")
        else:
            for name in read.text.unmatched:
                self.problems.add(page.address, f"{name} finds nothing there; what extraction found by itself is kept")
            self._document(read.text, capture, group=self._source.group, source=self._source.id)

    def imported(self, page: PageItem) -> None:
        """A page of an archive file."""
        digest = hashlib.sha256(page.body).hexdigest()
        if self._known(page.address, digest):
            self.tally.known += 1
            return
        read = self.read_page(page.address, page.body, page.content_type, page.hints)
        self.later(page.address, lambda: self._page(page, read, digest))

    def row(self, item: TextItem) -> None:
        """A row of a table."""
        read = self.read_text(item.address, item.text, item.title, item.hints)
        text = read.text
        if text is None:
            self._failed(item.address, f"left out: {read.problem}")
        else:
            self.later(item.address, lambda: self._document(text, None, group=item.group, source=item.source))

    def fetched(self, due: Due, response: Response) -> None:
        """A page that was fetched: into the archive, and its frontier row is done."""
        address = _final_address(response, due.address)
        digest = hashlib.sha256(response.body).hexdigest()
        if self._known(address, digest):
            self.tally.known += 1
            self.later(address, lambda: frontier.mark_fetched(self.session, due.id, now=self._now))
            return
        begun = frontier.begin_reading(self.session, due.id)
        if begun > 1:
            # an earlier run ended at this page or beside it: nothing else may be lost with it
            self.commit()
        if begun > READINGS:
            read = _Read(None, f"extraction ended the run {READINGS} times and is not tried again")
        else:
            read = self.read_page(address, response.body, response.content_type, due.hints)

        def write() -> None:
            self._page(self._archived(address, response), read, digest)
            frontier.mark_fetched(self.session, due.id, now=self._now, reason=read.problem)

        self.later(address, write, lambda reason: self._give_up(due, reason))

    def _give_up(self, due: Due, reason: str) -> None:
        frontier.mark_failed(self.session, due.id, status="failed", failure="hard", reason=reason, not_before=None)

    def _archived(self, address: str, response: Response) -> PageItem:
        position: Position = self._archive.write(address, response)
        return PageItem(address, response.status, response.content_type, response.body, response.fetched_at, position)

    def trouble(self, trouble: Trouble) -> None:
        """Something that could not be read. The bytes of a feed, sitemap or listing are kept."""
        self.problems.add(trouble.place, trouble.reason)
        self.tally.failed += trouble.failed
        response = trouble.response
        if response is not None:
            self.later(trouble.place, lambda: self._quarantine(trouble.place, response, trouble.reason))

    def _quarantine(self, place: str, response: Response, reason: str) -> None:
        address = _final_address(response, place)
        digest = hashlib.sha256(response.body).hexdigest()
        if not self._known(address, digest):
            self._capture(self._archived(address, response), digest, reason)

    def missed(self, due: Due, failure: Failure) -> None:
        """An address that failed. What its feed said is used when there will be no page."""
        result = verdict(failure, due.tries + 1, self._now, self._chance)
        text = due.hints.get("text") if result.status != "pending" else None
        read = self.read_text(due.address, text, due.hints.get("title"), due.hints) if text else None
        self._failed(due.address, failure.reason)

        def write() -> None:
            frontier.mark_failed(
                self.session,
                due.id,
                status=result.status,
                failure=failure.kind,
                reason=failure.reason,
                not_before=result.not_before,
            )
            if read is not None and read.text is not None:
                self._document(read.text, None, group=self._source.group, source=self._source.id)

        self.later(due.address, write, lambda reason: self._give_up(due, reason))
