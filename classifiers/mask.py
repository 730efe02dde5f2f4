"""Names of groups taken out of a text, so that framing is learnt and not the speaker.

A name is replaced by nothing: a placeholder would tell that *somebody* was named, and groups differ in how often
they name themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from classifiers.featuriser import features_digest
from classifiers.normalise import normalise

_ARABIC_LETTER = re.compile(r"[\u0620-\u064a\u066e-\u06d3]")
# and, so, by, as, for, the; "for the" is written with two lams and no alef
_CLITICS = r"(?:[وف])?(?:[بکل])?(?:ال|ل)?"
_SHORTEST_WITH_CLITICS = 3
"""A stem of two letters with a prefix is too often another word."""


def _pattern(name: str) -> str:
    words = [re.escape(word) for word in re.split(r"[\s-]+", name) if word]
    joined = r"[\s-]+".join(words)
    if not _ARABIC_LETTER.match(name):
        return joined
    stem = name.removeprefix("ال")
    if len(re.split(r"[\s-]", stem)[0]) < _SHORTEST_WITH_CLITICS:
        return joined
    return _CLITICS + joined.removeprefix("ال")


class Mask:
    """Takes ``names`` out of texts.

    Names match as whole words, in any case and in every spelling that :func:`normalise` folds, the longest first;
    names in Arabic script also with the article and the prefixes written to the word. A name without a letter or
    digit is left out.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        folded = {normalise(name) for name in names}
        self.names = sorted((n for n in folded if re.search(r"\w", n)), key=lambda n: (-len(n), n))
        """Normalised, the longest first."""
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(_pattern, self.names))})(?!\w)") if self.names else None

    @property
    def featuriser(self) -> str:
        """Digest of how a text becomes features: the rules and the names. Hexadecimal, 64 characters."""
        return features_digest(self.names)

    def finds(self, text: str) -> bool:
        """Whether ``text`` holds any of the names."""
        return self._pattern is not None and self._pattern.search(normalise(text)) is not None

    def __call__(self, text: str) -> str:
        """``text`` normalised and without the names."""
        text = normalise(text)
        return normalise(self._pattern.sub(" ", text)) if self._pattern else text
