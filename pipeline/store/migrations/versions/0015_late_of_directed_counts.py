"""how many texts that name a group arrived after the draw, so that a share without them says so"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("directed_counts", sa.Column("late", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("directed_counts", "late")
