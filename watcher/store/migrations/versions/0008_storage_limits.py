"""What a platform lets nobody keep for longer: which versions have lost their text, why, and which their author.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column("version", sa.Column("erased", schema.AnyText(), nullable=True))
    op.add_column("version", sa.Column("unnamed_at", schema.UtcTime(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.drop_column("unnamed_at")
        batch_op.drop_column("erased")
