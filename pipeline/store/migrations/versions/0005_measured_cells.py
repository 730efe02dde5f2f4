"""what is remembered of measured cells; variance of the model's mean"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "measured_cells",
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("group_id", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False),
        sa.Column("clusters", sa.Integer(), nullable=False),
        sa.Column("codings", sa.Integer(), nullable=False),
        sa.Column("codings_framed", sa.Integer(), nullable=False),
        sa.Column("framed", sa.Integer(), nullable=False),
        sa.Column("model_balance", sa.Double(), nullable=True),
        sa.Column("model_variance", sa.Double(), nullable=True),
        sa.Column("companions", sa.JSON(), nullable=False),
        sa.Column("arrays", sa.LargeBinary(), nullable=True),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.Column("coding_ids", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "group_id", "period", "start"),
    )
    with op.batch_alter_table("trends", schema=None) as batch_op:
        batch_op.add_column(sa.Column("model_variance", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("trends", schema=None) as batch_op:
        batch_op.drop_column("model_variance")
    op.drop_table("measured_cells")
