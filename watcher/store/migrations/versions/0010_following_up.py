"""Following up: deadlines, chasing, who has a matter, what persons ruled, who was not told yet and why.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TIMES = ("plan_at", "found_at", "act_by", "chase_at", "acknowledged_at", "closed_at")


def upgrade() -> None:
    """Bring the tables up."""
    for name in _TIMES:
        op.add_column("incident", sa.Column(name, schema.UtcTime(), nullable=True))
    op.add_column("incident", sa.Column("harm", sa.Integer(), nullable=True))
    op.add_column("incident", sa.Column("voices", sa.Integer(), nullable=False, server_default="1"))
    for name in ("repeats", "chased"):
        op.add_column("incident", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("incident", sa.Column("held_by", schema.AnyText(), nullable=True))
    op.create_index("ix_incident_chase_at", "incident", ["chase_at"])
    op.add_column("event", sa.Column("by", schema.AnyText(), nullable=True))
    op.add_column("event", sa.Column("passed_to", schema.AnyText(), nullable=True))
    op.add_column("event", sa.Column("tell_due", sa.Boolean(), nullable=False, server_default=sa.false()))
    where = sa.text("tell_due")
    op.create_index("ix_event_waiting", "event", ["id"], sqlite_where=where, postgresql_where=where)
    op.add_column("notice", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "ruling",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("mark", sa.String(60), nullable=False),
        sa.Column("apart", sa.Boolean(), nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
    )
    op.create_index("ix_ruling_mark", "ruling", ["mark"])
    op.create_table(
        "voice",
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("posts", sa.Integer(), nullable=False),
    )
    op.create_table(
        "untold",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("person", schema.AnyText(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("until", schema.UtcTime(), nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("delete_after", schema.UtcTime(), nullable=False),
        sa.UniqueConstraint("incident", "person", "reason", "sequence"),
    )
    op.create_index("ix_untold_incident", "untold", ["incident"])
    op.create_index("ix_untold_delete_after", "untold", ["delete_after"])


def downgrade() -> None:
    """Take them back."""
    for table in ("untold", "voice", "ruling"):
        op.drop_table(table)
    op.drop_index("ix_event_waiting", "event")
    op.drop_index("ix_incident_chase_at", "incident")
    for table, names in (
        ("notice", ("urgent",)),
        ("event", ("by", "passed_to", "tell_due")),
        ("incident", (*_TIMES, "harm", "voices", "repeats", "chased", "held_by")),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.drop_column(name)
