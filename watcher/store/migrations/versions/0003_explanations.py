"""The words that moved a label, and which flags still want explaining.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNEXPLAINED = "explained_at IS NULL AND withdrawn_at IS NULL AND incident IS NOT NULL"


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column("verdict", sa.Column("moved", schema.Json(), nullable=True))
    op.add_column("flag", sa.Column("explained_at", schema.UtcTime(timezone=True), nullable=True))
    op.create_index(
        "ix_flag_unexplained",
        "flag",
        ["id"],
        unique=False,
        sqlite_where=sa.text(UNEXPLAINED),
        postgresql_where=sa.text(UNEXPLAINED),
    )


def downgrade() -> None:
    """Take the columns back."""
    op.drop_index("ix_flag_unexplained", table_name="flag")
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_column("explained_at")
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.drop_column("moved")
