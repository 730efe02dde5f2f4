"""Text made the same everywhere: what is stored, and what is compared."""

from __future__ import annotations

import hashlib
import re
import unicodedata

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
"""Characters that no database and no tree of elements takes."""
_SPACES = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Unicode NFC, no control characters or lone surrogates (no database takes them), one space between words.

    Line breaks stay, at most one empty line in a row.
    """
    text = CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n"))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()


def clean_line(text: str | None) -> str | None:
    """The same on one line; null for what is empty."""
    return " ".join(clean(text or "").split()) or None


def normalised(text: str) -> str:
    """The form in which two texts are compared: NFKC, case folded, every run of white space one space."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def digest(text: str) -> str:
    """sha256 of the normalised text, hexadecimal: the same for two texts that differ in case or white space only."""
    return hashlib.sha256(normalised(text).encode("utf-8", "surrogatepass")).hexdigest()
