"""Kept features: computed once for each text and way of making features, in files beside the database.

``data/features/<digest>/`` belongs to one featuriser (rules and names taken out). It has ``featuriser.json``, a file
``for-<monitor>`` for each monitor that uses it, and shards, each written whole under another name and then renamed.
A killed writer loses its unfinished shard, two writers at once do the same work twice, and a damaged shard is removed:
in each case the features are made again from the text.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from classifiers.text.features import Features
from pipeline.store.shard import Contents, DamagedShardError, Kept, contents, join, name_of, pack, text_key, unpack
from pipeline.store.tables import Document

SHARD = 1000
"""documents of a shard, at most"""
SMALL, MANY_SMALL = 500, 16
"""so many shards of fewer documents are written together"""
UNFINISHED = ".unfinished-"

log = logging.getLogger(__name__)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time writes or removes in a folder; reading needs no lock."""
    with (folder / ".lock").open("w") as file:
        flock(file, LOCK_EX)
        yield


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npz"), key=lambda file: (file.stat().st_mtime_ns, file.name))


def _write(folder: Path, kept: Kept) -> Path:
    """Needs the lock."""
    content = pack(kept)
    file = folder / name_of(content)
    unfinished = folder / f"{UNFINISHED}{file.name}"
    unfinished.write_bytes(content)
    return unfinished.rename(file)


def _remove_damaged(error: DamagedShardError, file: Path) -> None:
    log.warning("%s; it is removed, and its features are made again from the texts", error)
    file.unlink(missing_ok=True)


def _listed(folder: Path) -> Iterator[tuple[Path, Contents]]:
    for file in _shards(folder):
        try:
            yield file, contents(file)
        except DamagedShardError as error:
            _remove_damaged(error, file)
        except FileNotFoundError:
            continue  # another process has written it together with others


def _read(file: Path) -> Kept | None:
    try:
        return unpack(file.read_bytes(), file.name)
    except DamagedShardError as error:
        _remove_damaged(error, file)
    except FileNotFoundError:
        pass
    return None


class FeatureStore:
    """The kept features of one featuriser."""

    def __init__(self, root: Path, digest: str, about: Mapping[str, Any], monitor: str) -> None:
        self.folder = root / digest
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"for-{monitor}").touch()
        described = self.folder / "featuriser.json"
        if not described.exists():
            with _alone(self.folder):
                unfinished = self.folder / f"{UNFINISHED}featuriser.json"
                unfinished.write_text(json.dumps({"digest": digest, **about}, ensure_ascii=False, indent=1))
                unfinished.replace(described)
        self._where: dict[int, tuple[int, Path, int, int]] = {}
        """document -> key of its text, shard, row, number of passages"""
        self._last: tuple[Path, Kept] | None = None
        for file, listed in _listed(self.folder):
            self._remember(file, listed.documents, listed.texts, listed.passages)

    def _remember(self, file: Path, documents: Any, texts: Any, passages: Any) -> None:
        rows = zip(documents.tolist(), texts.tolist(), passages.tolist(), strict=True)
        self._where |= {document: (text, file, row, number) for row, (document, text, number) in enumerate(rows)}

    def passages_of(self, document: int, text_digest: str) -> int | None:
        """How many passages of this very text are kept; None: it was not looked at."""
        there = self._where.get(document)
        return there[3] if there is not None and there[0] == text_key(text_digest) else None

    def take(self, wanted: Sequence[tuple[int, str]]) -> Iterator[tuple[list[int], Features]]:
        """Of (document, digest of its text), shard by shard: places in ``wanted`` and their features.

        What is not kept, or kept of another text, is left out.
        """
        by_shard: dict[Path, list[tuple[int, int]]] = {}
        for place, (document, digest) in enumerate(wanted):
            there = self._where.get(document)
            if there is not None and there[0] == text_key(digest):
                by_shard.setdefault(there[1], []).append((there[2], place))
        for file, rows in by_shard.items():
            if self._last is None or self._last[0] != file:
                kept = _read(file)
                if kept is None:
                    self._where = {d: there for d, there in self._where.items() if there[1] != file}
                    continue
                self._last = (file, kept)
            rows.sort()
            yield [place for _, place in rows], self._last[1].take([row for row, _ in rows]).features

    def keep(self, documents: Sequence[tuple[int, str]], features: Features) -> None:
        """Keep the features of (document, digest of its text)."""
        if not documents:
            return
        keys = np.array([text_key(digest) for _, digest in documents], dtype=np.uint64)
        kept = Kept(np.array([document for document, _ in documents], dtype=np.int64), keys, features)
        with _alone(self.folder):
            file = _write(self.folder, kept)
        self._remember(file, kept.documents, kept.texts, np.bincount(features.text, minlength=features.texts))

    def tidy(self) -> None:
        """Write many small shards together, without rows that newer ones have replaced."""
        with _alone(self.folder):
            small = [(f, c) for f, c in _listed(self.folder) if len(c.documents) < SMALL]
            if len(small) < MANY_SMALL:
                return
            newest = {d: (file, row) for file, c in small for row, d in enumerate(c.documents.tolist())}
            parts = []
            for file, _ in small:
                if kept := _read(file):
                    parts.append(
                        kept.take([r for r, d in enumerate(kept.documents.tolist()) if newest[d] == (file, r)])
                    )
            together = join(parts)
            order = np.argsort(together.documents, kind="stable").tolist()
            written = [
                _write(self.folder, together.take(order[start : start + SHARD]))
                for start in range(0, len(order), SHARD)
            ]
            for file, _ in small:
                if file not in written:
                    file.unlink(missing_ok=True)


def _folders(root: Path) -> list[Path]:
    return sorted(folder for folder in root.glob("*") if folder.is_dir())


def forget(root: Path, documents: Collection[int]) -> int:
    """Erase the features of these documents, whatever featuriser made them. Returns how many rows there were."""
    gone = np.array(sorted(documents), dtype=np.int64)
    return _keep_only(root, lambda listed: ~np.isin(listed.documents, gone))


def forget_erased(session: Session, root: Path) -> int:
    """Erase all features of texts that the database has no more. Returns how many rows there were."""
    if not root.is_dir():
        return 0
    texts = {id_: text_key(digest) for id_, digest in session.execute(select(Document.id, Document.text_digest))}

    def there(listed: Contents) -> Any:
        pairs = zip(listed.documents.tolist(), listed.texts.tolist(), strict=True)
        return np.array([texts.get(document) == key for document, key in pairs], dtype=bool)

    return _keep_only(root, there)


def _keep_only(root: Path, stays: Any) -> int:
    """Write each shard again without the rows that ``stays`` says no to; what a killed writer left goes too."""
    forgotten = 0
    for folder in _folders(root):
        with _alone(folder):
            for left in folder.glob(f"{UNFINISHED}*.npz"):
                left.unlink()
            for file, listed in _listed(folder):
                rows = np.flatnonzero(stays(listed))
                if len(rows) == len(listed.documents):
                    continue
                forgotten += len(listed.documents) - len(rows)
                if len(rows) and (kept := _read(file)):
                    _write(folder, kept.take(rows.tolist()))
                file.unlink(missing_ok=True)
    return forgotten


def remove_unused(root: Path, monitor: str, digests: Collection[str]) -> None:
    """Remove what was kept for featurisers that no monitor uses any more: this one uses only ``digests`` now."""
    for folder in _folders(root):
        mark = folder / f"for-{monitor}"
        if folder.name in digests or not mark.exists():
            continue
        with _alone(folder):
            mark.unlink(missing_ok=True)
            if not list(folder.glob("for-*")):
                shutil.rmtree(folder, ignore_errors=True)
