"""who names whom in which text, directed counts, and what a confirmation was drawn from"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drawn_sides",
        sa.Column("queue_id", Key, nullable=False),
        sa.Column("side", sa.String(length=140), nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"]),
        sa.PrimaryKeyConstraint("queue_id", "side"),
    )
    op.create_table(
        "scanned_texts",
        sa.Column("document_id", Key, nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("names", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_table(
        "mentions",
        sa.Column("document_id", Key, nullable=False),
        sa.Column("target", sa.String(length=60), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("audited", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id", "target"),
    )
    op.create_index("ix_mentions_target", "mentions", ["target", "document_id"])
    op.create_table(
        "directed_totals",
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("a", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("clusters", sa.Integer(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "a", "period", "start"),
    )
    op.create_table(
        "directed_counts",
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("a", sa.String(length=60), nullable=False),
        sa.Column("b", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("coded", sa.Integer(), nullable=False),
        sa.Column("hostile", sa.Double(), nullable=False),
        sa.Column("estimator", sa.String(length=20), nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=True)
            for name in ("hostile_share", "hostile_low", "hostile_high", "rate", "low", "high")
        ),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "a", "b", "period", "start"),
    )


def downgrade() -> None:
    for table in ("directed_counts", "directed_totals", "mentions", "scanned_texts", "drawn_sides"):
        op.drop_table(table)
