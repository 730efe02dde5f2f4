"""alarms, references that are kept, changes of state"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("trends", schema=None) as batch_op:
        batch_op.add_column(sa.Column("framed", sa.Integer(), nullable=True))
    op.create_table(
        "kept_references",
        sa.Column("id", Key, nullable=False),
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("a", sa.String(length=60), nullable=False),
        sa.Column("b", sa.String(length=60), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=True),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "alarms",
        sa.Column("id", Key, nullable=False),
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("a", sa.String(length=60), nullable=False),
        sa.Column("b", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("raised", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("reference_id", Key, nullable=False),
        sa.Column("reference_start", sa.Date(), nullable=False),
        sa.Column("reference_end", sa.Date(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("autocorrelation", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Date(), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queue_id", Key, nullable=True),
        sa.Column("planned", sa.Integer(), nullable=True),
        sa.Column("borrowed", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"]),
        sa.ForeignKeyConstraint(["reference_id"], ["kept_references.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("monitor", "a", "b", "period", "reference_id", "since", "side"),
    )
    op.create_table(
        "state_changes",
        sa.Column("id", Key, nullable=False),
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("a", sa.String(length=60), nullable=False),
        sa.Column("b", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("previous", sa.String(length=30), nullable=True),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silenced", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("monitor", "a", "b", "after_id"),
    )


def downgrade() -> None:
    op.drop_table("state_changes")
    op.drop_table("alarms")
    op.drop_table("kept_references")
    with op.batch_alter_table("trends", schema=None) as batch_op:
        batch_op.drop_column("framed")
