"""Text as the classifier reads it: one form for letters that are written in several.

The same word comes with Arabic or Persian yeh and kaf, with or without vowel signs, stretched by tatweel, with
European or Arabic digits. None of that is framing, so it is folded before words are counted.
"""

from __future__ import annotations

import re
import unicodedata

NORMALISATION = 1
"""Version of the rules below. Raise it with every change: stored framings made with another one are stale."""

_FOLDED = {
    # alef with hamza, madda or wasla
    "أإآٱ": "ا",
    # Arabic yeh, alef maksura, yeh barree -> Persian yeh. Pashto's own ې and ۍ stay: they change the word.
    "يىے": "ی",
    "ك": "ک",
    # Arabic, Urdu and Kurdish heh, teh marbuta
    "ةۃۀہھە": "ه",
    "ؤ": "و",
    "ئ": "ی",
    "‘’ʼ‚‛`´": "'",
    "“”„«»": '"',
    "‐‑‒–—―−": "-",
    # a zero width non-joiner ends a Persian stem: the suffix becomes a word of its own
    "\u200c": " ",
}
_ARABIC_MARKS = "".join(
    map(chr, [*range(0x0610, 0x061B), 0x0640, *range(0x064B, 0x0660), 0x0670, *range(0x06D6, 0x06EE)])
)
_DIRECTION_MARKS = (
    "\u00ad\u061c\u200b\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_TABLE: dict[int, str | None] = {ord(c): into for letters, into in _FOLDED.items() for c in letters}
_TABLE |= {ord(c): None for c in _ARABIC_MARKS + _DIRECTION_MARKS}
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_SPACE = re.compile(r"\s+")


def _once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().translate(_TABLE)
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return _SPACE.sub(" ", text).strip()


def normalise(text: str) -> str:
    """``text`` in one form per letter: compatibility forms, case, Arabic letters, marks, digits, white space.

    Normalising twice changes nothing: a removed mark may let two characters compose, so it goes on until
    nothing changes.
    """
    while (folded := _once(text)) != text:
        text = folded
    return text
