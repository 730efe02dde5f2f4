"""PostgreSQL's search index has the group, source and year of each text among its words"""

from collections.abc import Sequence

from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MARKED = """
    SELECT w.document_id, w.vector || array_to_tsvector(array_remove(ARRAY[
        '¶group=' || d.group_id, '¶source=' || d.source,
        '¶year=' || to_char(timezone('UTC', d.published_at), 'YYYY')
    ], NULL))
    FROM search_words_before w JOIN documents d ON d.id = w.document_id ORDER BY w.document_id
"""
_PLAIN = """
    SELECT document_id, ts_delete(lexemes, ARRAY(SELECT lexeme FROM unnest(lexemes) WHERE lexeme LIKE '¶_%'))
    FROM search_words_before ORDER BY document_id
"""


def _written_anew(column: str, rows: str) -> None:
    """Changed row by row, the table would take twice its room, and its index be written word by word.

    column: of the new table. A program of the other version finds no such column and fails, rather than writing texts
    without marks, or with marks that it does not keep up. Nobody writes a text meanwhile.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("LOCK TABLE documents IN SHARE MODE")
    op.execute("ALTER TABLE search_words RENAME TO search_words_before")
    op.execute("ALTER INDEX search_words_pkey RENAME TO search_words_before_pkey")
    op.execute("DROP INDEX ix_search_words")
    op.execute(f"CREATE TABLE search_words (document_id BIGINT PRIMARY KEY, {column} TSVECTOR NOT NULL)")
    op.execute(f"INSERT INTO search_words (document_id, {column}) {rows}")
    op.execute("DROP TABLE search_words_before")
    op.execute(f"CREATE INDEX ix_search_words ON search_words USING gin ({column})")
    op.execute("ANALYZE search_words")


def upgrade() -> None:
    _written_anew("lexemes", _MARKED)


def downgrade() -> None:
    _written_anew("vector", _PLAIN)
