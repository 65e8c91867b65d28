"""The tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from watcher.store import closing, following
from watcher.store.column import AnyText, Json, UtcTime, dated, metadata, number, owner, waiting

__all__ = ["AnyText", "Json", "UtcTime", "metadata", "opening", "ruling", "untold", "voice"]

ruling, untold, voice = following.ruling, following.untold, following.voice
opening = closing.opening

# Only what somebody is told of is explained.
UNEXPLAINED = "explained_at IS NULL AND withdrawn_at IS NULL AND incident IS NOT NULL"

# Schools, trusts, people, holdings and absences, as nouns in JSON; ``kept_by`` names the file and key that keeps a row.
entry = Table(
    "entry",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("body", Json, nullable=False),
    Column("kept_by", Text, nullable=False),
    dated(),
)

account = Table(
    "account",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("school", String(200), index=True),
    Column("platform", String(40), nullable=False),
    Column("body", Json, nullable=False),
    Column("kept_by", Text, nullable=False),
    Column("every_s", Integer, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("cursor", Text),
    Column("next_poll_at", UtcTime, nullable=False, index=True),
    Column("last_attempt_at", UtcTime),
    Column("last_success_at", UtcTime),
    Column("failures", Integer, nullable=False, default=0),
    Column("last_error", AnyText),
    Column("permanent", Boolean, nullable=False, default=False),
    Column("blind_since", UtcTime),
    # When what was there before Watcher had all been read, and when the source last brought something new.
    Column("caught_up_at", UtcTime),
    Column("last_new_at", UtcTime),
    Column("retired_at", UtcTime),
)

gap = Table(
    "gap",
    metadata,
    number(),
    Column("account", String(200), nullable=False, index=True),
    Column("start", UtcTime),
    Column("end", UtcTime),
    Column("why", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    # A gap is filled where the platform can still give it: page by page, from this cursor on, when its time comes.
    Column("fill_at", UtcTime, index=True),
    Column("fill_cursor", Text),
    Column("fill_tries", Integer, nullable=False, server_default="0"),
    Column("filled_at", UtcTime),
    # Why it is not tried any more, or what was still missing when it was filled.
    Column("fill_why", AnyText),
    dated(),
)

oddity = Table(
    "oddity",
    metadata,
    number(),
    Column("account", String(200), nullable=False, index=True),
    Column("sha256", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("why", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    dated(),
    UniqueConstraint("account", "sha256"),
)

post = Table(
    "post",
    metadata,
    number(),
    Column("platform", String(40), nullable=False),
    Column("origin", AnyText, nullable=False),
    Column("post_id", AnyText, nullable=False),
    Column("thread", AnyText),
    Column("official", Boolean, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    # When the platform is next asked for it again, when it last was, and when it was found to be gone there.
    Column("recheck_at", UtcTime, index=True),
    Column("rechecked_at", UtcTime),
    Column("gone_at", UtcTime),
    # Since when nothing of its content is kept, nor will be however often it is read again.
    Column("shut_at", UtcTime),
    dated(),
    UniqueConstraint("platform", "origin", "post_id"),
)

version = Table(
    "version",
    metadata,
    number(),
    owner("post", "post"),
    Column("digest", String(64), nullable=False),
    Column("body", Json, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("read_by", Text),
    Column("tries", Integer, nullable=False, default=0),
    # Why its text and author are not kept any more, where the platform lets nobody keep them for longer; and since when
    # the author alone is not.
    Column("erased", AnyText),
    Column("unnamed_at", UtcTime),
    dated(),
    UniqueConstraint("post", "digest"),
    waiting("version", "id", "read_by IS NULL"),
)

# Which account brought which version: a post may be brought by the searches of several schools.
sighting = Table(
    "sighting",
    metadata,
    number(),
    owner("version", "version"),
    Column("account", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("matched_at", UtcTime),
    dated(),
    UniqueConstraint("version", "account"),
    waiting("sighting", "version", "matched_at IS NULL"),
)

verdict = Table(
    "verdict",
    metadata,
    number(),
    owner("version", "version"),
    Column("classifier", String(100), nullable=False),
    Column("model_version", String(100), nullable=False),
    Column("body", Json, nullable=False),
    # The stretches that moved the labels, measured for what is flagged; NULL where that was not done.
    Column("moved", Json),
    Column("unread", String(40), index=True),
    Column("at", UtcTime, nullable=False),
    dated(),
    UniqueConstraint("version", "classifier", "model_version"),
)

mention = Table(
    "mention",
    metadata,
    number(),
    owner("version", "version"),
    Column("school", String(200), nullable=False),
    Column("relevance", String(10), nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("judged_at", UtcTime),
    Column("judged_pack", String(200)),
    dated(),
    UniqueConstraint("version", "school"),
    Index("ix_mention_school_at", "school", "at"),
    waiting("mention", "version", "judged_at IS NULL"),
)

answer = Table(
    "answer",
    metadata,
    number(),
    owner("mention", "mention"),
    Column("question", String(40), nullable=False),
    Column("value", AnyText, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reason", AnyText),
    dated(),
)

# What a person said of a label on one post version, where the school has agreed that it be kept. It hangs on the
# mention, and so goes with the post and with the school; of the post and its author it holds nothing.
correction = Table(
    "correction",
    metadata,
    number(),
    owner("mention", "mention"),
    Column("label", String(40), nullable=False),
    Column("decision", String(20), nullable=False),
    Column("by", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    dated(),
    UniqueConstraint("mention", "label"),
)

incident = Table(
    "incident",
    metadata,
    number(),
    Column("reference", String(20), nullable=False, unique=True),
    Column("school", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("concerns", Json, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("about", Text),
    Column("accused", Json, nullable=False),
    Column("targets", Json, nullable=False),
    Column("account", String(200)),
    Column("opened_at", UtcTime, nullable=False),
    Column("last_flag_at", UtcTime, nullable=False),
    Column("posts", Integer, nullable=False),
    Column("news", Json, nullable=False),
    Column("plan_due", Boolean, nullable=False),
    # Before this the news wait: what is told is held back by nothing where it is grave.
    Column("plan_at", UtcTime),
    # What its worst flag weighs, how many were heard and how often one of them was.
    Column("harm", Integer),
    Column("voices", Integer, nullable=False, server_default="1"),
    Column("repeats", Integer, nullable=False, server_default="0"),
    # When it was known, by when somebody must have acted, when it is next followed up, how often it has been.
    Column("found_at", UtcTime),
    Column("act_by", UtcTime),
    Column("chase_at", UtcTime, index=True),
    Column("chased", Integer, nullable=False, server_default="0"),
    Column("acknowledged_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("held_by", AnyText),
    dated(),
    Index("ix_incident_last_flag_at", "last_flag_at", "reference"),
    Index("ix_incident_school_last_flag_at", "school", "last_flag_at"),
    waiting("incident", "id", "plan_due"),
)

# The fingerprints of what is open; they go when the incident closes, so that nothing joins it any more.
fingerprint = Table(
    "fingerprint",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("incident", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, index=True),
)

flag = Table(
    "flag",
    metadata,
    number(),
    owner("mention", "mention"),
    Column("pack", String(100), nullable=False),
    Column("pack_version", String(40), nullable=False),
    Column("rule", String(100), nullable=False),
    Column("input", String(64), nullable=False),
    Column("concern", String(40), nullable=False),
    Column("body", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("withdrawn_at", UtcTime),
    Column("withdrawn_why", AnyText),
    Column("grouped_at", UtcTime),
    Column("explained_at", UtcTime),
    owner("incident", "incident", nullable=True),
    dated(),
    UniqueConstraint("mention", "pack", "pack_version", "rule", "input"),
    waiting("flag", "id", "grouped_at IS NULL AND withdrawn_at IS NULL"),
    Index("ix_flag_unexplained", "id", sqlite_where=text(UNEXPLAINED), postgresql_where=text(UNEXPLAINED)),
)

event = Table(
    "event",
    metadata,
    number(),
    owner("incident", "incident"),
    Column("at", UtcTime, nullable=False),
    Column("what", String(40), nullable=False),
    Column("detail", AnyText, nullable=False),
    # Who did it, to whom it was passed, and whether the others still have to hear of it.
    Column("by", AnyText),
    Column("passed_to", AnyText),
    Column("tell_due", Boolean, nullable=False, server_default=false()),
    dated(),
    waiting("event", "id", "tell_due"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", String(200), primary_key=True),
    owner("incident", "incident", nullable=True),
    Column("subject_of", String(200), nullable=False),
    Column("receiver", AnyText, nullable=False),
    Column("address", AnyText, nullable=False),
    Column("role", String(40), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("message", LargeBinary, nullable=False),
    # Grave: taken before all others.
    Column("urgent", Boolean, nullable=False, server_default=false()),
    Column("state", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("retry_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", AnyText),
    dated(),
    UniqueConstraint("subject_of", "receiver", "reason", "sequence"),
    waiting("notice", "retry_at", "state = 'pending'"),
)

# Counts for pages and digests, changed by difference in the transaction that changes what they count.
rollup = Table(
    "rollup",
    metadata,
    Column("school", String(200), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("what", String(60), primary_key=True),
    Column("n", Integer, nullable=False),
)

# What calls may cost and what they did: reserved before the call, settled with what it brought. What is never settled
# counts as spent. ``unit`` is what the app's platform counts in: calls, units, searches, or millionths of a pound.
spend = Table(
    "spend",
    metadata,
    number(),
    Column("app", String(200), nullable=False),
    Column("platform", String(40), nullable=False),
    Column("account", String(200), nullable=False, index=True),
    Column("school", String(200)),
    Column("unit", String(20), nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("settled", BigInteger),
    # Posts that the call brought, and those of them that had been paid for before.
    Column("posts", Integer),
    Column("again", Integer),
    Column("at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    dated(),
    Index("ix_spend_app_unit_at", "app", "unit", "at"),
    Index("ix_spend_platform_unit_at", "platform", "unit", "at"),
)

# What a platform lets an account read with: encrypted, with whose it is and until when. No personal data but the owner.
token = Table(
    "token",
    metadata,
    Column("account", String(200), primary_key=True),
    Column("access", LargeBinary, nullable=False),
    Column("refresh", LargeBinary),
    Column("owner", AnyText, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("refresh_expires_at", UtcTime),
    Column("refreshed_at", UtcTime),
    # How many days ahead its end was last announced.
    Column("reminded", Integer),
)

# A link by which the owner of an account lets Watcher read it: its verifier stays here, encrypted, until it is used.
invitation = Table(
    "invitation",
    metadata,
    Column("state", String(100), primary_key=True),
    Column("account", String(200), nullable=False),
    Column("verifier", LargeBinary, nullable=False),
    Column("redirect", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("tried_at", UtcTime),
    Column("used_at", UtcTime),
    dated(),
)

# One value a key: when the service last ticked, when the last purge ran and what it deleted.
fact = Table(
    "fact",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
)
