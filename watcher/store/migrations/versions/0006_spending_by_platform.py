"""Caps of a whole platform, or of a school's accounts there, are summed without looking at every row.

Revision 0006, after 0005.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_index("ix_spend_platform_unit_at", "spend", ["platform", "unit", "at"])


def downgrade() -> None:
    """Take them back."""
    op.drop_index("ix_spend_platform_unit_at", "spend")
