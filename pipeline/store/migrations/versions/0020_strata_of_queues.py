"""from which strata a queue drew at random, also when nothing of them was answered"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("queues", sa.Column("strata", sa.JSON(), nullable=False, server_default="[]"))
    queues = sa.table("queues", sa.column("id", sa.BigInteger), sa.column("strata", sa.JSON))
    items = sa.table(
        "queue_items",
        sa.column("queue_id", sa.BigInteger),
        sa.column("draw", sa.String),
        sa.column("stratum", sa.String),
    )
    # of a queue that is closed those of which nothing was answered are not known any more
    drawn = sa.select(items.c.queue_id, items.c.stratum).where(items.c.draw == "random", items.c.stratum.is_not(None))
    strata: dict[int, list[str]] = {}
    for queue, stratum in op.get_bind().execute(drawn.distinct().order_by(items.c.queue_id, items.c.stratum)):
        strata.setdefault(queue, []).append(stratum)
    for queue, names in strata.items():
        op.get_bind().execute(queues.update().where(queues.c.id == queue).values(strata=names))


def downgrade() -> None:
    op.drop_column("queues", "strata")
