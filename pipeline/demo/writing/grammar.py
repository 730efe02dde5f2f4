"""Sentences with slots, filled by a seeded chance, so that no two texts share eight words in a row."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from ruamel.yaml import YAML

from pipeline.extract.similarity import jaccard, shingles

RUN = 8
"""words in a row that no two texts share: then no cluster forms by accident, and nothing counts as a quotation"""
TRIES = 2000
SUBJECT = ("thing", "town")
"""slots that a text comes back to"""
FAITHFUL = 0.55
"""how often"""

_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"\w+")


class GrammarError(ValueError):
    """The sentences of a language are too few for the texts that are asked of them."""


@dataclass(frozen=True)
class Language:
    """How one language says what is planted. Frames are sentences with ``{slots}``; ``{Slot}`` has a capital."""

    slots: Mapping[str, Sequence[str]]
    titles: Sequence[str]
    openings: Sequence[str]
    """what happened, without any claim"""
    closings: Sequence[str]
    nationalist: Sequence[str]
    universalist: Sequence[str]
    both: Sequence[str]
    """that two claims weigh the same"""
    neither: Sequence[str]
    """lands, borders and brothers are named, and nothing is claimed"""
    against_nationalist: Sequence[str]
    """a nationalist claim in somebody else's mouth, and turned down"""
    against_universalist: Sequence[str]
    neutral: Sequence[str]
    """``{other}`` is named without judgement"""
    supportive: Sequence[str]
    hostile: Sequence[str]
    letters: Sequence[str]
    """titles of open letters"""
    others: Mapping[str, Sequence[str]]
    """group -> what the other group calls it: aliases of the monitor"""


def load_language(code: str) -> Language:
    """The sentences of a language, from the YAML file beside this module. TypeError for a list too few or many."""
    text = files(__package__).joinpath(f"{code}.yaml").read_text(encoding="utf-8")
    return Language(**YAML(typ="safe").load(text))


def runs(text: str) -> set[tuple[str, ...]]:
    """All stretches of :data:`RUN` words of a text, in small letters."""
    words = _WORD.findall(text.lower())
    return set(zip(*(words[i:] for i in range(RUN)), strict=False))


@dataclass
class Shelf:
    """Texts that are written already, to tell how much a new one is like any of them."""

    _shingles: list[frozenset[str]] = field(default_factory=list)
    _where: dict[str, list[int]] = field(default_factory=dict)

    def nearest(self, text: str) -> float:
        """The largest similarity of ``text`` with a text of the shelf, as clusters are formed; 0 for an empty shelf."""
        own = shingles(text)
        near = {place for shingle in own for place in self._where.get(shingle, [])}
        return max((jaccard(own, self._shingles[place]) for place in near), default=0.0)

    def add(self, text: str) -> None:
        """Put a text there."""
        own = shingles(text)
        for shingle in own:
            self._where.setdefault(shingle, []).append(len(self._shingles))
        self._shingles.append(own)


@dataclass
class Writer:
    """Fills frames; knows every stretch of words that is taken."""

    language: Language
    chance: random.Random
    taken: set[tuple[str, ...]] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    subject: dict[str, str] = field(default_factory=dict)
    """what the text at hand is about"""

    def fill(self, frame: str, group: str) -> str:
        """A frame with its slots filled, none of them twice with the same words."""
        used: set[str] = set()

        def one(found: re.Match[str]) -> str:
            name = found[1]
            small = name[0].lower() + name[1:]
            options = self.language.others[group] if small == "other" else self.language.slots[small]
            fresh = [option for option in options if option not in used] or list(options)
            chosen = self.chance.choice(fresh)
            if small in SUBJECT:
                first = self.subject.setdefault(small, chosen)
                chosen = first if first not in used and self.chance.random() < FAITHFUL else chosen
            used.add(chosen)
            said = _SLOT.sub(one, chosen)
            return said[0].upper() + said[1:] if name != small else said

        return _SLOT.sub(one, frame)

    def title(self, frames: Sequence[str], group: str) -> str:
        """A title that no other text has, and with it the subject of a new text.

        Raises :class:`GrammarError` when there is none left.
        """
        for _ in range(TRIES):
            self.subject.clear()
            made = self.fill(self.chance.choice(frames), group)
            if made not in self.titles:
                self.titles.add(made)
                return made
        raise GrammarError("no title is left; write more of them")

    def text(self, parts: Iterable[Sequence[str]], group: str) -> str:
        """A text of one sentence from each of ``parts``, as two paragraphs or one.

        Raises :class:`GrammarError` where no way of filling a frame is left that shares no run with another text.
        """
        said: list[str] = []
        used: set[str] = set()
        for frames in parts:
            for _ in range(TRIES):
                frame = self.chance.choice(frames)
                sentence = self.fill(frame, group)
                if frame not in used and not runs(" ".join([*said[-2:], sentence])) & self.taken:
                    used.add(frame)
                    said.append(sentence)
                    break
            else:
                raise GrammarError(f"no sentence is left of {frames[0]!r} and its like; write more of them")
        half = self.chance.choice([len(said), (len(said) + 1) // 2])
        return "\n\n".join(" ".join(part) for part in (said[:half], said[half:]) if part)

    def keep(self, text: str) -> None:
        """Take a text: what it says in :data:`RUN` words in a row no other may say."""
        self.taken |= runs(text)
