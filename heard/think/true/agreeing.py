"""Figures, names and answers of a draft, held against what the house knows and has said.

It warns and never stops: whoever answers may know better, and so may the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from heard.think.contact import first_name
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.privacy.belonging import is_our_detail
from heard.think.tongues import tongue_of
from heard.think.true.claims import Claim, Sort, claims_in
from heard.think.true.known_facts import Entry, Mention, book_of
from heard.think.true.promises import promises_in
from heard.think.true.retelling import written_like
from heard.think.true.subjects import content_of
from heard.think.wording import folded, own_words, phrase, sentence_around, sentences, set_of

_MOST_LISTED = 3


def agreeing(draft: str, facts: Facts) -> Iterable[Finding]:
    """What contradicts a fact, an earlier answer or the contact's name, and what nobody knows."""
    against = [*_against_facts(draft, facts), *_against_ourselves(draft, facts)]
    yield from against
    yield from _another_name(draft, facts)
    yield from _not_known(draft, facts, against)


# --- facts ----------------------------------------------------------------------------------------

# What a sum is besides a price, and a span besides a rule: then it is no claim about the fact.
_ANOTHER_MATTER = phrase(
    r"""
    (?:refund|credit|voucher|discount|compensat|reimburse|deposit|instead|sav(?:e|ing)|cheaper|off\b)
    (?:paid|pay(?:ing)? back|charged|billed|spent|bought|ordered|received|waited|waiting)\b
    (?:was|were|used to|until now|before|formerly|not|no longer|never|together|altogether|total)\b
    (?:ago|since|last|extra|more|less|another|half|plus|additional)\b
    (?:erstatt|gutschr|gutschein|rabatt|bezahlt|abgebucht|nicht|vorher|insgesamt|statt|seit)
    (?:rembours|bon d'achat|payé|débité|au lieu|avant|pas\b|total)
    (?:reembols|devol|pagad|pagó|cobrad|descuento|desconto|antes|total)
    (?:rimbors|sconto|pagat|addebitat|prima\b|totale)
    """
)


def _against_facts(draft: str, facts: Facts) -> Iterator[Finding]:
    """Figures that differ from the one that is known of the same subject."""
    if not facts.known:
        return
    text, book = own_words(draft), book_of(facts)
    asked = None
    for start, end in sentences(text):
        sentence = text[start:end]
        claims = [it for it in claims_in(sentence) if it.sort is not Sort.WEEKDAY]
        if not claims or _ANOTHER_MATTER.search(sentence) or sentence.rstrip().endswith("?"):
            continue
        named = book.mentions_in(sentence)
        if not named:
            # "It is € 15", said to "How much is a day ticket?"
            if asked is None:
                asked = _asked_about(facts)
            named = asked
        yield from _contradicted(draft, start, claims, named, tongue_of(draft, facts))


def _asked_about(facts: Facts) -> list[Mention]:
    """The one fact that the message asks for, if it is one."""
    if "?" not in facts.message:
        return []
    named = book_of(facts).mentions_in(facts.message)
    return [replace(named[0], start=0)] if len(named) == 1 else []


def _contradicted(
    draft: str, offset: int, claims: list[Claim], named: list[Mention], language: str
) -> Iterator[Finding]:
    for sort in dict.fromkeys(claim.sort for claim in claims):
        own = [claim for claim in claims if claim.sort is sort]
        for entry, mine in _shared_out(own, named, sort):
            known = entry.claims_of(sort)
            pairs = [(claim, it) for claim in mine for it in known]
            if any(claim.agrees_with(it) or _is_multiple(claim, it) for claim, it in pairs):
                continue
            claim = mine[0]
            start, end = offset + claim.start, offset + claim.end
            is_one = len(known) == len(mine) == 1
            yield Finding(
                code="true.contradicts",
                letter=Letter.TRUE,
                light=Light.AMBER,
                says="We know it otherwise.",
                matched=draft[start:end],
                start=start,
                end=end,
                change=written_like(known[0], claim, language) if is_one else None,
                beside=f"{entry.fact.subject}: {entry.fact.value}",
            )


def _shared_out(
    claims: list[Claim], named: list[Mention], sort: Sort
) -> Iterator[tuple[Entry, list[Claim]]]:
    """Which claims are of which fact: of the nearest name, of the longest where two are as near."""
    about = [one for one in named if one.entry.claims_of(sort)]
    # The family ticket is not the ticket: a longer name at the same place hides a shorter one.
    about = [
        one
        for one in about
        if not any(
            other.length > one.length and abs(other.start - one.start) < 30 for other in about
        )
    ]
    shares: dict[int, list[Claim]] = {}
    for claim in claims:
        if about:
            # The name mostly comes before its figure.
            distance = [
                claim.start - one.start if one.start < claim.start else one.start - claim.start + 60
                for one in about
            ]
            shares.setdefault(distance.index(min(distance)), []).append(claim)
    for number, mine in shares.items():
        yield about[number].entry, mine


def _is_multiple(claim: Claim, known: Claim) -> bool:
    """Two tickets cost twice as much."""
    if claim.sort is not Sort.SUM:
        return False
    amount, one = claim.value[0], known.value[0]
    return bool(amount and one) and amount % one == 0 and 2 <= amount / one <= 12  # type: ignore[operator]


# --- earlier answers ------------------------------------------------------------------------------

_CHANGED_SINCE = phrase(
    r"""
    (?:now|new|news|chang|instead|actually|correct|unfortunately|delay|sorry|apolog|mistake|updat)
    (?:moved|reschedul|wrong|rather|earlier|later|meanwhile|postpon|after all|in fact|though)
    (?:but|however|except|unless|only if|as of|since then|good news|turns out|extend)\b
    (?:jetzt|neu|leider|änder|geändert|statt|korrig|versehen|inzwischen|doch|aber|entschuldig)
    (?:maintenant|nouve|malheureusement|désormais|erreur|désolé|mais|finalement)
    (?:ahora|nuev|lament|error|perdón|disculp|pero|finalmente|sin embargo)
    (?:adesso|ora\b|nuov|purtroppo|errore|scus|però|ma\b)
    (?:agora|nov[oa]|infelizmente|erro\b|desculp|mas\b|porém)
    """
)
_NOT = phrase(
    r"""
    (?:not|no|never|cannot|unable|without|neither)\b
    (?:nicht|kein\w*|niemals|nie|leider)\b
    (?:pas|aucune?|jamais|plus)\b
    (?:nunca|ningun[oa]?|tampoco|não|nem|nenhum\w*|non|mai|nessun\w*)\b
    """
)
_NOT_AT_THE_END = re.compile(r"n't\b", re.IGNORECASE)
_COMPARED = (Sort.SUM, Sort.SHARE, Sort.SPAN, Sort.CLOCK, Sort.DATE, Sort.WEEKDAY)
_FORMULAS = set_of(
    "thank thanks sorry hello dear pleas know help hear let team send hop apologi apolog"
)


def _against_ourselves(draft: str, facts: Facts) -> Iterator[Finding]:
    """At most one: of the same subject we said another figure, or the opposite, before."""
    if not facts.earlier_replies:
        return
    text = own_words(draft)
    if _CHANGED_SINCE.search(text):
        return
    earlier = [
        reply[start:end].strip()
        for reply in facts.earlier_replies
        for start, end in sentences(reply)
    ][:60]
    for start, end in sentences(text):
        sentence = text[start:end]
        if sentence.rstrip().endswith("?"):
            continue
        about = content_of(sentence) - _FORMULAS
        if len(about) < 2:
            continue
        for before in earlier:
            shared = about & content_of(before)
            if len(shared) < 2 or before.endswith("?"):
                continue
            alike = len(shared) / len((about | content_of(before)) - _FORMULAS)
            language = tongue_of(draft, facts)
            found = (
                _other_figure(draft, start, sentence, before, language) if alike >= 0.5 else None
            )
            if found is None and len(shared) >= 3 and alike >= 0.66:
                found = _opposite(draft, start, end, before)
            if found is not None:
                yield found
                return


def _other_figure(
    draft: str, offset: int, sentence: str, before: str, language: str
) -> Finding | None:
    said, told = claims_in(sentence), claims_in(before)
    for sort in _COMPARED:
        own = [claim for claim in said if claim.sort is sort]
        old = [claim for claim in told if claim.sort is sort]
        pairs = [(one, it) for one in own for it in old]
        if not pairs or any(one.agrees_with(it) or it.agrees_with(one) for one, it in pairs):
            continue
        start, end = offset + own[0].start, offset + own[0].end
        is_one = len(own) == len(old) == 1
        change = written_like(old[0], own[0], language) if is_one else None
        return _contradiction(draft, start, end, before, change=change)
    return None


def _opposite(draft: str, start: int, end: int, before: str) -> Finding | None:
    sentence = folded(draft[start:end])
    if _denies(sentence) == _denies(folded(before)):
        return None
    lead = len(sentence) - len(sentence.lstrip())
    return _contradiction(draft, start + lead, start + len(sentence.rstrip()), before, change=None)


def _denies(sentence: str) -> bool:
    return bool(_NOT.search(sentence) or _NOT_AT_THE_END.search(sentence))


def _contradiction(draft: str, start: int, end: int, before: str, *, change: str | None) -> Finding:
    quoted = before if len(before) <= 160 else f"{before[:159]}…"
    return Finding(
        code="true.contradicts_earlier",
        letter=Letter.TRUE,
        light=Light.AMBER,
        says="We said something else here before.",
        matched=draft[start:end],
        start=start,
        end=end,
        change=change,
        beside=quoted,
    )


# --- names ----------------------------------------------------------------------------------------

_GREETED = re.compile(
    r"\A\W*(?i:hi|hello|hey|dear|hallo|liebe[rs]?|bonjour|cher|chère|hola|querid[oa]|ciao|caro|cara|olá|oi)"
    r",? (?P<name>[^\W\d_][^\W\d_'-]+)\s*[,!.:\n-]"
)
_NO_NAME = set_of(
    """
    there all everyone everybody team customer guest friend friends folks guys sir madam ma'am mr
    mrs ms miss dr doctor herr frau monsieur madame señor señora signor signora again both neighbour
    zusammen leute à tous todos tutti cliente client kunde kundin gast valued
    """
)


def _another_name(draft: str, facts: Facts) -> Iterator[Finding]:
    """A greeting by a name that is not the contact's, and that nobody has named here."""
    name = first_name(facts.contact_name)
    match = _GREETED.match(folded(draft)) if name else None
    if match is None or not match["name"][:1].isupper():
        return
    greeted = match["name"].casefold()
    own = folded(facts.contact_name).casefold()
    heard = folded(" ".join([facts.message, *(turn.text for turn in facts.thread)])).casefold()
    is_short_form = own[:3] == greeted[:3]
    if greeted in _NO_NAME or greeted in own or is_short_form or greeted in heard:
        return
    start, end = match.span("name")
    yield Finding(
        code="true.other_name",
        letter=Letter.TRUE,
        light=Light.AMBER,
        says=f"This goes to {facts.contact_name}.",
        matched=draft[start:end],
        start=start,
        end=end,
        change=name,
    )


# --- what nobody knows ----------------------------------------------------------------------------

# What we did for this person is known to whoever did it.
_OF_THIS_PERSON = phrase(
    r"""
    (?:refund|credit|reimburs|compensat|voucher|discount|charged|paid|billed|booked|sent|posted)
    (?:your (?:order|booking|invoice|bill|account|card|parcel|refund|payment|balance|ticket))\b
    (?:erstatt|gutschr|gutschein|ihre? (?:bestellung|buchung|rechnung|konto))
    (?:rembours|crédit|votre (?:commande|facture|compte))
    (?:reembols|rimbors|su pedido|il suo ordine|seu pedido)
    """
)
# How many facts of a sort a house has to keep before what is not among them is worth a word. Spans
# and times are left out: mostly they are of this one case ("ten minutes from you").
_KEPT_FROM = {Sort.PHONE: 1, Sort.EMAIL: 1, Sort.LINK: 1, Sort.SUM: 5, Sort.SHARE: 5}


def _not_known(draft: str, facts: Facts, against: list[Finding]) -> Iterator[Finding]:
    """One quiet finding that lists the figures which stand nowhere that we know of."""
    book = book_of(facts)
    sorts = {sort for sort, least in _KEPT_FROM.items() if book.counts[sort] >= least}
    text = own_words(draft)
    claims = [claim for claim in claims_in(text) if claim.sort in sorts]
    if not claims:
        return  # a house that has written little down knows nothing better
    told = _told(facts)
    promised = [(it.start, it.end) for it in promises_in(draft, facts)]
    unknown: list[Claim] = []
    for claim in claims:
        known = (*book.claims[claim.sort], *told)
        if any(claim.agrees_with(it) for it in known):
            continue
        start, end = sentence_around(text, claim.start)
        inside = any(first <= claim.start < last for first, last in promised)
        judged = any(it.start < claim.end and claim.start < it.end for it in against)
        prices = [
            it for one in book.mentions_in(text[start:end]) for it in one.entry.claims_of(Sort.SUM)
        ]
        if any(_is_multiple(claim, it) for it in prices):
            continue
        if inside or judged or _OF_THIS_PERSON.search(text, start, end):
            continue
        if claim.sort in (Sort.PHONE, Sort.EMAIL) and is_our_detail(claim.text, facts):
            continue
        if claim.sort is Sort.LINK and _is_at_home(claim, facts):
            continue
        unknown.append(claim)
    if unknown:
        listed = ", ".join(dict.fromkeys(claim.text for claim in unknown[:_MOST_LISTED]))
        yield Finding(
            code="true.not_known",
            letter=Letter.TRUE,
            light=Light.AMBER,
            says=f"Not known here: {listed}.",
            matched=draft[unknown[0].start : unknown[0].end],
            start=unknown[0].start,
            end=unknown[0].end,
        )


def _told(facts: Facts) -> list[Claim]:
    """Every figure that was said here by either side, or stands in a text kept ready."""
    said = [facts.message, *(turn.text for turn in facts.thread), *facts.earlier_replies]
    said += [*facts.saved_answers, *facts.contact_details, *facts.our_details, facts.private_way]
    return [claim for text in said for claim in claims_in(text)]


def _is_at_home(claim: Claim, facts: Facts) -> bool:
    host = str(claim.value[0]).partition("/")[0]
    homes = [domain.casefold().removeprefix("www.") for domain in facts.allowed_domains]
    homes += [str(it.value[0]).partition("/")[0] for it in book_of(facts).claims[Sort.LINK]]
    return any(host == home or host.endswith(f".{home}") for home in homes if home)
