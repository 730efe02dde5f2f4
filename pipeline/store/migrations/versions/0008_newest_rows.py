"""indexes for the pages that show the newest rows: runs, trend table"""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NEW = (
    ("ix_runs_newest", "runs", ["monitor", "started_at"]),
    ("ix_runs_job", "runs", ["monitor", "job", "started_at"]),
    ("ix_trends_newest", "trends", ["monitor", "period", "start"]),
    ("ix_gaps_newest", "gaps", ["monitor", "period", "start"]),
)


def upgrade() -> None:
    for name, table, columns in _NEW:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in _NEW:
        op.drop_index(name, table_name=table)
