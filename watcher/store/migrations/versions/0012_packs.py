"""Schools' own policies as they were last accepted, what was refused since, and when a review was announced.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "pack",
        sa.Column("name", schema.AnyText(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", schema.AnyText(), nullable=False),
        sa.Column("accepted_at", schema.UtcTime(), nullable=False),
        sa.Column("refused", schema.AnyText(), nullable=True),
        sa.Column("refused_at", schema.UtcTime(), nullable=True),
        sa.Column("reminded", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pack")),
    )


def downgrade() -> None:
    """Take them back."""
    op.drop_table("pack")
