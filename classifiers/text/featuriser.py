"""Text as numbers that no training changes: the hashed words and letter sequences that occur in it.

Every word, pair of words and sequence of 3 to 5 letters is hashed into a bucket; a passage is the *set* of its buckets.
Nothing is learnt here, so a document's features are made once and kept, whatever model comes (idf and weights belong
to the model). How often a term occurs in a passage of 150 words at most says nothing more (``docs/framing.md`` has the
figures), so it is not kept.

Written in numpy, because scikit-learn's HashingVectorizer makes a Python text of every letter sequence and takes
several times as long.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from classifiers.text.normalise import NORMALISATION

VERSION = 1
"""Raise it with every change of this module: features made with another one are made anew."""
WORD_BITS, LETTER_BITS = 18, 16
"""2 ** bits buckets"""
SHORTEST_LETTERS, LONGEST_LETTERS = 3, 5
RULES: dict[str, int] = {
    "version": VERSION,
    "normalisation": NORMALISATION,
    "word_bits": WORD_BITS,
    "letter_bits": LETTER_BITS,
    "shortest_letters": SHORTEST_LETTERS,
    "longest_letters": LONGEST_LETTERS,
}
"""all that a model needs to know of how features are made"""
_TOGETHER = 256
"""texts hashed at a time: their sort keys fit 32 bits, and all of it the processor's cache"""

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

_WORD = re.compile(r"\b\w\w+\b")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def features_digest(*parts: object) -> str:
    """Digest of the rules above and of ``parts`` (the names taken out, an encoder). Hexadecimal, 64 characters."""
    return hashlib.sha256(json.dumps([RULES, *parts], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Passages:
    """The features of n passages."""

    words: sp.csr_matrix
    """shape (n, 2 ** WORD_BITS), float32: 1 where the passage has a word or pair of words of the bucket"""
    letters: sp.csr_matrix
    """shape (n, 2 ** LETTER_BITS), the same of letter sequences"""
    dense: npt.NDArray[np.float32] | None = None
    """shape (n, dimensions) of an encoder's vectors of length 1; None without one"""

    def __len__(self) -> int:
        return int(self.words.shape[0])

    def take(self, rows: Any) -> Passages:
        """Some of them, by index or mask."""
        return Passages(self.words[rows], self.letters[rows], None if self.dense is None else self.dense[rows])


def stack(parts: Sequence[Passages]) -> Passages:
    """All passages of ``parts``, in order."""
    if not parts:
        return hash_texts([])
    if len(parts) == 1:
        return parts[0]
    dense = [part.dense for part in parts if part.dense is not None]
    return Passages(
        sp.vstack([part.words for part in parts], format="csr"),
        sp.vstack([part.letters for part in parts], format="csr"),
        np.vstack(dense) if dense else None,
    )


_ONES = np.ones(0, dtype=np.float32)


def _ones(number: int) -> npt.NDArray[np.float32]:
    """So many ones, not to be changed: every matrix here has nothing else, and making them anew takes time."""
    global _ONES  # noqa: PLW0603
    if number > len(_ONES):
        _ONES = np.ones(number, dtype=np.float32)
        _ONES.setflags(write=False)
    return _ONES[:number]


def bucket_matrix(indices: npt.NDArray[np.int32], indptr: npt.NDArray[np.int32], bits: int) -> sp.csr_matrix:
    """Sorted bucket numbers of each passage as a matrix of ones, without a copy."""
    return sp.csr_matrix((_ones(len(indices)), indices, indptr), shape=(len(indptr) - 1, 1 << bits), copy=False)


def _mix(hashes: Hashes) -> Hashes:
    """Every bit depends on every bit (the finaliser of MurmurHash3)."""
    mixed = hashes ^ (hashes >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


def _buckets(hashes: Hashes, bits: int) -> npt.NDArray[np.uint32]:
    return (_mix(hashes) >> np.uint64(64 - bits)).astype(np.uint32)


def _word_hashes(tokens: Sequence[Sequence[str]]) -> tuple[Hashes, Ints, Hashes, Ints]:
    """Of words and of pairs: hashes, and the text each stands in."""
    owner = np.repeat(np.arange(len(tokens)), [len(words) for words in tokens])
    single = np.array([zlib.crc32(word.encode()) for words in tokens for word in words], dtype=np.uint64)
    same = owner[1:] == owner[:-1]
    return single, owner, (single[:-1] * _FACTOR + single[1:])[same], owner[1:][same]


def _letter_hashes(texts: Sequence[str]) -> list[tuple[Hashes, Ints]]:
    """Per length of sequence: hashes in the order of the texts' letters, and the text each stands in."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    hashes, made = letters, []
    for length in range(2, LONGEST_LETTERS + 1):
        hashes = hashes[:-1] * _FACTOR + letters[length - 1 :]
        if length >= SHORTEST_LETTERS:
            inside = owner[: len(hashes)] == owner[length - 1 :]  # none runs from one text into the next
            made.append((hashes[inside], owner[: len(hashes)][inside]))
    return made


def _as_sets(found: Sequence[tuple[Hashes, Ints]], texts: int, bits: int) -> sp.csr_matrix:
    keys = np.concatenate([(owner.astype(np.uint32) << np.uint32(bits)) | _buckets(h, bits) for h, owner in found])
    keys.sort()
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    keys = keys[first]
    starts = np.searchsorted(keys, np.arange(texts, dtype=np.uint64) << np.uint64(bits))
    indptr = np.append(starts, len(keys)).astype(np.int32)
    return bucket_matrix((keys & np.uint32((1 << bits) - 1)).astype(np.int32), indptr, bits)


def hash_texts(texts: Sequence[str]) -> Passages:
    """The features of normalised texts, each one passage."""
    words, letters = [], []
    for start in range(0, max(1, len(texts)), _TOGETHER):
        some = texts[start : start + _TOGETHER]
        single, of_single, pairs, of_pairs = _word_hashes([_WORD.findall(text) for text in some])
        words.append(_as_sets([(single, of_single), (pairs, of_pairs)], len(some), WORD_BITS))
        letters.append(_as_sets(_letter_hashes(some), len(some), LETTER_BITS))
    if len(words) == 1:
        return Passages(words[0], letters[0])
    return Passages(sp.vstack(words, format="csr"), sp.vstack(letters, format="csr"))


def terms_of(text: str) -> tuple[dict[str, int], dict[str, int]]:
    """Words (and pairs, a space between) and letter sequences of one normalised text, each with its bucket."""
    tokens = _WORD.findall(text)
    single, _, pairs, _ = _word_hashes([tokens])
    names = [*tokens, *(f"{a} {b}" for a, b in pairwise(tokens))]
    words = dict(zip(names, _buckets(np.concatenate([single, pairs]), WORD_BITS).tolist(), strict=True))
    letters: dict[str, int] = {}
    for length, (hashes, _) in enumerate(_letter_hashes([text]), start=SHORTEST_LETTERS):
        buckets = _buckets(hashes, LETTER_BITS).tolist()
        letters |= {text[at : at + length]: bucket for at, bucket in enumerate(buckets)}
    return words, letters
