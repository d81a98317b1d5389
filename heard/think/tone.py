"""Words that would hurt the person who reads them: insults, blame, brushing off, sarcasm, coldness.

One table of rules; a rule is words, one sentence that says why, and what may stand in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from heard.think.contact import is_upset
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.wording import as_begun, one_of, own_words, phrase


@dataclass(frozen=True, slots=True)
class Rule:
    """`change` is the words instead, or a function of the match that gives them or None."""

    code: str
    pattern: re.Pattern[str]
    says: str
    light: Light = Light.AMBER
    stops: bool = False
    only_when_upset: bool = False
    change: str | Callable[[re.Match[str]], str | None] | None = None


def tone(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings of every rule; what the draft only quotes is left alone."""
    text = own_words(draft)
    upset = is_upset(facts)
    for rule in RULES:
        if rule.only_when_upset and not upset:
            continue
        for match in rule.pattern.finditer(text):
            yield _finding(rule, match, draft)


def _finding(rule: Rule, match: re.Match[str], draft: str) -> Finding:
    start, end = match.span()
    matched = draft[start:end]
    change = rule.change(match) if callable(rule.change) else rule.change
    return Finding(
        code=rule.code,
        letter=Letter.KIND,
        light=rule.light,
        says=rule.says,
        stops=rule.stops,
        matched=matched,
        start=start,
        end=end,
        change=None if change is None else as_begun(matched, change),
    )


_NAMES = one_of(
    r"""
    (?:idiots?|morons?|imbeciles?|fools?|cretins?|retards?|retarded|stupid|dumb|dumbass(?:es)?)\b
    (?:ignorant|pathetic|liars?|lying|scum|scumbags?|losers?|assholes?|arseholes?|bastards?)\b
    (?:bitch(?:es)?|clueless|hysterical|delusional|worthless|a joke|out of your mind)\b
    """
)
_INFINITIVES = {
    "arrived": "arrive",
    "asked": "ask",
    "booked": "book",
    "brought": "bring",
    "called": "call",
    "checked": "check",
    "chosen": "choose",
    "come": "come",
    "contacted": "contact",
    "followed": "follow",
    "informed": "inform",
    "looked": "look",
    "mentioned": "mention",
    "ordered": "order",
    "paid": "pay",
    "read": "read",
    "reported": "report",
    "said": "say",
    "told": "tell",
    "used": "use",
    "written": "write",
}


_NOT_NEVER = r"(?<!not )(?<!n't )(?<!never )"
_SURELY = r"(?:must|probably|clearly|obviously|apparently|evidently)"
_HAD_YOU = r"(?:if (?:only )?you had|had you)(?: (?:only|just|actually))?"
_AS_WE = r"as (?:i|we)(?:'ve| have)?(?: (?:already|previously|just))?"
_TOLD_BEFORE = r"(?:(?:i|we)(?:'ve| have)? already)"


def _it_helps(match: re.Match[str]) -> str | None:
    return None if match["not"] else f"it helps to {_INFINITIVES[match['verb'].lower()]}"


def _we_still_need(match: re.Match[str]) -> str:
    return f"we still need you to {match['verb']}"


def _sorry(match: re.Match[str]) -> str:
    return f"{match['who'] or ''}sorry for what happened"


# The same in German, French, Spanish, Italian and Portuguese.
_ELSEWHERE = (
    Rule(
        "kind.blame",
        phrase(
            r"""
            (?:sie|du|ihr) hätte(?:n|st|t) (?:[^.!?\n]{0,60} )?(?:sollen|müssen|können)\b
            (?:selbst|selber) schuld\b
            (?:ihr|dein) eigener fehler\b
            vous auriez dû\b
            (?:c'est|est) (?:de )?votre faute\b
            il fallait (?:lire|vérifier|prévenir|regarder)\b
            (?:debería|deberías|debió|debiste) (?:de )?haber\b
            (?:es|fue) (?:culpa (?:suya|tuya)|(?:su|tu) culpa)\b
            haber(?:lo)? leído\b
            (?:avrebbe|avresti) dovuto\b
            (?:è|e') colpa (?:sua|tua)\b
            (?:doveva|dovevi) (?:leggere|controllare|avvisare)\b
            (?:o senhor|a senhora|você|vocês) (?:deveria|devia|deviam) ter\b
            a culpa é (?:sua|tua)\b
            """
        ),
        "This puts the fault on the person; say what happened and what comes next.",
    ),
    Rule(
        "kind.repeating",
        phrase(
            r"""
            wie (?:ich |wir )?(?:bereits|schon) (?:gesagt|erwähnt|mitgeteilt|erklärt|geschrieben)\b
            comme (?:déjà|je vous l'ai|nous vous l'avons)(?: déjà)? (?:dit|expliqué|indiqué|écrit)\b
            como ya (?:le |te |les )?(?:dije|dijimos|indi\w+|mencion\w+|expli\w+|comuni\w+)\b
            come (?:già|le ho già|le abbiamo già) (?:detto|scritto|spiegato|comunicato|indicato)\b
            como já (?:lhe |te )?(?:disse|dissemos|inform\w+|refer\w+|expli\w+|comuni\w+)\b
            """
        ),
        "This says that they did not listen; just say it again, better.",
    ),
    Rule(
        "kind.dismissive",
        phrase(
            r"""
            beruhigen sie sich\b
            regen sie sich (?:doch )?nicht (?:so )?auf\b
            stellen sie sich nicht so an\b
            (?:das ist )?nicht unser problem\b
            pech gehabt\b
            calmez-vous\b
            (?:ce )?n'est pas notre problème\b
            c'est comme ça(?=[.!,])
            (?:cálmese|cálmate|tranquilícese)\b
            no es (?:nuestro problema|problema nuestro)\b
            es lo que hay\b
            (?:si calmi|calmati|si dia una calmata)\b
            non è (?:un )?(?:nostro problema|problema nostro)\b
            (?:acalme-se|acalma-te)\b
            não é problema nosso\b
            """
        ),
        "This brushes the person off.",
        Light.RED,
    ),
    Rule(
        "kind.non_apology",
        phrase(
            r"""
            (?:leid|bedauern(?: wir)?),? dass sie (?:das|es|sich) so (?:empfinden|sehen|fühlen)\b
            désolée?s? que vous (?:le preniez|le ressentiez|le voyiez) (?:ainsi|comme ça)\b
            (?:sentimos|lamentamos|siento) que (?:se sienta|lo vea|te sientas|lo veas) así\b
            (?:ci|mi) dispiace che (?:lei )?(?:la veda|si senta) così\b
            lamentamos que se sinta assim\b
            """
        ),
        "This is sorry for their feeling, not for what happened.",
    ),
    Rule(
        "kind.cold",
        phrase(
            r"""
            für (?:etwaige|entstandene|eventuelle|die entstandenen) unannehmlichkeiten\b
            (?:haben wir|wurde) zur kenntnis genommen\b
            pour (?:la gêne|les? désagréments?) (?:occasionnée?s?|éventuel\w*|causée?s?)\b
            nous prenons (?:bonne )?note\b
            por (?:las|los) (?:molestias|inconvenientes) (?:ocasionad|causad)[ao]s\b
            (?:tomamos|hemos tomado) (?:debida )?nota\b
            per (?:il disagio|i disagi|l'inconveniente) (?:arrecat|causat)[oi]\b
            prendiamo atto\b
            pel[oa]s? (?:transtorno|incómodo|inconveniente)s? causados?\b
            (?:tomámos|registamos|registramos) (?:a sua|sua) (?:nota|reclamação)\b
            """
        ),
        "A set phrase is cold comfort to somebody who is upset.",
        only_when_upset=True,
    ),
)
RULES: tuple[Rule, ...] = (
    Rule(
        "kind.insult",
        phrase(
            rf"""
            you(?:'re| are| must be)? (?:(?:an?|such|just|really|so|total|complete) ){{0,3}}{_NAMES}
            (?:stupid|dumb|idiotic|ignorant|pathetic) (?:customers?|people|person|questions?)\b
            (?:stupid|dumb|idiotic|ignorant|pathetic) (?:complaints?|comments?|messages?)\b
            people like you (?:are|always|never|should|don't|who|just|make|think|ruin)\b
            shut (?:the \w+ )?up\b
            (?<!we )(?<!you )(?<!to )(?<!'t )(?:get lost|get a life|drop dead)(?=[.!,]|\s*$)
            (?:go to hell|kiss my|sod off|piss off)\b
            (?:f\*+k|fuck|screw|damn) (?:off|you)\b
            are you (?:stupid|dumb|blind|deaf|retarded|crazy|mad)\b
            what(?:'s| is) (?:wrong|the matter) with you\b
            you (?:people )?make me sick\b
            you(?:'re| are) (?:being )?(?:rude|ridiculous|disgusting|dishonest)\b
            you lied\b
            """
        ),
        "This insults the person who reads it.",
        Light.RED,
        stops=True,
    ),
    Rule(
        "kind.swearing",
        phrase(
            r"""
            (?:mother)?fuck\w*
            f\*+(?:k|ck)\w*
            (?:bull)?shit(?:s|ty|show)?\b
            crap(?:py)?\b
            (?:ass(?:holes?|es)?|arse(?:holes?|s)?)\b
            (?:bastards?|bitch\w*|dickheads?|pricks?|twats?|wankers?|bollocks|goddamn|wtf|stfu)\b
            (?:morons?|idiots?|imbeciles?|cretins?|scumbags?)\b
            """
        ),
        "A reply in our name does not swear or call names.",
        Light.RED,
    ),
    Rule(
        "kind.blame",
        phrase(
            r"you should(?:(?P<not>n't| not)? have|'ve)"
            rf" (?!(?<=not have )paid|(?<=n't have )paid)(?P<verb>{'|'.join(_INFINITIVES)})\b"
        ),
        "This blames; say what helps now.",
        change=_it_helps,
    ),
    Rule(
        "kind.blame",
        phrase(
            r"you (?:(?:have|had|also|simply) )?(?:failed|neglected|forgot|didn't bother) to"
            r" (?P<verb>[a-z]+)"
        ),
        "This blames; say what is still needed.",
        change=_we_still_need,
    ),
    Rule(
        "kind.blame",
        phrase(
            rf"""
            {_NOT_NEVER}your (?:own )?(?:fault|doing|negligence|carelessness)\b
            {_NOT_NEVER}your (?:own )?(?:mistake|error)\b(?! code| message)
            you {_SURELY}(?: have)? (?:missed|misread|made|entered|clicked|ignored|overlooked)\b
            you {_SURELY}(?: have)? forgot(?:ten)?\b
            you (?:(?:simply|just) )?(?:did not|didn't|never) (?:even )?(?:read|bother|notice)\b
            you (?:(?:simply|just) )?(?:did not|didn't|never) (?:even )?(?:listen|pay attention)\b
            {_HAD_YOU} (?:read|checked(?! in\b)|followed|listened|told|called|asked|paid)\b
            that(?:'s| is) on you\b
            you only have yourself\b
            you brought (?:this|it) on\b
            you(?: have|'ve)? (?:misunderstood|ignored)\b
            you failed\b(?! to)
            as you (?:should|ought to|would) (?:know|have known)\b
            you claim (?:that|to|you)\b
            you(?:'re| are) (?:wrong|mistaken)\b
            you caused (?:this|it)\b
            """
        ),
        "This puts the fault on the person; say what happened and what comes next.",
    ),
    Rule(
        "kind.repeating",
        phrase(
            rf"""
            {_AS_WE} (?:said|told you|wrote|mentioned|explained|stated|advised)\b
            as (?:already|previously) (?:said|mentioned|explained|stated|advised|informed)\b
            as (?:stated|mentioned|explained|said) (?:above|before|earlier|already|previously)\b
            like i (?:already )?said\b
            (?:as )?per (?:my|our) (?:last|previous|earlier) (?:e-?mail|message|reply|response)\b
            """
        ),
        "This says that they did not listen; just say it again, better.",
        change="to sum up",
    ),
    Rule(
        "kind.repeating",
        phrase(
            rf"""
            {_TOLD_BEFORE} (?:told|explained|answered|informed|said)(?: (?:you|this|that))+\b
            how many times (?:do|must|have|should) (?:i|we)\b
            for the (?:last|second|third|tenth|hundredth) time,
            (?:(?:i|we) (?:can only )?repeat:|let me repeat\b)
            once again,? (?:i|we) (?:have|must)\b
            """
        ),
        "This says that they did not listen; just say it again, better.",
    ),
    Rule(
        "kind.dismissive",
        phrase(r"(?:(?:please|just|you need to|kindly) )*calm down(?=[.!,]|\s*$)"),
        "Nobody was ever calmed by being told to.",
        Light.RED,
        change="we can hear how upsetting this is",
    ),
    Rule(
        "kind.dismissive",
        phrase(
            r"""
            calm down(?![.!,]|\s*$)
            (?:just|please|you need to) (?:relax|chill)(?: out)?(?=[.!,]|$)
            (?:chill out|get over it|take it or leave it|like it or not|tough luck|grow up)\b
            (?:not|isn't) (?:my|our) problem\b
            (?:deal with it|get used to it|whatever|boo hoo)[.!]
            cry me a river\b
            if you don't like it\b
            no need to (?:shout|yell|be rude|get upset|overreact|be dramatic|make a scene)\b
            stop (?:complaining|shouting|whining|yelling|moaning|overreacting)\b
            don't be (?:(?:so|such) )?(?:silly|ridiculous|dramatic|rude|sensitive|childish|a baby)\b
            you(?:'re| are) overreacting\b
            it(?:'s| is) not (?:a big deal|the end of the world|rocket science)\b
            that(?:'s| is) (?:just )?(?:how it is|the way it is|life)[.!]
            nobody(?: else)? (?:has )?complain(?:s|ed)\b
            you(?:'re| are) the (?:only|first) (?:one|person|customer) (?:to|who|that)\b
            what (?:do|did) you expect\b
            """
        ),
        "This brushes the person off.",
        Light.RED,
    ),
    Rule(
        "kind.sarcasm",
        phrase(
            r"""
            thanks for nothing\b
            congratulations on (?:reading|finding|noticing|discovering)\b
            (?:good for you|poor you|what a surprise)[.!]
            how (?:nice|kind|thoughtful|clever) of you to\b
            oh,? really[?!.]
            sure,? because\b
            as if (?:we|i) (?:had|have) nothing\b
            (?:well|oh),? excuse (?:me|us)\b
            good luck with that\b
            and yet here (?:you|we) are\b
            wow,? (?:what a|such a) (?:shock|surprise|tragedy)\b
            if you can read\b
            """
        ),
        "This can be read as mockery.",
    ),
    Rule(
        "kind.mockery",
        re.compile(r"\b(?:lol|lmao|rofl|ha(?:ha)+)\b|[🙄😂🤣😏🤡🥱😜]", re.IGNORECASE),
        "Laughing at somebody who is upset reads as mockery.",
        only_when_upset=True,
        change="",
    ),
    Rule(
        "kind.non_apology",
        phrase(
            r"(?P<who>(?:i'm|i am|we're|we are) )?(?:(?:so|very|truly|really) )?sorry"
            r" (?:(?:that|if) |to hear (?:that )?)?you (?:feel|felt|are feeling|were|may have felt)"
            r"(?: (?:that|this|the))? (?:way|offended|upset|about (?:it|this))\b"
        ),
        "This is sorry for their feeling, not for what happened.",
        change=_sorry,
    ),
    Rule(
        "kind.cold",
        phrase(
            r"for (?:any|all) inconveniences?(?: (?:that )?(?:(?:this|it) )?"
            r"(?:(?:may|might|has|have) )*(?:be(?:en)? )?caused?)?(?: you)?\b"
        ),
        "A set phrase is cold comfort to somebody who is upset.",
        only_when_upset=True,
        change="for the trouble this gave you",
    ),
    Rule(
        "kind.cold",
        phrase(
            r"""
            (?:please|kindly) be (?:advised|informed|reminded)(?: that)?\b
            (?:as )?per (?:our|company|the) (?:policy|policies|terms)\b
            (?:it is|that's|this is) (?:our|company) policy\b
            your (?:complaint|feedback|comment|request|case) has been (?:noted|logged|filed)\b
            we regret to inform you\b
            kindly note\b
            """
        ),
        "Office language is cold comfort to somebody who is upset.",
        only_when_upset=True,
    ),
    Rule(
        "kind.defensive",
        phrase(
            r"""
            (?:as )?(?:is )?(?:clearly )?stated in (?:our|the) (?:terms|policy|conditions|manual)\b
            as (?:the|our) (?:\w+ ){1,2}(?:clearly |plainly )(?:says?|states?|shows?)\b
            (?:we|i) (?:now )?consider (?:the|this) (?:matter|case|complaint)(?: to be)? closed\b
            rules are rules\b
            (?:it )?works (?:fine )?for (?:us|everyone else|everybody else)\b
            every(?:one|body) else (?:seems? to|manages? to|knows? (?:to|that)|copes?)\b
            most (?:\w+ )?(?:users|customers|people|guests) (?:manage to|know (?:to|that)|cope)\b
            if you(?:'d| had) (?:only )?(?:looked|asked|read|listened)\b
            (?:please )?(?:check|get) your facts\b
            nobody is forcing you\b
            (?:that's |it's |this is |is )?not our fault\b
            no other (?:customer|passenger|guest|patient|member)s? (?:has|have)\b
            (?:we have|we've) never had (?:any|a single|a) complaint
            (?:we )?cannot be (?:held )?responsible for\b
            (?:i|we) (?:would|must|have to) (?:gently )?point out\b
            """
        ),
        "This defends us before it has heard them.",
    ),
    *_ELSEWHERE,
)
