"""Collecting one source: discover addresses, fetch what is due, keep it. Or import what lies on the disk."""

from __future__ import annotations

import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from pipeline.collect.archive import Archive, shelf_of
from pipeline.collect.asking import Asker
from pipeline.collect.crew import run_by_host
from pipeline.collect.ending import broken_off, ending_in_order, ends_the_run
from pipeline.collect.failure import Failure, NotNow
from pipeline.collect.fetch import Fetcher, Response
from pipeline.collect.guard import Guard, place_of
from pipeline.collect.health import finding
from pipeline.collect.keep import Keeper, rules_of
from pipeline.collect.kinds import DISCOVER, LARGEST, PLACES, READ
from pipeline.collect.kinds.events import (
    CursorAt,
    Event,
    PageItem,
    PlaceRead,
    PlacesFound,
    PlaceUnchanged,
    Scene,
    Skipped,
    TextItem,
    Trouble,
    WalkBegun,
    WalkEnded,
)
from pipeline.collect.kinds.wayback import captured
from pipeline.collect.pace import Paces
from pipeline.collect.problems import Problems
from pipeline.collect.robots import RobotsBook
from pipeline.collect.visit import Visitor
from pipeline.collect.window import Window
from pipeline.extract.written import reader_of
from pipeline.monitor import (
    FeedSource,
    ListingSource,
    Monitor,
    SitemapSource,
    TableSource,
    WarcSource,
    WaybackSource,
)
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store import frontier, places
from pipeline.store.frontier import Discovered, Due
from pipeline.store.runs import record_run
from pipeline.store.session import open_session

_FRESH = 1.0
"""seconds for which what the frontier said is taken to be true"""
_STEP = 32
"""rows of the frontier that a thread reads at once"""

WebSource = FeedSource | SitemapSource | ListingSource | WaybackSource


class CollectError(ValueError):
    """The run can't begin; says what to do."""


def collect(
    settings: Settings,
    monitor: Monitor,
    source_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    all_places: bool = False,
    progress: Progress = silent,
) -> Report:
    """Collect one source once, and write its report line.

    ``all_places``: ask also the feeds, sitemaps and listings whose turn has not come.

    ``since``, ``until`` (aware): only texts published in [since, until) are fetched, where the place of discovery
    says so; the others wait. A text without a known date is fetched, and kept whatever its date turns out to be.
    Raises :class:`CollectError` for an unknown source. A run that is broken off leaves its line too, with the reason;
    :class:`~pipeline.collect.ending.BrokenOffError` where the database or the disk is to blame.
    """
    try:
        source = monitor.source(source_id)
    except KeyError:
        known = ", ".join(s.id for s in monitor.sources)
        raise CollectError(f"{monitor.name} has no source {source_id!r}; write one of {known}") from None
    started = datetime.now(UTC)
    window = Window(since, until, reader_of(rules_of(source)))
    problems = Problems()
    with (
        ending_in_order(),
        open_session(settings, expire_on_commit=False) as session,
        closing(Archive(shelf_of(settings), monitor.name, source.id, say=problems.note)) as archive,
    ):
        keeper = Keeper(session, settings, monitor.name, source, archive, problems, started)
        run: _Import | _WebRun
        if isinstance(source, WarcSource | TableSource):
            run = _Import(settings, source, keeper, window, progress)
        else:
            run = _WebRun(settings, monitor, source, keeper, window, started, progress, all_places=all_places)

        def recorded() -> Report:
            archive.close()  # what it could not bring away stands in the report
            late = window.begins_late() if isinstance(source, FeedSource) else None
            for note in [*window.notes(), *([late] if late else [])]:
                keeper.problems.note(note)
            report = run.report()
            record_run(session, report, started_at=started, monitor=monitor.name, source=source.id)
            session.commit()
            return report

        try:
            archive.recover()
            run.run()
            if said := finding(session, monitor.name, source, started):
                keeper.problems.note(said)
            return recorded()
        except BaseException as error:
            session.rollback()
            keeper.problems.note(
                f"the run was broken off ({' '.join(f'{type(error).__name__}: {error}'.split())[:300]})"
            )
            with suppress(SQLAlchemyError, OSError):  # it may be the database or the disk itself that is away
                recorded()
            if (words := broken_off(error)) is not None:
                raise words from error
            raise


def _report(keeper: Keeper, *, found: int, waiting: int, size: int, began: float) -> Report:
    tally = keeper.tally
    for reason, count in tally.skipped.items():
        keeper.problems.note(f"{count:,} {reason} left out")
    return Report(
        job="collect",
        found=found,
        new=tally.new,
        known=tally.known,
        updated=tally.updated,
        reposts=tally.reposts,
        failed=tally.failed,
        waiting=waiting,
        bytes=size,
        seconds=time.monotonic() - began,
        first=tally.first,
        last=tally.last,
        problems=keeper.problems.lines(),
    )


class _Import:
    """One run of a source that is read from files. They ask for no politeness, so the time budget does not end it."""

    def __init__(
        self, settings: Settings, source: WarcSource | TableSource, keeper: Keeper, window: Window, progress: Progress
    ) -> None:
        self._settings, self._source, self._keeper = settings, source, keeper
        self._window, self._progress = window, progress
        self._began = time.monotonic()
        self._found = self._waiting = self._size = 0

    def run(self) -> None:
        keeper = self._keeper
        for item in READ[self._source.kind](self._source, self._settings):
            if isinstance(item, Skipped):
                keeper.tally.skipped[item.reason] += 1
                continue
            if isinstance(item, Trouble):
                keeper.trouble(item)
                continue
            self._found += 1
            self._size += len(item.body) if isinstance(item, PageItem) else len(item.text.encode())
            if not self._window.lets_in(item.hints):
                self._waiting += 1
            elif isinstance(item, TextItem):
                keeper.row(item)
            else:
                keeper.imported(item)
            self._progress("read", self._found, None)
        keeper.commit()

    def report(self) -> Report:
        """What was done so far."""
        return _report(self._keeper, found=self._found, waiting=self._waiting, size=self._size, began=self._began)


@dataclass(frozen=True)
class _Fetched:
    due: Due
    response: Response


def _fetched(due: Due, response: Response) -> _Fetched:
    """Raises :class:`Failure` when an archive shows something else than the capture that was asked for."""
    if "original" in due.hints:
        due = replace(due, hints=captured(due.hints, due.address, response))
    return _Fetched(due, response)


@dataclass(frozen=True)
class _Missed:
    due: Due
    failure: Failure


class _WebRun:
    """One run of a source that is collected from the web."""

    def __init__(
        self,
        settings: Settings,
        monitor: Monitor,
        source: WebSource,
        keeper: Keeper,
        window: Window,
        started: datetime,
        progress: Progress,
        *,
        all_places: bool,
    ) -> None:
        self._settings, self._monitor, self._source, self._keeper = settings, monitor, source, keeper
        self._window, self._started, self._progress = window, started, progress
        self._stop = threading.Event()
        self._guard = Guard(frozenset(host.lower() for host in monitor.allowed_addresses))
        self._paces = Paces(settings, deadline=time.time() + settings.run_seconds, stop=self._stop)
        self._robots = RobotsBook(settings)
        self._asker = Asker(
            settings, monitor.name, source, started, window=(window.since, window.until), all_places=all_places
        )
        self._all_places = all_places
        self._unchanged = 0
        self._began = time.monotonic()
        self._seen: set[int] = set()
        self._size = 0
        self._size_lock = threading.Lock()

    def run(self) -> None:
        try:
            self._discover()
            if isinstance(self._source, FeedSource) and self._source.text_from == "entry":
                self._take_entries()
            if not isinstance(self._source, FeedSource) or self._source.fetch_pages:
                self._fetch()
        except BaseException:
            # an open transaction would keep the leases from being given back (SQLite has one writer)
            self._keeper.session.rollback()
            raise
        finally:
            self._stop.set()
            self._paces.close()

    def report(self) -> Report:
        """What was done so far."""
        waiting = frontier.waiting(self._keeper.session, self._monitor.name, self._source.id)
        return _report(
            self._keeper, found=len(self._seen) + self._unchanged, waiting=waiting, size=self._size, began=self._began
        )

    @contextmanager
    def _visitor(self, largest: int = 0) -> Iterator[Visitor]:
        """A visitor for one thread and one host; ``largest``: bytes that a body may have, if more than usual."""
        limits = {"max_body_bytes": max(self._settings.max_body_bytes, largest)}
        fetcher = Fetcher(self._settings.model_copy(update=limits), self._guard)
        visitor = Visitor(
            self._settings, fetcher, self._robots, self._paces, self._keeper.problems, delay=self._source.delay
        )
        try:
            yield visitor
        finally:
            fetcher.close()
            # a run over many hosts holds those it is done with no longer than needed
            self._paces.let_go()
            with self._size_lock:
                self._size += visitor.bytes

    # Discovering

    def _discover(self) -> None:
        tasks: dict[str, list[str]] = defaultdict(list)
        asked_for = self._places()
        for address in asked_for:
            try:
                asked = str(self._source.cdx) if isinstance(self._source, WaybackSource) else address
                tasks[place_of(asked).key].append(address)
            except Failure as failure:
                self._take_event(Trouble(address, failure.reason, failure=failure))
        done = 0
        for event in run_by_host(tasks, self._discover_host, stop=self._stop):
            if event is None:
                self._keeper.tick()
            elif isinstance(event, str):
                done += 1
                self._progress("discover", done, len(asked_for))
            else:
                self._take_event(event)
        for note in self._asker.notes():
            self._keeper.problems.note(note)
        self._keeper.commit()

    def _places(self) -> list[str]:
        """The places to ask: those that the monitor names, or what the kind makes of them."""
        if (find := PLACES.get(self._source.kind)) is None:
            return [str(url) for url in self._source.addresses]
        with open_session(self._settings) as session:
            states = places.places_of(session, self._monitor.name, self._source.id)
        found = []
        for one in find(self._source, states, self._started):
            if isinstance(one, Trouble):
                self._take_event(one)
            else:
                found.append(one)
        return found

    def _discover_host(self, _host: str, addresses: Sequence[str], put: Callable[[Event | str], None]) -> None:
        """In a thread: read the addresses of one host, one after another."""
        with self._visitor(LARGEST.get(self._source.kind, 0)) as visitor:

            def ask(place: str, *, anew: bool = False) -> Response | None:
                return self._asker.ask(place, visitor.get, put, anew=anew)

            scene = Scene(
                *(self._settings, visitor.get, ask, self._known, self._asker.state),
                *(self._window.since, self._window.until, self._all_places),
            )
            for address in addresses:
                try:
                    for event in DISCOVER[self._source.kind](self._source, address, scene):
                        put(event)
                except Failure as failure:
                    put(Trouble(address, failure.reason, failure=failure))
                except NotNow as wait:
                    put(Trouble(address, f"not read to its end: {wait.reason}", failed=False))
                except Exception as error:  # one feed that breaks a parser must not end the run
                    if ends_the_run(error):
                        raise
                    reason = f"could not be read: {type(error).__name__}: {error}"[:300]
                    put(Trouble(address, reason, failure=Failure("soft", reason)))
                put(address)

    def _known(self, addresses: Sequence[str]) -> set[str]:
        with open_session(self._settings) as session:
            return set(frontier.statuses(session, self._monitor.name, self._source.id, addresses, before=self._started))

    def _take_event(self, event: Event) -> None:
        session, monitor, source = self._keeper.session, self._monitor.name, self._source.id
        if isinstance(event, Trouble):
            self._keeper.trouble(event)
            if (failure := event.failure) is not None:
                self._keeper.later(event.place, lambda: self._asker.keep_failure(session, event.place, failure))
        elif isinstance(event, PlaceRead):
            if said := self._asker.overflow(event):
                self._keeper.trouble(Trouble(event.place, said, failed=False))
            self._keeper.later(event.place, lambda: self._asker.keep_reading(session, event))
        elif isinstance(event, PlaceUnchanged):
            self._unchanged += event.entries
            self._keeper.tally.known += event.entries
            self._keeper.later(event.place, lambda: self._asker.keep_unchanged(session, event.place))
        elif isinstance(event, WalkBegun | WalkEnded):
            ended = isinstance(event, WalkEnded)
            self._keeper.later(
                event.listing, lambda: places.keep_walk(session, monitor, source, event.listing, ended=ended)
            )
        elif isinstance(event, PlacesFound):
            self._keeper.later(
                event.page,
                lambda: places.keep_found(session, monitor, source, event.page, event.addresses, now=self._started),
            )
        elif isinstance(event, CursorAt):
            self._keeper.later(
                event.place, lambda: places.keep_cursor(session, monitor, source, event.place, event.cursor)
            )
        else:
            # an address that two feeds show is one address; what the first said of it counts
            fresh: dict[str, Discovered] = {}
            for one in event.found:
                if hash(one.address) not in self._seen:
                    fresh.setdefault(one.address, one)
            self._seen.update(map(hash, fresh))
            for one in fresh.values():
                self._window.shown(one.hints)
            self._keeper.later("links", lambda: self._write_links(fresh))

    def _write_links(self, fresh: dict[str, Discovered]) -> None:
        session, monitor, source = self._keeper.session, self._monitor.name, self._source.id
        before = frontier.statuses(session, monitor, source, list(fresh))
        self._keeper.tally.known += sum(status != "pending" for status in before.values())
        frontier.discover(
            session, monitor, source, [one for one in fresh.values() if one.address not in before], now=self._started
        )

    # Texts of entries

    def _take_entries(self) -> None:
        """Make texts of what entries say themselves, without asking for their pages."""
        for due in frontier.due(self._keeper.session, self._monitor.name, self._source.id, now=self._started):
            if due.hints.get("text") and self._window.lets_in(due.hints, due.address):
                self._keeper.entry(due, str(due.hints["text"]))
        self._keeper.commit()

    # Fetching

    def _fetch(self) -> None:
        # of each row only its number, eight bytes: a frontier can be long
        tasks: dict[str, array[int]] = defaultdict(lambda: array("q"))
        for due in frontier.due(self._keeper.session, self._monitor.name, self._source.id, now=self._started):
            if not self._window.lets_in(due.hints, due.address):
                continue
            try:
                tasks[place_of(due.address).key].append(due.id)
            except Failure as failure:
                self._keeper.missed(due, failure)
        self._keeper.commit()
        total = sum(map(len, tasks.values()))
        done = 0
        for result in run_by_host(tasks, self._fetch_host, stop=self._stop):
            if result is None:
                self._keeper.tick()
                continue
            if isinstance(result, _Fetched):
                self._keeper.fetched(result.due, result.response)
            elif isinstance(result, _Missed):
                self._keeper.missed(result.due, result.failure)
            else:
                self._keeper.problems.note(result)
                continue
            done += 1
            self._progress("fetch", done, total)
        self._keeper.commit()

    def _fetch_host(self, host: str, rows: Sequence[int], put: Callable[[_Fetched | _Missed | str], None]) -> None:
        """In a thread: fetch the rows of one host, one after another."""
        with self._visitor() as visitor:
            for due in self._still_due(rows):
                try:
                    put(_fetched(due, visitor.get(due.address, stay="original" in due.hints)))
                except Failure as failure:
                    put(_Missed(due, failure))
                except NotNow as wait:
                    put(f"some addresses wait for a later run: {wait.reason}")
                    if wait.host == host:
                        return
                except Exception as error:  # one address that breaks a library must not end the run
                    if ends_the_run(error):
                        raise
                    reason = f"could not be fetched: {type(error).__name__}: {error}"[:300]
                    put(_Missed(due, Failure("soft", reason)))

    def _still_due(self, rows: Sequence[int]) -> Iterator[Due]:
        """The rows that no other process has done meanwhile; read a few at a time, as many as a second needs."""
        start, step = 0, 1
        while start < len(rows):
            read = time.monotonic()
            with open_session(self._settings) as session:
                dues = {due.id: due for due in frontier.still_due(session, rows[start : start + step])}
            used = 0
            while used < step and start < len(rows) and (not used or time.monotonic() - read < _FRESH):
                if (due := dues.get(rows[start])) is not None:
                    yield due
                start, used = start + 1, used + 1
            step = min(_STEP, 2 * used)
