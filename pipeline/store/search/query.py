"""What a person types into the search box, as an expression for each database. Nothing typed reaches them unread.

``words`` must all occur, ``"a phrase"`` in this order, ``-excluded`` not at all, ``begin*`` as a word's beginning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.store.search.words import pieces_of

LONGEST_QUERY = 500
"""characters that are read"""
MOST_TERMS = 30
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | dict.fromkeys("＊", "*") | dict.fromkeys("－−–", "-"))
_TERM = re.compile(r'(?P<not>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))(?P<more>\*?)')


@dataclass(frozen=True)
class Term:
    """One word or phrase that is looked for."""

    words: tuple[str, ...]
    """as they are indexed, one after another; at least one"""
    prefix: bool = False
    """the last one is a word's beginning"""
    excluded: bool = False


@dataclass(frozen=True)
class Query:
    """What is looked for."""

    terms: tuple[Term, ...] = ()
    problem: str | None = None
    """why nothing can be looked for, in words"""

    @property
    def wanted(self) -> list[Term]:
        """The terms that must occur."""
        return [term for term in self.terms if not term.excluded]

    @property
    def excluded(self) -> list[Term]:
        """The terms that must not occur."""
        return [term for term in self.terms if term.excluded]


def _term(text: str, *, prefix: bool, excluded: bool) -> Term | None:
    """The term; None for a text without a word."""
    pieces = pieces_of(text)
    words: list[str] = []
    for number, (piece, run) in enumerate(pieces):
        if not run:
            words.append(piece)
            continue
        pairs = [piece[at : at + 2] for at in range(len(piece))]
        if number == len(pieces) - 1:
            # the text may go on after the last character, so that it need not stand alone there
            prefix = prefix or len(pairs) == 1
            pairs = pairs[:-1] or pairs
        words += pairs
    return Term(tuple(words), prefix, excluded) if words else None


def parse(text: str) -> Query:
    """Read what was typed. Never raises: what is no word is left out, and ``problem`` says what can't be searched."""
    text = text[:LONGEST_QUERY].translate(_QUOTES)
    terms: list[Term] = []
    for found in _TERM.finditer(text):
        word = found["word"] or ""
        more = bool(found["more"]) or word.endswith("*")
        term = _term(found["phrase"] or word, prefix=more, excluded=bool(found["not"]))
        if term is None or term in terms:
            continue
        if term.prefix and len(term.words[-1]) < 2 and term.words[-1].isascii():
            return Query(problem=f"A beginning needs two letters: {term.words[-1]}* would be nearly every text.")
        terms.append(term)
    if len(terms) > MOST_TERMS:
        return Query(problem=f"A search may have {MOST_TERMS} words and phrases; this one has {len(terms)}.")
    made = Query(tuple(terms))
    if terms and not made.wanted:
        return Query(problem="A search needs a word that is to occur, beside those that are not to.")
    if not terms and text.strip():
        return Query(problem="There is no word in what was typed.")
    return made


def _quoted(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def for_fts5(query: Query) -> str:
    """The query for SQLite. Words hold letters, digits and marks only, so none can end its quotes."""
    wanted = " AND ".join(_quoted(term) for term in query.wanted)
    without = " OR ".join(_quoted(term) for term in query.excluded)
    return f"({wanted}) NOT ({without})" if without else wanted


def _lexemes(term: Term) -> str:
    followed = [f"'{word}'" for word in term.words]
    followed[-1] += ":*" if term.prefix else ""
    return f"({' <-> '.join(followed)})"


def for_tsquery(query: Query) -> str:
    """The query as the text of PostgreSQL's type tsquery."""
    wanted = " & ".join(_lexemes(term) for term in query.wanted)
    without = " | ".join(_lexemes(term) for term in query.excluded)
    return f"{wanted} & !({without})" if without else wanted


def shown(query: Query) -> list[str]:
    """What is looked for and what not, one sentence part each, for the page."""
    parts = []
    for term in query.terms:
        words = " ".join(term.words)
        said = f"“{words}”" if len(term.words) > 1 else words
        parts.append(f"{'not ' if term.excluded else ''}{said}{'…' if term.prefix else ''}")
    return parts
