"""Why a person answered as they did.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column("answer", sa.Column("reason", schema.AnyText(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_column("reason")
