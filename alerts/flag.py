"""One rule of one pack that holds for one mention; pure."""

from __future__ import annotations

from dataclasses import dataclass

# The vocabulary of concerns; packs, commands and settings use these names, and new ones may only be added.
CONCERNS = (
    "criticism",
    "complaint",
    "misconduct_allegation",
    "staff_conduct",
    "pupil_conduct",
    "parent_conduct",
    "cyberbullying",
    "trolling",
    "threat",
    "discrimination",
    "self_harm",
    "child_at_risk",
    "sexual_content",
    "indecent_image",
    "extremism",
    "illegal_activity",
    "identifies_pupil",
    "official_post_breach",
    "confidential_information",
    "protected_identity",
    "defamation",
    "copyright",
    "impersonation",
    "contact_with_pupil",
    "sar",
    "press",
    "inappropriate_content",
    "policy_question",
    "account_request",
    "foi",
    "dp_complaint",
    "underage_account",
    "personal_data",
    "blind_spot",
    "praise",
)
# Never bundled, never capped, never swallowed by another post: each joins only by same thread and same author.
GRAVE = ("self_harm", "child_at_risk", "threat", "sexual_content", "indecent_image", "extremism")
# Opinion: a burst of it about one school is one matter.
OPINION = ("criticism", "complaint")
# The only concerns whose mail may quote the post.
QUOTABLE = ("criticism", "complaint", "press", "sar", "foi", "dp_complaint")


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A rule that holds: its concern, the clause it rests on, whom it is about and at, and a sentence that says why.

    ``label`` and ``score`` are the verdict's (``None`` where no model is behind it); ``about`` is the accused and
    ``target`` the person aimed at, both as roles; ``author`` is a kind of person; ``review`` marks a score in the
    undecided band, which a person should look at. ``confirmed`` says that the post is known to concern the school;
    until then one checker alone is told. ``target_person`` is who is threatened, where it is known which person that
    is: the ids of the register, several joined by commas.
    """

    rule: str
    pack: str
    pack_version: str
    concern: str
    why: str
    label: str | None = None
    score: float | None = None
    clause: str | None = None
    about: str | None = None
    target: str | None = None
    author: str | None = None
    review: bool = False
    confirmed: bool = True
    target_person: str | None = None
