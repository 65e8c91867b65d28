"""Which posts' contents were removed for good, and which closed matters are open to the IT provider until when.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column("post", sa.Column("shut_at", schema.UtcTime(), nullable=True))
    op.create_table(
        "opening",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("by", schema.AnyText(), nullable=False),
        sa.Column("why", schema.AnyText(), nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("until", schema.UtcTime(), nullable=False),
        sa.Column("delete_after", schema.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_opening_incident"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening")),
    )
    op.create_index(op.f("ix_opening_incident"), "opening", ["incident"], unique=False)
    op.create_index(op.f("ix_opening_until"), "opening", ["until"], unique=False)
    op.create_index(op.f("ix_opening_delete_after"), "opening", ["delete_after"], unique=False)


def downgrade() -> None:
    """Take them back."""
    op.drop_table("opening")
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.drop_column("shut_at")
