"""Speech that the law protects: industrial action, unions, elections, belief, whistleblowing and petitions.

Nobody's conduct is judged for it by a machine. The words are taken widely: where one of them stands, a person decides,
with a reason. The law behind it: TULRCA 1992 (unions, industrial action), Equality Act 2010 section 10 and Articles 9
to 11 of the Convention (belief, expression, assembly), the Public Interest Disclosure Act 1998.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alerts.text import fold

# What such speech never becomes without a person's reasoned decision.
NEVER = ("staff_conduct", "parent_conduct", "defamation")

_PARTY = (
    r"(?:labour|conservatives?|tory|tories|lib ?dems?|liberal democrats?|greens?|green party|reform(?: uk)?|plaid"
    r"(?: cymru)?|snp|sinn fein|dup)"
)
_FAITH = (
    r"(?:christians?|catholics?|muslims?|jew(?:s|ish)?|sikhs?|hindus?|buddhists?|quakers?|humanists?|atheists?"
    r"|pagans?|vegans?|pacifists?|jehovah's witness(?:es)?|evangelicals?)"
)
_AUTHORITY = (
    r"(?:the )?(?:ofsted|estyn|hse|lado|dfe|esfa|ico|nspcc|regulator|information commissioner|ombudsman|council"
    r"|local authority|charity commission|police|governors|trustees|press|papers)"
)
# By kind; the first kind that is found is named.
KINDS: tuple[tuple[str, str], ...] = (
    (
        "industrial action",
        r"(?:on|join(?:s|ed|ing)?|back(?:s|ed|ing)?|support(?:s|ed|ing)?|call(?:s|ed|ing)?|the|this|our|your|their|a"
        r"|another|teachers'?|staff|of|for|to|more|national|one[- ]day|\d+[- ]day|during|after|before) "
        r"strikes?(?! (?:again|a |me|you|him|her|us|them|the|lucky|gold|force|rate|price|out|up))"
        r"|strike (?:action|days?|ballot|pay|fund|vote|notice|mandate|is on)|strikers?"
        r"|(?:teachers|staff|tas|workers|cleaners|we(?:'re| are)?|who(?:'s| are)?|members|them|be|is|are) striking"
        r"|striking (?:teachers|staff|tas|workers|cleaners|over|for|tomorrow|today|because|members)"
        r"|we(?:'ll| will)? strike|picket(?:s|ing|ed)?(?: lines?)?(?! fenc)|industrial action|work(?:ing)? to rule"
        r"|action short of (?:a )?strike|walk-?outs?|walked out (?:over|in protest|together|because)|ballot(?:ed"
        r"|ing|s)?",
    ),
    (
        "union",
        r"(?<!student )(?<!students )(?<!students' )(?<!student's )(?<!credit )(?<!rugby )(?<!european )(?<!soviet )"
        r"(?<!western )(?<!civil )(?<!cricket )unions?"
        r"(?! (?:jack|flag|street|road|square|canal|station|club|terrace|place|hall|chapel|inn))"
        r"|unioni[sz]\w+|neu|nasuwt|naht|ascl|(?<!in )unison|gmb|ucu|the eis|ucac|shop stewards?|facility time"
        r"|collective bargaining",
    ),
    (
        "election",
        r"(?:by-?)?elections?|re-?elect\w*|referendums?|hustings|manifestos?|polling (?:day|station|card)s?"
        r"|canvass\w*"
        rf"|vot(?:e|ed|es|ing) (?:for )?{_PARTY}|{_PARTY} (?:party|candidates?|councillors?|mps?|councils?|leaflets?"
        rf"|government|conference|voters?|members?|posters?)|councillors?"
        r"|(?:stand|standing|stood|stands|run|running|ran) (?:for|as) (?:a )?(?:parent governor|governor|council\w*"
        r"|parliament|election|office|mp|mayor)"
        r"|(?:vote|voting|voted) (?:for|against) (?:the |this |our |any )?(?:council\w*|mp|mayor|candidate"
        r"|parent governor"
        r"|government|party|cuts|academisation)|(?:my|our|local|your) mp|political (?:views?|part(?:y|ies)|opinions?"
        r"|campaign\w*)|constituen(?:cy|ts)",
    ),
    (
        "belief",
        r"(?:my|our|his|her|their|your|religious|personal|deeply held|philosophical) (?:faith|beliefs?|religion"
        r"|convictions?|conscience)|faith(?: group| communit\w+)|religious\w*"
        rf"|(?:as|i'm|i am|we're|we are|being) (?:an? )?(?:\w+ )?{_FAITH}|i believe in (?:god|jesus|allah|christ"
        rf"|the bible)"
        r"|gender[- ]critical|sex is (?:binary|real|immutable|biological)|conscientious(?:ly)? object\w*|pro-?life"
        r"|pro-?choice|freedom of (?:religion|belief|conscience|speech|thought|expression)|free speech"
        r"|(?:the )?(?:bible|qur'?an|koran|torah|scriptures?|gospel)|god's (?:word|law|design|plan)|pray(?:s|ed|ing"
        r"|er|ers)?"
        r"|prophet|hijab|kippah|turban",
    ),
    (
        "whistleblowing",
        r"whistle ?-?blow\w*|(?:blow|blows|blowing|blew|blown) the whistle|protected disclosures?"
        r"|public[- ]interest disclosures?|(?:speak|speaks|speaking|spoke|spoken) (?:up|out)"
        r"|(?:rais(?:e|ed|ing)|report(?:ed|ing)?) (?:\w+ ){0,3}concerns? (?:\w+ ){0,4}(?:to|with) "
        rf"{_AUTHORITY}|(?:i|we|i've|we've|i'm|we're|i'll|we'll|have|am|are|been) (?:\w+ )?(?:report(?:ed|ing)?"
        rf"|disclos(?:e|ed|ing)|referr(?:ed|ing)|told|wrote|written|gone|going|went) (?:\w+ ){{0,4}}{_AUTHORITY}"
        r"|gagging (?:clauses?|orders?)|non-?disclosure agreements?|ndas?|(?:victimised|punished|sacked|suspended"
        r"|managed out)"
        r" for (?:speaking|raising|reporting|telling)",
    ),
    (
        "petition",
        r"petition(?:s|ed|ing|er|ers)?|\d+ signatures|signatures? (?:so far|needed|and counting)"
        r"|(?:sign|signed|signing) (?:and share|our|the|this) (?:open )?(?:letter|campaign|here)|open letters?"
        r"|change\.org|38 ?degrees",
    ),
)
_KIND = re.compile(r"(?<![\w])(?:" + "|".join(f"(?P<k{n}>{words})" for n, (_, words) in enumerate(KINDS)) + r")(?!\w)")


@dataclass(frozen=True, kw_only=True)
class Protected:
    """Speech that the law protects: its kind, and where the folded text has it."""

    kind: str
    start: int
    end: int


def protected(text: str) -> Protected | None:
    """The first protected speech in a text, or ``None``: industrial action, a union, an election, belief and so on."""
    match = _KIND.search(fold(text))
    if match is None:
        return None
    kind = KINDS[int((match.lastgroup or "k0")[1:])][0]
    return Protected(kind=kind, start=match.start(), end=match.end())
