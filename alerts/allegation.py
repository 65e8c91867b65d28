"""What a text alleges: conduct, as against an opinion on a decision or a manner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WHOM = r"(?:a |an |my |the |our |his |her |their |some |all |other |own )*"
_CHILD = r"(?:kids?|child|children|pupils?|students?|boys?|girls?|son|daughter|lad|toddlers?|them|him)"
_ADULT = r"(?:staff|teachers?|colleagues?|parents?|tas?|team|dinner ladies|secretary|receptionist|women|employees)"

_KIN = r"(?:wife|husband|son|daughter|brother|sister|mum|mother|dad|nephew|niece|partner|boyfriend|girlfriend|mates?)"

# Said only of whoever follows: "a complaint against the head".
COMPLAINT = "a complaint about them"

# By kind; a word counts only where it is said of somebody, which the attribution decides.
KINDS: tuple[tuple[str, str], ...] = (
    (
        "dishonesty",
        r"st(?:ole|eals?|ealing|olen)|theft|thie(?:f|ves)|thieving|nick(?:ed|ing)|embezzl\w+"
        r"|fraud\w*|fiddl(?:ed|ing|es)"
        r"|pocket(?:ed|ing)|siphon\w*|help(?:ed|ing|s) (?:him|her|them)sel(?:f|ves) to|backhanders?|brib\w+|corrupt\w*"
        r"|misus(?:es?|ed|ing) (?:of )?(?:the )?(?:school |public |pta |pupil premium )?(?:funds?"
        r"|money)|on the (?:take|fiddle)"
        r"|crooks?|crooked|launder(?:ed|ing)|kickbacks?|cook(?:ed|ing|s) the books|nepotis\w+"
        rf"|(?:hir|appoint|employ|promot)(?:ed|es|ing) (?:his|her|their) (?:own )?{_KIN}"
        rf"|(?:gave|gives|giving|given) (?:\w+ ){{1,5}}to (?:his|her|their) (?:own )?{_KIN}"
        r"|jobs? (?:for|to) (?:his|her|their) (?:\w+ )?(?:mates?|friends?|wife|husband|son|daughter"
        r"|sister|brother|family)"
        r"|spen(?:t|ds|ding) (?:the )?(?:pta|pupil premium|school|our|trip) (?:\w+ )?(?:money"
        r"|funds?|cash) on (?:him|her|them)\w+",
    ),
    (
        "lying",
        r"lied|lies(?! ahead)|lying(?! (?:down|in bed|around))|liars?|falsif\w+|forg(?:ed|ing|ery)|doctored|doctoring"
        r"|fak(?:ed|es|ing)|massag(?:ed|es|ing) (?:the )?(?:figures|numbers|results|data|attendance)|misled|misleads?"
        r"|misleading (?:ofsted|parents|governors|inspectors)|cheat(?:ed|ing|s)?|off[ -]?roll\w*|conceal\w*"
        r"|(?:fix|fiddl|inflat|chang|alter|mak)(?:ed|es|ing) (?:up )?(?:the )?(?:\w+ )?(?:figures"
        r"|results|numbers|grades|marks|data|attendance)",
    ),
    (
        "drink or drugs",
        r"drunk\w*|pissed(?! off)|reek(?:s|ed|ing)? of (?:\w+ )?(?:drink|booze|wine|vodka|alcohol|whisky|gin|weed)"
        r"|(?:smell(?:s|ed|ing|t)?|stank|stinks?|stinking) of (?:\w+ )?(?:drink|booze|wine|vodka"
        r"|alcohol|whisky|gin|weed)"
        r"|hungover|alcoholic|cocaine|coke ?head|drugs?(?! (?:policy|education|talk|awareness))|dealing|high on|stoned"
        r"|under the influence|drinking (?:at|on|in|during) (?:\w+ )?(?:work|school|duty|class"
        r"|job|lessons?|office)|vodka|(?:steaming|wasted|hammered)\b",
    ),
    (
        "violence",
        r"hit(?:s|ting)?|assault\w*|slap(?:ped|s|ping)?|punch(?:ed|es|ing)?|smack(?:ed|s|ing)?|grab(?:bed|s|bing)?"
        r"|(?:dragg?|push|shov|kick|shak|hurt|beat|strik|struck|drag)(?:ed|es|s|ing|ting|ging"
        rf"|en)? (?:up )?{_WHOM}{_CHILD}"
        rf"|manhandl\w+|throttl\w+|chok(?:ed|es|ing)|shook {_WHOM}{_CHILD}|rough(?:ed|ing) up"
        r"|physically (?:abus|restrain|hurt|attack)\w*"
        rf"|(?:lock|shut|tie)(?:ed|d|s|ing|ting)? {_WHOM}{_CHILD}(?: up)? in|(?:laid|lays|put) (?:his"
        r"|her|their) hands? on|violen(?:t|ce)",
    ),
    (
        "sexual conduct",
        r"affairs?|swingers?|sleeping with|slept with|shagg\w+|grop(?:ed|es|ing)|groom(?:ed|er|ers|ing"
        r"|s)|paedo\w*|pedo\w*|nonces?"
        r"|perverts?|pervy?|perving|sexual(?:ly)? (?!health|education)\w+|sext\w*|nudes?|indecent\w*"
        r"|rap(?:ed|ist|e)|molest\w*"
        rf"|touch(?:ed|es|ing) (?:up )?{_WHOM}{_CHILD}|touch(?:ed|es|ing) \w+ (?:up|inappropriately)"
        r"|inappropriate(?:ly)? (?:relationship|messages|contact|touching|with)|(?:creep(?:s"
        r"|ing|ed)? on|flirt(?:ed|ing|s) with)"
        r"|(?:messag(?:ed|es|ing)|text(?:ed|s|ing)|dm(?:s|ed|d|ing|ming)|snap(?:ped|s"
        rf"|ping)) {_WHOM}(?:year \w+ )?(?:girls?"
        r"|boys?|pupils?|students?|kids|daughters?|sons?|children)",
    ),
    (
        "discrimination",
        r"racist\w*|racism|sexist|sexism|homophob\w*|transphob\w*|islamophob\w*|anti-?semit\w*|ableist|discriminat\w+"
        r"|bigot\w*|racially|misogyn\w*|n-word|racial slurs?",
    ),
    (
        "abuse or bullying",
        rf"abus(?:ed|es|ing|ive|er)|abuse of|bull(?:ies|ied|ying) {_WHOM}(?:{_ADULT}|{_CHILD})"
        r"|(?:a|absolute|total|complete|such a|known|nasty|vile|workplace) bully"
        r"|bullying,? (?:\w+[, -]+){0,2}(?:wo)?man|bullying head"
        r"|bullied (?:out|into|her|him)|harass\w*|intimidat\w+|victimis\w+|blackmail\w*|threaten(?:ed"
        rf"|s|ing) {_WHOM}(?:{_ADULT}|{_CHILD}|me|us|my \w+|our \w+)"
        r"|(?:swore|swears|swearing|scream(?:ed|s|ing)|spat|spits) (?:at|in) "
        rf"|humiliat\w+ {_WHOM}(?:{_ADULT}"
        rf"|{_CHILD})|neglect(?:ed|ful|ing)|endanger\w*",
    ),
    (
        "cover-up",
        r"knew (?:all about|what was going on|and (?:did|said) nothing|full well)|cover(?:ed"
        r"|ing|s)?[ -]?(?:it |this |that |everything |things |them |him |her )?(?:all )?up|cover-?ups?"
        r"|hush(?:ed|ing)? (?:it |this |things |everything )?up|hush money|(?:swept|sweeping"
        r"|sweeps) (?:it |this |everything |things )?(?:all )?under"
        r"|brush(?:ed|ing) (?:it |this |everything |things )?under|turn(?:ed|s|ing) a blind eye"
        r"|silenc(?:ed|ing)|gag(?:ged|ging)|buried the"
        r"|pa(?:id|ying) (?:\w+ )?off|shredd(?:ed|ing)|(?:delet|destroy|wip|bin)(?:ed|ned|ing"
        r"|ning|es|s) (?:the |all |our |my |those )*(?:emails?|evidence|records?|cctv|messages"
        r"|complaints?|files?)"
        r"|illegal\w*|unlawful\w*|criminals?|misconduct|malpractice|arrested|struck off"
        r"|under investigation"
        r"|investigated (?:for|by|over)|convicted|whistle ?blow\w*",
    ),
    (
        COMPLAINT,
        r"(?:complaints?|grievances?|allegations?|accusations?) (?:\w+ ){0,2}?against|complaint (?:is"
        r"|was) about|accus(?:ed|ing)",
    ),
)
_KIND = re.compile(r"\b(?:" + "|".join(f"(?P<k{n}>{words})" for n, (_, words) in enumerate(KINDS)) + r")(?!\w)")
# Idioms that hold an alleging word and allege nothing.
_IDIOM = re.compile(
    r"\bhits? the (?:road|nail|ground|spot|target|roof|gym)|\bst(?:ole|eals?) the show|\bpunch(?:es"
    r"|ed|ing) above|\bhit (?:rate|list|hard by)"
    r"|\bgrab(?:s|bed|bing)? (?:a|some|your) (?:coffee|drink|bite|seat|chair|ticket|bargain)"
    r"|\banti-? ?(?:bullying|racis\w+)|\bsex(?:ual)? (?:health|education)"
    r"|\bhit (?:a six|the ball|their|its|our target)|\bhit song|\bhits? on (?:the|a) (?:head"
    r"|idea)|\bcurrent affairs|\bforeign affairs|\bstate of affairs"
)
# Said to clear somebody, or of something that others do and that the person handles.
_CLEARED = re.compile(
    r"(?:\b(?:not|never|no|nobody|without|anti|against|stop(?:ped|s|ping)?|tackl\w+|prevent\w*"
    r"|isn't|wasn't|didn't|doesn't|hasn't|aren't|weren't|won't"
    r"|ignor\w+|tolerat\w+|allow\w*|condon\w+|excus\w+|address\w*|respond\w* to|act(?:s|ed|ing)? on"
    r"|deal(?:s|t|ing)? with|handl\w+|nothing about|report(?:s|ed|ing)?(?: of)?"
    r"|complain\w* (?:of|about)|policy on|victims? of|done about|do about|cares? about|raised"
    r"|worr\w+ about|told (?:\w+ ){1,2}about)"
    r" (?:(?:the|any|all|this|such|a|an|of|more|about|his|her|my|constant|ongoing|serious|repeated"
    r"|being|getting|it's|they are|by|how) ){0,3})$"
)
_OTHER = (
    r"(?:boys?|girls?|kids?|child|children|pupils?|students?|sons?|daughters?|lads?|lass(?:es)?"
    r"|brothers?|mums?|dads?|parents?|mother"
    r"|bull(?:y|ies)|year \w+s?|y\d+s?|someone|somebody|others|people|drivers?|council|nephew"
    r"|niece|friends?|mates?|neighbours?|i|we|you|i've|we've|i'm|i'll|ill|we'll)"
)
# Somebody else does it: "a boy in year 5 keeps hitting …", "I was drunk".
_BY_OTHER = re.compile(
    rf"\b{_OTHER}(?: (?:in|from|of) (?:\w+ ){{0,2}}\w+)?(?: (?:who|that|has|have|had|is|are|was"
    r"|were|am|keeps?|kept|always|just|then|again|get|gets|got|been|also|even|will|would|could"
    r"|might|gonna|going to|want to|wanna|repeatedly|constantly))* $"
)
# It is done to somebody: "was hit", unless "by the head" follows.
_PASSIVE = re.compile(r"\b(?:was|were|been|being|be|got|gets|getting|get|is|are) (?:\w+ )?$")
_DONE = re.compile(r"\w+ed\b|stolen|hit|hurt|beaten|raped|struck")
_ALWAYS_OF = ("cover-up", "drink or drugs")


@dataclass(frozen=True, kw_only=True)
class Allegation:
    """One allegation in a folded text: where it is and its kind.

    ``elsewhere`` says that whoever is named before it does not do it: it is done to somebody, or somebody else's
    deed; then only a "by the head" after it makes it theirs.
    """

    start: int
    end: int
    kind: str
    elsewhere: bool


def allegations(folded: str) -> Iterator[Allegation]:
    """Every allegation in a folded text that is neither an idiom nor said to clear somebody."""
    idioms = {i for m in _IDIOM.finditer(folded) for i in range(m.start(), m.end())}
    for match in _KIND.finditer(folded):
        before = folded[max(0, match.start() - 60) : match.start()]
        if match.start() in idioms or _CLEARED.search(before):
            continue
        kind = KINDS[int((match.lastgroup or "k0")[1:])][0]
        passive = kind not in _ALWAYS_OF and bool(_PASSIVE.search(before)) and bool(_DONE.match(match.group()))
        elsewhere = passive or _BY_OTHER.search(before) is not None
        yield Allegation(start=match.start(), end=match.end(), kind=kind, elsewhere=elsewhere)
