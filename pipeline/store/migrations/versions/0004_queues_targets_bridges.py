"""labelling queues, targets of codings and framings, decisions on models, bridges"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OLD_KEY = ["monitor", "address", "variable", "coder", "draw", "drawn_at"]
_NEW_KEY = ["monitor", "address", "variable", "target", "coder", "draw", "drawn_at"]


def _key_of_codings(old: list[str], new: list[str]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(f"codings_{'_'.join(old)}_key", "codings", type_="unique")
        op.create_unique_constraint(f"codings_{'_'.join(new)}_key", "codings", new)
        return
    # SQLite's constraint has no name: the convention gives it one while the table is copied
    with op.batch_alter_table(
        "codings",
        recreate="always",
        naming_convention={"uq": "uq_%(table_name)s"},
        table_kwargs={"sqlite_autoincrement": True},
    ) as batch_op:
        batch_op.drop_constraint("uq_codings", type_="unique")
        batch_op.create_unique_constraint("uq_codings", new)


def _framings(columns: list[sa.Column], key: list[str], copied: str, into: str) -> None:
    """Framings get another key, which no database can alter in place: the table is copied."""
    op.rename_table("framings", "framings_before")
    op.create_table(
        "framings",
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *columns,
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("featuriser", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"]),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"]),
        sa.PrimaryKeyConstraint(*key),
    )
    op.execute(
        f"INSERT INTO framings (document_id, model_id, text_digest, featuriser, label, scored_at, {into})"  # noqa: S608
        f" SELECT document_id, model_id, text_digest, featuriser, label, scored_at, {copied} FROM framings_before"
    )
    op.drop_table("framings_before")


def upgrade() -> None:
    with op.batch_alter_table("codings", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("target", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("origin", sa.String(length=10), nullable=False, server_default="human"))
        batch_op.add_column(sa.Column("settles", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("extra", sa.JSON(), nullable=True))
    _key_of_codings(_OLD_KEY, _NEW_KEY)
    _framings(
        [
            sa.Column("target", sa.String(length=60), nullable=False, server_default=""),
            sa.Column("p_first", sa.Double(), nullable=True),
            sa.Column("p_second", sa.Double(), nullable=True),
        ],
        ["document_id", "model_id", "target"],
        "p_nationalist, p_universalist",
        "p_first, p_second",
    )
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("rejection", sa.Text(), nullable=True))
    with op.batch_alter_table("promotions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("previous_id", Key, nullable=True))
        batch_op.add_column(sa.Column("person", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("evidence", sa.JSON(), nullable=True))
        batch_op.create_foreign_key("fk_promotions_previous", "models", ["previous_id"], ["id"])
    op.create_table(
        "queues",
        sa.Column("id", Key, nullable=False),
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("variable", sa.String(length=60), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("model_id", Key, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("monitor", "variable", "drawn_at"),
    )
    op.create_table(
        "queue_items",
        sa.Column("id", Key, nullable=False),
        sa.Column("queue_id", Key, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("document_id", Key, nullable=False),
        sa.Column("target", sa.String(length=60), nullable=False),
        sa.Column("draw", sa.String(length=10), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("stratum", sa.String(length=140), nullable=True),
        sa.Column("coders", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"]),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("queue_id", "document_id", "target"),
    )
    with op.batch_alter_table("queue_items", schema=None) as batch_op:
        batch_op.create_index("ix_queue_items_place", ["queue_id", "place"], unique=False)
        batch_op.create_index(batch_op.f("ix_queue_items_document_id"), ["document_id"], unique=False)
    op.create_table(
        "assignments",
        sa.Column("item_id", Key, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("coder", sa.String(length=60), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["queue_items.id"]),
        sa.PrimaryKeyConstraint("item_id", "slot"),
        sa.UniqueConstraint("item_id", "coder"),
    )
    op.create_table(
        "bridges",
        sa.Column("id", Key, nullable=False),
        sa.Column("monitor", sa.String(length=60), nullable=False),
        sa.Column("group_id", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("old_model_id", Key, nullable=False),
        sa.Column("new_model_id", Key, nullable=False),
        sa.Column("clusters", sa.Integer(), nullable=False),
        sa.Column("codings", sa.Integer(), nullable=False),
        sa.Column("old", sa.Double(), nullable=True),
        sa.Column("new", sa.Double(), nullable=True),
        sa.Column("delta", sa.Double(), nullable=True),
        sa.Column("variance", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["new_model_id"], ["models.id"]),
        sa.ForeignKeyConstraint(["old_model_id"], ["models.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("monitor", "group_id", "period", "start", "old_model_id", "new_model_id"),
    )


def downgrade() -> None:
    for table in ("bridges", "assignments", "queue_items", "queues"):
        op.drop_table(table)
    with op.batch_alter_table("promotions", schema=None) as batch_op:
        batch_op.drop_constraint("fk_promotions_previous", type_="foreignkey")
        for column in ("previous_id", "person", "evidence"):
            batch_op.drop_column(column)
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_column("rejected_at")
        batch_op.drop_column("rejection")
    # what the older tables have no room for goes: framings are made again, these codings are lost
    op.execute("DELETE FROM framings WHERE target <> ''")
    op.execute("DELETE FROM codings WHERE target <> '' OR origin <> 'human' OR settles")
    _framings(
        [
            sa.Column("p_nationalist", sa.Double(), nullable=True),
            sa.Column("p_universalist", sa.Double(), nullable=True),
        ],
        ["document_id", "model_id"],
        "p_first, p_second",
        "p_nationalist, p_universalist",
    )
    _key_of_codings(_NEW_KEY, _OLD_KEY)
    with op.batch_alter_table("codings", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        for column in ("target", "origin", "settles", "extra"):
            batch_op.drop_column(column)
