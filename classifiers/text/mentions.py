"""Which groups a text mentions, by their aliases: stricter than masking where it must be, and wider in Latin letters.

Masking may take out a word too many; a count of mentions may not have one. So this is no :class:`Mask`, and changing
it makes no kept feature stale. It differs in four things: an Arabic alias with the article needs the article ("the
base" is a name, "a base" is not); the longest alias wins over those that stand within it, whichever group they are
of; scripts without spaces have no word ends; and in Latin letters other transliterations of an alias count too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from classifiers.text.normalise import normalise

LEAST_FOLDED = 5
"""letters of an alias, folded, below which only the alias itself counts: *Noor* folded would be found in *Nur*"""

_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d3]")
_SHORTEST_WITH_PREFIX = 3
"""letters of a first word that may have a prefix written to it; shorter ones are too often another word"""
# Thai, Lao, Burmese, Khmer, hiragana, Chinese characters: no space tells where a word ends.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff]")
_KATAKANA = re.compile("[\u30a0-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_PARTICLES = "은|는|이|가|을|를|의|에|도|만|과|와|로|으로|에서|에게|부터|까지|이나|나|측|들"
# Vowel signs of Indian scripts, and accents that stand alone: parts of a word that \\w does not hold.
_MARKS = "\u0300-\u036f" + "".join(
    chr(code) for code in range(0x0900, 0x0E00) if unicodedata.category(chr(code)).startswith("M")
)
_WORD = re.compile(rf"(?:[^\W_]|[{_MARKS}])+")
_BEFORE, _AFTER = rf"(?<![^\W_])(?<![{_MARKS}])", rf"(?![^\W_]|[{_MARKS}])"
_BETWEEN = r"[\s_-]+"


def _joined(name: str) -> str:
    return _BETWEEN.join(re.escape(word) for word in re.split(_BETWEEN, name) if word)


def _loose(name: str) -> str | None:
    """A pattern to search for, of a name that no space need part from its neighbours; None: it is made of words."""
    joined = _joined(name)
    if len(name) > 1 and _UNSPACED.match(name[0]) and _UNSPACED.match(name[-1]):
        return joined
    if _KATAKANA.match(name[0]) and _KATAKANA.match(name[-1]):
        return f"(?<!{_KATAKANA.pattern}){joined}(?!{_KATAKANA.pattern})"
    if _HANGUL.match(name[-1]):
        return f"{_BEFORE}{joined}(?:{_PARTICLES})?{_AFTER}"
    return None if _WORD.match(name) else f"{_BEFORE}{joined}{_AFTER}"


def _forms(name: str) -> list[str]:
    """A normalised name as it is written in Arabic script: with and, so; by, as, for; and the article to it."""
    stem = name.removeprefix("ال")
    if not _ARABIC.match(name) or len(re.split(_BETWEEN, stem)[0]) < _SHORTEST_WITH_PREFIX:
        return [name]
    # "for the" is written with two lams and no alef
    the = ["ال", "بال", "کال", "لال", "لل"]
    if stem == name:
        the += ["", "ب", "ک", "ل"]
    return [before + prefix + stem for before in ("", "و", "ف") for prefix in the]


# ---- other transliterations, in Latin letters

_SIGNS = "'\u2018\u2019\u201b\u02bb\u02bc\u02bd\u02be\u02bf`\u00b4\u02b9\u02ca\u02cb"
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_APART = re.compile(rf"[\s_-]+[{_SIGNS}]?")
_LATIN = re.compile(rf"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u1e00-\u1eff\u0300-\u036f{_SIGNS}]*")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_POSSESSIVE = re.compile(r"(?<=.)(?:'s|')$")
# with a hyphen; "as", "an" and "at" alone are English words
_ARTICLES = frozenset({"al", "el", "as", "ash", "at", "ath", "ad", "adh", "an", "ar", "az"})
_PLAIN_ARTICLES = frozenset({"al", "el"})
_WRITTEN_TO_IT = re.compile(r"^([Aa][Ll]|[Ee][Ll])(?=[A-Z])")
_FOLDS = (
    ("ou", "u"), ("oo", "u"), ("ee", "i"), ("dj", "j"), ("q", "k"), ("y", "i"), ("e", "i"), ("o", "u"),
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """A word in Latin letters as all its usual transliterations are written; empty where nothing is left.

    Marks, ayn and hamza off (Qā‘ida), the possessive too; ou and oo are u, ee is i, q is k, y and e are i, o is u;
    doubled letters are one; an h at the end is not heard (Mullah); ibn is bin.
    """
    word = "".join("'" if c in _SIGNS else c for c in unicodedata.normalize("NFKD", word).casefold())
    word = _POSSESSIVE.sub("", word)
    word = "".join(c for c in word if c != "'" and not unicodedata.combining(c))
    for written, said in _FOLDS:
        word = word.replace(written, said)
    word = _DOUBLED.sub(r"\1", word)
    if len(word) > 2 and word.endswith("ah"):
        word = word[:-1]
    return "bin" if word == "ibn" else word


class _Word(NamedTuple):
    """A Latin word of a text, folded. An article is part of the word it stands before."""

    folded: str
    article: bool
    capital: bool
    start: int
    end: int


def _folded_words(text: str) -> list[_Word]:
    made = []
    article_at: int | None = None
    found = list(_LATIN.finditer(text))
    for i, match in enumerate(found):
        word, start, end = match[0], match.start(), match.end()
        following = text[end] if end < len(text) else ""
        next_touches = i + 1 < len(found) and found[i + 1].start() == end + 1
        plain = word.casefold()
        if next_touches and (
            (following == "-" and plain in _ARTICLES) or (following in " _\n" and plain in _PLAIN_ARTICLES)
        ):
            article_at = start
            continue
        written_to_it = _WRITTEN_TO_IT.match(word)
        if written_to_it and len(word) > len(written_to_it[0]) + 2:
            article_at, word = (start if article_at is None else article_at), word[len(written_to_it[0]) :]
        folded = fold(word)
        if folded:
            begins = start if article_at is None else article_at
            made.append(_Word(folded, article_at is not None, word[0].isupper(), begins, end))
        article_at = None
    return made


def _ready(text: str) -> str:
    return _DASHES.sub("-", _UNSEEN.sub("", unicodedata.normalize("NFKC", text)))


Key = tuple[tuple[str, bool], ...]
"""folded words of an alias, each with whether it has an article"""


def _folded_key(alias: str) -> Key | None:
    """The folded form under which other spellings are looked for; None where only the alias itself counts."""
    ready = _ready(alias).strip()
    if not ready or not all(_LATIN.match(word) for word in re.split(r"[\s_-]+", ready) if word):
        return None
    key = tuple((word.folded, word.article) for word in _folded_words(ready))
    return key if sum(len(word) for word, _ in key) >= LEAST_FOLDED else None


class Mentions:
    """Finds groups in texts by the names and aliases they have.

    groups: id -> names and aliases. Names match in any case and every spelling that :func:`normalise` folds; where
    two overlap, the longer one is meant. A name without a letter or digit is left out.
    """

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._order = list(groups)
        exact: dict[str, set[str]] = {}
        keys: dict[Key, set[str]] = {}
        for group, names in groups.items():
            for name in names:
                folded = normalise(name)
                if _WORD.search(folded):
                    exact.setdefault(folded, set()).add(group)
                    if (key := _folded_key(name)) is not None:
                        keys.setdefault(key, set()).add(group)
        self._loose: list[tuple[re.Pattern[str], set[str]]] = []
        self._exact: dict[str, list[tuple[re.Pattern[str], set[str]]]] = {}
        for name, owners in sorted(exact.items(), key=lambda item: (-len(item[0]), item[0])):
            if (pattern := _loose(name)) is not None:
                self._loose.append((re.compile(pattern), owners))
                continue
            for form in _forms(name):
                first = _WORD.findall(form)[0]
                self._exact.setdefault(first, []).append((re.compile(_joined(form) + _AFTER), owners))
        self._folded: dict[str, list[tuple[Key, set[str]]]] = {}
        for key, owners in sorted(keys.items(), key=lambda item: (-len(item[0]), item[0])):
            self._folded.setdefault(key[0][0], []).append((key, owners))

    def named(self, text: str, speaker: str | None = None) -> dict[str, tuple[str, ...]]:
        """Group -> other spellings by which alone it is named; empty where an alias itself stands.

        In the order of the groups; ``speaker`` is none of them.
        """
        by_alias = self._by_alias(normalise(text))
        spellings = {group: tuple(sorted(found)) for group, found in self._other_spellings(text).items()}
        named = by_alias | spellings.keys()
        return {
            group: () if group in by_alias else spellings[group]
            for group in self._order
            if group in named and group != speaker
        }

    def _by_alias(self, text: str) -> set[str]:
        """Groups that a normalised text names by an alias as it is listed."""
        found: set[str] = set()
        covered = 0
        for word in _WORD.finditer(text):
            if word.start() < covered:
                continue
            for pattern, owners in self._exact.get(word[0], ()):
                if name := pattern.match(text, word.start()):
                    found |= owners
                    covered = name.end()
                    break
        for pattern, owners in self._loose:
            if pattern.search(text):
                found |= owners
        return found

    def _other_spellings(self, text: str) -> dict[str, set[str]]:
        """Group -> the folded names found in ``text``, as they are written there; of one word with a capital only."""
        found: dict[str, set[str]] = {}
        if not self._folded:
            return found
        ready = _ready(text)
        words = _folded_words(ready)
        at = 0
        while at < len(words):
            step = 1
            for key, owners in self._folded.get(words[at].folded, ()):
                stretch = words[at : at + len(key)]
                if _same(key, stretch) and _together(ready, stretch):
                    written = ready[stretch[0].start : stretch[-1].end]
                    for group in owners:
                        found.setdefault(group, set()).add(_bare(written))
                    step = len(key)
                    break
            at += step
        return found


def _bare(written: str) -> str:
    """A spelling as somebody would write it into a list: on one line, without the possessive."""
    return re.sub(rf"(?:[{_SIGNS}]s?)$", "", " ".join(written.split()))


def _same(key: Key, stretch: list[_Word]) -> bool:
    """Whether the words are those of the name, with articles where it has them and a capital at the start."""
    return (
        len(stretch) == len(key)
        and stretch[0].capital
        and all(part == (word.folded, word.article) for part, word in zip(key, stretch, strict=True))
    )


def _together(text: str, stretch: list[_Word]) -> bool:
    """Whether nothing but blanks, hyphens and the sign of an ayn stands between the words."""
    return all(_APART.fullmatch(text[one.end : two.start]) for one, two in pairwise(stretch))
