"""The search index: written with each text, taken out with it, and made for stores that are older than it.

SQLite: the FTS5 table ``search_words``, whose rowid is the document. PostgreSQL: a table of that name with a tsvector.
Neither is one of :mod:`pipeline.store.tables`, since they have no form in common; a migration makes them.

PostgreSQL's index can't be joined with another before the texts themselves are come to. So among the words of a text
stand there its :data:`MARKS`, and what is filtered by them is found with the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.orm import Session

from pipeline.report import Progress, silent
from pipeline.settings import Settings
from pipeline.store.search.query import Query, for_fts5, for_tsquery
from pipeline.store.search.words import GAP, MOST_PLACES, RULES, indexed_words
from pipeline.store.session import open_session
from pipeline.store.tables import Document, SearchProgress
from pipeline.store.upsert import IN_ONE_QUERY

TABLE = "search_words"
"""its name; SQLite keeps it in tables whose names begin with it"""
LAST_PLACE = 16_383
"""PostgreSQL counts the words of a text no further: a phrase is found up to there"""
BATCH = 500
"""texts of one transaction"""
Mark = Literal["group", "source", "year"]
MARKS: dict[Mark, str] = {
    "group": "group_id",
    "source": "source",
    "year": "to_char(timezone('UTC', published_at), 'YYYY')",
}
"""Of PostgreSQL: what stands among the words of a document, and where it is from. A change of these changes the
index: see :func:`index_texts`."""

on_sqlite = table(TABLE, column("rowid", BigInteger), column("words"))
on_postgresql = table(TABLE, column("document_id", BigInteger), column("lexemes"))


def _postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _vector(words: Sequence[str]) -> str:
    """The text of a tsvector: each word with its places."""
    places: dict[str, list[str]] = {}
    for number, word in enumerate(words, start=1):
        at = places.setdefault(word, [])
        if len(at) < MOST_PLACES:
            at.append(str(min(number, LAST_PLACE)))
    return " ".join(f"'{word}':{','.join(at)}" for word, at in places.items())


def mark(kind: Mark, value: str) -> str:
    """A mark as it is indexed: no word begins with :data:`GAP`."""
    return f"{GAP}{kind}={value}"


_EACH = ", ".join(f"'{mark(kind, '')}' || {where}" for kind, where in MARKS.items())
OF_DOCUMENT = f"array_to_tsvector(array_remove(ARRAY[{_EACH}], NULL))"
"""SQL: the marks of a row of documents, as a tsvector"""
_INTO_SQLITE = text(f"INSERT OR REPLACE INTO {TABLE} (rowid, words) VALUES (:document, :words)")  # noqa: S608
_INTO_POSTGRESQL = text(
    f"INSERT INTO {TABLE} (document_id, lexemes) VALUES (:document, CAST(:words AS tsvector)"  # noqa: S608
    f" || coalesce((SELECT {OF_DOCUMENT} FROM documents WHERE id = :document), ''))"
    " ON CONFLICT (document_id) DO UPDATE SET lexemes = excluded.lexemes"
)


def index_texts(session: Session, texts: Iterable[tuple[int, str | None, str]]) -> None:
    """Write (document, title, text) into the index, over what stands there of the documents. Does not commit.

    Documents are written before, since their marks are read from them, and indexed again when these change.
    """
    there = _postgresql(session)
    rows: list[dict[str, Any]] = []
    for document, title, body in texts:
        words = indexed_words(title, body)
        rows.append({"document": document, "words": _vector(words) if there else " ".join(words)})
    if rows:
        session.execute(_INTO_POSTGRESQL if there else _INTO_SQLITE, rows)


def forget_texts(session: Session, documents: Sequence[int]) -> None:
    """Take documents out of the index. Does not commit. Their words go from the files with :func:`scrub_index`."""
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        if _postgresql(session):
            session.execute(delete(on_postgresql).where(on_postgresql.c.document_id.in_(some)))
        else:
            session.execute(delete(on_sqlite).where(on_sqlite.c.rowid.in_(some)))


SCRUB = {
    # merges all parts of the index into one: what was deleted is in none any more
    "sqlite": (f"INSERT INTO {TABLE} ({TABLE}) VALUES ('optimize')",),  # noqa: S608
    # an inverted index keeps its words when the last text with them is gone: only a new one is without them
    "postgresql": (f"VACUUM {TABLE}", f"REINDEX TABLE CONCURRENTLY {TABLE}"),
}
"""Database -> the statements, each outside of a transaction, after which no word of what was deleted is left in the
index's own pages. Those that SQLite frees go with its VACUUM."""


def document_of(session: Session) -> ColumnElement[int]:
    """The column of the index that names the document."""
    return on_postgresql.c.document_id if _postgresql(session) else on_sqlite.c.rowid


def matches(session: Session, query: Query, marks: Iterable[Sequence[str]] = ()) -> ColumnElement[bool]:
    """Whether a row of the index matches. ``query`` must look for something.

    marks: each a choice of which a text has one, for PostgreSQL. SQLite has none: what filters has to be said besides.
    """
    if _postgresql(session):
        wanted = " & ".join([for_tsquery(query), *(f"({' | '.join(map(_quoted, choice))})" for choice in marks)])
        return on_postgresql.c.lexemes.op("@@")(text("CAST(:matched AS tsquery)").bindparams(matched=wanted))
    return literal_column(TABLE).op("MATCH")(_for(session, query))


def _quoted(lexeme: str) -> str:
    """As it is written in a tsquery, whatever it holds."""
    written = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{written}'"


def rank(session: Session, query: Query) -> ColumnElement[float]:
    """How well a row of the index matches: more is better. BM25 on SQLite, cover density on PostgreSQL."""
    if _postgresql(session):
        wanted = text("CAST(:looked_for AS tsquery)").bindparams(_for(session, query))
        return func.ts_rank_cd(on_postgresql.c.lexemes, wanted, 1)
    return -literal_column(f"bm25({TABLE})")


def _for(session: Session, query: Query) -> Any:
    written = for_tsquery(query) if _postgresql(session) else for_fts5(query)
    return bindparam("looked_for", written)


def left_to_index(session: Session) -> int:
    """How many ids of documents the index of an older store has not come to yet; 0: it is whole."""
    state = session.get(SearchProgress, RULES)
    if state is None:  # made with other rules
        return session.scalar(select(func.count(Document.id))) or 0
    return max(0, state.last_id - state.after_id)


def index_next(session: Session, limit: int = BATCH) -> int:
    """Index the next texts of a store that is older than its index, or than the rules. Returns how many. Commits."""
    # the first statement writes: until the commit nobody else changes the texts (SQLite), or goes on here (PostgreSQL)
    session.execute(update(SearchProgress).where(SearchProgress.rules == RULES).values(rules=RULES))
    state = session.get(SearchProgress, RULES)
    if state is None:
        last = session.scalar(select(func.max(Document.id))) or 0
        state = SearchProgress(rules=RULES, after_id=0, last_id=last)
        session.add(state)
        session.execute(delete(SearchProgress).where(SearchProgress.rules != RULES))
    rows = session.execute(
        select(Document.id, Document.title, Document.text)
        .where(Document.id > state.after_id, Document.id <= state.last_id)
        .order_by(Document.id)
        .limit(limit)
        .with_for_update()
    ).all()
    index_texts(session, [(row.id, row.title, row.text) for row in rows])
    state.after_id = rows[-1].id if rows else state.last_id
    session.commit()
    return len(rows)


def index_all(settings: Settings, progress: Progress = silent) -> int:
    """Index every text that waits for it, in batches: broken off and run again it goes on. Returns how many."""
    done = 0
    with open_session(settings) as session:
        left = left_to_index(session)
        while some := index_next(session):
            done += some
            session.expunge_all()
            progress("index", done, max(left, done))
    return done
