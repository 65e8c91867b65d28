"""What matters rest on, and what is about a school, is kept as long as they are, with whoever brought it.

Revision 0013, after 0012.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Until when a version is needed: by what is said of it, and by the matters that rest on that.
_OURS = (
    "SELECT m.version AS version, v.post AS post, m.delete_after AS until FROM mention m "
    "JOIN version v ON v.id = m.version WHERE m.relevance <> 'no' "
    "UNION ALL SELECT m.version, v.post, f.delete_after FROM flag f "
    "JOIN mention m ON m.id = f.mention JOIN version v ON v.id = m.version "
    "WHERE f.incident IS NOT NULL AND f.withdrawn_at IS NULL"
)


def upgrade() -> None:
    """Lengthen what was to go sooner than what hangs on it."""
    op.execute(f"CREATE TEMPORARY TABLE ours AS {_OURS}")
    op.execute("CREATE INDEX ix_ours_version ON ours (version)")
    op.execute("CREATE INDEX ix_ours_post ON ours (post)")
    for table, key, among in (
        ("post", "id", "post"),
        ("version", "id", "version"),
        ("sighting", "version", "version"),
        ("verdict", "version", "version"),
    ):
        until = f"(SELECT MAX(ours.until) FROM ours WHERE ours.{among} = {table}.{key})"  # noqa: S608 - our own names
        op.execute(f"UPDATE {table} SET delete_after = {until} WHERE delete_after < {until}")  # noqa: S608 - the same
    op.execute("DROP TABLE ours")
    # What people answered goes no sooner than what they answered of.
    asked = "(SELECT mention.delete_after FROM mention WHERE mention.id = answer.mention)"
    op.execute(f"UPDATE answer SET delete_after = {asked} WHERE delete_after < {asked}")  # noqa: S608 - nothing from outside


def downgrade() -> None:
    """Nothing to take back: no table has changed."""
