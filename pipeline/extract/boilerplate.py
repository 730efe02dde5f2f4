"""Lines that stand on many pages of one source (subscribe, follow us, about the author): learnt, then left out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from pipeline.extract.text import normalised

SHARE = 0.2
"""of a source's texts that carry a line before it is taken for the site's"""
LEAST = 5
"""texts that carry it at least: few texts may quote one another"""
_SHORT = 20
"""characters under which a line is never taken for the site's: "He said." may stand anywhere"""


def lines(text: str) -> frozenset[str]:
    """Keys of a text's lines that could be the site's: 16 hexadecimal digits each, the same on every machine."""
    found = (normalised(line) for line in text.split("\n"))
    return frozenset(hashlib.sha256(line.encode()).hexdigest()[:16] for line in found if len(line) >= _SHORT)


def repeated(texts: Iterable[frozenset[str]]) -> frozenset[str]:
    """The keys that stand in at least ``SHARE`` of a source's texts and in ``LEAST`` of them.

    ``texts``: keys of each text of one source, reposts of one text counted once, or a text that went round is learnt
    away.
    """
    known = list(texts)
    counts = Counter(key for keys in known for key in keys)
    return frozenset(key for key, count in counts.items() if count >= max(LEAST, SHARE * len(known)))


def without(text: str, learnt: frozenset[str]) -> str:
    """The text without learnt lines; as it is when nothing else would be left."""
    kept = [line for line in text.split("\n") if not (lines(line) & learnt)]
    made = "\n".join(kept).strip()
    return made or text
