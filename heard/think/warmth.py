"""Would a stranger think better of us? A name, a greeting, thanks for praise, and that we heard.

All of it warns at most, and only where the want of it is felt: in a letter, not in a tweet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.contact import first_name, is_pleased, is_upset, questions_in
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.necessity import is_empty
from heard.think.wording import folded, phrase

_LETTER_TO = 25
_LETTER_FROM = 30  # words; shorter ones are messages, and greet nobody among friends either
_GREETING = phrase(
    r"""
    (?:hi|hello|hey|hiya|dear|good (?:morning|day|afternoon|evening)|greetings|welcome|thanks?)\b
    (?:hallo|guten (?:tag|morgen|abend)|liebe[rs]?|sehr geehrte|moin|servus)\b
    (?:bonjour|bonsoir|salut|cher|chère|hola|buen[oa]s|estimad[oa]|querid[oa])\b
    (?:ciao|buon(?:giorno|asera)|gentile|salve|olá|oi|bom dia|boa (?:tarde|noite))\b
    (?:prezad[oa]|car[oa])\b
    """
)
_NOBODY = phrase(
    r"dear (?:(?:valued|esteemed|loyal) )?"
    r"(?:customer|client|user|guest|member|sir or madam|sir/madam|sir|madam|subscriber)\b"
)
_HEARD = phrase(
    r"""
    (?:sorry|apolog|understand|frustrat|appreciat|regret|disappoint|concern|inconvenien|upset|annoy)
    (?:thank|stress|worr|troubl|difficult|terrible|awful|unacceptable|bummer|yikes|ouch|uh[- ]oh)
    (?:hear|hearing) (?:you|that|this|about|it)\b
    oh (?:no|dear|my)\b
    not (?:\w+ ){0,4}experience\b
    should(?:n't| not) have\b
    hate (?:to|that|when)\b
    not (?:good|okay|ok|right|cool|acceptable|on)\b
    our (?:fault|mistake|error)\b
    let you down\b
    make (?:this|it|things) right\b
    sounds? (?:like|bad)\b
    (?:isn't|not) (?:what|how) we\b
    (?:we|i) (?:don't|never) want you\b
    like to hear\b
    condolences\b
    (?:asham|mortifi|gutted|horrid|dreadful|rotten|cruel|nasty|nightmare|heartbreak|sad\b|rough\b)
    you(?:'re| are) (?:quite |absolutely |so )?right\b
    (?:no wonder|fair (?:enough|question|point)|poor (?:you)\b
    (?:thing|\w+!)|don't (?:panic|worry)|ugh|gah)\b
    (?:won't do|is no answer|isn't good enough|nobody should|deserved?)\b
    (?:leid\b|entschuldig|verzeih|bedaue?r|versteh|ärger|dank)
    (?:schade|peinlich|schrecklich|sie haben recht)
    (?:désolé|excus|navré|comprend|merci|pardon|honte|mince)
    (?:quelle|vous avez raison)
    (?:siento|sentimos|lament|disculp|perdón|entiend|compren|gracias)
    (?:vergüenza|qué rabia|tiene razón)
    (?:spiac|dispiac|scus|capi[st]|grazie|vergogn|peccato|ha ragione)
    (?:desculp|entend|obrigad|perdão|vergonha|que chatice|tem razão)
    """
)
_GLAD = re.compile(
    r"\b(?:thank|thx|glad|happy|lov(?:e|ing)|pleas(?:ed|ure)|delight|thrill|great|awesome|wonderful"
    r"|fantastic|welcome|enjoy|appreciat|cheers|yay|woo|congrat|kudos|made our day|lovely|nice"
    r"|sweet|best|sure thing|no (?:problem|worries)|any ?time|to hear|smil"
    r"|excit|wait to|look forward|kind|stoked|dank|freu|gern|merci|ravi|plaisir|content"
    r"|gracias|alegr|encant|grazie|felic|piacere|liet|obrigad)"
    r"|[❤💙💚💛🧡💜🖤🤍♥😊😀😃😄😁🙂🤗🥰😍🙏👍🎉🙌👏😎💪✨🥳]",
    re.IGNORECASE,
)


def warmth(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for a missing greeting, a curt word, a "dear customer", and unheard feelings."""
    if is_empty(draft):
        return
    text = folded(draft)
    words = re.findall(r"\w+", text)
    name = first_name(facts.contact_name)
    nobody = _NOBODY.search(text)
    if nobody:
        yield _nameless(draft, nobody, name)
    elif _wants_greeting(text, words, facts, name):
        says = "A letter begins with a greeting, best with a name."
        yield _missing(
            "inspiring.greeting",
            Letter.INSPIRING,
            says,
            f"Hello {name},\n\n" if name else "Hello,\n\n",
        )
    if is_pleased(facts):
        # An apology means that whoever writes has understood the praise as the sarcasm it may be.
        if not sounds_glad(draft) and not shows_that_we_heard(draft):
            says = "They said something kind; thank them for it."
            yield _missing(
                "inspiring.thanks", Letter.INSPIRING, says, "Thank you for your kind words! "
            )
    elif (
        is_upset(facts)
        and len(words) >= 8
        and not facts.earlier_replies
        and not shows_that_we_heard(draft)
    ):
        says = "They are upset, and nothing here shows that we heard it."
        yield _missing("kind.unheard", Letter.KIND, says, "I am sorry about this. ")
    if (
        len(words) < 4
        and not sounds_glad(draft)
        and (is_upset(facts) or questions_in(facts.message))
    ):
        says = "This is curt; one whole sentence would sound as if we cared."
        yield Finding(
            "inspiring.curt", Letter.INSPIRING, Light.AMBER, says, matched=draft, end=len(draft)
        )


def shows_that_we_heard(text: str) -> bool:
    """Whether there is a word of apology, thanks or understanding."""
    return bool(_HEARD.search(folded(text)))


def sounds_glad(text: str) -> bool:
    """Whether there is a word, or an emoji, of pleasure or thanks."""
    return bool(_GLAD.search(folded(text)))


def _wants_greeting(text: str, words: list[str], facts: Facts, name: str) -> bool:
    if facts.is_public or facts.earlier_replies or len(words) < _LETTER_FROM:
        return False
    # Only who writes a letter expects one: a line of chat is answered with a line.
    length = len(facts.message.split())
    if 0 < length < _LETTER_TO and not _GREETING.search(facts.message[:80]):
        return False
    opening = text[:80]
    return not _GREETING.search(opening) and not (name and name.casefold() in opening.casefold())


def _nameless(draft: str, match: re.Match[str], name: str) -> Finding:
    return Finding(
        code="inspiring.nameless",
        letter=Letter.INSPIRING,
        light=Light.AMBER,
        says="This could be to anybody; greet the person.",
        matched=draft[match.start() : match.end()],
        start=match.start(),
        end=match.end(),
        change=f"Hello {name}" if name else "Hello",
    )


def _missing(code: str, letter: Letter, says: str, change: str) -> Finding:
    return Finding(code=code, letter=letter, light=Light.AMBER, says=says, change=change)
