"""Letters that tell languages of the Arabic script apart."""

from __future__ import annotations

from collections import Counter

# Who writes these letters; every other language of the script does not, save in a quotation or a name. Yeh and kaf are
# not in it: keyboards mix their forms. Kurdish in Arabic script is Central and Southern Kurdish.
_WRITERS = {
    "ښږځڅۍټډڼړګ": {"ps"},
    "ې": {"ps", "ug"},
    "ٹڈڑںےہ": {"ur"},
    "ێڵڕۊ": {"ku"},
    "ۆ": {"ku", "ug"},
    "ە": {"ku", "ug", "kk"},
    "ۇۋڭ": {"ug", "kk"},
    "ۈ": {"ug"},
    "ٻڄڏڊڳڱڀٿڦڪڻ": {"sd"},
    "پچگ": {"fa", "ps", "ur", "ku", "ug", "kk", "uz", "sd"},
    "ژ": {"fa", "ps", "ur", "ku", "ug", "uz"},
    "ةأإ": {"ar"},
}
_OF_LETTER = {letter: frozenset(writers) for letters, writers in _WRITERS.items() for letter in letters}
_SCRIPT = range(0x0620, 0x0700)
_LEAST = 1e-4


def weighed(shares: dict[str, float], text: str) -> dict[str, float]:
    """Probabilities of languages after a look at the letters; they sum to one again.

    Each percent of letters that a language does not write makes it ten times less likely, four percent and more ten
    thousand times. A text without letters of the Arabic script is left as it is.
    """
    letters = Counter(c for c in text if ord(c) in _SCRIPT and c.isalpha())
    total = letters.total()
    telling = {letter: count for letter, count in letters.items() if letter in _OF_LETTER}
    if not telling:
        return shares
    made = {}
    for language, share in shares.items():
        foreign = sum(count for letter, count in telling.items() if language not in _OF_LETTER[letter])
        made[language] = share * max(_LEAST, 10 ** (-100 * foreign / total))
    # a language the detector does not know
    if (
        "sd" not in made
        and sum(count for letter, count in telling.items() if _OF_LETTER[letter] == {"sd"}) > 0.02 * total
    ):
        made["sd"] = 1.0
    whole = sum(made.values())
    return {language: share / whole for language, share in made.items()}
