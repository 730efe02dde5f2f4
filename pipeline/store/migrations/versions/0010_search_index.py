"""full-text search: the index of normalised words, how far it is made, and what a search filters by"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

# of an empty store the index is whole under today's rules, whichever they are
from pipeline.store.search.words import RULES

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_documents_search",
        "documents",
        ["monitor", "id", "speaker", "group_id", "source", "language", "published_at", "cluster_id"],
    )
    op.create_index("ix_documents_published", "documents", ["monitor", "published_at"])
    op.create_table(
        "search_progress",
        sa.Column("rules", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rules"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE search_words (document_id BIGINT PRIMARY KEY, vector TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX ix_search_words ON search_words USING gin (vector)")
    else:
        # words come divided and folded: to this divider all that is not ASCII belongs to a word
        op.execute("CREATE VIRTUAL TABLE search_words USING fts5(words, tokenize = 'ascii')")
    # texts that are here already are indexed by `riftwatch search index`
    op.execute(
        sa.text(
            "INSERT INTO search_progress (rules, after_id, last_id)"
            " SELECT :rules, 0, COALESCE((SELECT MAX(id) FROM documents), 0)"
        ).bindparams(rules=RULES)
    )


def downgrade() -> None:
    op.execute("DROP TABLE search_words")
    op.drop_table("search_progress")
    op.drop_index("ix_documents_published", "documents")
    op.drop_index("ix_documents_search", "documents")
