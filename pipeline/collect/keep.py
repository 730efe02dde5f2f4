"""From what was read to what is stored: extract, archive, index, document. The only place of a run that writes."""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.collect.archive import Archive, Position
from pipeline.collect.ending import ends_the_run, lost_a_race
from pipeline.collect.failure import Failure, verdict
from pipeline.collect.fetch import Response
from pipeline.collect.kinds.events import PageItem, TextItem, Trouble
from pipeline.collect.problems import Problems
from pipeline.collect.readers import Page, Read, Reading, Text
from pipeline.extract.address import canonical
from pipeline.extract.document import ExtractionRules, stamp
from pipeline.extract.memento import memento_at
from pipeline.monitor import Source
from pipeline.settings import Settings
from pipeline.store import frontier
from pipeline.store.captures import Captured, captures_of, keep_captures
from pipeline.store.documents import Incoming, keep_documents
from pipeline.store.erasures import erased
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
        date_format=getattr(source, "date_format", None),
        date_languages=tuple(getattr(source, "date_languages", ())),
        language=source.language,
        earliest=source.earliest,
    )


_REFUSED = (SQLAlchemyError, ValueError)


def _final_address(response: Response, asked: str) -> str:
    """Where the response came from, redirects followed; the address asked for where that has no canonical form.

    Of a capture in a web archive, where people can look at it.
    """
    memento = memento_at(response.address)
    try:
        return canonical(memento.shown if memento else response.address)
    except ValueError:
        return asked


BATCH = 32
"""writes in one transaction, and responses in one look at what is known"""
BATCH_SECONDS = 1.0
RACES = 5
"""so often a batch is tried that another run of the source is in the way of"""
UNREAD = Read(None, None)
"""of what needs no reading, since it is stored already"""


@dataclass
class _Write:
    """Something to be written. One of the kinds below, or just a call."""

    place: str
    write: Callable[[], None] | None = None
    instead: Callable[[str], None] | None = None
    """called with the reason, writes what is to be written when the database can't take it"""


@dataclass
class _TextWrite(_Write):
    """A text that has no response of its own: a row of a table, the content of a feed's entry."""

    group: str | None = None
    source: str = ""
    read: Read = UNREAD


@dataclass
class _PageWrite(_Write):
    """A response, the document that was made of it, and the frontier row that is done with it."""

    address: str = ""
    digest: str = ""
    response: Response | None = None
    """to be archived; null where the page came out of an archive"""
    page: PageItem | None = None
    """with its place in an archive, once it has one"""
    row: int | None = None
    read: Read = UNREAD
    quarantined: bool = False
    """whether only its bytes are kept, and what is wrong with it has been said"""

    @property
    def key(self) -> tuple[str, str]:
        return self.address, self.digest


class Keeper:
    """Writes what a run of one source brings in.

    A text is extracted in another process when it comes, and written a little later with others, in the order of their
    coming: so no transaction stays open while a page is extracted (others wait for it), and a killed run loses little.
    What a transaction writes hangs together: archive index, document and frontier row are there all or not at all.
    The bytes of a response are on the disk before the transaction that names their place ends.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        monitor: str,
        source: Source,
        archive: Archive,
        problems: Problems,
        now: datetime,
    ) -> None:
        self.session, self.tally, self.problems = session, Tally(), problems
        self._monitor, self._source, self._archive = monitor, source, archive
        self._now = now
        self._rules = rules_of(source)
        # only spreads the waits after a 429; nothing secret hangs on it
        self._chance = random.Random()  # noqa: S311
        self._arrived: list[tuple[_PageWrite, Page]] = []
        self._reading: Reading[_TextWrite | _PageWrite] = Reading(settings)
        self._writes: list[_Write] = []
        self._said: list[tuple[str, str]] = []
        self._last = time.monotonic()

    # What comes in

    def later(self, place: str, write: Callable[[], None], instead: Callable[[str], None] | None = None) -> None:
        """Put a write into the present batch; it may run at once.

        ``instead``, called with the reason, is what is written when the database can't take it.
        """
        self._add(_Write(place, write, instead))

    def imported(self, page: PageItem) -> None:
        """A page of an archive file."""
        digest = hashlib.sha256(page.body).hexdigest()
        write = _PageWrite(page.address, address=page.address, digest=digest, page=page)
        self._arrive(write, self._page_of(page.address, page.body, page.content_type, page.hints))

    def fetched(self, due: Due, response: Response) -> None:
        """A page that was fetched: into the archive, and its frontier row is done."""
        address = _final_address(response, due.address)
        write = _PageWrite(
            address,
            instead=lambda reason: self._give_up(due, reason),
            address=address,
            digest=hashlib.sha256(response.body).hexdigest(),
            response=response,
            row=due.id,
        )
        self._arrive(write, self._page_of(address, response.body, response.content_type, due.hints))

    def row(self, item: TextItem) -> None:
        """A row of a table."""
        write = _TextWrite(item.address, group=item.group, source=item.source)
        self._hand_in(write, self._text_of(item.address, item.text, item.title, item.hints))

    def entry(self, due: Due, text: str) -> None:
        """An entry of a feed whose own text counts: its frontier row is done without a page."""
        write = _TextWrite(
            due.address,
            # why there is no text, if so, is known when this is called
            lambda: frontier.mark_fetched(self.session, {due.id: write.read.problem}, now=self._now),
            lambda reason: self._give_up(due, reason),
            group=self._source.group,
            source=self._source.id,
        )
        self._hand_in(write, self._text_of(due.address, text, due.hints.get("title"), due.hints))

    def trouble(self, trouble: Trouble) -> None:
        """Something that could not be read. The bytes of a feed, sitemap or listing are kept."""
        self.problems.add(trouble.place, trouble.reason)
        self.tally.failed += trouble.failed
        if trouble.response is not None:
            address = _final_address(trouble.response, trouble.place)
            digest = hashlib.sha256(trouble.response.body).hexdigest()
            self._add(
                _PageWrite(
                    trouble.place,
                    address=address,
                    digest=digest,
                    response=trouble.response,
                    read=Read(None, trouble.reason),
                    quarantined=True,
                )
            )

    def missed(self, due: Due, failure: Failure) -> None:
        """An address that failed. What its feed said is used when there will be no page."""
        result = verdict(failure, due.tries + 1, self._now, self._chance)
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

        text = due.hints.get("text") if result.status != "pending" else None
        if not text:
            self.later(due.address, write, lambda reason: self._give_up(due, reason))
            return
        standing_in = _TextWrite(
            due.address,
            write,
            lambda reason: self._give_up(due, reason),
            group=self._source.group,
            source=self._source.id,
        )
        self._hand_in(standing_in, self._text_of(due.address, text, due.hints.get("title"), due.hints))

    def tick(self) -> None:
        """Nothing comes in just now: go on with what is there, waiting for nothing."""
        self._look_up()
        self._take(wait=False)
        self._write_when_due()

    def commit(self) -> None:
        """Write all there is; waits until the last page is extracted."""
        self._look_up()
        self._take(wait=True)
        self._write_batch()

    # From response to text: no writes

    def _page_of(self, address: str, body: bytes, content_type: str | None, hints: Mapping[str, Any]) -> Page:
        return Page(address, body, content_type, self._now, hints, self._rules)

    def _text_of(self, address: str, text: str, title: str | None, hints: Mapping[str, Any]) -> Text:
        return Text(address, text, title, self._now, hints, self._rules)

    def _arrive(self, write: _PageWrite, page: Page) -> None:
        self._arrived.append((write, page))
        if len(self._arrived) >= BATCH:
            self._look_up()

    def _look_up(self) -> None:
        """Have those that arrived extracted, save where the same body is stored already."""
        arrived, self._arrived = self._arrived, []
        if not arrived:
            return
        known = self._captures(write for write, _ in arrived)
        self.session.commit()  # nothing was written; no transaction waits for the extraction
        for write, page in arrived:
            if write.key in known:
                self._add(write)
            else:
                self._hand_in(write, page)

    def _captures(self, writes: Iterable[_PageWrite]) -> dict[tuple[str, str], int]:
        return captures_of(self.session, self._monitor, self._source.id, (write.address for write in writes))

    def _hand_in(self, write: _TextWrite | _PageWrite, what: Page | Text) -> None:
        while self._reading.full and self._take_one(wait=True):
            pass
        self._reading.put(write, what)
        self._take(wait=False)

    def _take(self, *, wait: bool) -> None:
        while self._take_one(wait=wait):
            pass

    def _take_one(self, *, wait: bool) -> bool:
        """Put the next that is extracted into the batch."""
        done = self._reading.take(wait=wait)
        if done is None:
            return False
        write, read = done
        write.read = read
        self._add(write)
        return True

    # Writing

    def _add(self, write: _Write) -> None:
        self._writes.append(write)
        self._write_when_due()

    def _write_when_due(self) -> None:
        if len(self._writes) >= BATCH or time.monotonic() - self._last > BATCH_SECONDS:
            self._write_batch()

    def _write_batch(self) -> None:
        """Write the batch. What the database can't take is reported, and takes nothing else with it."""
        writes, self._writes = self._writes, []
        if (reason := self._refused(writes)) is not None:
            for one in writes:
                if len(writes) > 1:
                    reason = self._refused([one])
                if reason is not None:
                    self._failed(one.place, reason)
                    if one.instead is not None:
                        one.instead(reason)
                        self.session.commit()
        self._last = time.monotonic()

    def _refused(self, writes: Sequence[_Write], *, races: int = RACES) -> str | None:
        """Write all or nothing of these; why the database can't take them, null when it could."""
        before = self.tally.copy()
        self._said = []
        try:
            for one in writes:
                if one.write is not None:
                    one.write()
            self._write_texts([one for one in writes if isinstance(one, _TextWrite | _PageWrite)])
            self.session.commit()
        except BaseException as error:
            self.tally = before
            # at once: other threads of the run may be waiting for what this transaction holds
            self.session.rollback()
            if lost_a_race(error) and races > 1:
                # two runs of one source write the same rows in another order: the other one has gone on by now
                return self._refused(writes, races=races - 1)
            if not isinstance(error, _REFUSED) or ends_the_run(error):
                raise
            return f"can't be stored: {type(error).__name__}: {error}".splitlines()[0][:300]
        for place, reason in self._said:
            self.problems.add(place, reason)
        return None

    def _write_texts(self, writes: Sequence[_TextWrite | _PageWrite]) -> None:
        writes = self._not_erased(writes)
        pages = [one for one in writes if isinstance(one, _PageWrite)]
        captures = self._write_captures(pages) if pages else {}
        incoming: list[Incoming] = []
        for one in writes:
            if isinstance(one, _TextWrite):
                if self._has_text(one):
                    incoming.append(self._incoming(one.read, None, one.group, one.source))
            elif one.quarantined:
                continue
            elif (capture := captures.pop(one.key, None)) is None:
                self.tally.known += 1
            elif self._has_text(one):
                incoming.append(self._incoming(one.read, capture, self._source.group, self._source.id))
        if incoming:
            self._write_documents(incoming)
        frontier.mark_fetched(
            self.session, {one.row: one.read.problem for one in pages if one.row is not None}, now=self._now
        )

    def _not_erased(self, writes: Sequence[_TextWrite | _PageWrite]) -> Sequence[_TextWrite | _PageWrite]:
        """Without what was erased and must not come again, at whatever address it was asked for."""

        def place(one: _TextWrite | _PageWrite) -> str:
            return one.address if isinstance(one, _PageWrite) else one.read.text.address if one.read.text else one.place

        gone = erased(self.session, self._monitor, map(place, writes))
        for one in writes if gone else ():
            if place(one) in gone:
                self.tally.skipped["erased addresses"] += 1
                if isinstance(one, _PageWrite) and one.row is not None:
                    frontier.mark_failed(
                        self.session,
                        one.row,
                        status="gone",
                        failure="hard",
                        reason="leads to an address that was erased and is not collected again",
                        not_before=None,
                    )
        return [one for one in writes if place(one) not in gone]

    def _write_captures(self, pages: Sequence[_PageWrite]) -> dict[tuple[str, str], int]:
        """Archive and index the responses that are new; their captures."""
        known = self._captures(pages)
        fresh: dict[tuple[str, str], _PageWrite] = {}
        for one in pages:
            if one.key not in known and one.read is not UNREAD:
                fresh.setdefault(one.key, one)
        for one in fresh.values():
            if one.page is None and one.response is not None:
                one.page = _page(one.address, one.response)
            if one.page is not None and one.page.position is None:
                # kept: what is written one by one afterwards is in the archive already
                one.page = replace(
                    one.page, position=self._archive.write(one.address, one.response or _response(one.page))
                )
        self._archive.sync()
        rows = [
            _captured(one.page, one.page.position, one.digest, one.read.problem)
            for one in fresh.values()
            if one.page is not None and one.page.position is not None
        ]
        return keep_captures(self.session, self._monitor, self._source.id, rows)

    def _has_text(self, write: _TextWrite | _PageWrite) -> bool:
        """Whether there is a document to be written; says what is wrong with it, or why there is none."""
        read = write.read
        if read.text is None:
            what = "kept without a document" if isinstance(write, _PageWrite) else "left out"
            self._said.append((write.place, f"{what}: {read.problem}"))
            self.tally.failed += 1
            return False
        for name in read.text.unmatched:
            self._said.append((write.place, f"{name} finds nothing there; what extraction found by itself is kept"))
        return True

    def _incoming(self, read: Read, capture: int | None, group: str | None, source: str) -> Incoming:
        if read.text is None:
            raise ValueError("nothing was read")
        return Incoming(
            source, group, self._source.speaker, read.text, capture, self._now, read.bands, stamp(self._rules)
        )

    def _write_documents(self, incoming: Sequence[Incoming]) -> None:
        for text, kept in zip(incoming, keep_documents(self.session, self._monitor, incoming), strict=True):
            setattr(self.tally, kept.status, getattr(self.tally, kept.status) + 1)
            if kept.status == "new":
                self.tally.reposts += kept.repost
                self.tally.published(text.extracted.published_at)

    def _failed(self, place: str, reason: str) -> None:
        self.tally.failed += 1
        self.problems.add(place, reason)

    def _give_up(self, due: Due, reason: str) -> None:
        frontier.mark_failed(self.session, due.id, status="failed", failure="hard", reason=reason, not_before=None)


def _page(address: str, response: Response) -> PageItem:
    return PageItem(address, response.status, response.content_type, response.body, response.fetched_at, None)


def _response(page: PageItem) -> Response:
    """A page whose bytes can't be read again where they lie, as the archive keeps it."""
    headers = httpx.Headers({"content-type": page.content_type} if page.content_type else {})
    return Response(page.address, page.status, headers, page.body, page.body, page.captured_at, 0.0)


def _captured(page: PageItem, position: Position, digest: str, problem: str | None) -> Captured:
    """A page as the archive's index has it."""
    return Captured(
        address=page.address,
        captured_at=page.captured_at,
        http_status=page.status,
        content_type=page.content_type,
        digest=digest,
        length=len(page.body),
        warc_file=position.file,
        warc_offset=position.offset,
        problem=problem,
    )
