"""which run of which DAG of Airflow a report line is of"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("dag", sa.String(length=250), nullable=True))
    op.add_column("runs", sa.Column("dag_run", sa.String(length=250), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "dag_run")
    op.drop_column("runs", "dag")
