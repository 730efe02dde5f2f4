"""what alarms run on, what coders said of them, fixed panels and sheets as jobs have made them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("watched_dyads", "alarm_looks", "kept_panels", "kept_sheets")


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=60), nullable=False)


def upgrade() -> None:
    op.create_table(
        "watched_dyads",
        _name("monitor"),
        _name("a"),
        _name("b"),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("impossible", sa.Text(), nullable=True),
        sa.Column("lam", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("autocorrelation", sa.Double(), nullable=True),
        sa.Column("reference_start", sa.Date(), nullable=True),
        sa.Column("reference_end", sa.Date(), nullable=True),
        sa.Column("mean", sa.Double(), nullable=True),
        sa.Column("sigma_u", sa.Double(), nullable=True),
        sa.Column("noise", sa.Double(), nullable=True),
        sa.Column("series", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "a", "b"),
    )
    op.create_table(
        "alarm_looks",
        sa.Column("alarm_id", Key, nullable=False, autoincrement=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"]),
        sa.PrimaryKeyConstraint("alarm_id"),
    )
    op.create_table(
        "kept_panels",
        _name("monitor"),
        _name("group_id"),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "group_id", "period"),
    )
    op.create_table(
        "kept_sheets",
        _name("monitor"),
        _name("a"),
        _name("b"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("basis", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("sheet", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("monitor", "a", "b"),
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
