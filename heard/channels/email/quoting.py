"""Tells what somebody wrote from what their mail program added: quotations, signatures, notices.

Nothing is lost: what is folded away is handed back beside the words. Where the words cannot be told
apart surely (answers between the quoted lines, a mail passed on) everything stays together.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_SIGNATURE = 25
LONGEST_HEADLINE = 300

_WROTE = (
    r"wrote|writes|schrieb(?:\s.{0,120})?|a écrit|escribió|ha scritto|schreef(?:\s.{0,120})?"
    r"|escreveu|napisał(?:a|\(a\))?|pisze|skrev(?:\s.{0,120})?|kirjoitti|napsal(?:a|\(a\))?|píše"
    r"|написал(?:а|\(а\))?|пишет|пише|написав(?:ла)?|yazdı|şunu yazdı|ezt írta|írta|a scris|έγραψε"
    r"|va escriure|je napisao|je napisal|написа|rašė|rakstīja|kirjutas|skrifaði"
    r"|đã viết|menulis|كتب|כתב(?:ה)?"
)
_HEADLINE = re.compile(rf".{{4,{LONGEST_HEADLINE}}}?\b(?:{_WROTE})\s?[:\uff1a]", re.IGNORECASE)
_EASTERN_HEADLINE = re.compile(
    r".{4,200}(?:写道|寫道|のメール|書きました|書いた|님이 작성|작성)\s?[:\uff1a]"
)
_DIVIDER = re.compile(
    r"[-_—*\s]{2,}(?:original message|original appointment|reply message"
    r"|ursprüngliche nachricht|originalnachricht|message d'origine|message original"
    r"|message initial|mensaje original|messaggio originale|mensagem original"
    r"|oorspronkelijk bericht|oryginalna wiadomość|wiadomość oryginalna|ursprungligt meddelande"
    r"|originalmeddelande|opprinnelig melding|oprindelig meddelelse|original besked"
    r"|alkuperäinen viesti|původní zpráva|исходное сообщение|оригинал сообщения"
    r"|вихідне повідомлення|orijinal ileti|orijinal mesaj|eredeti üzenet|mesaj original"
    r"|原始邮件|原始郵件|元のメッセージ|원본 메시지)[-_—*\s]{2,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_-]{20,}")
_MOMENT = re.compile(r"\b(?:19|20)\d\d\D|\d[:.]\d\d|\d[./-]\d|\b\d\d? [^\W\d]{3}")
"""A quotation names a day; "My sister wrote:" does not."""
_FROM = frozenset((
    "from", "von", "de", "da", "van", "od", "från", "fra", "lähettäjä", "от", "від", "kimden",
    "feladó", "de la", "από", "发件人", "寄件者", "差出人", "보낸 사람", "보낸사람",
))  # fmt: skip
_MORE = frozenset((
    "sent", "date", "to", "subject", "cc", "gesendet", "datum", "an", "betreff", "envoyé", "à",
    "objet", "enviado", "enviado el", "fecha", "para", "asunto", "inviato", "data", "a", "oggetto",
    "enviada em", "enviada", "assunto", "verzonden", "aan", "onderwerp", "wysłano", "do", "temat",
    "skickat", "till", "ämne", "sendt", "til", "emne", "dato", "lähetetty", "vastaanottaja", "aihe",
    "päiväys", "odesláno", "komu", "předmět", "отправлено", "дата", "кому", "тема", "надіслано",
    "gönderildi", "tarih", "kime", "konu", "elküldve", "dátum", "címzett", "tárgy", "trimis",
    "către", "subiect", "ημερομηνία", "προς", "θέμα", "发送时间", "日期", "收件人", "抄送", "主题",
    "收件者", "主旨", "送信日時", "宛先", "件名", "보낸 날짜", "받는 사람", "제목",
))  # fmt: skip
_MOBILE = re.compile(
    r"(?:sent (?:from|via|with)|get outlook for|von mein|gesendet (?:von|mit)|diese nachricht wurde"
    r"|envoyé (?:de|depuis|à partir)|enviado (?:desde|do|via|con)|inviato (?:da|con)"
    r"|verzonden (?:vanaf|met|via)|verstuurd vanaf|wysłane? z|skickat från|sendt fra|lähetetty"
    r"|odesláno z|отправлено (?:с|из)|надіслано з|iphone'umdan|gönderildi|从我的|發自我的|发自我的"
    r"|iphoneから|나의 iphone).{0,120}",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:with |many |best |kind |warm )*(?:regards|wishes|thanks)|sincerely|cheers|yours \w+"
    r"|(?:mit )?(?:freundliche[nm]?|beste[nr]?|viele[n]?|liebe[n]?|schöne[n]?) (?:grüße[n]?|gruß)"
    r"|mfg|(?:bien )?cordialement|(?:bien )?à vous|salutations.{0,30}|(?:un )?(?:cordial )?saludos?"
    r"|atentamente|(?:cordiali|distinti) saluti|met vriendelijke groet(?:en)?|groet(?:en|jes)?"
    r"|atenciosamente|(?:com os melhores )?cumprimentos|pozdrawiam|z poważaniem"
    r"|(?:med )?vänliga? häls(?:ning|ningar)|mvh|(?:med )?(?:vennlig|venlig) hilsen|terveisin"
    r"|s pozdravem|с уважением|з повагою|saygılarımla|üdvözlettel)\s*[,.!]*",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?:\+|\b0)[\d\s()/.-]{7,}\d|https?://|www\.|[\w.+-]+@[\w-]+\.\w|\b(?:tel|phone|fax|mobil)",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"\W{0,4}(?:this (?:e-?mail|message|communication)\b.{0,80}\b(?:confidential|intended"
    r"|privileged)"
    r"|confidentiality notice|disclaimer\s*:|diese (?:e-?mail|nachricht)\b.{0,80}\bvertraulich"
    r"|ce (?:message|courriel)\b.{0,80}\bconfidentiel|este (?:mensaje|correo|e-?mail)\b.{0,80}"
    r"\bconfidencial|questa? (?:messaggio|e-?mail)\b.{0,80}\briservat"
    r"|please consider the environment)",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|enc|i|doorst|vb|vs|pd|转发|轉寄|転送)\s*[:\uff1a]", re.IGNORECASE
)


class Folded(NamedTuple):
    """The words somebody wrote, what they quoted, and how they signed ("" without)."""

    words: str
    quoted: str
    signature: str


def folded(text: str, *, subject: str = "") -> Folded:
    """A mail's text in its three parts. A mail passed on keeps what it passes on in its words."""
    text = text.strip("\n")
    said, quoted = (text, "") if _FORWARDED.match(subject) else _without_quotation(text)
    words, signature = _without_signature(said)
    if not words.strip():
        words, signature = (said, "") if said.strip() else (text, "")
        quoted = quoted if said.strip() else ""
    return Folded(words.strip(), quoted.strip("\n"), signature.strip())


def _without_quotation(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    if cut := _first_cut(lines):
        above, below = lines[: cut[0]], lines[cut[1] :]
        if any(line.lstrip().startswith(">") for line in below):
            return _around(above, lines[cut[0] : cut[1]], below)
        if any(line.strip() for line in above):
            return "\n".join(above).rstrip(), "\n".join(lines[cut[0] :])
        return text, ""
    if ">" in text:
        return _around([], [], lines)
    return text, ""


def _first_cut(lines: list[str]) -> tuple[int, int] | None:
    """Where a quotation is announced, and where the announcement ends."""
    for n, raw in enumerate(lines):
        line = raw.strip().strip("*").strip()
        if not line or line[0] == ">":
            continue
        last = line[-1]
        if last in ":\uff1a" and (begin := _headline(lines, n)) is not None:
            return begin, n + 1
        if last in "-_—*" and (_DIVIDER.fullmatch(line) or _is_rule_over_header(lines, n)):
            return n, n + 1
        if (":" in line[:24] or "\uff1a" in line[:24]) and _is_header_block(lines, n):
            return n, n + 1
    return None


def _headline(lines: list[str], end: int) -> int | None:
    """The first line of "On Monday Ann wrote:", which mail programs break into up to three."""
    found: int | None = None
    joined = ""
    for begin in range(end, max(-1, end - 3), -1):
        line = lines[begin].strip()
        if not line or line[0] == ">":
            break
        joined = f"{line} {joined}".strip()
        if len(joined) > LONGEST_HEADLINE:
            break
        if not (_HEADLINE.fullmatch(joined) or _EASTERN_HEADLINE.fullmatch(joined)):
            continue
        if _MOMENT.search(joined):
            return begin
        if found is None and ("@" in joined or _is_followed_by_quote(lines, end + 1)):
            found = begin
    return found


def _is_followed_by_quote(lines: list[str], start: int) -> bool:
    after = next((line for line in lines[start : start + 3] if line.strip()), "")
    return after.lstrip().startswith(">")


def _is_rule_over_header(lines: list[str], n: int) -> bool:
    if not _RULE.fullmatch(lines[n].strip()):
        return False
    after = next((m for m in range(n + 1, min(n + 4, len(lines))) if lines[m].strip()), None)
    return after is not None and _is_header_block(lines, after)


def _is_header_block(lines: list[str], n: int) -> bool:
    """ "From: …" with at least two more names of headers in the lines below it."""
    if _name_of(lines[n]) not in _FROM:
        return False
    below = [line for line in lines[n + 1 : n + 12] if line.strip()][:5]
    return sum(_name_of(line) in _MORE for line in below) >= 2


def _name_of(line: str) -> str:
    return (
        re.split("[:\uff1a]", line.strip().strip("*>").strip(), maxsplit=1)[0].strip("* ").lower()
    )


def _around(above: list[str], headline: list[str], lines: list[str]) -> tuple[str, str]:
    """What is left when one block of quoted lines is taken out; all of it if there are several."""
    whole = "\n".join([*above, *headline, *lines])
    quoted = [n for n, line in enumerate(lines) if line.lstrip().startswith(">")]
    if not quoted:
        return whole, ""
    first, last = quoted[0], quoted[-1]
    inside = lines[first : last + 1]
    if any(line.strip() and not line.lstrip().startswith(">") for line in inside):
        return whole, ""
    start = first
    if headline and not any(line.strip() for line in lines[:first]):
        start = 0
    elif not headline and (begin := _headline_above(lines, first)) is not None:
        start = begin
    rest = [*above, *lines[:start], *lines[last + 1 :]]
    said = "\n".join(rest).strip("\n")
    if not said.strip():
        return whole, ""
    return said, "\n".join([*headline, *lines[start : last + 1]])


def _headline_above(lines: list[str], first: int) -> int | None:
    """A line that ends in a colon just above the quoted lines announces them, in any language."""
    above = next((n for n in range(first - 1, max(-1, first - 3), -1) if lines[n].strip()), None)
    if above is None or not lines[above].strip().endswith((":", "\uff1a")):
        return None
    line = lines[above]
    return above if "@" in line or _MOMENT.search(line) else None


def _without_signature(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    for n in range(len(lines) - 1, max(-1, len(lines) - 1 - LONGEST_SIGNATURE), -1):
        if lines[n].rstrip("\r") in {"-- ", "--"}:
            return "\n".join(lines[:n]).rstrip(), "\n".join(lines[n + 1 :])
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    start = _notice(lines, end)
    start = _mobile(lines, start)
    start = _card(lines, start)
    return "\n".join(lines[:start]).rstrip(), "\n".join(lines[start:end]).strip()


def _notice(lines: list[str], end: int) -> int:
    """Where the lawyers begin, in the last lines."""
    for n in range(max(0, end - LONGEST_SIGNATURE), end):
        if len(lines[n]) > 30 and _NOTICE.match(lines[n]):
            return n
    return end


def _mobile(lines: list[str], end: int) -> int:
    last = _last_said(lines, end)
    if last >= 0 and _MOBILE.fullmatch(lines[last].strip().strip("_-")):
        return last
    return end


def _card(lines: list[str], end: int) -> int:
    """The lines with a telephone number or a web address that stand below greeting and name."""
    for n in range(max(0, end - LONGEST_SIGNATURE), end):
        if not _CLOSING.fullmatch(lines[n].strip()):
            continue
        below = [m for m in range(n + 1, end) if lines[m].strip()]
        is_short = len(below) >= 2 and all(len(lines[m]) <= 120 for m in below)
        if is_short and any(_CARD.search(lines[m]) for m in below[1:]):
            return below[1]
        return end
    return end


def _last_said(lines: list[str], end: int) -> int:
    return next((n for n in range(end - 1, -1, -1) if lines[n].strip()), -1)
