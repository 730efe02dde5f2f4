"""WARC, WET and ARC files: the pages in them."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from pipeline.collect.archive import Position
from pipeline.collect.inflate import HARMLESS_BYTES
from pipeline.collect.kinds.events import Item, PageItem, Skipped, TextItem, Trouble
from pipeline.collect.kinds.links import wanted
from pipeline.collect.kinds.records import Damage, Record, records
from pipeline.extract.address import canonical
from pipeline.monitor import WarcSource
from pipeline.settings import Settings

_ARCHIVE = re.compile(r"\.(warc|arc|wet|wacz)(\.wet)?(\.gz)?$", re.I)
_OTHER_PACKING = re.compile(r"\.(warc|arc|wet)\.(zst|xz|bz2|zip)$", re.I)
_HTML = ("text/html", "application/xhtml+xml")


def files(paths: list[Path]) -> Iterator[Path | Trouble]:
    """The archive files among ``paths``; folders are searched, in alphabetical order."""
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            archives = [p for p in inside if _ARCHIVE.search(p.name)]
            yield from archives
            for other in inside:
                if _OTHER_PACKING.search(other.name):
                    yield Trouble(str(other), "is packed in a way that is not read; unpack it, or pack it with gzip")
            if not archives:
                yield Trouble(str(path), "holds no archive file (.warc, .warc.gz, .arc, .arc.gz, .wet, .wet.gz, .wacz)")
        elif path.is_file():
            yield path
        else:
            yield Trouble(str(path), "is not there; correct the path in the monitor")


@dataclass(frozen=True)
class _Found:
    """A record or a damage, and the file it is in."""

    place: str
    path: Path
    what: Record | Damage


class _Files:
    """The records of all files of a source, as often as they are asked for."""

    def __init__(self, source: WarcSource, settings: Settings) -> None:
        self._source, self._settings = source, settings

    def __iter__(self) -> Iterator[_Found | Trouble]:
        for path in files(self._source.paths):
            if isinstance(path, Trouble):
                yield path
            elif path.suffix.lower() == ".wacz":
                yield from self._zipped(path)
            else:
                try:
                    with path.open("rb") as stream:
                        yield from self._records(stream, path, str(path))
                except OSError as error:
                    yield Trouble(str(path), f"can't be read ({error.strerror or error})")

    def _records(self, stream: BinaryIO, path: Path, name: str, *, in_place: bool = True) -> Iterator[_Found]:
        limits = {"max_bytes": self._settings.max_body_bytes, "max_ratio": self._settings.max_inflation}
        for what in records(stream, **limits):  # type: ignore[arg-type]
            if isinstance(what, Record) and not in_place:
                what = replace(what, in_place=False)  # noqa: PLW2901
            yield _Found(f"{name} at {what.offset}", path, what)

    def _zipped(self, path: Path) -> Iterator[_Found | Trouble]:
        """WACZ: a ZIP file with WARC files in its folder ``archive``."""
        try:
            with zipfile.ZipFile(path) as packed:
                inside = [one for one in packed.infolist() if _ARCHIVE.search(one.filename) and not one.is_dir()]
                if not inside:
                    yield Trouble(str(path), "holds no WARC file")
                for one in inside:
                    if one.file_size > self._settings.max_inflation * max(one.compress_size, HARMLESS_BYTES):
                        said = f"grows by more than {self._settings.max_inflation:g} times and is not unpacked"
                        yield Trouble(f"{path}/{one.filename}", said)
                        continue
                    with packed.open(one) as stream, TemporaryFile() as whole:
                        shutil.copyfileobj(stream, whole)
                        whole.seek(0)
                        yield from self._records(whole, path, f"{path}/{one.filename}", in_place=False)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            yield Trouble(str(path), f"can't be read to its end ({error})")


def _captured(date: str | None) -> datetime:
    """WARC has ISO 8601, ARC 14 digits. Raises ValueError."""
    if not date:
        raise ValueError("no capture date")
    found = datetime.strptime(date, "%Y%m%d%H%M%S") if date.isdigit() else datetime.fromisoformat(date)  # noqa: DTZ007
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _media(record: Record) -> str:
    return (record.content_type or "").partition(";")[0].strip().lower()


def _why_skipped(record: Record) -> str | None:
    """Why a good record is no page; null when it is one, or stands for one."""
    if record.kind not in {"response", "resource", "conversion", "revisit"} or record.address is None:
        return f"{record.kind} records"
    if not record.address.startswith(("http:", "https:")):
        return "records of other schemes"
    if record.status not in {200, None}:
        return f"responses with status {record.status}"
    media = _media(record)
    if record.kind == "conversion":
        return None if media == "text/plain" else f"conversions of type {media or '(none)'}"
    if record.kind == "revisit" and not media:
        return None
    return None if media in _HTML else f"{record.kind}s of type {media or '(none)'}"


@dataclass
class _Later:
    """Records that can be judged only when all pages are known, and what was seen of the pages."""

    pages: set[int] = field(default_factory=set)
    """addresses of pages, as short hashes: an archive can hold millions"""
    bodies: set[tuple[int, int]] = field(default_factory=set)
    """(address, payload digest), as short hashes; of a page whose digest the file does not give, 0"""
    revisits: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    """payload digest -> addresses that showed it, and when"""
    conversions: int = 0

    def saw(self, address: str, record: Record) -> None:
        self.pages.add(hash(address))
        self.bodies.add((hash(address), hash(record.payload) if record.payload else 0))

    def there(self, address: str, payload: str) -> bool:
        """Whether this address was seen with this body."""
        return not {(hash(address), hash(payload)), (hash(address), 0)}.isdisjoint(self.bodies)


def _page(record: Record, address: str, captured: datetime, path: Path) -> PageItem:
    position = Position(str(path.resolve()), record.offset) if record.in_place else None
    hints = {"dates": [{"origin": "capture", "value": captured.isoformat()}]}
    return PageItem(address, 200, record.content_type, record.body, captured, position, hints)


def read(source: WarcSource, settings: Settings) -> Iterator[Item]:
    """The pages in the source's files.

    A revisit says that a page was seen again with the body of another record. Where that was another address, the page
    is made of that body; so is the text of a WET file where its page is not there. Both need a second reading.
    """
    every, later = _Files(source, settings), _Later()

    def judged(found: _Found, record: Record) -> tuple[str, datetime] | Skipped | Trouble:
        if reason := _why_skipped(record):
            return Skipped(reason)
        try:
            address, captured = canonical(record.address or ""), _captured(record.date)
        except ValueError as error:
            return Trouble(found.place, f"left out: {error}")
        return (address, captured) if wanted(address, source) else Skipped("addresses the patterns leave out")

    for found in every:
        if isinstance(found, Trouble):
            yield found
        elif isinstance(found.what, Damage):
            yield Trouble(found.place, found.what.reason)
        else:
            yield from _first_reading(found, found.what, later, judged)
    if later.conversions or later.revisits:
        yield from _second_reading(every, source, later, judged)


_Judge = Callable[[_Found, Record], tuple[str, datetime] | Skipped | Trouble]


def _first_reading(found: _Found, record: Record, later: _Later, judged: _Judge) -> Iterator[Item]:
    verdict = judged(found, record)
    if not isinstance(verdict, tuple):
        yield verdict
        return
    address, captured = verdict
    if record.kind == "conversion":
        later.conversions += 1
    elif record.kind == "revisit":
        if record.payload is None or later.there(address, record.payload):
            yield Skipped("revisits of pages that are there")
        else:
            later.revisits.setdefault(record.payload, []).append((address, captured))
    else:
        if record.cut:
            yield Trouble(found.place, f"cut off by its crawler ({record.cut}); what is there is kept", failed=False)
        later.saw(address, record)
        yield _page(record, address, captured, found.path)


def _second_reading(every: _Files, source: WarcSource, later: _Later, judged: _Judge) -> Iterator[Item]:
    for digest, seen in list(later.revisits.items()):
        # a revisit can stand before the page it speaks of
        there = [one for one in seen if later.there(one[0], digest)]
        yield from (Skipped("revisits of pages that are there") for _ in there)
        later.revisits[digest] = [one for one in seen if one not in there]
    waiting = {digest: seen for digest, seen in later.revisits.items() if seen}
    for found in every:
        if isinstance(found, Trouble) or isinstance(found.what, Damage):
            continue
        record = found.what
        if record.kind in {"response", "resource"} and record.payload in waiting and _media(record) in _HTML:
            for address, captured in waiting.pop(record.payload or ""):
                later.pages.add(hash(address))
                yield _page(record, address, captured, found.path)
        elif record.kind == "conversion":
            verdict = judged(found, record)
            if isinstance(verdict, tuple):
                yield _text(record, *verdict, source, later)
    for seen in waiting.values():
        for address, _ in seen:
            yield Trouble(
                address, "seen again, but its first capture is in none of these files: add the file that has it"
            )


def _text(record: Record, address: str, captured: datetime, source: WarcSource, later: _Later) -> Item:
    """What becomes of a page of which only the text is there (Common Crawl's WET)."""
    if hash(address) in later.pages:
        return Skipped("texts of pages that are there")
    hints = {"dates": [{"origin": "capture", "value": captured.isoformat()}]}
    return TextItem(address, record.body.decode("utf-8", "replace"), source.group, source.id, hints=hints)
