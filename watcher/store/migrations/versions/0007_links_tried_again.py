"""A link that failed is tried again: how often, and since when somebody does.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column("invitation", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("invitation", sa.Column("tried_at", schema.UtcTime(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_column("tried_at")
        batch_op.drop_column("tries")
