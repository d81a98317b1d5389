"""Tells mails that programs wrote from those of people, and whether one may be acknowledged.

RFC 3834, and what programs wrote before it and beside it. A mail that is called automatic here is
kept and shown, starts no clock and is never answered by a program of ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from heard.channels.email.mime import Headers

LOOP_HEADER = "X-Heard"
_BULK = frozenset({"bulk", "junk", "auto_reply", "auto-reply"})
_RESPONDERS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply",
    "x-autoreply-from",
)  # fmt: skip
_LISTS = ("list-id", "list-post", "list-unsubscribe", "list-unsubscribe-post", "x-mailing-list")
_NOBODY = re.compile(
    r"(?:mailer-daemon|postmaster|mail-?daemon|(?:do[._-]?not|no|never)[._-]?reply|bounces?"
    r"|auto(?:matic)?[._-]?(?:reply|answer|responder))(?:[+._-].*)?@",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"\s*(?:(?:re|aw|sv|antw)\s*:\s*)?(?:(?:automatic|auto|automated)[ -]?(?:reply|response)\b"
    r"|auto\s*:|out of (?:the )?office\b|ooo\b|away from (?:the )?office"
    r"|autom?atische? antwort|abwesenheits(?:notiz|nachricht|meldung)|nicht im büro"
    r"|réponse automatique|absence du bureau|absent du bureau|respuesta automática"
    r"|fuera de (?:la )?oficina|risposta automatica|fuori sede|fuori ufficio"
    r"|automatisch antwoord|afwezig(?:heid)?\b|resposta automática|ausência temporária"
    r"|automatyczna odpowiedź|odpowiedź automatyczna|autosvar|automatiskt svar|automatisk svar"
    r"|automaattinen vastaus|poissa|automatická odpověď|автоматический ответ|автоответ"
    r"|автоматична відповідь|otomatik yanıt|automatikus válasz|自动回复|自動回覆|自動返信|不在通知"
    r"|자동 회신|부재중)",
    re.IGNORECASE,
)


def reason(
    headers: Headers,
    *,
    sender: str,
    subject: str,
    own_domains: Collection[str],
    is_answer: bool,
    is_own_form: bool = False,
) -> str:
    """Why a mail counts as written by a program; "" for one that a person wrote.

    `is_answer`: it answers a mail of ours, so a list cannot have sent it to many. `is_own_form`: a
    form of our own site mails in a visitor's stead, and may say so. A list of our own domain is how
    many companies hand mail on to their people, and proves nothing.
    """
    submitted = _first(headers, "auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no" and not (is_own_form and submitted == "auto-generated"):
        return submitted[:40]
    if any(name in headers for name in _RESPONDERS) or _AWAY.match(subject):
        return "auto-replied"
    if _first(headers, "return-path").replace(" ", "") == "<>" or _is_daemon(sender):
        return "delivery notice"
    if is_own_form:
        return ""
    if _first(headers, "precedence").strip().lower() in _BULK:
        return "bulk"
    if not is_answer and list_of(headers, own_domains=own_domains):
        return "list"
    return ""


def list_of(headers: Headers, *, own_domains: Collection[str]) -> str:
    """The name of the mailing list that brought a mail; "" without one, or for a list of ours."""
    present = [name for name in _LISTS if name in headers]
    if not present and _first(headers, "precedence").strip().lower() != "list":
        return ""
    values = [_first(headers, name).lower() for name in present]
    for domain in own_domains:
        own = re.compile(rf"[@.<]{re.escape(domain)}(?![\w-])")
        if any(own.search(value) for value in values):
            return ""
    return (_first(headers, "list-id") or "list").strip()[:200]


def may_acknowledge(
    sender: str, *, is_automatic: bool, is_list: bool, is_proven_false: bool
) -> bool:
    """Whether a program of ours may answer: only a person, never a list, a robot or a forgery."""
    return not (is_automatic or is_list or is_proven_false or _NOBODY.match(sender))


def _is_daemon(sender: str) -> bool:
    return sender.startswith(("mailer-daemon@", "postmaster@", "mail-daemon@"))


def _first(headers: Headers, name: str) -> str:
    values = headers.get(name)
    return values[0] if values else ""
