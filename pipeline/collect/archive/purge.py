"""Taking out of the archive what no index row names: files are written anew without it.

Killed anywhere, nothing is lost: the new file is on the disk before the index names it, and the old one goes after
that. What a kill leaves behind is a file that nothing names, and the next purge removes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy.orm import Session

from pipeline.collect.archive.reading import pieces
from pipeline.collect.archive.shelf import ENDING, PART, Shelf, keep_safe, lock_new
from pipeline.collect.archive.writing import remove_parts
from pipeline.report import Progress, silent
from pipeline.store.archive_index import captures_in, move_captures


@dataclass
class Purged:
    """What a purge did."""

    rewritten: int = 0
    removed: int = 0
    """files in which nothing was left"""
    records: int = 0
    """records that were taken out"""
    bytes: int = 0
    left: list[str] = field(default_factory=list)
    """files that somebody is at work on: to be purged later"""
    waiting: list[str] = field(default_factory=list)
    """new files that could not be brought away, each in words"""


def purge(
    session: Session,
    shelf: Shelf,
    monitor: str,
    *,
    source: str | None = None,
    progress: Progress = silent,
) -> Purged:
    """Rewrite every file of a monitor (of one source) that holds more than the index names. Commits file by file.

    Files of runs that are at work on this machine are left.
    """
    done = Purged()
    below = monitor if source is None else f"{monitor}/{source}"
    remove_parts(shelf.folder / below)
    names = shelf.names(below)
    for number, name in enumerate(names):
        progress("purge", number, len(names))
        if shelf.live(name):
            done.left.append(name)
            continue
        with shelf.hold(name) as held:
            if held:
                new = _purge_file(session, shelf, monitor, name, done)
            else:
                done.left.append(name)
                continue
        if new is not None:
            try:
                shelf.bring(new)
            except Exception as error:  # each store has errors of its own; the file lies here and is named
                done.waiting.append(f"{new} could not be brought to {shelf.away} ({type(error).__name__}: {error})")
    progress("purge", len(names), len(names))
    return done


def _purge_file(session: Session, shelf: Shelf, monitor: str, name: str, done: Purged) -> str | None:
    """Write one file anew, if there is a reason; the name of the new one."""
    rows = {row.offset for row in captures_in(session, monitor, name)}
    session.rollback()
    records, size = 0, 0
    with shelf.whole(name) as stream:
        keep = []
        for piece in pieces(stream):
            # what can't be read as a whole stays as long as the index names it
            if piece.start in rows:
                keep.append(piece)
            else:
                records += piece.whole
                size += piece.end - piece.start
        if not size:
            return None
        new = None
        if keep:
            new = f"{name.removesuffix(ENDING).partition('~')[0]}~{uuid4().hex[:8]}{ENDING}"
            part = shelf.local(new + PART)
            part.parent.mkdir(parents=True, exist_ok=True)
            file = lock_new(part)
            if file is None:
                raise OSError(f"{part} was taken away while it was made; run it again")
            places = {}
            with file:
                for piece in keep:
                    places[piece.start] = file.tell()
                    stream.seek(piece.start)
                    file.write(stream.read(piece.end - piece.start))
                keep_safe(file)
                part.rename(shelf.local(new))
            move_captures(session, monitor, name, new, places)
            session.commit()
    shelf.remove(name)
    done.rewritten += new is not None
    done.removed += new is None
    done.records += records
    done.bytes += size
    return new
