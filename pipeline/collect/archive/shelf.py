"""Where the archive's files lie: in a local folder and, when closed, at an address of an object store if one is set.

A file has one name everywhere, relative to both. It is written in the local folder, brought away when it is closed, and
the local copy goes once the one that was brought away has been read back. So a file always lies whole in one of the two
places, and whoever looks for it looks in the local folder first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from pipeline.settings import Settings

ENDING = ".warc.gz"
OPEN = ".open"
"""ending of the file that a run keeps locked beside its own while it lives; its name begins theirs"""
PART = ".part"
"""ending of a file that is being made and that nothing names yet"""
_STEP = 1 << 20


class ArchiveError(RuntimeError):
    """A stored response can't be read, or the archive can't be had; says which and what to do."""


class Shelf:
    """The archive's files by their names, wherever they lie."""

    def __init__(self, folder: Path, away: str = "") -> None:
        """``folder``: the local one; ``away``: an address that fsspec knows, empty for none."""
        self.folder, self._away = folder, away

    @property
    def away(self) -> str:
        """The address, as it may be shown: without what stands before an @ (a key, a password)."""
        scheme, mark, rest = self._away.partition("://")
        return f"{scheme}{mark}{rest.rpartition('@')[2]}"

    @cached_property
    def _remote(self) -> tuple[Any, str] | None:
        """The file system and the path of the address in it."""
        if not self._away:
            return None
        import fsspec

        try:
            system, root = fsspec.core.url_to_fs(self._away)
        except (ImportError, ValueError) as error:
            raise ArchiveError(
                f"RIFTWATCH_ARCHIVE is {self.away}: {error}. Object stores need a package of their own in Riftwatch's "
                "environment (s3: s3fs, gs: gcsfs, abfs: adlfs); a local folder needs none"
            ) from error
        return system, root.rstrip("/")

    def ready(self) -> None:
        """Raise :class:`ArchiveError` when the address can't be used at all."""
        _ = self._remote

    def local(self, name: str) -> Path:
        """Where the file lies, or would lie, on this machine. An absolute name (an imported file) stays as it is."""
        return self.folder / name

    def _brought(self, name: str) -> bool:
        return self._remote is not None and bool(self._remote[0].exists(f"{self._remote[1]}/{name}"))

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """The file, to be read at any place. Raises OSError when it lies nowhere."""
        path = self.local(name)
        if self._remote is None or path.exists() or Path(name).is_absolute():
            with path.open("rb") as stream:
                yield stream
            return
        system, root = self._remote
        with system.open(f"{root}/{name}", "rb") as stream:
            yield cast(BinaryIO, stream)

    @contextmanager
    def whole(self, name: str) -> Iterator[BinaryIO]:
        """The file, to be read from end to end and back: fetched first when it lies away."""
        with self.open(name) as stream:
            if self.local(name).exists():
                yield stream
                return
            with TemporaryFile() as copy:
                shutil.copyfileobj(stream, copy, _STEP)
                copy.seek(0)
                yield cast(BinaryIO, copy)

    def names(self, below: str) -> list[str]:
        """All WARC files below a folder (a monitor, or a monitor and source), in both places, sorted."""
        here = [p.relative_to(self.folder).as_posix() for p in (self.folder / below).rglob(f"*{ENDING}")]
        if self._remote is not None:
            system, root = self._remote
            start = system._strip_protocol(root).rstrip("/") + "/"
            if system.exists(f"{root}/{below}"):
                system.invalidate_cache()
                here += [p.removeprefix(start) for p in system.find(f"{root}/{below}") if p.endswith(ENDING)]
        return sorted(set(here))

    def sources(self, monitor: str) -> list[str]:
        """The sources of a monitor that have files."""
        return sorted({name.split("/")[1] for name in self.names(monitor) if name.count("/") == 2})

    def size(self, name: str) -> int:
        path = self.local(name)
        if path.exists() or self._remote is None:
            return path.stat().st_size
        return int(self._remote[0].size(f"{self._remote[1]}/{name}"))

    def live(self, name: str) -> bool:
        """Whether the run that writes the file still works on this machine: its index rows may be still to come."""
        run = self.local(name).with_name(Path(name).name.rpartition("-")[0] + OPEN)
        try:
            with run.open("rb") as mark:
                return not _locks(mark)
        except FileNotFoundError:
            return False

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        """Keep others from bringing the file away or changing it. False: somebody else holds it, or it is gone."""
        path = self.local(name)
        if not path.exists():
            yield self._brought(name)
            return
        with path.open("rb") as file:
            if not _locks(file, keep=True):
                yield False
                return
            yield path.exists() or self._brought(name)

    def bring(self, name: str) -> None:
        """Bring a closed file away and remove it here, once what was brought has been read back and is the same.

        Nothing happens without an address, or while somebody else does it. Whatever the store raises is raised.
        """
        if self._remote is None:
            return
        system, root = self._remote
        path, there = self.local(name), f"{root}/{name}"
        with self.hold(name) as held:
            if not held or not path.exists():
                return
            system.makedirs(there.rpartition("/")[0], exist_ok=True)
            system.put_file(str(path), there)
            with path.open("rb") as mine, system.open(there, "rb") as theirs:
                if _digest(mine) != _digest(cast(BinaryIO, theirs)):
                    raise OSError(f"what arrived at {self.away} is not what was sent")
            path.unlink()

    def remove(self, name: str) -> None:
        """Remove the file from both places."""
        self.local(name).unlink(missing_ok=True)
        if self._remote is not None and self._brought(name):
            self._remote[0].rm_file(f"{self._remote[1]}/{name}")


def shelf_of(settings: Settings) -> Shelf:
    """The archive that the settings name."""
    return Shelf(settings.archive, settings.archive_address)


def _locks(file: BinaryIO, *, keep: bool = False) -> bool:
    """Whether a file can be locked, which it can't while its owner lives. ``keep``: until it is closed."""
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except OSError:
        return False
    if not keep:
        flock(file, LOCK_UN)
    return True


def lock_new(path: Path) -> BinaryIO | None:
    """A new file, locked until it is closed; null when another process took it for one that a dead run had left."""
    file = cast(BinaryIO, path.open("xb"))
    flock(file, LOCK_EX)
    try:
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return file
    except FileNotFoundError:
        pass
    file.close()
    return None


def lock_left(path: Path) -> BinaryIO | None:
    """A file that its owner left behind, locked until it is closed; null while the owner lives, or when it is gone."""
    try:
        file = cast(BinaryIO, path.open("rb"))
    except FileNotFoundError:
        return None
    if _locks(file, keep=True) and path.exists():
        return file
    file.close()
    return None


def keep_safe(file: BinaryIO) -> None:
    """Have the file's bytes on the disk before anything names them."""
    file.flush()
    os.fsync(file.fileno())


def _digest(stream: BinaryIO) -> str:
    made = hashlib.sha256()
    while chunk := stream.read(_STEP):
        made.update(chunk)
    return made.hexdigest()
