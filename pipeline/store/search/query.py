"""What a person types into the search box, as an expression for each database. Nothing typed reaches them unread.

``words`` must all occur, ``"a phrase"`` in this order, ``this OR that`` one of the two, ``-excluded`` not at all,
``begin*`` as a word's beginning. OR binds only what stands beside it: ``a b OR c`` finds texts with a, and b or c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.store.search.words import pieces_of

LONGEST_QUERY = 500
"""characters that are read"""
MOST_TERMS = 30
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | dict.fromkeys("＊", "*") | dict.fromkeys("－−–", "-"))
OR = "OR"
"""in capital letters; else it is a word like any other"""
_ALONE = 'OR stands between two words or phrases that are to occur, as in: river OR "own land".'
_BRACKETS = "OR joins what stands beside it, and brackets join nothing: leave them out, or quote what they belong to."
_TERM = re.compile(r'(?P<not>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))(?P<more>\*?)')


@dataclass(frozen=True)
class Term:
    """One word or phrase that is looked for."""

    words: tuple[str, ...]
    """as they are indexed, one after another; at least one"""
    prefix: bool = False
    """the last one is a word's beginning"""


@dataclass(frozen=True)
class Query:
    """What is looked for."""

    clauses: tuple[tuple[Term, ...], ...] = ()
    """of each at least one term must occur"""
    excluded: tuple[Term, ...] = ()
    """terms that must not occur"""
    problem: str | None = None
    """why nothing can be looked for, in words"""

    @property
    def wanted(self) -> list[Term]:
        """The terms that a text is found by."""
        return [term for clause in self.clauses for term in clause]

    @property
    def terms(self) -> list[Term]:
        """Everything that is looked for, or must not be there."""
        return [*self.wanted, *self.excluded]

    @property
    def has_phrase(self) -> bool:
        """Whether words have to stand beside each other in what is looked for."""
        return any(len(term.words) > 1 for term in self.wanted)


def _term(text: str, *, prefix: bool) -> Term | None:
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
    return Term(tuple(words), prefix) if words else None


class _CantBeMeantError(ValueError):
    """Says why, in words."""


def _read(text: str) -> Query:
    """What was typed, each clause and term once. Raises _CantBeMeantError for a lone OR, or one among brackets."""
    clauses: list[tuple[Term, ...]] = []
    excluded: list[Term] = []
    joins = may_join = False  # whether OR stands before what comes next; whether it may
    joined = bracketed = False
    for found in _TERM.finditer(text):
        if found[0] == OR:
            if not may_join:
                raise _CantBeMeantError(_ALONE)
            joins, may_join, joined = True, False, True
            continue
        word = found["word"] or ""
        bracketed = bracketed or word.startswith("(") or word.endswith(")")
        term = _term(found["phrase"] or word, prefix=bool(found["more"]) or word.endswith("*"))
        if term is None:
            continue
        may_join = not found["not"]
        if not may_join and not joins:
            excluded.append(term)
        elif not joins:
            clauses.append((term,))
        elif may_join:
            clauses[-1] = (*clauses[-1], term)
        else:
            break
        joins = False
    if joins:
        raise _CantBeMeantError(_ALONE)
    if joined and bracketed:
        raise _CantBeMeantError(_BRACKETS)
    once = dict.fromkeys(tuple(dict.fromkeys(clause)) for clause in clauses)
    return Query(tuple(once), tuple(dict.fromkeys(excluded)))


def _problem(query: Query) -> str | None:
    for term in query.terms:
        if term.prefix and len(term.words[-1]) < 2 and term.words[-1].isascii():
            return f"A beginning needs two letters: {term.words[-1]}* would be nearly every text."
    if len(query.terms) > MOST_TERMS:
        return f"A search may have {MOST_TERMS} words and phrases; this one has {len(query.terms)}."
    if not query.terms:
        return "There is no word in what was typed."
    if not query.clauses:
        return "A search needs a word that is to occur, beside those that are not to."
    return None


def parse(text: str) -> Query:
    """Read what was typed. Never raises: what is no word is left out, and ``problem`` says what can't be searched."""
    text = text[:LONGEST_QUERY].translate(_QUOTES)
    try:
        made = _read(text)
    except _CantBeMeantError as error:
        return Query(problem=str(error))
    problem = _problem(made) if text.strip() else None
    return Query(problem=problem) if problem else made


def _one_of(written: Iterable[str], sign: str) -> str:
    """A clause: with more than one term in brackets."""
    terms = list(written)
    return terms[0] if len(terms) == 1 else f"({sign.join(terms)})"


def _quoted(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def for_fts5(query: Query) -> str:
    """The query for SQLite. Words hold letters, digits and marks only, so none can end its quotes."""
    wanted = " AND ".join(_one_of(map(_quoted, clause), " OR ") for clause in query.clauses)
    without = " OR ".join(_quoted(term) for term in query.excluded)
    return f"({wanted}) NOT ({without})" if without else wanted


def _lexemes(term: Term) -> str:
    followed = [f"'{word}'" for word in term.words]
    followed[-1] += ":*" if term.prefix else ""
    return f"({' <-> '.join(followed)})"


def for_tsquery(query: Query) -> str:
    """The query as the text of PostgreSQL's type tsquery."""
    wanted = " & ".join(_one_of(map(_lexemes, clause), " | ") for clause in query.clauses)
    without = " | ".join(_lexemes(term) for term in query.excluded)
    return f"{wanted} & !({without})" if without else wanted


def shown(query: Query) -> list[str]:
    """What is looked for and what not, one sentence part each, for the page."""
    wanted = [" or ".join(map(_said, clause)) for clause in query.clauses]
    return [*wanted, *(f"not {_said(term)}" for term in query.excluded)]


def _said(term: Term) -> str:
    words = " ".join(term.words)
    return (f"“{words}”" if len(term.words) > 1 else words) + ("…" if term.prefix else "")
