"""Names of groups taken out of a text, so that framing is learnt and not the speaker.

A name is replaced by nothing: a placeholder would tell that *somebody* was named, and groups differ in how often
they name themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from classifiers.text.featuriser import features_digest
from classifiers.text.normalise import normalise

MARKER = "thisgroup"
"""stands for the group that is spoken of; a word that no text has"""

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


def _sorted(names: Iterable[str]) -> list[str]:
    folded = {normalise(name) for name in names}
    return sorted((n for n in folded if re.search(r"\w", n)), key=lambda n: (-len(n), n))


def _any(names: list[str]) -> re.Pattern[str] | None:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_pattern, names))})(?!\w)") if names else None


class Mask:
    """Takes ``names`` out of texts.

    Names match as whole words, in any case and in every spelling that :func:`normalise` folds, the longest first;
    names in Arabic script also with the article and the prefixes written to the word. A name without a letter or
    digit is left out.

    With ``target``, names of the one group that is spoken of, those become :data:`MARKER` instead, which is the same
    word for every group: a model learns what is said of it, and not of whom.
    """

    def __init__(self, names: Iterable[str] = (), target: Iterable[str] = ()) -> None:
        self.target = _sorted(target)
        """Normalised, the longest first; so are the other names."""
        self.names = [name for name in _sorted(names) if name not in self.target]
        self._pattern, self._of_target = _any(_sorted([*self.names, *self.target])), _any(self.target)

    @property
    def featuriser(self) -> str:
        """Digest of how a text becomes features: the rules and the names. Hexadecimal, 64 characters."""
        return features_digest(self.names, *([self.target] if self.target else []))

    def finds(self, text: str) -> bool:
        """Whether ``text`` holds any of the names."""
        return self._pattern is not None and self._pattern.search(normalise(text)) is not None

    def finds_target(self, text: str) -> bool:
        """Whether ``text`` holds a name of the target."""
        return self._of_target is not None and self._of_target.search(normalise(text)) is not None

    def __call__(self, text: str) -> str:
        """``text`` normalised and without the names, those of the target marked."""
        text = normalise(text)
        if self._pattern is None:
            return text
        return normalise(self._pattern.sub(self._instead, text))

    def _instead(self, name: re.Match[str]) -> str:
        return f" {MARKER} " if self._of_target is not None and self._of_target.fullmatch(name[0]) else " "


def target_masks(groups: Mapping[str, Iterable[str]], others: Iterable[str] = ()) -> dict[str, Mask]:
    """Group -> the mask of texts spoken of it: its own names marked, those of all other groups and ``others`` out."""
    everyone = [*others, *(name for names in groups.values() for name in names)]
    return {group: Mask(everyone, target=names) for group, names in groups.items()}
