"""What a text alleges: conduct, as against an opinion on a decision or a manner; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WHOM = (
    r"(?:a |an |my |the |our |his |her |their |some |all |other |own |another |one of |two |young |little |small "
    r"|(?:year|yr|y) ?\w{1,6} |\d{1,2}[ -]?(?:year|yr)s?[ -]old |autistic |disabled |vulnerable |sen |send "
    r"|reception )*"
)
_CHILD = (
    r"(?:kids?|child|children|pupils?|students?|boys?|girls?|son|daughter|lad|toddlers?|them|him"
    r"|(?:year|yr) ?\d{1,2}s?)"
)
_ADULT = r"(?:staff|teachers?|colleagues?|parents?|tas?|team|dinner ladies|secretary|receptionist|women|employees)"

_KIN = r"(?:wife|husband|son|daughter|brother|sister|mum|mother|dad|nephew|niece|partner|boyfriend|girlfriend|mates?)"

# Said only of whoever follows: "a complaint against the head".
COMPLAINT = "a complaint about them"

# By kind; a word counts only where it is said of somebody, which the attribution decides.
KINDS: tuple[tuple[str, str], ...] = (
    (
        "dishonesty",
        r"st(?:ole|eals?|ealing|olen)|theft|thie(?:f|ves)|thieving|nick(?:ed|ing)|embezzl\w+"
        r"|robb(?:ed|ing|er)|swindl\w+|scam(?:s|med|ming|mers?)?|con ?(?:man|artist|woman)|pinch(?:ed|ing)"
        r"|skimm(?:ed|ing)"
        r"|expenses? (?:fraud|fiddle|for (?:his|her|their))|claim(?:ed|ing|s) (?:\w+ )?expenses|d?dwyn"
        r"|half[ -]?inched"
        r"|lin(?:ed|es|ing) (?:his|her|their) (?:own )?pockets?|dodgy (?:deal|contract|invoice|account)s?"
        r"|(?:took|takes|taking|taken) (?:all )?(?:the |our )?(?:pta|trip|school|dinner|charity|fundraising"
        r"|raffle|fair) "
        r"(?:\w+ )?(?:money|cash|funds?)|(?:with|using|on) the school (?:credit |debit )?card|pay(?:s"
        r"|ing) (?:him|her)self"
        r"|fraud\w*|fiddl(?:ed|ing|es)"
        r"|pocket(?:ed|ing)|siphon\w*|help(?:ed|ing|s) (?:him|her|them)sel(?:f|ves) to|backhanders?|brib\w+"
        r"|corrupt\w*"
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
        r"|(?:fake|false|forged) (?:invoices?|records?|receipts?|minutes|claims?)|nobbl(?:ed|ing)"
        r"|fabricat\w+|perjur\w+|deceiv\w+|deceit\w*|gaslight\w*|plagiari\w+|backdat\w+|tamper(?:ed|ing|s)"
        r"|rigged|rigging"
        r"|(?:made|makes|making) (?:it|that|this|things|stuff) (?:all )?up|fake (?:degree|cv"
        r"|qualifications?)|fibb?(?:ed|ing|er)"
        r"|fak(?:ed|es|ing)|massag(?:ed|es|ing) (?:the )?(?:figures|numbers|results|data|attendance)|misled|misleads?"
        r"|misleading (?:ofsted|parents|governors|inspectors)|cheat(?:ed|ing|s)?|off[ -]?roll\w*|conceal\w*"
        r"|(?:fix|fiddl|inflat|chang|alter|mak)(?:ed|es|ing) (?:up )?(?:the )?(?:\w+ )?(?:figures"
        r"|results|numbers|grades|marks|data|attendance)",
    ),
    (
        "drink or drugs",
        r"drunk\w*|pissed(?! off)|reek(?:s|ed|ing)? of (?:\w+ )?(?:drink|booze|wine|vodka|alcohol|whisky|gin|weed)"
        r"|smok(?:es|ed|ing) (?:weed|pot|dope|crack|spliffs?|joints?|cannabis)|snort(?:s|ed|ing)|spliffs?"
        r"|cannabis|ketamine"
        r"|heroin|crack ?head|off (?:his|her|their) (?:face|head|tits|nut|trolley)|tipsy|booz(?:ed|er|ing|y)"
        r"|alkie|wino|druggies?"
        r"|junkies?|(?:drink|drug)[ -]?driv\w+|drink(?:ing)? problem|(?:a )?few too many|meddw"
        r"|(?:smell(?:s|ed|ing|t)?|stank|stinks?|stinking) of (?:\w+ )?(?:drink|booze|wine|vodka"
        r"|alcohol|whisky|gin|weed)"
        r"|hungover|alcoholic|cocaine|coke ?head|drugs?(?! (?:policy|education|talk|awareness))|dealing"
        r"|high on|stoned"
        r"|under the influence|drinking (?:at|on|in|during) (?:\w+ )?(?:work|school|duty|class"
        r"|job|lessons?|office)|vodka|(?:steaming|wasted|hammered)\b",
    ),
    (
        "violence",
        r"hit(?:s|ting)?|assault\w*|slap(?:ped|s|ping)?|punch(?:ed|es|ing)?|smack(?:ed|s|ing)?|grab(?:bed|s|bing)?"
        r"|strangl\w+|spank\w*|head-?butt\w*|whack(?:ed|s|ing)|clout(?:ed|s|ing)|thump(?:ed|s|ing)|wallop(?:ed|s|ing)"
        r"|yank(?:ed|s|ing)|caned|caning|jabb(?:ed|ing)|murder(?:er|ed)|lash(?:ed|es|ing) out at|twist(?:ed"
        r"|s|ing) \w+ arm"
        rf"|(?:bit|bites|biting|pins|pinned|pinning|pulls|pulled|pulling|knelt on|sat on|burned|burnt|burns"
        rf"|trips|tripped"
        r"|restrains|restrained|restraining|attacks|attacked|attacking|slams|slammed|slamming|poked|pokes"
        r"|poking|squeezed"
        rf"|squashed|scratched|scratches|killed|flung|threw|tackled|whipped|wrestled) {_WHOM}{_CHILD}"
        r"|(?:threw|throws|throwing|chuck(?:ed|s|ing)|hurl(?:ed|s|ing)|lobb(?:ed|ing)"
        r"|launched) (?:\w+ ){1,4}(?:at|towards) "
        rf"{_WHOM}{_CHILD}|put(?:s|ting)? (?:his|her|their) hands? (?:around|round|over|up)"
        r"|left (?:\w+ )?(?:bruises?|marks?|a bruise|a mark) on|beat(?:s|ing|en)? up"
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
        r"|expos(?:ed|es|ing) (?:him|her|them)sel(?:f|ves)|flasher|flashed|predators?|predatory|porn\w*|upskirt\w*"
        r"|(?:having|had|has) (?:it off|sex|a fling|relations)|sex (?:with|offender|pest|offences?)"
        r"|p[e3]?d[o0]s?|noncing"
        r"|kidd(?:y|ie) fiddler|letch\w*|lecher\w*|leer(?:ed|s|ing)|ogl(?:ed|es|ing)|seduc\w+|snogg\w+|sleeps with"
        r"|wandering hands?|handsy|(?:too|over)[ -]?(?:friendly|familiar|close) with"
        r"|on (?:his|her) lap|(?:love|dirty) (?:letters?|messages?) to"
        r"|(?:kiss|film|photograph|strok|fondl|dat|undress|fiddl|spy|perv)(?:ed|es|s|ing|ied)? (?:with |on |over )?"
        rf"{_WHOM}{_CHILD}|(?:relationship|fling|romance) with {_WHOM}{_CHILD}"
        rf"|ask(?:ed|s|ing) {_WHOM}{_CHILD} for (?:\w+ )?(?:pics|photos|pictures|nudes|selfies)"
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
        r"|xenophob\w*|n word|hates? (?:muslims?|jews?|black|gays?|disabled|send?|asians?|travellers?"
        r"|foreign\w*|poles"
        r"|polish|gypsies|trans|immigrants|refugees)"
        r"|bigot\w*|racially|misogyn\w*|n-word|racial slurs?",
    ),
    (
        "abuse or bullying",
        rf"abus(?:ed|es|ing|ive|er)|abuse of|bull(?:ies|ied|ying) {_WHOM}(?:{_ADULT}|{_CHILD})"
        rf"|pick(?:s|ed|ing) on {_WHOM}(?:{_ADULT}|{_CHILD})|terroris\w+|belittl\w+|stalk(?:s|ed|ing|er)"
        rf"|starv(?:ed|es|ing)"
        rf"|reduc(?:ed|es|ing) {_WHOM}(?:{_ADULT}|{_CHILD}) to tears|vendetta|child abuse\w*|force[ -]?fed"
        rf"|negligen\w+"
        rf"|(?:made|makes|making|make) {_WHOM}{_CHILD} (?:cry|wet|eat|strip|sob)|mock(?:ed|s|ing) {_WHOM}{_CHILD}"
        r"|(?:refus|den)(?:ied|ed|es|ies|ing|ying) (?:\w+ ){1,4}(?:food|water|lunch|toilet|inhaler"
        r"|medication|insulin|epipen)"
        rf"|left {_WHOM}{_CHILD} (?:\w+ ){{0,4}}(?:alone|unsupervised|locked|in the (?:cold|rain|dark|car))|neglects"
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
        r"|cover(?:ed|ing|s)? up (?:\w+ )?|(?:hid|hides|hiding) (?:it|this|something|the (?:truth|report"
        r"|evidence|abuse)|what)"
        r"|kept (?:it|this) quiet|told (?:\w+ ){1,3}(?:to (?:keep quiet|lie|say nothing|delete)"
        r"|not to (?:tell|report))"
        r"|fail(?:ed|s|ing) to report|broke the law|breaking the law|(?:has |'s )been (?:suspended|sacked"
        r"|arrested|charged)"
        r"|suspended (?:pending|from (?:post|duty|headship|(?:his|her) (?:job|post)))|(?:sacked|fired) for"
        r"|forced to resign"
        r"|protect(?:ed|s|ing) (?:a |the |an )?(?:abuser|paedo\w*|nonce|rapist|teacher who)"
        r"|hush(?:ed|ing)? (?:it |this |things |everything )?up|hush money|(?:swept|sweeping"
        r"|sweeps) (?:it |this |everything |things )?(?:all )?under"
        r"|brush(?:ed|ing) (?:it |this |everything |things )?under|turn(?:ed|s|ing) a blind eye"
        r"|silenc(?:ed|ing)|gag(?:ged|ging)"
        r"|buried the (?:report|complaints?|evidence|truth|findings|allegations?|matter|scandal|whole thing)"
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
# Something done to a pupil or a colleague: any deed counts, as one that may be meant, except those of running a school.
_DEED = re.compile(
    r"\b(?P<verb>[a-z]{2,}ed|shouts|shouting|screams|yells|yelling|targets|targeting|touches|grabs|shook"
    r"|threw|tore|drove|hugs"
    r"|cuddles|frightens|scares|singles|preys|eyes|follows|stares|bites|hurts|harms|hounds|hounding|terrifies)"
    r" (?:(?:at|out|on|off|up|over|around|down|with|in front of) )?"
    rf"(?=[a-z])(?:{_WHOM}{_CHILD}|(?:my|our) \w+|{_WHOM}{_ADULT})\b(?!')"
)
# Said only to hint at more.
_HINT = re.compile(
    r"\b(?:creep(?:s|y)?|sicko|wrong ?'?un|monster|beast|(?:not|isn't|aren't) safe (?:around|near)"
    r"|keep (?:\w+ ){1,3}away from (?:him|her|them)|unfit to (?:work with|be near|be around)"
    r"|where (?:did )?(?:all )?(?:the |our )?(?:\w+ )?(?:money|cash|funds?) (?:went|goes|has gone|went to))(?!\w)"
)
_RUNNING = frozenset(
    re.findall(
        r"\w+",
        "barked embarrassed marched patronised singled "
        "accepted admitted advised allowed announced apologised appointed appreciated asked assessed assured "
        "awarded backed "
        "banned believed blamed blocked called cancelled cared changed charged closed collected "
        "congratulated consulted "
        "contacted cost cut decided demanded demoted denied deserved disappointed dismissed divided dropped emailed "
        "employed "
        "encouraged engaged ensured excluded exhausted expected expelled explained failed fined forced gained given "
        "greeted "
        "guided handled hated heard helped hired honoured identified ignored implemented improved included informed "
        "inspired "
        "introduced invested invited involved isolated joined kicked liked listened lived looked loved lowered "
        "managed met missed "
        "moved named needed noticed nurtured offered opened ordered outnumbered overlooked overruled overworked "
        "paid passed "
        "permitted phoned placed praised prepared promised promoted proposed provided punished pushed put raised "
        "received "
        "recognised referred refused rejected released removed replaced replied required respected responded "
        "returned rewarded "
        "sacked sanctioned scrapped seemed served shared showed solved spent started stopped suggested supported "
        "surprised "
        "suspended talked taught texted thanked told trained transformed treated tried trusted turned underpaid "
        "understood upset "
        "used valued visited walked wanted warned welcomed wished worked need feed indeed speed sacred hundred",
    )
)
UNCLEAR = "conduct that may be wrong"
# Idioms that hold an alleging word and allege nothing.
_IDIOM = re.compile(
    r"\bhits? the (?:road|nail|ground|spot|target|roof|gym)|\bst(?:ole|eals?) the show|\bpunch(?:es"
    r"|ed|ing) above|\bhit (?:rate|list|hard by)"
    r"|\bgrab(?:s|bed|bing)? (?:a|some|your) (?:coffee|drink|bite|seat|chair|ticket|bargain)"
    r"|\banti-? ?(?:bullying|racis\w+)|\bsex(?:ual)? (?:health|education)"
    r"|\bsh(?:ook|ak(?:e|es|en|ing)) (?:[\w']+ ){1,3}hands?\b|\b(?:hid|hides|hiding) it well\b"
    r"|\b(?:killed|kill) (?:them|him|her|you|anyone) to\b|\b(?:i|we) could(?:'ve| have| of)? (?:murdered?|killed?)\b"
    r"|\bhits? (?:the|a|all the) (?:same |right |wrong |high )?notes?\b"
    r"|\brob(?:bed|bing|s)? (?:[\w']+ ){1,4}of (?!(?:[\w']+ ){0,2}(?:money|cash|funds|savings|wages))"
    r"|\bst(?:ole|eals?|olen|ealing) (?:(?:the|our|my|all|their|his|her) )*"
    r"(?:joy|fun|thunder|limelight|childhood|summer|hearts?|magic|soul|spotlight)\b"
    r"|\b\w+ed (?:nothing|nobody|no-?one)\b"
    r"|\bmurder(?:ed)? (?:a|an|some) (?:pint|curry|tea|coffee|pizza|song|sandwich)"
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
    deed; then only a "by the head" after it makes it theirs. ``weak`` says that it may be no allegation at all.
    """

    start: int
    end: int
    kind: str
    elsewhere: bool
    weak: bool = False


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
    yield from _deeds(folded, idioms)


def _deeds(folded: str, idioms: set[int]) -> Iterator[Allegation]:
    """Every deed towards a pupil or a colleague that is not plainly one of running a school, and every hint."""
    for match in _HINT.finditer(folded):
        yield Allegation(start=match.start(), end=match.end(), kind=UNCLEAR, elsewhere=False, weak=True)
    for match in _DEED.finditer(folded):
        before = folded[max(0, match.start() - 60) : match.start()]
        if match["verb"] in _RUNNING or match.start() in idioms or _CLEARED.search(before):
            continue
        elsewhere = bool(_PASSIVE.search(before)) or _BY_OTHER.search(before) is not None
        yield Allegation(start=match.start(), end=match.end(), kind=UNCLEAR, elsewhere=elsewhere, weak=True)
