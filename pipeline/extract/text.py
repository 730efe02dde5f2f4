"""Text made the same everywhere: what is stored, and what is compared."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
"""Characters that no database and no tree of elements takes."""
# Soft hyphens, spaces without width, marks of direction, tags: they are not seen, but tell two texts apart. The joiners
# of Persian, Pashto and Urdu (U+200C, U+200D) are spelling and stay.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\U000e0000-\U000e007f]")
_JOINERS = re.compile("[\u200c\u200d]")
_JOINERS_AT_NOTHING = re.compile("(?<!\\S)[\u200c\u200d]+|[\u200c\u200d]+(?!\\S)|(?<=[\u200c\u200d])[\u200c\u200d]+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SPACES = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Unicode NFC, no control or invisible characters, no lone surrogates, one space between words.

    Line breaks stay, at most one empty line in a row. Letters are never lost, and the same call again changes nothing.
    """
    text = CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n"))
    if not text.isascii():
        text = _JOINERS_AT_NOTHING.sub("", _INVISIBLE.sub("", text))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()


def clean_line(text: str | None) -> str | None:
    """The same on one line; null for what is empty."""
    return " ".join(clean(text or "").split()) or None


def clean_title(text: str | None) -> str | None:
    """A title on one line; entities that were escaped twice ("AT&amp;amp;T" in the source) are read once more."""
    text = text or ""
    for _ in range(3):
        read = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        if read == text:
            break
        text = read
    return clean_line(text)


def normalised(text: str) -> str:
    """The form in which two texts are compared: NFKC, case folded, without joiners, white space as one space."""
    text = _JOINERS.sub("", text)
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def digest(text: str) -> str:
    """sha256 of the normalised text, hexadecimal: the same for two texts that differ in case or white space only."""
    return hashlib.sha256(normalised(text).encode("utf-8", "surrogatepass")).hexdigest()
