"""What people said of the models' labels.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("mention", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("by", schema.AnyText(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["mention"], ["mention.id"], name=op.f("fk_correction_mention"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
        sa.UniqueConstraint("mention", "label", name=op.f("uq_correction_mention_label")),
    )
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_correction_mention"), ["mention"], unique=False)


def downgrade() -> None:
    """Take the tables back."""
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_correction_mention"))
        batch_op.drop_index(batch_op.f("ix_correction_delete_after"))

    op.drop_table("correction")
