"""What the daily test post is known by, so that it is counted nowhere and shown to no school; pure."""

from __future__ import annotations

PLATFORM = "synthetic"
ACCOUNT = "watcher:probe"
# No school's id holds a colon, so that this one can never be in the register.
SCHOOL = "watcher:probe"
CONCERN = "criticism"
TEXT = (
    "Two weeks without heating again. Shame on this school, it is a disgrace. "
    "(Written by Watcher to test itself: nobody said this.)"
)
