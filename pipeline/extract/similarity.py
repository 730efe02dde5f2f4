"""How much two texts are the same text: word 5-grams, their Jaccard similarity, MinHash to find candidates.

Broder (1997), "On the resemblance and containment of documents"; bands after Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", section 3.4. The same for every language and on every machine.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.extract.text import normalised

if TYPE_CHECKING:
    from datasketch import MinHash

SHINGLE = 5
"""words in a shingle"""
SAME_TEXT = 0.3
"""Texts whose 5-gram Jaccard similarity lies above this are one text, published twice."""
BANDS, ROWS = 40, 2
"""Two texts of similarity s share a band with probability 1 - (1 - s^2)^40: .977 at s = .3, .9999 at .5."""
_SEED = 20090919

# Scripts without spaces between words: every character is a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# Written by one outlet and left out by the next: Arabic vowel signs and other marks, tatweel, joiners.
_TATWEEL_AND_JOINERS = re.compile("[\u0640\u200b-\u200f\u2060]")


def words(text: str) -> list[str]:
    """The words of a text as they are compared: case folded, without marks, tatweel and punctuation."""
    bare = normalised(text)
    if not bare.isascii():
        bare = "".join(c for c in bare if c.isalnum() or not unicodedata.category(c).startswith("M"))
    return _WORD.findall(_TATWEEL_AND_JOINERS.sub("", bare))


def shingles(text: str) -> frozenset[str]:
    """The set of word 5-grams; of a text of fewer than five words, all its words as the one shingle."""
    found = words(text)
    if not found:
        return frozenset()
    return frozenset(" ".join(found[i : i + SHINGLE]) for i in range(max(1, len(found) - SHINGLE + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Exact Jaccard similarity of two shingle sets, in [0, 1]. Raises ValueError when both are empty."""
    if not a and not b:
        raise ValueError("two texts without words have no similarity")
    return len(a & b) / len(a | b)


def _hash(shingle: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(shingle, digest_size=4).digest(), "little")


@lru_cache(maxsize=1)
def _empty() -> MinHash:
    from datasketch import MinHash  # brings scipy; readers of the store need neither

    return MinHash(num_perm=BANDS * ROWS, seed=_SEED, hashfunc=_hash)


def signature(grams: frozenset[str]) -> tuple[int, ...]:
    """MinHash signature of a shingle set: ``BANDS * ROWS`` minima, deterministic."""
    made = _empty().copy()
    made.update_batch([gram.encode() for gram in sorted(grams)])
    return tuple(int(value) for value in made.hashvalues)


def bands(minima: tuple[int, ...]) -> tuple[int, ...]:
    """One number per band, signed 64 bit: the hash of the band's number and minima. Equal number: candidates."""
    made = []
    for band in range(BANDS):
        part = ",".join(map(str, (band, *minima[band * ROWS : (band + 1) * ROWS])))
        made.append(int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest(), "little", signed=True))
    return tuple(made)
