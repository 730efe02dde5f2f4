"""Which language a text is in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipeline.extract.letters import weighed

_SURE = 0.9
_POSSIBLE = 0.02
_GUESS = 0.5
"""below, and with nothing declared, the language stays unknown"""
_PART = 400
"""characters that are read at the start, in the middle and at the end: a text may open with a verse in Arabic"""
# The detector and some sites use three letters where ISO 639-1 has two.
_TWO_LETTERS = {
    "ara": "ar", "arb": "ar", "ary": "ar", "arz": "ar", "prs": "fa", "pes": "fa", "fas": "fa", "per": "fa",
    "pus": "ps", "pbt": "ps", "pbu": "ps", "urd": "ur", "eng": "en", "fra": "fr", "fre": "fr", "deu": "de",
    "ger": "de", "rus": "ru", "tur": "tr", "spa": "es", "ckb": "ku", "sdh": "ku", "kmr": "ku", "uzs": "uz",
    "fuv": "ff", "gug": "gn", "kik": "ki", "wuu": "zh", "yue": "zh", "iw": "he", "hbo": "he", "in": "id",
}  # fmt: skip


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def code(value: str | None) -> str | None:
    """ISO 639-1 code of a language tag ("fa-AF", "prs" -> "fa"); null for what is no language tag."""
    tag = re.match(r"\s*([A-Za-z]{2,3})(?:[-_]|\s*$)", value or "")
    if not tag:
        return None
    found = tag[1].lower()
    return None if found in {"und", "zxx", "mul", "mis"} else _TWO_LETTERS.get(found, found)


def identify(text: str, declared: Iterable[str | None] = ()) -> tuple[str | None, float | None]:
    """Language and its probability in [0, 1], detected over the text.

    ``declared`` is what page and feed say, best first. It only decides where the detector is unsure (below .9)
    and holds the declared language possible (.02 or more; any, where it can only guess): templates declare
    English for everything.
    No language when the text has no letters, or when it is too short to tell (best below .5, nothing declared).
    """
    if not any(character.isalpha() for character in text):
        return None, None
    if len(text) > 3 * _PART:
        middle = (len(text) - _PART) // 2
        text = " ".join((text[:_PART], text[middle : middle + _PART], text[-_PART:]))
    shares: dict[str, float] = {}
    for label, share in _identifier().rank(text):
        if label != "zxx":  # no language
            name = _TWO_LETTERS.get(label, label)
            shares[name] = shares.get(name, 0.0) + float(share)
    shares = weighed(shares, text)
    best = max(shares, key=shares.__getitem__)
    if shares[best] < _SURE:
        least = 0.0 if shares[best] < _GUESS else _POSSIBLE
        for name in map(code, declared):
            if name and shares.get(name, -1.0) >= least:
                return name, round(shares[name], 4)
    if shares[best] < _GUESS:
        return None, None
    return best, round(min(1.0, shares[best]), 4)
