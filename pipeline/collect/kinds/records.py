"""The records of one WARC or ARC file. Damaged ones are reported with their place, the good ones around them are read.

ISO 28500:2017 (WARC 1.1). Files should be packed record by record; those that are packed otherwise are unpacked
into a temporary file first.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

_DAMAGE = (ArchiveLoadFailed, StatusAndHeadersParserException, zlib.error, EOFError, ValueError, KeyError, OSError)
_LOOK = 1 << 16
_GZIP = b"\x1f\x8b\x08"
_WITH_BODY = frozenset({"response", "resource", "conversion"})


@dataclass(frozen=True)
class Record:
    """One record, read."""

    kind: str
    """response, resource, conversion, revisit, request, ..."""
    offset: int
    address: str | None
    date: str | None
    status: int | None
    content_type: str | None
    body: bytes
    payload: str | None = None
    """digest of the payload as the file gives it; what a revisit is known by"""
    cut: str | None = None
    """why the crawler itself cut the body off (length, time, disconnect), if it did"""
    in_place: bool = True
    """false: the file is not packed record by record, so nothing can be read from this offset"""


@dataclass(frozen=True)
class Damage:
    """Bytes that can't be read as a record."""

    offset: int
    reason: str


def records(stream: BinaryIO, *, max_bytes: int, max_ratio: float) -> Iterator[Record | Damage]:
    """Every record of a file. After damage, reading goes on at the next place that looks like a record.

    ``max_bytes``: longest body; ``max_ratio``: how much longer a badly packed file may become when it is unpacked.
    """
    packed = stream.read(2) == _GZIP[:2]
    start: int | None = 0
    hurt = False  # one report per stretch of damage: inside it, chance bytes can look like a start
    while start is not None:
        stream.seek(start)
        reading = ArchiveIterator(stream)
        end, reason, here = start, "damaged, or cut off", 0
        try:
            for record in reading:
                made = _record(record, reading.offset, max_bytes)
                wrong = reading.err_count
                with redirect_stderr(StringIO()):  # it says on standard error what is reported here
                    reading.read_to_end()
                if reading.err_count > wrong:
                    yield Damage(made.offset, "a record longer than its head says; it is read as far as that goes")
                # in a file packed as one piece warcio's offsets mean nothing
                after = max(reading.offset, start)
                here = here + 1 if after == end else 0
                end, hurt = after, False
                yield made
        except _DAMAGE as error:
            said = " ".join(str(error).split())[:200]
            reason = f"damaged record ({said or type(error).__name__})"
        else:
            # warcio takes a torn end for the end
            stream.seek(end)
            if not stream.read(_LOOK).strip(b"\r\n\0"):
                return
        if packed and not hurt and _begins_well(stream, end):
            with TemporaryFile() as whole:
                stopped = _unpack(stream, end, whole, max_ratio)
                inside = _unpacked(whole, skip=here, piece=end, max_bytes=max_bytes) if stopped else iter(())
                first = next(inside, None)
                if isinstance(first, Record):  # else it is damaged whichever way it is read
                    yield first
                    yield from inside
                    start = _next_start(stream, stopped or end, packed=True)
                    continue
        if not hurt:
            yield Damage(end, reason)
        hurt = True
        start = _next_start(stream, end, packed=packed)


def _next_start(stream: BinaryIO, offset: int, *, packed: bool) -> int | None:
    """The next place after ``offset`` where a record may begin; null at the end of the file."""
    sign = _GZIP if packed else b"\nWARC/"
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


# Packed, but not record by record: in one piece, or with heads and bodies in pieces of their own


def _begins_well(stream: BinaryIO, offset: int) -> bool:
    """Whether the unpacked bytes at ``offset`` begin with a record."""
    stream.seek(offset)
    start = b""
    unpacker = zlib.decompressobj(31)
    try:
        data = stream.read(_LOOK)
        while data and len(start) < _LOOK:
            start += unpacker.decompress(data, _LOOK)
            if not unpacker.eof:
                break
            data, unpacker = unpacker.unused_data, zlib.decompressobj(31)
    except zlib.error:
        return False
    return start.lstrip(b"\r\n").startswith(b"WARC/")


def _unpack(stream: BinaryIO, offset: int, out: BinaryIO, max_ratio: float) -> int | None:
    """Unpack every piece from ``offset`` on; returns where it stopped. Null when not even the first can be unpacked."""
    stream.seek(offset)
    unpacker = zlib.decompressobj(31)
    piece = stopped = offset
    try:
        while data := stream.read(_LOOK):
            while data:
                out.write(unpacker.decompress(data, _LOOK))
                if out.tell() > max_ratio * (stream.tell() - offset):
                    return None
                data = unpacker.unconsumed_tail
                if unpacker.eof:
                    data = unpacker.unused_data
                    piece = stream.tell() - len(data)
                    unpacker = zlib.decompressobj(31)
                    data = data.lstrip(b"\0")
        stopped = stream.tell()
    except zlib.error:
        stopped = piece
    return None if stopped == offset or (piece == offset and stopped != stream.tell()) else stopped


def _unpacked(whole: BinaryIO, *, skip: int, piece: int, max_bytes: int) -> Iterator[Record | Damage]:
    """The records of what was unpacked from the piece at ``piece``, without the first ``skip``, already read."""
    whole.seek(0)
    for one in islice(records(whole, max_bytes=max_bytes, max_ratio=1), skip, None):
        if isinstance(one, Damage):
            yield Damage(piece, f"{one.reason}, {one.offset:,} bytes into what is unpacked there")
        else:
            yield replace(one, offset=piece, in_place=False)


# One record


def _record(record: Any, offset: int, max_bytes: int) -> Record | Damage:
    kind, headers, http = record.rec_type, record.rec_headers, record.http_headers
    if kind is None:
        raise ArchiveLoadFailed("a record without a type")
    address = headers.get_header("WARC-Target-URI") or headers.get_header("uri")
    if kind == "response" and http is None and (address or "http").startswith("http"):
        return Damage(offset, "a response without its status line (or of no readable length)")
    if headers.get_header("WARC-Segment-Number"):
        return Damage(offset, "a record in segments; join them with the crawler's own tools")
    body = b""
    if kind in _WITH_BODY:
        read = _body(record, max_bytes)
        if read is None:
            return Damage(offset, f"the body is longer than {max_bytes:,} bytes")
        body = read
    status = http.get_statuscode() if http is not None else ""
    kept_type = http.get_header("content-type") if http is not None else headers.get_header("Content-Type")
    return Record(
        kind,
        offset,
        address,
        headers.get_header("WARC-Date") or headers.get_header("archive-date"),
        int(status) if status.isdigit() else None,
        kept_type,
        body,
        payload=headers.get_header("WARC-Payload-Digest"),
        cut=headers.get_header("WARC-Truncated"),
    )


def _body(record: Any, max_bytes: int) -> bytes | None:
    """The unpacked body; null when it is too long. Raises ArchiveLoadFailed when part of it is missing."""
    raw = record.raw_stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        return None
    announced = record.http_headers.get_header("content-length", "") if record.http_headers is not None else ""
    # some old ARC writers counted their own line ends wrong: HTTP's length decides
    whole = announced.isdigit() and len(raw) >= int(announced)
    if record.payload_length > len(raw) and not whole:
        raise ArchiveLoadFailed(f"cut off: {len(raw):,} of {record.payload_length:,} bytes are there")
    record.raw_stream = BytesIO(raw)
    body: bytes = record.content_stream().read(max_bytes + 1)
    return body if len(body) <= max_bytes else None
