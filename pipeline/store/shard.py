"""One shard of kept features: bytes that say what they are, and that notice when one of them changes.

A shard is an uncompressed npz file named by the sha256 of its bytes. Sorted bucket numbers are written as steps from
one to the next, modulo the number of buckets, so that the first of a passage follows the last of the one before: letter
sequences in one byte a step, words in two. A step that is too large stands in a list of its own. That is close to what
any code could reach (about a byte for each letter sequence), and is read by one running sum.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from classifiers.text.features import Features
from classifiers.text.featuriser import LETTER_BITS, WORD_BITS, Passages, bucket_matrix, stack

BLOCKS: dict[str, tuple[int, Any]] = {"words": (WORD_BITS, np.uint16), "letters": (LETTER_BITS, np.uint8)}
MOST_WORDS = 65_535


class DamagedShardError(ValueError):
    """A shard whose bytes are not those that were written."""


@dataclass(frozen=True)
class Kept:
    """The features of some documents."""

    documents: npt.NDArray[np.int64]
    """shape (n,)"""
    texts: npt.NDArray[np.uint64]
    """shape (n,): :func:`text_key` of the text they were made from"""
    features: Features

    def take(self, rows: Sequence[int]) -> Kept:
        """Some of them, in the order of ``rows``."""
        if list(rows) == list(range(len(self.documents))):
            return self
        starts = np.searchsorted(self.features.text, np.arange(self.features.texts + 1))
        chosen = np.asarray(rows, dtype=np.int64)
        sizes = np.diff(starts)[chosen]
        offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        passages = np.repeat(starts[chosen], sizes) + offsets
        features = Features(
            self.features.passages.take(passages),
            np.repeat(np.arange(len(chosen)), sizes),
            self.features.words[passages],
            len(chosen),
        )
        return Kept(self.documents[chosen], self.texts[chosen], features)


def join(parts: Sequence[Kept]) -> Kept:
    """All of ``parts``, in order."""
    before = np.cumsum([0, *(part.features.texts for part in parts)])
    features = Features(
        stack([part.features.passages for part in parts]),
        np.concatenate([part.features.text + start for part, start in zip(parts, before, strict=False)]),
        np.concatenate([part.features.words for part in parts]),
        int(before[-1]),
    )
    return Kept(
        np.concatenate([part.documents for part in parts]), np.concatenate([part.texts for part in parts]), features
    )


def text_key(digest: str) -> int:
    """Eight bytes that stand for a text's digest."""
    return int.from_bytes(hashlib.blake2b(digest.encode(), digest_size=8).digest())


def _steps(matrix: sp.csr_matrix, bits: int, kind: Any) -> tuple[Any, Any]:
    numbers = matrix.indices.astype(np.int64)
    steps = np.diff(numbers, prepend=0) & ((1 << bits) - 1)
    large = np.iinfo(kind).max
    return np.minimum(steps, large).astype(kind), steps[steps >= large].astype(np.uint32)


def _numbers(steps: Any, large_steps: Any, bits: int) -> npt.NDArray[np.int32]:
    wide = steps.astype(np.uint32)
    large = np.flatnonzero(steps == np.iinfo(steps.dtype).max)
    wide[large] = large_steps
    np.cumsum(wide, out=wide)
    wide &= np.uint32((1 << bits) - 1)
    numbers: npt.NDArray[np.int32] = wide.view(np.int32)
    return numbers


def pack(kept: Kept) -> bytes:
    """The shard of ``kept``."""
    features = kept.features
    arrays: dict[str, Any] = {
        "documents": kept.documents,
        "texts": kept.texts,
        "passages": np.bincount(features.text, minlength=features.texts).astype(np.int32),
        "passage_words": np.minimum(features.words, MOST_WORDS).astype(np.uint16),
    }
    for name, (bits, kind) in BLOCKS.items():
        matrix = getattr(features.passages, name)
        arrays[f"{name}_number"] = np.diff(matrix.indptr).astype(np.int32)
        arrays[f"{name}_steps"], arrays[f"{name}_large"] = _steps(matrix, bits, kind)
    if features.passages.dense is not None:
        arrays["dense"] = features.passages.dense.astype(np.float16)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def name_of(content: bytes) -> str:
    """File name of a shard."""
    return f"{hashlib.sha256(content).hexdigest()[:32]}.npz"


def unpack(content: bytes, name: str) -> Kept:
    """What :func:`pack` was given. Raises :class:`DamagedShardError`."""
    if name_of(content) != name:
        raise DamagedShardError(f"{name}: its bytes are not those that were written")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = dict(stored)
        blocks = {}
        for block, (bits, _) in BLOCKS.items():
            numbers = _numbers(arrays[f"{block}_steps"], arrays[f"{block}_large"], bits)
            indptr = np.concatenate([[0], np.cumsum(arrays[f"{block}_number"])]).astype(np.int32)
            blocks[block] = bucket_matrix(numbers, indptr, bits)
        many = len(arrays["documents"])
        features = Features(
            Passages(
                blocks["words"], blocks["letters"], arrays["dense"].astype(np.float32) if "dense" in arrays else None
            ),
            np.repeat(np.arange(many), arrays["passages"]),
            arrays["passage_words"].astype(np.int64),
            many,
        )
    except (ValueError, KeyError, IndexError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DamagedShardError(f"{name}: not a shard of features ({error})") from error
    return Kept(arrays["documents"], arrays["texts"], features)


@dataclass(frozen=True)
class Contents:
    """Which documents a shard has; read without the features."""

    documents: npt.NDArray[np.int64]
    texts: npt.NDArray[np.uint64]
    passages: npt.NDArray[np.int32]


def contents(file: Path) -> Contents:
    """What a shard has. Raises :class:`DamagedShardError`; FileNotFoundError when it is gone."""
    try:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            return Contents(stored["documents"], stored["texts"], stored["passages"])
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DamagedShardError(f"{file}: not a shard of features ({error})") from error
