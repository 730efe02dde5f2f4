"""index of searches: the digest of the text too, so that a label of an earlier text is known as one"""

from collections.abc import Sequence

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = ["monitor", "id", "speaker", "group_id", "source", "language", "published_at", "cluster_id"]


def upgrade() -> None:
    op.drop_index("ix_documents_search", "documents")
    op.create_index("ix_documents_search", "documents", [*BEFORE, "text_digest"])


def downgrade() -> None:
    op.drop_index("ix_documents_search", "documents")
    op.create_index("ix_documents_search", "documents", BEFORE)
