"""Looking over the archive: does every index row resolve, and what lies there that none names?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.collect.archive.reading import pieces, read, readable
from pipeline.collect.archive.shelf import ArchiveError, Shelf
from pipeline.report import Progress, silent
from pipeline.settings import Settings
from pipeline.store.archive_index import Indexed, captures_in, indexed_files
from pipeline.store.session import open_session


@dataclass
class Audit:
    """What was found. Files that are still being written are left out."""

    files: int = 0
    growing: int = 0
    """files of runs that are at work now"""
    waiting: int = 0
    """closed files that lie here and still have to be brought away"""
    bytes: int = 0
    records: int = 0
    captures: int = 0
    orphans: int = 0
    """whole records that no index row names: their run was killed before it could"""
    orphan_bytes: int = 0
    spoilt_bytes: int = 0
    """bytes that are no whole record"""
    dangling: list[str] = field(default_factory=list)
    """index rows whose response can't be read, or is another: each in words"""

    def lines(self) -> list[str]:
        """The same for people."""
        made = [
            f"{self.files:,} files, {self.bytes / 1e6:,.1f} MB, {self.records:,} records",
            f"{self.captures:,} index rows, {len(self.dangling):,} of them without their response",
            f"{self.orphans:,} records that no index row names ({self.orphan_bytes / 1e6:,.1f} MB)",
        ]
        if self.spoilt_bytes:
            made.append(f"{self.spoilt_bytes:,} bytes are no whole record")
        if self.growing:
            made.append(f"{self.growing:,} more files are being written now and were left out")
        if self.waiting:
            made.append(f"{self.waiting:,} files wait in the local folder to be brought away")
        return made + self.dangling


def audit(settings: Settings, shelf: Shelf, monitor: str, *, progress: Progress = silent) -> Audit:
    """Read every file of a monitor and compare it with the index. Writes nothing."""
    found = Audit()
    with open_session(settings) as session:
        named = indexed_files(session, monitor)
        ours = shelf.names(monitor)
        everything = sorted({*named, *ours})
        for done, name in enumerate(everything):
            progress("check", done, len(everything))
            rows = captures_in(session, monitor, name)
            session.rollback()  # no snapshot is held while files are read
            if shelf.live(name):
                found.growing += 1
                continue
            found.captures += len(rows)
            if name in ours:
                found.waiting += bool(shelf.away) and shelf.local(name).exists()
                _compare(found, shelf, name, rows)
            else:
                _look_up(found, shelf, name, rows)
        progress("check", len(everything), len(everything))
    return found


def _compare(found: Audit, shelf: Shelf, name: str, rows: list[Indexed]) -> None:
    """One of our own files, from end to end."""
    by_place = {row.offset: row for row in rows}
    found.files += 1
    found.bytes += shelf.size(name)
    with shelf.whole(name) as stream:
        for piece in pieces(stream):
            if not piece.whole:
                found.spoilt_bytes += piece.end - piece.start
                continue
            found.records += 1
            row = by_place.pop(piece.start, None)
            if row is None:
                found.orphans += 1
                found.orphan_bytes += piece.end - piece.start
                continue
            stored = readable(stream, piece.start)
            if stored is None or hashlib.sha256(stored.body).hexdigest() != row.digest:
                found.dangling.append(_words(row, name, "the record there is not the response"))
    found.dangling += [_words(row, name, "no record begins there") for row in by_place.values()]


def _look_up(found: Audit, shelf: Shelf, name: str, rows: list[Indexed]) -> None:
    """A file of somebody else's (imported), or one that is not there: only what the index names."""
    for row in rows:
        try:
            stored = read(shelf, name, row.offset)
        except ArchiveError as error:
            found.dangling.append(_words(row, name, str(error)))
            continue
        if hashlib.sha256(stored.body).hexdigest() != row.digest:
            found.dangling.append(_words(row, name, "the record there is not the response"))
    found.files += Path(name).is_file()


def _words(row: Indexed, name: str, why: str) -> str:
    return f"{row.address}: {name} at {row.offset}: {why}"
