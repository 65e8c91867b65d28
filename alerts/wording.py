"""The plain words in which people are told: concerns, platforms, times, what to do at once and what never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.route import CHECKER, Route
from alerts.school import title

# Concern: its name, and in one sentence what has happened, without a word of the post.
_CONCERNS = {
    "criticism": ("Criticism", "Somebody has criticised the school, the trust or a decision in public."),
    "complaint": ("Complaint", "Somebody has complained in public and asks for something to be put right."),
    "misconduct_allegation": (
        "Allegation about conduct",
        "A post alleges misconduct by somebody who works for the school.",
    ),
    "staff_conduct": ("Staff conduct online", "A member of staff may have broken the policy online."),
    "pupil_conduct": ("Pupil conduct online", "A pupil may have broken the policy online."),
    "parent_conduct": ("Parent conduct online", "A parent may have broken the policy on a school account."),
    "cyberbullying": ("Cyberbullying", "A post attacks or humiliates a person."),
    "trolling": ("Trolling", "Posts seem meant to provoke."),
    "threat": ("Threat", "A post may threaten somebody."),
    "discrimination": ("Discrimination", "A post attacks people for who they are."),
    "self_harm": ("Risk of self-harm", "A post suggests that somebody may harm themselves."),
    "child_at_risk": ("A child may be at risk", "A post suggests that a child may be at risk of harm."),
    "sexual_content": ("Sexual content", "A post may hold sexual content."),
    "indecent_image": ("Suspected indecent image", "A post may hold an indecent image of a child."),
    "extremism": ("Extremism", "A post may promote extremism or draw somebody into it."),
    "illegal_activity": ("Suspected illegal activity", "A post may show or plan a crime."),
    "identifies_pupil": ("Pupil identified", "A post makes it possible to tell who a pupil is."),
    "official_post_breach": (
        "Official post to check",
        "A post on an official account may break the rules for such posts.",
    ),
    "confidential_information": ("Confidential information", "A post may reveal confidential information."),
    "protected_identity": ("Protected identity", "A post may reveal an identity that the law protects."),
    "defamation": ("Possible defamation", "A post may be defamatory."),
    "copyright": ("Copyright", "A post may use somebody else’s work without leave."),
    "impersonation": ("Impersonation", "An account or post may pretend to speak for the school."),
    "contact_with_pupil": (
        "Contact outside the rules",
        "There may be contact between staff and pupils or parents outside the rules.",
    ),
    "sar": (
        "Subject access request",
        "Somebody asks in public for the personal data that is held about them. The clock has started.",
    ),
    "press": ("Press enquiry", "Somebody asks for a comment for publication."),
    "inappropriate_content": ("Inappropriate content", "There is content that may have to be blocked."),
    "policy_question": ("Question about the policy", "Somebody asks about the social media policy."),
    "account_request": ("Account request", "Somebody asks for a new account or for access to one."),
    "foi": (
        "Freedom of information request",
        "Somebody asks in public for information that is held. The clock has started.",
    ),
    "dp_complaint": ("Data protection complaint", "Somebody complains in public about how personal data is handled."),
    "underage_account": ("Underage account", "An account may belong to a child below the platform’s age."),
    "personal_data": ("Personal data", "A post makes somebody’s personal data public."),
    "blind_spot": (
        "Source that cannot be read",
        "Watcher does not see what a source says: it cannot be read, or has fallen silent. What is said there goes "
        "unseen until this is mended.",
    ),
    "praise": ("Praise", "Somebody has praised the school."),
}
_PLATFORMS = {
    "x": "X",
    "youtube": "YouTube",
    "google_reviews": "Google reviews",
    "linkedin": "LinkedIn",
    "tiktok": "TikTok",
    "wordpress": "WordPress",
    "reddit": "Reddit",
    "forum": "Forum",
    "rss": "Web feed",
    "archive": "Archive file",
    "report": "Report by a person",
    "mailbox": "Mailbox",
}
_LABELS = {
    "criticism": "Criticism",
    "cyberbullying": "Cyberbullying",
    "identifies_pupil": "Identifies a pupil",
    "threat": "Threat",
    "hate": "Hate",
    "self_harm": "Self-harm",
    "extremism": "Extremism",
    "sexual_content": "Sexual content",
    "sar": "Asks for personal data",
    "press": "Press enquiry",
    "impersonation": "Impersonation",
    "praise": "Praise",
}
_STATES = {
    "open": "Waiting for somebody",
    "acknowledged": "Acknowledged",
    "in_progress": "In progress",
    "resolved": "Resolved",
    "dismissed": "Dismissed",
}
_UNREAD = {
    "language": "in a language Watcher does not read",
    "picture": "pictures with little text",
    "too_long": "too long to read whole",
    "empty": "without text",
}
_DANGER = "If anyone is in immediate danger, call 999 now."
_IMAGE = (
    "Do not open, copy, download, photograph, print or forward what the post shows, and ask nobody else to look. "
    "Not even as evidence: the address and the time are enough."
)
# What holds whatever the policy says, and whom to call at once; where else to turn stands in the help's data file.
_ADVICE = {
    "self_harm": (_DANGER,),
    "child_at_risk": (_DANGER,),
    "threat": (_DANGER,),
    "extremism": (_DANGER,),
    "sexual_content": (_IMAGE, _DANGER),
    "indecent_image": (_IMAGE, _DANGER),
    "illegal_activity": (_DANGER,),
    "protected_identity": ("Do not repeat the name in any message, not even to ask about it.",),
}
# Whoever runs Watcher: the pages open at their machine, and theirs is the command that closes a matter.
_OPERATOR = "it_provider"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
# Up to so many minutes a task reads as hours of this day, up to so many as the next working day.
_THIS_DAY, _NEXT_DAY, _HOUR = 600, 2880, 60


def concern_name(concern: str) -> str:
    """A concern as people say it."""
    return _CONCERNS[concern][0] if concern in _CONCERNS else concern.replace("_", " ").capitalize()


def concern_names(concerns: Iterable[str]) -> str:
    """Several concerns as one phrase: ``Threat and cyberbullying``."""
    first, *rest = (concern_name(concern) for concern in concerns)
    return listed((first, *(name[:1].lower() + name[1:] for name in rest)))


def happening(concern: str) -> str:
    """In one sentence what has happened, without a word of the post; empty for a concern of somebody's own."""
    return _CONCERNS[concern][1] if concern in _CONCERNS else ""


def advice(concerns: Iterable[str]) -> tuple[str, ...]:
    """Whom to call and what never to do, whatever the policy says; each sentence once."""
    return tuple(dict.fromkeys(line for concern in concerns for line in _ADVICE.get(concern, ())))


def platform_name(platform: str) -> str:
    """A platform as it writes itself."""
    return _PLATFORMS.get(platform, platform.replace("_", " ").capitalize())


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """``1 post``, ``2 posts``, ``1,204 posts``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def label_name(label: str) -> str:
    """A label of the models as people say it."""
    return _LABELS.get(label, label.replace("_", " ").capitalize())


def label_phrase(label: str) -> str:
    """A label within a sentence."""
    name = label_name(label)
    return name[:1].lower() + name[1:]


def state_name(state: str) -> str:
    """An incident's state as people say it."""
    return _STATES.get(state, state)


def unread_name(reason: str) -> str:
    """Why posts went unread, as the end of a sentence."""
    return _UNREAD.get(reason, reason.replace("_", " "))


def role_name(role: str) -> str:
    """A role at the beginning of a line."""
    name = title(role)
    return name[:1].upper() + name[1:]


def listed(names: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = tuple(names) or ("",)
    return f"{', '.join(most)} and {last}" if most else last


def told_list(roles: Iterable[str], names: Mapping[str, str]) -> str:
    """Those who were told, by role and, where it is given, by name: ``the DSL (Ann Example) and the CEO``."""
    found = [f"the {title(role)}" + (f" ({names[role]})" if names.get(role) else "") for role in roles]
    return listed(found) if found else ""


def first_step(reference: str) -> str:
    """What to do where a policy says nothing: to decide and to keep a note of it is always the next step."""
    return f"Decide what is to be done and by whom, and keep your own note of it under the reference {reference}."


def page_line(role: str, *, accused: bool, closed: bool = False) -> str:
    """Where the matter's page can be opened, and by whom, said to the holder of that role; ``closed`` to the provider.

    The provider's own roles are told nothing of a closed matter but that it is there.
    """
    if accused:
        return "The page opens only on the machine where Watcher runs, and shows the posts to nobody yet."
    if closed and role != _OPERATOR:
        return (
            "The page opens only on the machine where Watcher runs. It shows your IT provider no more than the "
            "reference and whether the messages arrived, unless the DSL opens the matter to them."
        )
    if role == _OPERATOR:
        return "The page opens only on the machine where Watcher runs."
    return "The page opens only on the machine where Watcher runs. Until sign-in arrives, your IT provider can open it."


def post_line(addresses: int, *, open_it: bool) -> str:
    """Where the posts themselves are; empty where nobody should look for them."""
    if not open_it:
        return ""
    if not addresses:
        return "Watcher has no web address for the post itself."
    if addresses == 1:
        return "The post itself is where it was published: its address is under “Where”."
    return "The posts themselves are where they were published: their addresses are under “Where”."


def closing_lines(role: str, references: Sequence[str]) -> list[str]:
    """How each of several matters is closed: a command apiece for who types them, else one request for all."""
    if role in (CHECKER, _OPERATOR):
        return [closing_line(role, reference) for reference in references]
    return [closing_line(role, ", ".join(references))]


def closing_line(role: str, reference: str, *, accused: bool = False) -> str:
    """How a settled matter is closed, said to the holder of that role: no page and no reply to this mail does it."""
    if role == CHECKER:
        return (
            "When you know which school it is about, say so, yourself or through your IT provider: "
            f"watcher mentions {reference} --about SCHOOL (or none)."
        )
    if role == _OPERATOR:
        return f'When it is settled, close it: watcher incidents {reference} --set resolved --why "…" (no names).'
    if accused:
        return (
            f"When it is settled, give whoever runs Watcher the reference {reference} and the word “settled”. "
            "It is all they need: tell them nothing else of it."
        )
    return (
        f"When it is settled, ask your IT provider to close {reference} in Watcher. "
        "The reference is all they need: tell them nothing else of it."
    )


def subject_line(about: str | None) -> str:
    """Whom a matter may be about, as a sentence; ``about`` is roles joined by commas, empty where it is nobody."""
    accused = [f"the {title(role.strip())}" for role in (about or "").split(",") if role.strip()]
    return f"It is, or may be, about {listed(accused)}, whom Watcher has not told." if accused else ""


def silence_line() -> str:
    """Whom not to tell of a matter with an accused."""
    return (
        "Please do not tell them, or anybody who would, and do not show them this message, "
        "until you have decided how to proceed."
    )


def discretion(about: str | None) -> str:
    """Whom not to tell: those whom a matter may be about; empty where it is about nobody."""
    accused = subject_line(about)
    return f"{accused} {silence_line()}" if accused else ""


def long_day(moment: datetime, timezone: str) -> str:
    """``Friday 20 November 2026`` in that time zone, whatever the machine's language."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"


def long_time(moment: datetime, timezone: str) -> str:
    """``Friday 20 November 2026, 08:15`` in that time zone."""
    return f"{long_day(moment, timezone)}, {moment.astimezone(ZoneInfo(timezone)):%H:%M}"


def span_of_time(minutes: int) -> str:
    """Minutes as a task's time: ``immediately``, ``within the working day``, ``by the next working day``."""
    if minutes < _HOUR:
        return "immediately"
    if minutes < _THIS_DAY // 2:
        return "within the hour" if minutes == _HOUR else f"within {minutes // _HOUR} hours"
    if minutes <= _THIS_DAY:
        return "within the working day"
    return "by the next working day" if minutes <= _NEXT_DAY else f"within {-(-minutes // 1440)} days"


def lasting(minutes: int) -> str:
    """How long something took, roughly: ``25 minutes``, ``3 hours``, ``2 days``."""
    if minutes < _HOUR:
        return counted(max(minutes, 1), "minute")
    if minutes < 48 * _HOUR:
        return counted(round(minutes / _HOUR), "hour")
    return counted(round(minutes / (24 * _HOUR)), "day")


def short_day(moment: datetime, timezone: str) -> str:
    """``20 November`` in that time zone."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local.day} {_MONTHS[local.month - 1]}"


def act_phrase(route: Route) -> str:
    """How soon to act, for a subject line: the policy's own word, or else ours."""
    return f"act {route.within or span_of_time(route.within_minutes)}"


def how_soon(route: Route) -> str:
    """How soon to act, and whose word that is."""
    ours = span_of_time(route.within_minutes)
    if route.within is None:
        return f"The policy names no time. Watcher’s own rule: {ours}."
    if route.within == ours:
        return f"The policy says “{route.within}”."
    return f"The policy says “{route.within}”. Watcher reads that as {ours}; the reading is ours and can be changed."
