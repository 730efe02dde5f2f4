"""framings of texts of which the model knows no word have no probabilities"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _set_nullable(nullable: bool) -> None:
    with op.batch_alter_table("framings", schema=None) as batch_op:
        batch_op.alter_column("p_nationalist", existing_type=sa.Double(), nullable=nullable)
        batch_op.alter_column("p_universalist", existing_type=sa.Double(), nullable=nullable)
        batch_op.alter_column("label", existing_type=sa.String(length=60), nullable=nullable)


def upgrade() -> None:
    _set_nullable(True)


def downgrade() -> None:
    op.execute("DELETE FROM framings WHERE p_nationalist IS NULL")
    _set_nullable(False)
