"""how long a reference is that a person moved: 26, 52 or 104 weeks"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("kept_references", sa.Column("weeks", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("kept_references", "weeks")
