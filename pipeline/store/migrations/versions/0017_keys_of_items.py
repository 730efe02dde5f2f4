"""keys of queue items: what a coder's page and the API name a text by, since numbers tell queues apart"""

import secrets
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AT_ONCE = 10_000
_ITEMS = sa.table("queue_items", sa.column("id", sa.BigInteger()), sa.column("key", sa.String(16)))


def _fill() -> None:
    connection = op.get_bind()
    some = sa.select(_ITEMS.c.id).order_by(_ITEMS.c.id).limit(_AT_ONCE)
    keyed = sa.update(_ITEMS).where(_ITEMS.c.id == sa.bindparam("item")).values(key=sa.bindparam("drawn"))
    last = 0
    while ids := connection.scalars(some.where(_ITEMS.c.id > last)).all():
        connection.execute(keyed, [{"item": item, "drawn": secrets.token_hex(8)} for item in ids])
        last = ids[-1]


def upgrade() -> None:
    op.add_column("queue_items", sa.Column("key", sa.String(length=16), nullable=True))
    _fill()
    with op.batch_alter_table("queue_items", schema=None) as batch_op:
        batch_op.alter_column("key", existing_type=sa.String(length=16), nullable=False)
        batch_op.create_unique_constraint("queue_items_key_key", ["key"])


def downgrade() -> None:
    with op.batch_alter_table("queue_items", schema=None) as batch_op:
        batch_op.drop_constraint("queue_items_key_key", type_="unique")
        batch_op.drop_column("key")
