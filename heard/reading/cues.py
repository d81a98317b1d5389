"""Cues: phrases that a person would point at, written so that a person can read and mend them.

A phrase is words with a gap between them: `a|b` either word, `a?` a word that may be missing,
`...` up to four words of any kind, `#` a number. Words are in lower case with straight apostrophes
and without punctuation. English here; what presses in five other languages stands in `cues_abroad`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from heard.reading.cues_abroad import ABROAD

_NUMBER = r"\d\S*|two|three|four|five|six|seven|eight|nine|ten|twelve|several|multiple|many"


@dataclass(frozen=True, slots=True)
class Cue:
    """One kind of thing to point at: `reason` is what people are told, beside the words found."""

    name: str
    reason: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase ready to be looked for; it can only be there if a word of every slot is."""

    cue: Cue
    slots: tuple[frozenset[str], ...]
    pattern: re.Pattern[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A cue and the words of the text that gave it away."""

    cue: Cue
    words: str


def _cue(name: str, reason: str, phrases: str) -> Cue:
    phrases += ABROAD.get(name, "")
    return Cue(name, reason, tuple(line for line in map(str.strip, phrases.split("\n")) if line))


_THINGS = (
    "photos|pictures|email|emails|mail|mails|messages|files|file|folder|folders|contacts|data"
    "|documents|project|projects|history|invoices|calendar|backup|backups|recordings|everything"
)
_LOST = "lost|deleted|erased|wiped|corrupted|gone|disappeared|vanished"
_BY_TONIGHT = "today|tonight|tomorrow|immediately"
_EVENT = (
    "flight|train|exam|wedding|interview|surgery|appointment|court|hearing|meeting|trip|deadline"
    "|audit|launch|funeral|flying|fly|travelling|traveling|leaving|leave|leaves|departs|departing"
    "|due"
)
_CANNOT = "can't|cant|cannot|couldn't|unable|impossible|can"
_CHARGED = "charged|billed|debited|deducted|paid|taken|took"
_ASKED = "called|emailed|written|wrote|messaged|contacted|asked|tried|rang|phoned|complained"

URGENT: tuple[Cue, ...] = (
    _cue(
        "safety",
        "somebody's safety or health",
        """
        unsafe|dangerous|hazardous|hazard
        safety risk|issue|hazard|concern|problem
        in danger
        on|caught|catches|catching fire
        smoke|sparks|flames is|was|are|were? coming|came|from|out|everywhere
        see|saw|smell|is|was smoke|sparks|flames
        burned|burnt|burns my|me|his|her|our|their|your
        electric|electrical shock|shocks
        injured|injury|injuries
        in|to|at|into|from the|a? hospital
        hospitalised|hospitalized|ambulance|anaphylactic|anaphylaxis|poisoned|bleeding|unconscious
        allergic reaction
        food poisoning
        gas leak|smell
        smell|smells|smelled of? gas
        carbon monoxide
        glass|metal in the|my|our|his|her|a? ... food|baby|bread|salad|soup|drink|bottle|meal|cake
        choked|choking|collapsed|exploded|explosion
        assaulted|attacked me|us|my|by
        harassed|harassing me|us|my
        no|without|missing|needs|need|my|his|her|wrong insulin|medication|medicine|oxygen
        brakes ... fail|failed|failing|gone
        bitten by
        fell|slipped on|down|off|over your|the|a? wet? stairs|floor|steps|ice
        """,
    ),
    _cue(
        "stranded",
        "stranded or left without help",
        """
        stranded
        abandoned us|me
        left us|me|her|him|my stranded|standing|outside
        stuck at|in|on ... airport|station|lift|lifts|elevator|train|plane|tarmac|platform|motorway
        stuck at|in|on ... highway|border|lounge|gate|terminal|snow|dark
        miss|missed|missing my|our|the|a|their connection|connecting
        nowhere|place to sleep|stay|go
        sleep|slept|sleeping on|in|at the floor|airport|station|street
        broke|broken down on the motorway|highway|road|bridge
        """,
    ),
    _cue(
        "money",
        "money taken or missing",
        f"""
        double|over charged|billed
        overdrawn|fraudsters
        {_CHARGED} ... twice|thrice
        {_CHARGED} ... #|second|third times|time
        twice|times charged|billed|debited|deducted
        unauthorised|unauthorized ... charge|charges|payment|payments
        unauthorised|unauthorized ... transaction|purchase|withdrawal
        charge|charges|payment ... never|didn't|not made|make|recognise
        payments|transaction|transactions ... never|didn't|not made|make|recognise
        charge|charges|payment ... never|didn't|not recognize|authorised
        payments|transaction|transactions ... never|didn't|not recognize|authorised
        fraudulent charge|charges|transaction|transactions|payment|account
        stole|stolen|took|taking|deducted|debited ... money|funds|pounds|dollars|euro|euros
        took|taken|deducted # out? from|of? my|our? account|card|bank
        took|taken|deducted £|$|€ ... account|card|bank
        money is|was|has|had|have|been? been? gone|taken|stolen|deducted|debited|lost
        {_CHARGED} ... but|and|yet ... never|didn't|not received|receive|got|arrived
        {_CHARGED} ... but|and|yet ... haven't|nothing|no received|receive|got|arrived
        {_CHARGED} ... but|and|yet ... never|didn't|not|haven't|nothing|no get|came|come
        money|refund was|has? never|not been? arrived|received|come|returned|refunded
        want|need|give me|us? my|our money back
        scammed me|us|out
        lost all? my|our money
        """,
    ),
    _cue(
        "locked out",
        "locked out of an account",
        f"""
        locked me|us? out
        {_CANNOT} not|to? log|logon|login|sign|get back? in|into|on|onto
        {_CANNOT} not|to? login|logon
        won't|doesn't|wouldn't|not let|letting me|us log|sign|get back? in|into
        {_CANNOT}|lost|no not|to? access to? my|our|his|her account|profile|wallet|mailbox|money
        account is|was|has|got|been|it|says|just|now? been|says? locked|hacked|suspended|blocked
        account is|was|has|got|been|it|says|just|now? been|says? disabled|deactivated
        account is|was|has|got|been|it|says|just|now? been|says? banned|terminated
        account is|was|has|got|been|it|says|just|now? been|says? compromised|stolen
        hacked|locked|suspended my|our|his|her account|channel|card|profile
        blocked|disabled|terminated my|our|his|her account|channel|card|profile
        someone|somebody has? hacked
        """,
    ),
    _cue(
        "data lost",
        "data lost",
        f"""
        {_LOST} all|my|our|the ... {_THINGS}
        {_THINGS} is|was|are|were|have|has|had|just? all|been? {_LOST}
        """,
    ),
    _cue(
        "repeated",
        "asked before without an answer",
        f"""
        second|third|fourth|fifth|sixth|2nd|3rd|4th|5th|6th mail|email|call|message|request|letter
        second|third|fourth|fifth|sixth|2nd|3rd|4th|5th|6th attempt|ticket|complaint
        second|third|fourth|fifth time i|we? am|have|i'm|i've? write|writing|ask|asking
        2nd|3rd|4th|5th time i|we? am|have|i'm|i've? write|writing|ask|asking
        second|third|fourth|fifth time i|we? am|have|i'm|i've? called|asked|contacted
        2nd|3rd|4th|5th time i|we? am|have|i'm|i've? called|asked|contacted
        {_ASKED} ... # times
        {_ASKED} ... repeatedly
        sent|made|after|wrote|written|and # mails|emails|calls|messages|letters|tickets|complaints
        # mails|emails|calls|messages|letters|tickets ... no|not|nothing|without|nobody|one
        no|without|received|had any|an? reply|replies|response|answer still|yet|from
        no|without|received|had any|an? reply|replies|response|answer to|at|whatsoever
        still no|without reply|response|answer|reaction|word
        without a|an|any reply|response|answer
        never|not got|received|had|get a|an|any|one? single? reply|response|answer
        nobody|noone has|is|ever|even|will? answers|answered|answer|answering|replies|replied
        nobody|noone has|is|ever|even|will? respond|responds|responded|helping|helps|calls
        no one has|is|ever|even|will? answers|answered|answer|answering|replies|replied|responds
        nobody|one picks|picked|picking up
        haven't|not|never heard back|anything|from
        keep|kept|being|been|getting ignoring|ignored
        ignored|ignoring my|me|us|our|all
        on hold for? over|more|about? than|an? #|an|hours|ages|forever
        hours|hour|minutes|mins|hrs on hold
        """,
    ),
    _cue(
        "legal",
        "talk of law, authorities or the press",
        """
        my|our|a lawyer|lawyers|attorney|solicitor|solicitors
        to|will|gonna|be|i'll|am|we'll sue|suing
        legal action|claim|proceedings|advice|steps|case
        lawsuit|ombudsman|chargeback|tribunal
        small claims
        take|taking|see you|them|it|this to|in court
        trading standards
        ftc complaint?
        better business bureau
        consumer court|protection|rights|forum|affairs
        attorney general
        call|called|calling|to ... the police|authorities|regulator|watchdog
        report|reported|reporting ... the police|authorities|regulator|watchdog
        go|going|went|take|taking|talk|talking|speak|tell ... newspaper|newspapers|press|media
        """,
    ),
    _cue(
        "deadline",
        "little time left",
        f"""
        asap|urgent|urgently|emergency
        soon as possible
        need|want|must|fix|help|answer|reply|respond|call|send ... {_BY_TONIGHT}
        need|want|must|fix|help|answer|reply|respond|call|send ... right|straight now|away
        {_EVENT} is|are|starts|leaves|at|on|in? {_BY_TONIGHT}|now
        {_EVENT} ... in an|a|one|#? hour|hours|minutes|mins|hrs
        closes|leaves|departs|starts|opens|closing|here in an|a|one|#? hour|hours|minutes|mins
        before noon|midnight|tonight|tomorrow
        """,
    ),
)

UNHURRIED = _cue(
    "unhurried",
    "the writer is in no hurry",
    """
    not|nothing urgent
    no hurry|rush
    whenever you have|get|can|like
    when you have a minute|moment|chance
    just wondering|curious
    """,
)

OFFER = _cue(
    "offer",
    "offers us something to buy",
    """
    help|helps|helping|helped companies|businesses|brands|hotels|restaurants|shops|stores|owners
    more|twice|double|extra the? clients|customers|bookings|leads|followers|sales|traffic
    get|gets|got|buy|sell|verified|free leads|followers|backlinks|traffic
    first|top page|of of? the? google|search|page
    your site|website|page|shop|listing has|isn't|is|could|can ... errors|faults|ranking|ranked
    your site|website|page|shop|listing has|isn't|is|could|can ... found|clients|visible|optimised
    a? short|quick|brief call|chat|talk|demo this|next|tomorrow|costs|with|about
    have|schedule|book|arrange a? short|quick|brief? call|chat|talk|demo
    free audit|quote|sample|trial|report|consultation
    we are|we're a? leading? manufacturer|manufacturers|supplier|suppliers|exporter|exporters
    kindly send|share your requirement|requirements|demand|inquiry|enquiry
    earn|earned|earning|made|make|making £|$|€? # ... day|week|night|month|home|sofa
    ask|message|dm|text|write me how|now|info
    turn £|$|€? # into £|$|€? #
    my mentor|coach|signals|students
    brand ambassador|ambassadors
    promote|feature it|your|this|you on|page|post|brand
    price list
    we offer|provide|design|build|sell ... rates|prices|price|companies|businesses|websites|apps
    """,
)

STANCE: tuple[Cue, ...] = (
    _cue(
        "avoid",
        "warns others or leaves",
        """
        never ever? again|use|using|buy|buying|order|ordering|fly|flying|book|booking|shop|shopping
        never ever? go|going|return|returning|come|coming|set|eat|visit|stay|staying|trust|bank
        won't|wont|not|wouldn't be|ever|going|coming? be|to? back|return|returning
        won't|wont|not|wouldn't|never be|ever|going? recommend|recommended
        will|would not|never be? use|buy|order|fly|return|recommend|back|shop|book|stay
        avoid this|these|them|like|if|it|at
        avoid avoid
        stay|keep|run far? away
        steer clear
        look|go|shop|book|money elsewhere
        do not ever? use|buy|bother|waste|order|go|book|download|trust|fly|shop|install|fall
        don't|dont ever? use|buy|bother|waste|order|go|book|download|trust|fly|shop|install|fall
        waste of my? time|money|space
        wasted|wasting|waste my|your|our time|money
        worst ... ever
        worst customer? experience|service|company|airline|bank
        worst customer? hotel|app|provider|support|restaurant
        worst store|shop|place|update
        switch|switching|switched|moving|going to another|a different? provider|bank|company|network
        take|taking|took my|our business|money|custom elsewhere
        cancelling|canceling|cancelled my|our|the subscription|account|contract
        canceled|closing|ending my|our|the subscription|account|contract
        cancelling|canceling|cancelled|canceled|closing|ending my|our|the membership|policy|service
        lost a|this|another|your loyal? customer
        zero|0|one|1 star|stars
        so|am|i'm done with
        boycott|beware
        total|is|are|such|a|complete scam|joke|rip|ripoff|crooks|thieves|fraud
        uninstalled|uninstalling|uninstall
        deleting|deleted it|this|the|my app|account?
        regret buying|ordering|booking|choosing|it
        save your money|time|breath
        give it|this|them a miss
        skip it|this|them
        choose|hire|pick another|anybody|anyone
        wouldn't|not|never send|wish|set ... worst|enemy|foot
        no more of my|our? money|business|custom
        """,
    ),
    _cue(
        "recommend",
        "sends others or means to return",
        """
        highly|definitely|strongly|would|thoroughly|totally|i|and recommend|recommended
        can't|cannot recommend ... enough
        will|we'll|i'll|gonna definitely|certainly|surely|always|be|happily? back|return|returning
        will|we'll|i'll|gonna definitely|certainly|surely? buy|order|visit|use|come again
        will|we'll|i'll|gonna always|happily? buy|order|visit|use|come again
        will|would|we'll|i'll definitely|certainly|happily? come|be back
        best ... ever|town
        best place|app|service|airline|company|shop|store|coffee|food|game|hotel|restaurant
        must try|visit|see|have
        go to place|choice|app|shop
        five|5 stars|star
        worth every|the|it
        customer for life
        never disappoints|disappoint|disappointed
        love|loved|loving this|your|the place|app|shop|store|company
        love|loved|loving this|your|the game|hotel|restaurant|airline|food
        do yourself a favour|favor
        can't|cannot|couldn't go wrong
        wouldn't|won't|don't|never|not|would|why ... anywhere|nowhere|somewhere|elsewhere else
        ask for|about them|him|her|it? by name
        hidden gem
        """,
    ),
)
CUES: tuple[Cue, ...] = (*URGENT, UNHURRIED, OFFER, *STANCE)


def _slot(word: str) -> str:
    if word == "...":
        return r"(?: \S+){0,4}?"
    choices = (
        _NUMBER if choice == "#" else re.escape(choice)
        for choice in word.removesuffix("?").split("|")
    )
    slot = f" (?:{'|'.join(choices)})"
    return f"(?:{slot})?" if word.endswith("?") else slot


def _slots(phrase: str) -> Iterator[frozenset[str]]:
    """The words of each slot that has to be filled by one of them."""
    for word in phrase.split():
        if not word.endswith(("?", "...")) and "#" not in word:
            yield frozenset(word.split("|"))


PHRASES: tuple[Phrase, ...] = tuple(
    Phrase(cue, tuple(_slots(phrase)), re.compile("".join(map(_slot, phrase.split())) + "(?= )"))
    for cue in CUES
    for phrase in cue.phrases
)


def _by_gate(phrases: Iterable[Phrase]) -> Mapping[str, tuple[Phrase, ...]]:
    """Phrases by the words of the slot whose shortest word is longest: long words are rare."""
    doors: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        for word in max(phrase.slots, key=lambda slot: min(map(len, slot))):
            doors.setdefault(word, []).append(phrase)
    return {word: tuple(behind) for word, behind in doors.items()}


BY_GATE = _by_gate(PHRASES)


def find(words: Iterable[str]) -> Iterator[Found]:
    """The cues in the words of one text, each cue once, in the order of the text's words."""
    words = list(words)
    present = set(words)
    line = f" {' '.join(words)} "
    met: set[str] = set()
    for word in dict.fromkeys(words):
        for phrase in BY_GATE.get(word, ()):
            if phrase.cue.name in met or any(slot.isdisjoint(present) for slot in phrase.slots):
                continue
            if match := phrase.pattern.search(line):
                met.add(phrase.cue.name)
                yield Found(phrase.cue, match.group().strip())
