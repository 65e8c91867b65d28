"""What reading sources costs and by what right it is done; gaps that are filled, posts that are checked again.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = schema.UtcTime(timezone=True)
_ADDED = {"account": ("caught_up_at", "last_new_at"), "post": ("recheck_at", "rechecked_at", "gone_at")}
_GAP = ("fill_at", "fill_cursor", "fill_tries", "filled_at")


def upgrade() -> None:
    """Bring the tables up; an account that has been read before has its history behind it."""
    for table, names in _ADDED.items():
        for name in names:
            op.add_column(table, sa.Column(name, _TIME, nullable=True))
    op.execute("UPDATE account SET caught_up_at = last_success_at")
    op.create_index("ix_post_recheck_at", "post", ["recheck_at"])
    op.add_column("gap", sa.Column("fill_at", _TIME, nullable=True))
    op.add_column("gap", sa.Column("fill_cursor", sa.Text(), nullable=True))
    op.add_column("gap", sa.Column("fill_tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("gap", sa.Column("filled_at", _TIME, nullable=True))
    op.create_index("ix_gap_fill_at", "gap", ["fill_at"])
    _spend()
    _tokens()


def _spend() -> None:
    op.create_table(
        "spend",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("school", sa.String(200), nullable=True),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("posts", sa.Integer(), nullable=True),
        sa.Column("again", sa.Integer(), nullable=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.Column("delete_after", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spend"),
    )
    op.create_index("ix_spend_account", "spend", ["account"])
    op.create_index("ix_spend_app_unit_at", "spend", ["app", "unit", "at"])
    op.create_index("ix_spend_delete_after", "spend", ["delete_after"])


def _tokens() -> None:
    op.create_table(
        "token",
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("access", sa.LargeBinary(), nullable=False),
        sa.Column("refresh", sa.LargeBinary(), nullable=True),
        sa.Column("owner", schema.AnyText(), nullable=False),
        sa.Column("scopes", schema.Json(), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("refresh_expires_at", _TIME, nullable=True),
        sa.Column("refreshed_at", _TIME, nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("account", name="pk_token"),
    )
    op.create_table(
        "invitation",
        sa.Column("state", sa.String(100), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("redirect", sa.Text(), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.Column("delete_after", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("state", name="pk_invitation"),
    )
    op.create_index("ix_invitation_delete_after", "invitation", ["delete_after"])


def downgrade() -> None:
    """Take them back."""
    for table in ("invitation", "token", "spend"):
        op.drop_table(table)
    op.drop_index("ix_gap_fill_at", "gap")
    op.drop_index("ix_post_recheck_at", "post")
    for table, names in (("gap", _GAP), *_ADDED.items()):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.drop_column(name)
