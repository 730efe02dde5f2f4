"""smoothed gaps of dyads, as a job has made them for their pages"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=60), nullable=False)


def upgrade() -> None:
    op.create_table(
        "kept_smoothed",
        _name("monitor"),
        _name("a"),
        _name("b"),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "a", "b"),
    )


def downgrade() -> None:
    op.drop_table("kept_smoothed")
