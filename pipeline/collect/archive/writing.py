"""Writing the archive, and clearing up behind a run that was killed.

Each run writes files of its own below ``<archive>/<monitor>/<source>/``, one gzip member per response, so a file
can be read from any record's offset, and a process that is killed tears the end of its own file only. Beside them it
keeps ``<run>.open`` locked: while that is locked, index rows that name its files may still be to come.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b32encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from isal import igzip
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.collect.archive.reading import pieces
from pipeline.collect.archive.shelf import ENDING, OPEN, PART, Shelf, keep_safe, lock_left, lock_new
from pipeline.collect.fetch import Response

ROTATE_BYTES = 100_000_000
GZIP_LEVEL = 2
"""of ISA-L: real pages become 23% of their size in 0.3 ms each; zlib needs 1.1 ms for that, and 4.8 for 20%"""


@dataclass(frozen=True)
class Position:
    """Where a record lies."""

    file: str
    """relative to the archive folder"""
    offset: int


def _digest(*parts: bytes) -> str:
    """As WARC writes it; SHA-1 is the format's custom and protects nothing here."""
    made = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        made.update(part)
    return f"sha1:{b32encode(made.digest()).decode()}"


class Archive:
    """Writes the responses of one run of one source."""

    def __init__(
        self,
        place: Shelf | Path,
        monitor: str,
        source: str,
        *,
        say: Callable[[str], None] = lambda _: None,
        rotate_bytes: int = ROTATE_BYTES,
    ) -> None:
        """``say`` is given, in words, what of the archive did not go well and harms nothing."""
        self._shelf = Shelf(place) if isinstance(place, Path) else place
        self._below = Path(monitor) / source
        self._rotate_bytes, self._say = rotate_bytes, say
        self._mark: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._run = self._name = ""
        self._count = self._synced = 0

    def recover(self) -> None:
        """Clear up behind runs of this source that were killed; bring away what still lies here.

        Their torn last records are cut off, since whoever reads a file from end to end stumbles over them.
        Raises :class:`~pipeline.collect.archive.shelf.ArchiveError` when the archive's address can't be used.
        """
        self._shelf.ready()
        folder = self._shelf.folder / self._below
        for left in sorted(folder.glob(f"*{OPEN}")):
            mark = lock_left(left)
            if mark is not None:
                with mark:
                    for path in sorted(folder.glob(f"{left.name.removesuffix(OPEN)}-*{ENDING}")):
                        self._cut(path)
                    left.unlink()
        remove_parts(folder)
        for path in sorted(folder.glob(f"*{ENDING}")):
            name = path.relative_to(self._shelf.folder).as_posix()
            if not self._shelf.live(name):
                self._bring(name)

    def _cut(self, path: Path) -> None:
        with path.open("r+b") as file:
            last = next(iter(deque(pieces(file), maxlen=1)), None)
            if last is not None and last.torn:
                file.truncate(last.start)
                keep_safe(file)
                self._say(
                    f"{path.relative_to(self._shelf.folder)}: the last {last.end - last.start:,} bytes were cut off, a "
                    "record that a killed run had not finished"
                )
            size = os.fstat(file.fileno()).st_size
        if not size:
            path.unlink()

    def _bring(self, name: str) -> None:
        try:
            self._shelf.bring(name)
        except Exception as error:  # each store has errors of its own, and none of them may cost a response
            self._say(
                f"{name} could not be brought to {self._shelf.away} ({type(error).__name__}: {error}); it lies in "
                f"{self._shelf.folder}, and the source's next run tries again"
            )

    def _open(self) -> BinaryIO:
        if self._file is not None and self._file.tell() >= self._rotate_bytes:
            self._finish()
        if self._file is None:
            folder = self._shelf.folder / self._below
            folder.mkdir(parents=True, exist_ok=True)
            while self._mark is None:
                self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}-{uuid4().hex[:8]}"
                self._mark = lock_new(folder / f"{self._run}{OPEN}")
            self._count += 1
            self._name = (self._below / f"{self._run}-{self._count}{ENDING}").as_posix()
            self._file, self._synced = self._shelf.local(self._name).open("xb"), 0
        return self._file

    def write(self, address: str, response: Response) -> Position:
        """Append a response; when this returns, its bytes are with the operating system."""
        file = self._open()
        position = Position(self._name, file.tell())
        plain = BytesIO()
        writer = WARCWriter(plain, gzip=False)
        # the transfer's own packing was taken off while reading; a length is written for what is stored
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name not in {"transfer-encoding", "content-length", "connection"}
        ]
        headers.append(("content-length", str(len(response.raw))))
        http = StatusAndHeaders(str(response.status), headers, protocol="HTTP/1.1")
        http.compute_headers_buffer()
        record = writer.create_warc_record(
            address,
            "response",
            payload=BytesIO(response.raw),
            length=len(response.raw),
            http_headers=http,
            warc_headers_dict={
                "WARC-Date": response.fetched_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                # warcio would work them out in small pieces
                "WARC-Payload-Digest": _digest(response.raw),
                "WARC-Block-Digest": _digest(http.headers_buff, response.raw),
            },
        )
        writer.write_record(record)
        file.write(igzip.compress(plain.getbuffer(), GZIP_LEVEL))
        file.flush()
        return position

    def sync(self) -> None:
        """When this returns, the bytes written so far are on the disk, and may be named in the index."""
        if self._file is not None and self._file.tell() > self._synced:
            os.fsync(self._file.fileno())
            self._synced = self._file.tell()

    def _finish(self) -> None:
        """End the present file, and bring it away."""
        if self._file is None:
            return
        try:
            self.sync()
            self._file.close()
        except OSError:
            # the disk is full, say: the mark stays behind, and the next run cuts off what is torn
            with suppress(OSError):
                self._file.close()
            if self._mark is not None:
                self._mark.close()
            self._file = self._mark = None
            raise
        self._file = None
        self._bring(self._name)

    def close(self) -> None:
        """End the run's files. Call it when all index rows that name them are committed; twice does no harm."""
        self._finish()
        if self._mark is not None:
            (self._shelf.folder / self._below / f"{self._run}{OPEN}").unlink(missing_ok=True)
            self._mark.close()
            self._mark = None


def remove_parts(folder: Path) -> None:
    """Remove unfinished files below a folder that a process has left which was killed while it made them."""
    for path in folder.rglob(f"*{PART}"):
        left = lock_left(path)
        if left is not None:
            with left:
                path.unlink()
