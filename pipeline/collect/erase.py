"""Erasing what was collected, by source, address or group: rows, and the bytes in the archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from pipeline.collect.archive import Shelf, shelf_of
from pipeline.collect.archive.purge import purge
from pipeline.collect.archive.reading import pieces, readable
from pipeline.extract.address import canonical
from pipeline.monitor import Monitor
from pipeline.report import Progress, silent
from pipeline.settings import Settings
from pipeline.store.erasures import (
    Extent,
    Scope,
    Selection,
    begin,
    clean_runs,
    erased,
    extent_of,
    finish,
    scrub,
    spellings_of,
    take_documents,
    take_rest,
    unfinished,
)
from pipeline.store.features import forget_erased
from pipeline.store.kept import forget_kept, keeping_alone
from pipeline.store.published import mark_erased
from pipeline.store.replays import forget_replay
from pipeline.store.session import open_session


class EraseError(ValueError):
    """There is nothing of the kind; says what there is."""


@dataclass
class Erased:
    """What an erasure did."""

    documents: int = 0
    captures: int = 0
    published: int = 0
    """figures whose basis is erased in part; they stay"""
    imported: list[str] = field(default_factory=list)
    """files that are not ours and still hold some of it"""
    open: list[str] = field(default_factory=list)
    """why it is not finished, each in words"""


def choose(session: Session, monitor: Monitor, scope: Scope, target: str) -> Selection:
    """What is to be erased. Raises :class:`EraseError` for an address that is none."""
    if scope == "source":
        return Selection(monitor.name, scope, target, sources=frozenset({target}))
    if scope == "group":
        # a table's rows may belong to several groups: of those the group's texts go, and not the source
        own = frozenset(s.id for s in monitor.sources if s.group == target and not (s.kind == "table" and s.groups))
        return Selection(monitor.name, scope, target, sources=own, group=target)
    try:
        address = target if target.startswith("table:") else canonical(target)
    except ValueError as error:
        raise EraseError(str(error)) from None
    return Selection(monitor.name, scope, address, addresses=spellings_of(session, monitor.name, address))


def look(settings: Settings, monitor: Monitor, scope: Scope, target: str) -> Extent:
    """What an erasure would take. Writes nothing. Raises :class:`EraseError` when there is nothing of it."""
    with open_session(settings) as session:
        chosen = choose(session, monitor, scope, target)
        found = extent_of(session, chosen)
        there = found.documents or found.captures or found.frontier or found.places or unfinished(session, chosen)
        if scope != "address" and not there and not shelf_of(settings).names(f"{monitor.name}/{target}"):
            known = [s.id for s in monitor.sources] if scope == "source" else [g.id for g in monitor.groups]
            raise EraseError(
                f"nothing of {scope} {target!r} was collected in {monitor.name}; the monitor has {', '.join(known)}"
            )
        return found


def erase(
    settings: Settings, monitor: Monitor, scope: Scope, target: str, *, reason: str, progress: Progress = silent
) -> Erased:
    """Erase it: texts with all that hangs on them, the archive's index and the bytes.

    Interrupted anywhere and run again it completes. Published figures stay and say how much of their basis is gone.
    An erased address is never collected again; of a source or group, what is there goes, and the monitor file says
    what is collected later.
    """
    done, shelf = Erased(), shelf_of(settings)
    with open_session(settings, expire_on_commit=False) as session:
        chosen = choose(session, monitor, scope, target)
        found = extent_of(session, chosen)
        done.imported = found.imported
        row = begin(session, chosen, reason=reason, now=datetime.now(UTC))
        clean_runs(session, chosen)
        taken = 0
        while some := take_documents(session, chosen, row):
            taken += some
            progress("erase", taken, found.documents)
        take_rest(session, chosen, row)
        done.published = mark_erased(session, monitor.name)
        forget_replay(session, monitor.name)
        session.commit()
        # one that is being made has read texts that are gone now
        with keeping_alone(settings, monitor.name):
            forget_kept(session, monitor.name)
            session.commit()
        forget_erased(session, settings.features)
        done.documents, done.captures = row.documents, row.captures
        purged = purge(session, shelf, monitor.name, source=target if scope == "source" else None, progress=progress)
        done.open += purged.waiting
        done.open += [
            f"{name} is being written by a run; run this again when it has ended"
            for name in purged.left
            if _concerned(session, shelf, chosen, name)
        ]
        session.commit()
        try:
            why = scrub(settings.database)
        except OperationalError as error:
            why = f"the database could not be rewritten ({error.orig}); end what works on it"
        if why is not None:
            done.open.append(f"{why}; run this again")
        if not done.open:
            finish(session, row, now=datetime.now(UTC))
    return done


def _concerned(session: Session, shelf: Shelf, chosen: Selection, name: str) -> bool:
    """Whether a file that could not be touched may hold some of it."""
    if not chosen.addresses:
        return name.split("/")[1] in chosen.sources
    with shelf.whole(name) as stream:
        held = {found.address for piece in pieces(stream) if (found := readable(stream, piece.start)) is not None}
    return bool(erased(session, chosen.monitor, held))
