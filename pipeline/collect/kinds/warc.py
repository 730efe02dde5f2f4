"""WARC and ARC files: the HTML pages in them. Damaged records are reported, the good ones around them are read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from pipeline.collect.archive import Position
from pipeline.collect.kinds.events import Item, PageItem, Skipped, Trouble
from pipeline.collect.kinds.links import wanted
from pipeline.extract.address import canonical
from pipeline.monitor import WarcSource
from pipeline.settings import Settings

_ENDINGS = (".warc", ".warc.gz", ".arc", ".arc.gz")
_HTML = ("text/html", "application/xhtml+xml")
_DAMAGE = (ArchiveLoadFailed, StatusAndHeadersParserException, zlib.error, EOFError, ValueError, KeyError, OSError)
_LOOK = 1 << 16


def files(paths: list[Path]) -> Iterator[Path | Trouble]:
    """The archive files among ``paths``; folders are searched, in alphabetical order."""
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(_ENDINGS))
            if inside:
                yield from inside
            else:
                yield Trouble(str(path), f"holds no archive file ({', '.join(_ENDINGS)})")
        elif path.is_file():
            yield path
        else:
            yield Trouble(str(path), "is not there; correct the path in the monitor")


@dataclass(frozen=True)
class Record:
    """One record, read."""

    kind: str
    """response, revisit, request, ..."""
    offset: int
    address: str | None
    date: str | None
    status: int | None
    content_type: str | None
    body: bytes


@dataclass(frozen=True)
class Damage:
    """Bytes that can't be read as a record."""

    offset: int
    reason: str


def _next_start(stream: BinaryIO, offset: int) -> int | None:
    """The next place after ``offset`` where a record may begin; null at the end of the file."""
    stream.seek(offset)
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    packed = packed or stream.read(2) == b"\x1f\x8b"
    sign = b"\x1f\x8b\x08" if packed else b"\nWARC/"
    position = offset + 1
    kept = b""
    while True:
        stream.seek(position)
        chunk = stream.read(_LOOK)
        if not chunk:
            return None
        at = (kept + chunk).find(sign)
        if at >= 0:
            return position - len(kept) + at + (0 if packed else 1)
        kept = (kept + chunk)[-(len(sign) - 1) :]
        position += len(chunk)


def records(stream: BinaryIO, *, max_bytes: int) -> Iterator[Record | Damage]:
    """Every record of an archive file. After damage, reading goes on at the next place that looks like a record."""
    start: int | None = 0
    hurt = False  # one report per stretch of damage: inside it, chance bytes can look like a start
    while start is not None:
        stream.seek(start)
        reading = ArchiveIterator(stream)
        end, reason = start, "damaged, or cut off"
        try:
            for record in reading:
                made = _record(record, reading.offset, max_bytes)
                reading.read_to_end()
                # in a file packed as one piece warcio's offsets mean nothing
                end, hurt = max(reading.offset, start), False
                yield made
        except _DAMAGE as error:
            reason = _why(error)
        else:
            # warcio takes a torn end for the end
            stream.seek(end)
            if not stream.read(_LOOK).strip(b"\r\n\0"):
                return
        if not hurt:
            yield Damage(end, reason)
        hurt = True
        start = _next_start(stream, end)


def _why(error: Exception) -> str:
    said = " ".join(str(error).split())
    if "non-chunked gzip" in said:
        return "packed as one piece and not record by record; run: warcio recompress OLD NEW"
    return f"damaged record ({said[:200] or type(error).__name__})"


def _record(record: Any, offset: int, max_bytes: int) -> Record | Damage:
    kind = record.rec_type
    headers, http = record.rec_headers, record.http_headers
    if kind == "response" and http is None and (headers.get_header("WARC-Target-URI") or "http").startswith("http"):
        return Damage(offset, "a response without its status line (or of no readable length)")
    if kind != "response" or http is None:
        return Record(kind, offset, headers.get_header("WARC-Target-URI"), None, None, None, b"")
    raw = record.raw_stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        return Damage(offset, f"the body is longer than {max_bytes:,} bytes")
    if record.payload_length > len(raw):
        return Damage(offset, f"cut off: {len(raw):,} of {record.payload_length:,} bytes are there")
    record.raw_stream = BytesIO(raw)
    body = record.content_stream().read(max_bytes + 1)
    if len(body) > max_bytes:
        return Damage(offset, f"the unpacked body is longer than {max_bytes:,} bytes")
    status = http.get_statuscode()
    return Record(
        kind,
        offset,
        headers.get_header("WARC-Target-URI") or headers.get_header("uri"),
        headers.get_header("WARC-Date") or headers.get_header("archive-date"),
        int(status) if status.isdigit() else None,
        http.get_header("content-type"),
        body,
    )


def _captured(date: str | None) -> datetime:
    """WARC has ISO 8601, ARC 14 digits. Raises ValueError."""
    if not date:
        raise ValueError("no capture date")
    found = datetime.strptime(date, "%Y%m%d%H%M%S") if date.isdigit() else datetime.fromisoformat(date)  # noqa: DTZ007
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _why_skipped(record: Record, media: str) -> str | None:
    """Why a good record is no page; null when it is one."""
    if record.kind != "response" or record.address is None:
        return f"{record.kind} records"
    if not record.address.startswith(("http:", "https:")):
        return "records of other schemes"
    if record.status != 200:
        return f"responses with status {record.status}"
    return None if media in _HTML else f"responses of type {media or '(none)'}"


def item(record: Record, path: Path, source: WarcSource) -> Item:
    """What becomes of a good record."""
    media = (record.content_type or "").partition(";")[0].strip().lower()
    if reason := _why_skipped(record, media):
        return Skipped(reason)
    try:
        address = canonical(record.address or "")
        captured = _captured(record.date)
    except ValueError as error:
        return Trouble(f"{path} at {record.offset}", f"left out: {error}")
    if not wanted(address, source):
        return Skipped("addresses the patterns leave out")
    hints = {"dates": [{"origin": "capture", "value": captured.isoformat()}]}
    position = Position(str(path.resolve()), record.offset)
    return PageItem(address, 200, record.content_type, record.body, captured, position, hints)


def read(source: WarcSource, settings: Settings) -> Iterator[Item]:
    """The pages in the source's files."""
    for path in files(source.paths):
        if isinstance(path, Trouble):
            yield path
            continue
        with path.open("rb") as stream:
            for record in records(stream, max_bytes=settings.max_body_bytes):
                if isinstance(record, Damage):
                    yield Trouble(f"{path} at {record.offset}", record.reason)
                else:
                    yield item(record, path, source)
