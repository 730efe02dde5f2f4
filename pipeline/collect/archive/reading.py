"""Reading the archive: one response at its place, or all the pieces of a file one after another."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from pipeline.collect.archive.shelf import ArchiveError, Shelf
from pipeline.collect.failure import Failure
from pipeline.collect.inflate import Inflater

_DAMAGE = (
    OSError, StopIteration, ArchiveLoadFailed, StatusAndHeadersParserException, AttributeError, ValueError, TypeError,
    KeyError, EOFError, zlib.error, Failure,
)  # fmt: skip
_STEP = 1 << 14
_SIGN = b"\x1f\x8b\x08"
_NO_LIMIT = 1 << 62
"""what lies in the archive has passed the limits of its time"""


@dataclass(frozen=True)
class Stored:
    """A response as it is read back."""

    address: str
    status: int
    content_type: str | None
    body: bytes
    """unpacked"""


@dataclass(frozen=True)
class Piece:
    """One gzip member of an archive file: one record, unless it is torn or damaged."""

    start: int
    end: int
    whole: bool
    torn: bool = False
    """the file ends before the member does"""


def read(place: Shelf | Path, file: str, offset: int) -> Stored:
    """The response at a capture's place. Raises :class:`ArchiveError`."""
    shelf = Shelf(place) if isinstance(place, Path) else place
    try:
        with shelf.open(file) as stream:
            return read_at(stream, offset, imported=Path(file).is_absolute())
    except _DAMAGE as error:
        raise ArchiveError(
            f"no response can be read in {shelf.local(file)} at {offset} ({error}); was the file moved?"
        ) from error


def read_at(stream: BinaryIO, offset: int, *, imported: bool = False) -> Stored:
    """The response at a place of an open file. Raises one of many errors; see :func:`read`."""
    stream.seek(offset)
    record = next(iter(ArchiveIterator(stream)))
    if imported:
        body = record.content_stream().read()
        if record.http_headers is None:  # a page or a text without its HTTP answer
            kind = record.rec_headers.get_header("Content-Type")
            return Stored(record.rec_headers.get_header("WARC-Target-URI"), 200, kind, body)
    else:
        # as it was unpacked when it came
        inflater = Inflater(
            record.http_headers.get_header("content-encoding") or "", max_bytes=_NO_LIMIT, max_ratio=_NO_LIMIT
        )
        inflater.take(record.raw_stream.read())
        body = inflater.body()
    return Stored(
        record.rec_headers.get_header("WARC-Target-URI") or record.rec_headers.get_header("uri"),
        int(record.http_headers.get_statuscode()),
        record.http_headers.get_header("content-type"),
        body,
    )


def readable(stream: BinaryIO, offset: int) -> Stored | None:
    """The same of one of our own files; null where no response can be read."""
    try:
        return read_at(stream, offset)
    except _DAMAGE:
        return None


def pieces(stream: BinaryIO) -> Iterator[Piece]:
    """All gzip members of a file, one after another; after damage goes on where the next one begins."""
    start = 0
    while (piece := _piece(stream, start)) is not None:
        yield piece
        start = piece.end


def _piece(stream: BinaryIO, start: int) -> Piece | None:
    stream.seek(start)
    unpacker, size = zlib.decompressobj(zlib.MAX_WBITS | 16), 0
    try:
        while chunk := stream.read(_STEP):
            size += len(chunk)
            unpacker.decompress(chunk)
            if unpacker.eof:
                return Piece(start, start + size - len(unpacker.unused_data), whole=True)
    except zlib.error:
        return Piece(start, _next_sign(stream, start + 1), whole=False)
    return Piece(start, start + size, whole=False, torn=True) if size else None


def _next_sign(stream: BinaryIO, start: int) -> int:
    """Where the next gzip member may begin; the end of the file when none does."""
    stream.seek(start)
    kept, position = b"", start
    while chunk := stream.read(_STEP):
        at = (kept + chunk).find(_SIGN)
        if at >= 0:
            return position - len(kept) + at
        position += len(chunk)
        kept = (kept + chunk)[-(len(_SIGN) - 1) :]
    return position
