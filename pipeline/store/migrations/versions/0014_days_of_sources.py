"""indexes for the days of each source's texts: how the sources do"""

from collections.abc import Sequence

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NEW = (
    ("ix_documents_source_published", ["monitor", "source", "published_at"]),
    ("ix_documents_source_collected", ["monitor", "source", "collected_at"]),
)


def upgrade() -> None:
    for name, columns in _NEW:
        op.create_index(name, "documents", columns)


def downgrade() -> None:
    for name, _ in _NEW:
        op.drop_index(name, table_name="documents")
