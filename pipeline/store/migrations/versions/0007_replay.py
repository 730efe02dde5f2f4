"""the replay: stretches and cells"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "replay_stretches",
        sa.Column("id", Key, nullable=False),
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=True),
        sa.Column("model_sha256", sa.String(length=64), nullable=True),
        sa.Column("learnt_from", sa.String(length=64), nullable=True),
        sa.Column("codings", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("scored", sa.Integer(), nullable=False),
        sa.Column("wordless", sa.Integer(), nullable=False),
        sa.Column("coded", sa.LargeBinary(), nullable=True),
        sa.Column("code_version", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("monitor", "start"),
    )
    op.create_table(
        "replay_cells",
        sa.Column("stretch_id", Key, nullable=False),
        sa.Column("group_id", sa.String(length=60), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("variance", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["stretch_id"], ["replay_stretches.id"]),
        sa.PrimaryKeyConstraint("stretch_id", "group_id", "start"),
    )


def downgrade() -> None:
    op.drop_table("replay_cells")
    op.drop_table("replay_stretches")
