"""Plain forms of words for what no model reads: a freedom of information request, a formal complaint, and so on.

A form counts only where it is plain. It is looked for in small letters; whatever is said about such things ("the FOI
answer came back", "no complaints from us") is none. Everything else comes by a person's answer.
"""

from __future__ import annotations

import re

from alerts.text import fold

_WORDS = r"(?:[\w'-]+ )"
_INFORMATION = r"(?:freedom of information(?: act)?(?: 2000)?|foi(?:a)?|environmental information regulations|eir)"
_STAFF = (
    r"(?:teacher|teaching assistant|ta|tutor|coach|head of year|sir|miss|(?:mr|mrs|ms|dr)\.? [a-z][\w'-]+"
    r"|member of staff|staff member|cover supervisor|caretaker|lunchtime supervisor)"
)
_PUPIL = (
    r"(?:(?:my|our|her|his|their) (?:\w+ )?(?:son|daughter|child|boy|girl|kid|lad)s?|pupils?|(?:year|yr) ?\d{1,2}s?"
    r"(?: (?:girl|boy|pupil|kid)s?)?|me|us|girls|boys|kids|students?)"
)
_PRIVATE = (
    r"(?:snap(?:chat)?|insta(?:gram)?|tiktok|whatsapp|discord|facebook|messenger|telegram|ig|private message|dms?)"
)
_ELSEWHERE = (
    r"(?! (?:[\w'-]+ ){0,3}?(?:to|with|against|about) (?:the |my |our )?(?:\w+ )?(?:bus|coach|train|taxi|council"
    r"|police|travel"
    r"|hospital|surgery|gp|landlord|broadband|bank|shop|company|airline|letting|energy|gas|water|app|ombudsman)\b)"
)
_UNDER = r"(?:[5-9]|1[0-2])"

# By name, as the rules of a pack ask for it.
_FORMS: tuple[tuple[str, str], ...] = (
    (
        "foi",
        # A request, not the news of one: made, or put as a heading before what is asked.
        rf"(?:this is|treat this as|take this as|accept this as|consider this|please regard this as) (?:a |an |my "
        rf"|our )?"
        rf"(?:formal |official )?{_INFORMATION} request"
        rf"|(?:i|we) (?:\w+ ){{0,3}}(?:request|ask|require|would like|seek|want)(?:ing)? {_WORDS}{{0,8}}(?:under|by"
        rf"|using) "
        rf"(?:the )?{_INFORMATION}"
        rf"|(?:under|pursuant to|using) (?:the )?{_INFORMATION}(?: act(?: 2000)?)?,? (?:please|i|we|can|could"
        rf"|will you|kindly"
        rf"|tell|send|provide|disclose)"
        rf"|(?:make|making|submit|submitting|send|sending|lodge|lodging) (?:a |an |my |our |the following )(?:\w+ )?"
        rf"{_INFORMATION} request (?:for|to you|to the school|to the trust|about|on|asking|please|here)"
        rf"|(?:^|(?<=[\n.!?:])|(?<=[.!?:] )|@[\w.-]+ ){_INFORMATION}(?: request)? ?[:-] ?(?=\w)",
    ),
    (
        "dp_complaint",
        r"(?:data protection|gdpr|privacy|data breach) complaint(?! (?:form|polic|proced|train))"
        r"|(?:you|they|school|trust|academy|office)(?:'ve| have| has)? (?:just )?(?:clearly )?(?:breached|broken"
        r"|broke|violated)"
        r" (?:the |my |our |his |her |their |uk |my son's |my daughter's )?(?:gdpr|data protection|privacy)"
        r"|(?:is|was|it's|that's|this is|a|clear|serious) (?:a )?(?:clear |serious |gross )?breach of (?:the |uk "
        r"|my |our |her "
        r"|his |their )?(?:gdpr|data protection|privacy rights)"
        rf"|(?:i|we|i'm|we're|i've|we've|i'll|we'll|i am|we are) {_WORDS}{{0,2}}(?:report|complain|refer"
        rf"|tak)\w* (?:you |this |it "
        r"|the school |this school |the trust |the academy |them |straight |about (?:you|this|it|the school) ){0,2}"
        r"(?:to|with) the (?:ico|information commissioner)"
        rf"|(?:complain|complaining|complaint) {_WORDS}{{0,3}}(?:about|over) (?:how|the way) (?:you|the school"
        rf"|the trust) "
        rf"{_WORDS}{{0,3}}(?:my|our|his|her|their) {_WORDS}{{0,2}}(?:data|information|records)",
    ),
    (
        "complaint",
        r"(?:this is|consider this|treat this as|take this as|accept this as|regard this as) (?:a |an |my |our )"
        rf"(?:(?:formal|official|written|stage (?:\d|one|two|three)) )+complaint{_ELSEWHERE}"
        r"|(?:i|we|i'm|we're|i am|we are|i'd|we'd|i'll|we'll|i've|we've) "
        r"(?:(?:hereby|now|have|wish|want|would|like|to|be|am|are|writing|will|going|intend|today) ){0,5}"
        r"(?:mak(?:e|ing)|rais(?:e|ing|ed)|lodg(?:e|ing|ed)|fil(?:e|ing|ed)|submit(?:ting|ted)?|put(?:ting)? in)"
        rf" (?:a |an |my |our )(?:(?:formal|official|written|stage (?:\d|one|two|three)) )+complaint{_ELSEWHERE}"
        rf"|(?:i|we) (?:\w+ )?(?:wish|want|would like|need) to (?:formally complain|make a complaint"
        rf"|raise a complaint){_ELSEWHERE}"
        rf"|(?:i am|i'm|we are|we're) (?:writing to )?formally complain(?:ing)?{_ELSEWHERE}",
    ),
    (
        "contact_with_pupil",
        # Between an adult of the school and a pupil, by a private way; what schools send by their own apps is none.
        rf"{_STAFF} (?:\w+ ){{0,4}}?(?:added|adds|adding|messaged|messages|messaging|messagin|dm'?d|dms|dming"
        rf"|follow(?:ed|s|ing)"
        rf"|friended|texted|texts|texting|snapped|snaps|snapping|chats? (?:to|with)|chatting (?:to|with)|talks to"
        rf"|talking to)"
        rf"(?: back)? {_PUPIL} (?:back )?(?:privately )?(?:\w+ ){{0,3}}?(?:on|in|over|via|through"
        rf"|by) (?:\w+ ){{0,2}}?{_PRIVATE}(?!\w)"
        rf"(?! (?:page|group|feed|story|stories))"
        rf"|{_PUPIL} (?:\w+ ){{0,3}}?(?:got|gets|received|has|had|getting"
        rf"|keeps getting) (?:\w+ ){{0,3}}?(?:friend requests?"
        rf"|follow requests?|dms?|snaps|private messages?|whatsapps?) from (?:\w+ ){{0,3}}?{_STAFF}(?!\w)"
        rf"|{_STAFF} (?:\w+ ){{0,4}}?(?:gave|gives|giving) {_PUPIL} (?:his|her|their) (?:own |personal |private )?"
        rf"(?:snap(?:chat)?|insta(?:gram)?|number|mobile)(?!\w)",
    ),
    (
        "copyright",
        r"copyright (?:infringement|notice|claim|holder|owner|breach|violation)|(?:infring\w+|breach\w*|violat\w+"
        r"|own|hold)"
        r" (?:\w+ )?copyright|dmca"
        r"|(?:us(?:ed|es|ing)|posted|posting|nicked|lifted|copied|ripped off) (?:my"
        r"|our) (?:\w+ )?(?:photo(?:graph)?|picture"
        rf"|image|artwork|drawing|illustration|song|music|logo|design|video)s? {_WORDS}{{0,4}}without (?:a |any "
        rf"|my |our )?"
        r"(?:credit|licen[cs]e|payment|paying)",
    ),
    (
        "underage_account",
        rf"(?<!\d){_UNDER}[ -]?(?:(?:year|yr)s?[ -]olds?|yos?) {_WORDS}{{0,3}}?(?:has|have|got|with|made|using"
        rf"|running) "
        rf"(?:(?:a|an|his|her|their|own|secret|public|open|the) )*(?:tiktok|snapchat|snap|insta(?:gram)?|facebook"
        rf"|discord"
        rf"|social media)(?: (?:account|profile|page))?"
        rf"|(?:i'?m|i am|he's|she's|they're|he is|she is) (?:only |just )?{_UNDER} (?:and |but |years old |yrs old )*"
        rf"(?:this is |here's |follow |has |have |made |got )(?:(?:my|a|an|his|her|own|new|first"
        rf"|secret) )*(?:acc(?:ount)?"
        rf"|tiktok|snapchat|insta(?:gram)?)"
        rf"|(?:year|yr|y) ?[r1-6]s? (?:\w+ )?(?:has|have|with|got) (?:(?:a|an|his|her|their|own|secret|public) )+"
        rf"(?:tiktok|snapchat|insta(?:gram)?)",
    ),
    (
        "confidential_information",
        r"(?:here's|here is|here are|posting|sharing|leaking|screenshots? of|attached|got hold of|i've been sent"
        r"|someone sent me)"
        r" (?:(?:the|a|an|some|all|this|those|their|our) ){0,2}(?:confidential|leaked|internal|staff-only"
        r"|unpublished)"
        r" (?:[\w'-]+ ){0,2}(?:emails?|minutes|memos?|documents?|reports?|letters?|spreadsheets?|messages|chats?"
        r"|files?|papers)",
    ),
    (
        "illegal_activity",
        r"(?:selling|flogging|shifting|got|doing) (?:[\w'-]+ ){0,3}?(?:vapes?|elf ?bars?|lost marys?|weed|bud"
        r"|edibles|pills|ket"
        r"|coke|xans?|fake ids?|knives|zombie knife|zombie knives) (?:[\w'£-]+ ){0,5}?(?:dm|snap|hmu|msg|message|pm"
        r"|add) ?(?:me)?",
    ),
)
FORMATS = tuple(name for name, _ in _FORMS)
_PATTERNS = tuple((name, re.compile(rf"(?<!\w)(?:{words})")) for name, words in _FORMS)
# What a person reads of it.
_SAID = {
    "foi": "a freedom of information request",
    "dp_complaint": "a complaint about data protection",
    "complaint": "a formal complaint",
    "contact_with_pupil": "private contact between an adult of the school and a pupil",
    "copyright": "a claim of copyright",
    "underage_account": "an account of a child who is too young for one",
    "confidential_information": "something confidential being passed on",
    "illegal_activity": "an offer of something illegal",
}


def formats(text: str) -> tuple[str, ...]:
    """The names of the plain forms of words in a text, in the order of ``FORMATS``."""
    folded = fold(text)
    return tuple(name for name, pattern in _PATTERNS if pattern.search(folded))


def said(name: str) -> str:
    """What a form of words is, as a person reads it."""
    return _SAID[name]
