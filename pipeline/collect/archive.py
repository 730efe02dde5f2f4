"""The raw archive: every response a document was made of (or should have been), byte for byte, in WARC files.

Each process writes files of its own below ``<archive>/<monitor>/<source>/``, one gzip member per response, so a file
can be read from any record's offset, and a process that is killed tears the end of its own file only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.collect.fetch import Response

ROTATE_BYTES = 100_000_000


@dataclass(frozen=True)
class Position:
    """Where a record lies."""

    file: str
    """relative to the archive folder"""
    offset: int


class Archive:
    """Writes the responses of one run of one source."""

    def __init__(self, folder: Path, monitor: str, source: str, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._folder = folder
        self._below = Path(monitor) / source
        self._rotate_bytes = rotate_bytes
        self._file: BinaryIO | None = None
        self._name = ""

    def _open(self) -> BinaryIO:
        if self._file is not None and self._file.tell() >= self._rotate_bytes:
            self.close()
        if self._file is None:
            (self._folder / self._below).mkdir(parents=True, exist_ok=True)
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}-{uuid4().hex[:8]}.warc.gz"
            self._name = (self._below / name).as_posix()
            self._file = (self._folder / self._name).open("xb")
        return self._file

    def write(self, address: str, response: Response) -> Position:
        """Append a response; when this returns, its bytes are with the operating system."""
        file = self._open()
        position = Position(self._name, file.tell())
        writer = WARCWriter(file, gzip=True)
        # the transfer's own packing was taken off while reading; a length is written for what is stored
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name not in {"transfer-encoding", "content-length", "connection"}
        ]
        headers.append(("content-length", str(len(response.raw))))
        record = writer.create_warc_record(
            address,
            "response",
            payload=BytesIO(response.raw),
            length=len(response.raw),
            http_headers=StatusAndHeaders(str(response.status), headers, protocol="HTTP/1.1"),
            warc_headers_dict={"WARC-Date": response.fetched_at.strftime("%Y-%m-%dT%H:%M:%SZ")},
        )
        writer.write_record(record)
        file.flush()
        return position

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class ArchiveError(RuntimeError):
    """A stored response can't be read; says which file and offset."""


@dataclass(frozen=True)
class Stored:
    """A response as it is read back."""

    address: str
    status: int
    content_type: str | None
    body: bytes
    """unpacked"""


def read(folder: Path, file: str, offset: int) -> Stored:
    """The response at a capture's place. Raises :class:`ArchiveError`."""
    path = folder / file  # an absolute name (an imported file) stays as it is
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            record = next(iter(ArchiveIterator(stream)))
            return Stored(
                record.rec_headers.get_header("WARC-Target-URI") or record.rec_headers.get_header("uri"),
                int(record.http_headers.get_statuscode()),
                record.http_headers.get_header("content-type"),
                record.content_stream().read(),
            )
    except (OSError, StopIteration, ArchiveLoadFailed, AttributeError, ValueError) as error:
        raise ArchiveError(f"no response can be read in {path} at {offset} ({error}); was the file moved?") from error
