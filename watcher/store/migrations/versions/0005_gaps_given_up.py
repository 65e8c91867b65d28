"""Why a gap is not filled; and what was read before is checked again.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up; posts that were stored before any check was planned are due for one."""
    op.add_column("gap", sa.Column("fill_why", schema.AnyText(), nullable=True))
    op.execute("UPDATE post SET recheck_at = first_seen_at WHERE recheck_at IS NULL AND gone_at IS NULL")


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("gap", schema=None) as batch_op:
        batch_op.drop_column("fill_why")
