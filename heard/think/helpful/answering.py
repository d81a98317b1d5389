"""Which questions of the message a draft takes up: by what would answer them, and by their words.

It leans towards ticking a question off: a question left open is worth a word only if it surely is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heard.reading import embed
from heard.think.findings import Asked, Facts, Finding, Letter, Light
from heard.think.helpful.questions import Answer, Question, questions_of
from heard.think.helpful.substance import substance
from heard.think.links import links_in
from heard.think.tongues import may_be
from heard.think.true.claims import Sort, claims_in
from heard.think.true.moments import moment_in
from heard.think.true.subjects import content_of
from heard.think.wording import own_words, phrase

_LEAST_WORDS = 8
_ALIKE = 4  # letters by which "open" and "opening" are one word


def asked(draft: str, facts: Facts) -> tuple[Asked, ...]:
    """Every question of the message, ticked off where the draft takes it up."""
    questions = questions_of(facts.message)
    takes_all = bool(substance(draft)) and (len(questions) == 1 or leads_on(draft))
    return tuple(
        Asked(question.text, takes_all or takes_up(draft, question)) for question in questions
    )


def answering(draft: str, facts: Facts) -> Iterable[Finding]:
    """Warnings for a question that is left open, and for a ready text that ignores the message."""
    yield from _left_open(draft, facts)
    yield from _ready_made(draft, facts)


def _left_open(draft: str, facts: Facts) -> Iterator[Finding]:
    """Of several questions the draft answers some, and leaves one open."""
    questions = asked(draft, facts)
    left = [question for question in questions if not question.is_taken_up]
    if 0 < len(left) < len(questions) and len(re.findall(r"\w+", draft)) >= _LEAST_WORDS:
        text = left[0].text if len(left[0].text) <= 80 else f"{left[0].text[:79]}…"
        yield Finding(
            code="helpful.open_question",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says=f"They also asked “{text}”, and that is still open.",
            start=len(draft),
            end=len(draft),
        )


_HEADED = re.compile(
    r"\A\s*(?:subject|template|macro|canned (?:response|reply)|saved (?:reply|answer)|betreff"
    r"|vorlage|textbaustein|objet|modèle|asunto|plantilla|oggetto|modello|assunto|modelo)\s*:[^\n]*\n*",
    re.IGNORECASE,
)
# Of replies that answer their message, nine in ten are more like it than 0.23; of replies to other
# messages a quarter to three quarters are less like it than that, and one in twenty more than 0.5
# (our corpus without its test part).
_MAYBE_ABOUT_IT, _SURELY_ABOUT_IT = 0.23, 0.5
_LEAST_SAID = 6  # words of content in a message that a text can ignore


def _ready_made(draft: str, facts: Facts) -> Iterator[Finding]:
    """What stands above a template, and a saved answer that has nothing to do with the message."""
    heading = _HEADED.match(draft)
    if heading:
        yield Finding(
            code="helpful.ready_made",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says="This line belongs to a template, not to an answer.",
            matched=heading[0],
            end=heading.end(),
            change="",
        )
    elif _ignores(draft, facts) and _is_saved(draft, facts.saved_answers):
        yield Finding(
            code="helpful.ready_made",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says="A saved answer, unchanged, and none of it takes up what they wrote.",
            matched=draft,
            end=len(draft),
        )


def _ignores(draft: str, facts: Facts) -> bool:
    """Whether no word of content of a longer message is taken up, and no question of it."""
    said = _about(facts.message)
    if len(said) < _LEAST_SAID or said & _about(draft) or leads_on(draft):
        return False
    if may_be("en", draft) and _likeness(facts.message, draft) >= _MAYBE_ABOUT_IT:
        return False
    return not any(takes_up(draft, question) for question in questions_of(facts.message))


def _is_saved(draft: str, saved: tuple[str, ...]) -> bool:
    """Whether nine in ten words of a saved answer are the draft's, and the other way round."""
    words = frozenset(re.findall(r"\w+", draft.casefold()))
    return len(words) >= _LEAST_WORDS and any(
        10 * len(words & kept) >= 9 * max(len(words), len(kept)) for kept in map(_words, saved)
    )


@lru_cache(maxsize=512)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", _GAP.sub(" ", text.casefold())))


_GAP = re.compile(r"\{[^{}\n]*\}")


# Who asks back, leads to a private place, gives a link or will find out has taken up everything.
_LEADS_ON = phrase(
    r"""
    (?:dm|pm|direct messag|private messag|message us|messaging us|in private|privately)
    (?:reply|call|ring|phone|e-?mail|text|write(?: to)?|contact|reach(?: out)?(?: to)?) (?:us|me)\b
    (?:tell|send|let) (?:us|me)\b|(?:follow the link|click|tap|visit|see here|chat)\b
    (?:i|we)(?:'ll| will|'m| am|'re| are)(?: \w+){0,2} (?:check|look|find|ask|get back|call)
    (?:i|we)(?:'ll| will)(?: \w+){0,2} (?:write|come back|pass|forward|have|make sure|follow|send)
    (?:i|we)(?:'ll| will)(?: \w+){0,2} (?:arrange|let you know|be in touch|sort|investigate|do|take)
    (?:i|we)(?:'ve| have)(?: \w+){0,2} (?:asked|passed|forwarded|checked|sent|arranged|looked|let)
    (?:i|we)(?:'ve| have)(?: \w+){0,2} (?:raised|reported|refunded|booked|put|moved|changed)
    (?:checking|looking into|investigating|working on|following up|escalat)
    (?:please|kindly) (?:send|share|provide|give|confirm|call|contact|reach|try|check|follow|fill)
    (?:please|kindly) (?:speak|use|go|see|allow|keep|ask|bring|come|reply|stay|wait|make|ensure)
    (?:direktnachricht|privatnachricht|schreiben sie|schreibt uns|schreib uns|rufen sie|ruft uns)
    (?:wir|ich) (?:melden?|prüfen?|klären?|schauen?|fragen?|kümmern?|leiten?|werde)\b
    (?:melden|prüfen|klären|schauen|kümmern) wir\b|(?:sagen|nennen|senden) sie (?:uns|mir)\b
    (?:message privé|(?:écrivez|appelez|contactez|dites|envoyez)-(?:nous|moi))
    (?:nous revenons|je vérifie|nous vérifions|on regarde|on vérifie|je regarde|nous allons|je vais)
    (?:mensaje (?:directo|privado)|escríbanos|escríbenos|escribinos|llámenos|llámanos|díganos|dinos)
    (?:le confirmamos|revisamos|lo revisamos|vamos a|voy a|le (?:llamamos|escribimos|avisamos))
    (?:mándenos|mándanos|envíenos|envíanos|indíquenos|indícanos|pásenos|pásanos)
    (?:messaggio privato|ci scriva|scrivici|ci chiami|chiamaci|ci dica|dicci|ci mandi|mandaci)
    (?:verifichiamo|verifico|controlliamo|controllo|le faremo sapere|le scriviamo|provvediamo)
    (?:mensagem (?:direta|privada)|escreva-nos|escreve-nos|ligue-nos|diga-nos|mande-nos|envie-nos)
    (?:vamos (?:verificar|ver|tratar)|vou (?:verificar|ver|pedir)|verificamos|já (?:pedi|avisei))
    """
)


@lru_cache(maxsize=16)
def leads_on(draft: str) -> bool:
    """Whether it asks back, shows a way, or says what we will do about all of it."""
    return "?" in own_words(draft) or any(links_in(draft)) or bool(_LEADS_ON.search(draft))


_YES_OR_NO = phrase(
    r"""
    (?:yes|yep|yeah|no|nope|not|of course|sure|certainly|absolutely|indeed|unfortunately)\b
    (?:can|cannot|can't|won't|don't|doesn't|isn't|aren't|possible|able|welcome|gladly)\b
    (?:correct|right|ja|nein|nicht|kein\w*|leider|gerne|natürlich|selbstverständlich|möglich)\b
    (?:oui|non|pas|bien sûr|malheureusement|possible|tout à fait|sí|claro|lamentablemente)\b
    (?:por supuesto|posible|sì|certo|purtroppo|possibile|sim|não|infelizmente|possível)\b
    (?:si|nao|selbstverständlich|klar|freilich|genau|jawohl|volontiers|hélas|évidemment|certainement)\b
    (?:efectivamente|desde luego|desgraciadamente|cómo no|certamente|esatto|volentieri|magari)\b
    (?:pode|podem|puede|pueden|può|potete|können|kann|peut|pouvez|temos|tem|hay|há|c'è|abbiamo)\b
    """
)
_REASON = phrase(
    r"""
    (?:because|due to|since|as we|reason|caused?|so that|owing|means that|in order|why)\b
    (?:weil|wegen|grund|da wir|denn|deshalb|damit|nämlich|car|parce|puisque|en raison|à cause)\b
    (?:afin|porque|debido|ya que|puesto que|a causa|por eso|devido|já que|pois|por isso)\b
    (?:perché|poiché|dato che|siccome|in quanto|per via|per questo)\b
    """
)
_PLACE = phrase(
    r"""
    (?:near|behind|opposite|under|next to|outside|inside|here|there|street|road|corner|entrance)\b
    (?:address|floor|station|page|hinter|neben|unter|hier|dort|gegenüber|straße|eingang|etage)\b
    (?:chez|derrière|ici|rue|étage|devant|face|près|entrée|page|site|guichet|quai|place)\b
    (?:detrás|aquí|junto|calle|entrada|planta|enfrente|cerca|página|ventanilla|mostrador|plaza)\b
    (?:presso|dietro|qui|via|piazza|ingresso|piano|accanto|davanti|vicino|sportello|sito)\b
    (?:rua|atrás|aqui|praça|piso|andar|balcão|ao lado|perto|em frente|site|filiale|laden|platz)\b
    """
)
_PERSON = re.compile(
    r"\b(?:team|manager|colleague|staff|owner|reception|desk|department|office|kitchen|driver|us|me"
    r"|kolleg\w*|chef\w*|leitung|équipe|responsable|equipo|encargad[oa]|responsabile|equipa|we|i)\b"
    r"|\b(?-i:[A-Z]\w+)",
    re.IGNORECASE,
)
_SOON = phrase(
    r"""
    (?:soon|shortly|asap|today|now|immediately|always|never|until|whenever|after|before)\b
    (?:bald|sofort|heute|morgen|jetzt|immer|nie|gleich|schon|bientôt|demain|aujourd'hui|toujours)\b
    (?:pronto|hoy|mañana|ahora|siempre|nunca|em breve|hoje|amanhã|agora|sempre)\b
    (?:presto|oggi|domani|subito|adesso|già)\b
    """
)
_NO_AMOUNT = phrase(
    r"(?:free|nothing|no charge|included|none|all|half|kostenlos|gratis|gratuit|grátis|inklusive"
    r"|umsonst|nichts|gratuitement|offert|inclus|compris|rien|gratuito|incluido|nada|sin coste"
    r"|sin costo|incluído|sem custo|incluso|compreso|niente|nulla)\b"
)
_TIMES = {Sort.CLOCK, Sort.DATE, Sort.WEEKDAY, Sort.SPAN}


def takes_up(draft: str, question: Question) -> bool:
    """Whether a draft has what would answer a question, or takes up its words."""
    if {stem[:_ALIKE] for stem in question.about} & _about(draft):
        return True
    if may_be("en", draft) and _likeness(question.text, draft) >= _SURELY_ABOUT_IT:
        return True
    text = own_words(draft)
    if question.answer is Answer.WHEN:
        has_time = not _TIMES.isdisjoint(claim.sort for claim in claims_in(text))
        return has_time or bool(_SOON.search(text)) or moment_in(text, now=None) is not None
    if question.answer is Answer.AMOUNT:
        return any(letter.isdigit() for letter in text) or bool(_NO_AMOUNT.search(text))
    if question.answer is Answer.WHERE:
        return bool(_PLACE.search(text))
    if question.answer is Answer.WHO:
        return bool(_PERSON.search(text))
    if question.answer is Answer.REASON:
        return bool(_REASON.search(text))
    if question.answer is Answer.YES_OR_NO:
        return bool(_YES_OR_NO.search(text))
    return bool(substance(draft)) and not question.about


def _likeness(one: str, other: str) -> float:
    """How near two English texts are in meaning, from -1 to 1.

    In other languages an answer is no nearer to its question than to others (our corpus).
    """
    return float(_meaning(one) @ _meaning(other))


@lru_cache(maxsize=64)
def _meaning(text: str) -> NDArray[np.float32]:
    meaning: NDArray[np.float32] = embed([text])[0]
    return meaning


@lru_cache(maxsize=16)
def _about(draft: str) -> frozenset[str]:
    return frozenset(stem[:_ALIKE] for stem in content_of(own_words(draft)))
