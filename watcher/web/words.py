"""The pages' own texts, kept apart from their layout so that another language can take their place."""

from __future__ import annotations

from alerts.school import title
from alerts.wording import concern_name, label_name, role_name, state_name
from watcher.store.gaps import Missing

_SPANS = {
    "pupil_name": "a pupil’s name",
    "adult_name": "an adult’s name",
    "handle": "an account",
    "postcode": "a postcode",
    "address": "an address",
    "phone": "a telephone number",
    "email": "an e-mail address",
    "class": "a class",
    "date_of_birth": "a date of birth",
    "other": "something else",
}
_KINDS = {"post": "Post", "comment": "Comment", "reply": "Reply", "review": "Review", "report": "Report"}
_SEVERITY = {5: "Urgent", 4: "Serious", 3: "Important", 2: "Ordinary", 1: "For information"}
_RELEVANCE = {
    "yes": "It is about this school",
    "no": "It is not about this school",
    "unclear": "It is unclear whether it is about this school",
}
_REASONS = {
    "opened": "a new matter",
    "new_concern": "a further concern",
    "new_target": "somebody else is aimed at",
    "more_severe": "it has become more serious",
    "chased": "a reminder",
    "digest": "the weekly summary",
    "blind_spot": "a source cannot be read",
    "summary": "a summary",
    "token_ends": "a permission to read ends",
    "said_again": "it was said again",
    "escalated": "nobody had answered",
    "stood_down": "somebody has it",
    "handed_over": "it was handed over",
    "handed_back": "it was handed back",
}
_EVENTS = {
    "opened": "Opened",
    "new_reason": "It cannot be read for another reason now",
    "new_concern": "A further concern",
    "new_target": "Somebody else is aimed at",
    "more_severe": "It became more serious",
    "told": "A message was written",
    "passed_over": "Not told",
    "sent": "The message was sent",
    "undelivered": "The message could not be delivered",
    "corrected": "A person corrected the labels",
    "withdrawn": "What was flagged is taken back",
    "edited": "Changed at the source",
    "gone": "Deleted at the source",
    "back": "Back at the source",
    "erased": "Text not kept any more",
    "removed": "Content of a post removed",
    "opened_up": "Opened to the IT provider",
    "shut_again": "Closed to the IT provider again",
    "said_again": "It was said again",
    "followed_up": "Nobody had answered",
    "held_back": "A message waits",
    "handed_over": "Handed over",
    "handed_back": "Handed back",
    "escalated": "Escalated by a person",
    "reopened": "Opened again",
    "split": "Split by a person",
    "merged": "Merged by a person",
}
_DELIVERY = {"pending": "Waiting to be sent", "sent": "Sent", "failed": "Could not be delivered"}
_ARRIVALS = {
    "sent": ("good", "Delivered"),
    "some": ("plain", "Delivered, but not to every address"),
    "pending": ("plain", "On its way"),
    "failed": ("bad", "Not delivered"),
    "none": ("plain", "No message yet"),
}
_READS = {"posts": "posts", "comments": "comments", "mentions": "mentions", "search": "search results"}
_MEDIA = {"image": "picture", "video": "video", "audio": "sound", "other": "attachment"}
STANDINGS = {
    "blind": "Cannot be read",
    "saving": "Waits for its budget",
    "silent": "Fallen silent",
    "failing": "In trouble",
    "late": "Overdue",
    "off": "Off",
    "new": "Not read yet",
    "read": "Is read",
}


def begin(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def label(name: str) -> str:
    """A label of the models as people say it."""
    return label_name(name)


def marking(kind: str) -> str:
    """What a marked stretch of text is."""
    return _SPANS.get(kind, kind.replace("_", " "))


def kind(name: str) -> str:
    """What kind of post it is."""
    return _KINDS.get(name, name.capitalize())


def severity(level: int) -> str:
    """How much harm a matter may do, in a word."""
    return _SEVERITY.get(level, str(level))


def relevance(name: str) -> str:
    """Whether a post is about the school, as a sentence."""
    return _RELEVANCE.get(name, name)


def reason(name: str) -> str:
    """Why somebody was told."""
    return _REASONS.get(name, name.replace("_", " "))


def delivery(state: str) -> str:
    """What became of a message."""
    return _DELIVERY.get(state, state)


def arrived(how: str) -> tuple[str, str]:
    """What became of the messages about a matter (``watcher.listing.arrival``): the look of a tag, and its words."""
    return _ARRIVALS[how]


def event(what: str, detail: str) -> tuple[str, str]:
    """A line of the timeline: what happened, and to whom or why."""
    name = _EVENTS.get(what) or state_name(what)
    role, _, rest = detail.partition(" (")
    if what == "told" and rest.endswith(")"):
        return name, f"To the {title(role)}: {reason(rest[:-1])}"
    if what == "sent":
        return name, f"To the {title(detail)}"
    role, colon, rest = detail.partition(": ")
    if what == "undelivered" and colon:
        return name, f"To the {title(role)}: {rest}"
    if what == "passed_over" and colon:
        return name, f"The {title(role)}: {rest}"
    return name, detail


def reads(names: tuple[str, ...]) -> str:
    """What is read of a source."""
    return ", ".join(_READS.get(name, name) for name in names)


def medium(name: str) -> str:
    """What is attached to a post."""
    return _MEDIA.get(name, name)


def gap(missing: Missing) -> str:
    """What becomes of a stretch of time that a platform did not give, or of what cannot be read at all."""
    if missing.is_unreadable and missing.filled_at is not None:
        return "It can be read again."
    if missing.is_unreadable:
        return "It is no stretch of time: nothing of it can be fetched as long as this lasts."
    if missing.state == "filled":
        return "Filled since: nothing is missing."
    if missing.state == "filling":
        return "Watcher is fetching it."
    if missing.fill_why:
        return f"It stays missing: {missing.fill_why}."
    return "It cannot be fetched: since when is not known." if missing.gap.start is None else "It stays missing."


def concerns(names: tuple[str, ...]) -> str:
    """Several concerns in one line."""
    first, *others = [concern_name(name) for name in names] or ["Unnamed matter"]
    return ", ".join([first, *(other[:1].lower() + other[1:] for other in others)])


def told(notices: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """In one line who was told, and the worst that became of it: ``sent``, ``pending``, ``failed`` or ``none``."""
    if not notices:
        return "Nobody yet", "none"
    roles = tuple(dict.fromkeys(role for role, _ in notices))
    states = {role: [state for r, state in notices if r == role] for role in roles}
    reached = [role_name(role) for role in roles if "sent" in states[role]]
    lost = any(set(of) == {"failed"} for of in states.values())
    waiting = any("pending" in of for of in states.values())
    text = ", ".join(reached) or "Nobody yet"
    return text, "failed" if lost else "pending" if waiting else "sent"
