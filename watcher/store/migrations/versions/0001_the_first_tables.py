"""The first tables.

Revision 0001, after None.
"""

import sqlalchemy as sa
from alembic import op

from watcher.store import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "account",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("school", sa.String(length=200), nullable=True),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("body", schema.Json(), nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("added_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("next_poll_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("last_attempt_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("last_success_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", schema.AnyText(), nullable=True),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("blind_since", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("retired_at", schema.UtcTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_next_poll_at"), ["next_poll_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_school"), ["school"], unique=False)

    op.create_table(
        "entry",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("body", schema.Json(), nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_entry")),
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_delete_after"), ["delete_after"], unique=False)

    op.create_table(
        "fact",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", schema.Json(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_fact")),
    )
    op.create_table(
        "gap",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("start", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("end", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("why", schema.AnyText(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap")),
    )
    with op.batch_alter_table("gap", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gap_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_gap_delete_after"), ["delete_after"], unique=False)

    op.create_table(
        "incident",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("school", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("concerns", schema.Json(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("recipients", schema.Json(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("accused", schema.Json(), nullable=False),
        sa.Column("targets", schema.Json(), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=True),
        sa.Column("opened_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("last_flag_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("news", schema.Json(), nullable=False),
        sa.Column("plan_due", sa.Boolean(), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("reference", name=op.f("uq_incident_reference")),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index("ix_incident_last_flag_at", ["last_flag_at", "reference"], unique=False)
        batch_op.create_index("ix_incident_school_last_flag_at", ["school", "last_flag_at"], unique=False)
        batch_op.create_index(
            "ix_incident_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("plan_due"),
            postgresql_where=sa.text("plan_due"),
        )

    op.create_table(
        "oddity",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("why", schema.AnyText(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oddity")),
        sa.UniqueConstraint("account", "sha256", name=op.f("uq_oddity_account_sha256")),
    )
    with op.batch_alter_table("oddity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_oddity_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_oddity_delete_after"), ["delete_after"], unique=False)

    op.create_table(
        "post",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("origin", schema.AnyText(), nullable=False),
        sa.Column("post_id", schema.AnyText(), nullable=False),
        sa.Column("thread", schema.AnyText(), nullable=True),
        sa.Column("official", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("platform", "origin", "post_id", name=op.f("uq_post_platform_origin_post_id")),
    )
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_post_delete_after"), ["delete_after"], unique=False)

    op.create_table(
        "rollup",
        sa.Column("school", sa.String(length=200), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", "what", name=op.f("pk_rollup")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("detail", schema.AnyText(), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_event_incident"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_incident"), ["incident"], unique=False)

    op.create_table(
        "fingerprint",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["incident.id"], name=op.f("fk_fingerprint_incident"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "incident", name=op.f("pk_fingerprint")),
    )
    with op.batch_alter_table("fingerprint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fingerprint_incident"), ["incident"], unique=False)

    op.create_table(
        "notice",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=True),
        sa.Column("subject_of", sa.String(length=200), nullable=False),
        sa.Column("receiver", schema.AnyText(), nullable=False),
        sa.Column("address", schema.AnyText(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("sent_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("retry_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", schema.AnyText(), nullable=True),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_notice_incident"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "subject_of", "receiver", "reason", "sequence", name=op.f("uq_notice_subject_of_receiver_reason_sequence")
        ),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_incident"), ["incident"], unique=False)
        batch_op.create_index(
            "ix_notice_waiting",
            ["retry_at"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "version",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("post", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", schema.Json(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("seen_at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("read_by", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["post"], ["post.id"], name=op.f("fk_version_post"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sa.UniqueConstraint("post", "digest", name=op.f("uq_version_post_digest")),
    )
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_version_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_version_post"), ["post"], unique=False)
        batch_op.create_index(
            "ix_version_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("read_by IS NULL"),
            postgresql_where=sa.text("read_by IS NULL"),
        )

    op.create_table(
        "mention",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=200), nullable=False),
        sa.Column("relevance", sa.String(length=10), nullable=False),
        sa.Column("reason", schema.AnyText(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("judged_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("judged_pack", sa.String(length=200), nullable=True),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_mention_version"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
        sa.UniqueConstraint("version", "school", name=op.f("uq_mention_version_school")),
    )
    with op.batch_alter_table("mention", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mention_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index("ix_mention_school_at", ["school", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_mention_version"), ["version"], unique=False)
        batch_op.create_index(
            "ix_mention_waiting",
            ["version"],
            unique=False,
            sqlite_where=sa.text("judged_at IS NULL"),
            postgresql_where=sa.text("judged_at IS NULL"),
        )

    op.create_table(
        "sighting",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("matched_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_sighting_version"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        sa.UniqueConstraint("version", "account", name=op.f("uq_sighting_version_account")),
    )
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sighting_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_sighting_version"), ["version"], unique=False)
        batch_op.create_index(
            "ix_sighting_waiting",
            ["version"],
            unique=False,
            sqlite_where=sa.text("matched_at IS NULL"),
            postgresql_where=sa.text("matched_at IS NULL"),
        )

    op.create_table(
        "verdict",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("classifier", sa.String(length=100), nullable=False),
        sa.Column("model_version", sa.String(length=100), nullable=False),
        sa.Column("body", schema.Json(), nullable=False),
        sa.Column("unread", sa.String(length=40), nullable=True),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_verdict_version"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint(
            "version", "classifier", "model_version", name=op.f("uq_verdict_version_classifier_model_version")
        ),
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verdict_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_verdict_unread"), ["unread"], unique=False)
        batch_op.create_index(batch_op.f("ix_verdict_version"), ["version"], unique=False)

    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("mention", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("value", schema.AnyText(), nullable=False),
        sa.Column("by", schema.AnyText(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["mention"], ["mention.id"], name=op.f("fk_answer_mention"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
    )
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answer_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_answer_mention"), ["mention"], unique=False)

    op.create_table(
        "flag",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("mention", sa.Integer(), nullable=False),
        sa.Column("pack", sa.String(length=100), nullable=False),
        sa.Column("pack_version", sa.String(length=40), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("input", sa.String(length=64), nullable=False),
        sa.Column("concern", sa.String(length=40), nullable=False),
        sa.Column("body", schema.Json(), nullable=False),
        sa.Column("at", schema.UtcTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("withdrawn_why", schema.AnyText(), nullable=True),
        sa.Column("grouped_at", schema.UtcTime(timezone=True), nullable=True),
        sa.Column("incident", sa.Integer(), nullable=True),
        sa.Column("delete_after", schema.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_flag_incident"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["mention"], ["mention.id"], name=op.f("fk_flag_mention"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint(
            "mention",
            "pack",
            "pack_version",
            "rule",
            "input",
            name=op.f("uq_flag_mention_pack_pack_version_rule_input"),
        ),
    )
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flag_delete_after"), ["delete_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_flag_incident"), ["incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_flag_mention"), ["mention"], unique=False)
        batch_op.create_index(
            "ix_flag_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("grouped_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("grouped_at IS NULL AND withdrawn_at IS NULL"),
        )


def downgrade() -> None:
    """Take the tables back."""
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_flag_waiting",
            sqlite_where=sa.text("grouped_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("grouped_at IS NULL AND withdrawn_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_flag_mention"))
        batch_op.drop_index(batch_op.f("ix_flag_incident"))
        batch_op.drop_index(batch_op.f("ix_flag_delete_after"))

    op.drop_table("flag")
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answer_mention"))
        batch_op.drop_index(batch_op.f("ix_answer_delete_after"))

    op.drop_table("answer")
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verdict_version"))
        batch_op.drop_index(batch_op.f("ix_verdict_unread"))
        batch_op.drop_index(batch_op.f("ix_verdict_delete_after"))

    op.drop_table("verdict")
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sighting_waiting",
            sqlite_where=sa.text("matched_at IS NULL"),
            postgresql_where=sa.text("matched_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_sighting_version"))
        batch_op.drop_index(batch_op.f("ix_sighting_delete_after"))

    op.drop_table("sighting")
    with op.batch_alter_table("mention", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_mention_waiting",
            sqlite_where=sa.text("judged_at IS NULL"),
            postgresql_where=sa.text("judged_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_mention_version"))
        batch_op.drop_index("ix_mention_school_at")
        batch_op.drop_index(batch_op.f("ix_mention_delete_after"))

    op.drop_table("mention")
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_version_waiting", sqlite_where=sa.text("read_by IS NULL"), postgresql_where=sa.text("read_by IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_version_post"))
        batch_op.drop_index(batch_op.f("ix_version_delete_after"))

    op.drop_table("version")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_notice_waiting",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index(batch_op.f("ix_notice_incident"))
        batch_op.drop_index(batch_op.f("ix_notice_delete_after"))

    op.drop_table("notice")
    with op.batch_alter_table("fingerprint", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fingerprint_incident"))

    op.drop_table("fingerprint")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_incident"))
        batch_op.drop_index(batch_op.f("ix_event_delete_after"))

    op.drop_table("event")
    op.drop_table("rollup")
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_post_delete_after"))

    op.drop_table("post")
    with op.batch_alter_table("oddity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_oddity_delete_after"))
        batch_op.drop_index(batch_op.f("ix_oddity_account"))

    op.drop_table("oddity")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_incident_waiting", sqlite_where=sa.text("plan_due"), postgresql_where=sa.text("plan_due")
        )
        batch_op.drop_index("ix_incident_school_last_flag_at")
        batch_op.drop_index("ix_incident_last_flag_at")
        batch_op.drop_index(batch_op.f("ix_incident_delete_after"))

    op.drop_table("incident")
    with op.batch_alter_table("gap", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gap_delete_after"))
        batch_op.drop_index(batch_op.f("ix_gap_account"))

    op.drop_table("gap")
    op.drop_table("fact")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_delete_after"))

    op.drop_table("entry")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_school"))
        batch_op.drop_index(batch_op.f("ix_account_next_poll_at"))

    op.drop_table("account")
