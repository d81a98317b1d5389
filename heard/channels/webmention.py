"""Pages anywhere that link to ours and say so: Webmention (W3C) and pingback.

What arrives is only a claim that a page links to one of ours. The page is fetched through the guard
of `web`, must hold the link, and is read by its microformats 2. An answer is a page of our own: its
address is sent to the other page by the same protocols.
https://www.w3.org/TR/webmention/ · http://www.hixie.ch/specs/pingback/pingback
"""

from __future__ import annotations

import hashlib
import json
import re
import xmlrpc.client
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from xml.parsers import expat

from heard.channels import asking, payloads, web
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Deleted,
    Delivered,
    Edited,
    Elsewhere,
    Greeting,
    Heard,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Ration,
    Receipt,
    RefusedError,
    SendState,
    SetAside,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.lengths import LINK
from heard.channels.terms import lines
from heard.channels.texts import decode, plain, repair

kind = "webmention"
title = "Pages that link to us"
settings = (
    Setting(
        "sites",
        "Your sites",
        help="One a line, for example www.example.com. Links to any page of these are heard.",
        form="lines",
    ),
    Setting(
        "micropub",
        "Where your site takes posts",
        help="Its Micropub address, if it has one: answers are then published there as notes of"
        " yours. Without it, publish them yourself and send their address.",
        is_needed=False,
    ),
    Setting(
        "token",
        "Micropub token",
        help="From the settings of your site; it needs the right “create”.",
        is_secret=True,
        is_needed=False,
    ),
    Setting(
        "claims_an_hour",
        "Most mentions an hour",
        help="Anybody may say that a page links to you, and each such page is opened. Of one site"
        " at most a tenth of these.",
        is_needed=False,
        default="600",
        form="number",
        is_rare=True,
    ),
)
public = Abilities()
private = None
has_own_secret = False
heeds = ("content-type",)

FORM = "application/x-www-form-urlencoded"
XML = frozenset({"text/xml", "application/xml"})
LOOKED = "application/vnd.heard.mention+json"
"""Marks what `look` found; the door lets in only forms and calls."""
ADDRESS_LIMIT, BODY_LIMIT_BYTES, PAGE_LIMIT_BYTES = 1900, 16 * 1024, 512 * 1024
TEXT_LIMIT, EXCERPT_LIMIT = 20_000, 500
RESPONSES = {
    "in-reply-to": "reply",
    "like-of": "like",
    "like": "like",
    "repost-of": "repost",
    "repost": "repost",
    "bookmark-of": "bookmark",
    "bookmark": "bookmark",
}
"""What a page's properties with our address in them make of it (indieweb.org/responses)."""
WORDLESS = {
    "like": "Likes {target}",
    "repost": "Passes on {target}",
    "bookmark": "Has kept {target}",
    "reply": "Answers {target}",
    "mention": "Links to {target}",
}
CLAIMS_AN_HOUR, HOUR = 600, 3600
ALREADY = 48
"""The fault of a pingback server that knows this pair of pages."""


class _Claim(NamedTuple):
    """That one page links to another."""

    source: str
    target: str
    by: str


def greet(delivered: Delivered, account: Account) -> Greeting | None:
    """Tells people who open the address in a browser what it is for."""
    if delivered.method == "POST":
        return None
    said = f"Webmentions and pingbacks for {account.name} are posted to this address.\n"
    return Greeting(said.encode(), "text/plain; charset=utf-8")


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in well-formed claims about a page of ours; whether they are true is looked up later."""
    claim = _claim(delivered)
    for address in (claim.source, claim.target):
        if not _is_address(address):
            raise RefusedError("source and target must be addresses that begin with https://.")
    if _bare(claim.source) == _bare(claim.target):
        raise RefusedError("source and target are the same page.")
    if not is_ours(claim.target, account):
        raise RefusedError("target is no page of this site.")
    if is_ours(claim.source, account):
        raise RefusedError("source is a page of this site itself.")


def rations(delivered: Delivered, account: Account) -> tuple[Ration, ...]:
    """So many claims an hour make us open pages: of one site a tenth of what all may have.

    Webmention, section 4.1, wants abuse prevented; a sender that is put off tries again later.
    """
    given = str(account.settings.get("claims_an_hour") or "")
    most = int(given) if given.isdigit() and int(given) else CLAIMS_AN_HOUR
    host = _host(_claim(delivered).source).removeprefix("www.")
    return Ration(f"of {host}", max(1, most // 10), HOUR), Ration("claims", most, HOUR)


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """Accepted, in the words of the protocol that was spoken."""
    if _type(delivered) in XML:
        said = xmlrpc.client.dumps(("Thank you, it will be looked at.",), methodresponse=True)
        return Greeting(said.encode(), "text/xml")
    return Greeting(b"Thank you, it will be looked at.\n", status=202)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """A claim points to its page; the page that was found there says what it says of us."""
    if _type(delivered) != LOOKED:
        try:
            claim = _claim(delivered)
        except RefusedError as error:
            raise NotUnderstoodError(str(error)) from None
        yield Elsewhere(json.dumps(claim._asdict()))
        return
    found = payloads.read(delivered.body)
    try:
        yield from list(_told(found, heard_at=delivered.at))
    except payloads.WRONG as error:
        raise NotUnderstoodError(f"This page could not be read: {str(error)[:200]}") from None


def look(source: str, account: Account) -> tuple[Delivered, ...]:
    """The page of a claim as it is now; one that is gone is told as such."""
    claim = json.loads(source)
    page = _fetched(claim["source"], account)
    found = {**claim, "url": page.url, "status": page.status, "page": ""}
    if page.is_good:
        found["page"] = _text(page)
        found["type"] = page.headers.get("content-type", "")
    elif page.status not in {404, 410}:
        raise asking.refusal(page)
    body = json.dumps(found, ensure_ascii=False).encode()
    return (Delivered(body, {"content-type": LOOKED}, datetime.now(UTC)),)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Tell the other page of the page of ours that answers it.

    What is said here must stand on a public page of ours with a link to theirs: one whose address
    is in the answer, else a note that is published by Micropub where our site takes those.
    """
    target = str(outgoing.answered.get("source") or outgoing.answered.get("url") or "")
    if not target:
        return asking.failed("It is not known which page this answers.", is_final=True)
    source = next(
        (one.rstrip(".,;:!?") for one in LINK.findall(outgoing.text) if is_ours(one, account)), ""
    )
    if not source and account.settings.get("micropub"):
        return _published(outgoing, target, account)
    if not source:
        return asking.failed(
            "Publish the answer on a page of your own with a link to theirs, and put its address"
            " here.",
            is_final=True,
        )
    try:
        ours = _fetched(source, account)
        if not ours.is_good:
            return asking.failed(f"Your own page answers {ours.status}.")
        if not _links(_text(ours), target, at=ours.url):
            return asking.failed(
                f"Your page does not link to theirs yet; it must: {target}", is_final=True
            )
        endpoint = discovered(_fetched(target, account))
    except PlaceError as error:
        return asking.failed(str(error), is_final=error.needs_person)
    return told(source, target, endpoint, account)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: a second mention would do no harm, but a second note of ours would."""
    return False


def check(account: Account) -> Checked:
    """Whether your sites tell others of our address, so that mentions find us."""
    sites = lines(account.settings.get("sites"))
    if not sites:
        raise PlaceError("There is no site to listen for.", needs_person=True)
    warnings = []
    for site in sites[:10]:
        address = site if "://" in site else f"https://{site}/"
        try:
            endpoint = discovered(_fetched(address, account))
        except PlaceError as error:
            warnings.append(f"{site}: {error}")
            continue
        if account.hook and endpoint.url.rstrip("/") != account.hook.rstrip("/"):
            warnings.append(
                f"{site} does not name this inbox yet. Put into the head of its pages:"
                f' <link rel="webmention" href="{account.hook}">'
            )
    return Checked(account=", ".join(sites)[:200], warnings=tuple(warnings))


# Claims


def is_ours(address: str, account: Account) -> bool:
    """Whether an address is on one of our sites: the same host, or its twin with www."""
    try:
        host = (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return False
    return bool(host) and host in {
        _host(site if "://" in site else f"https://{site}").removeprefix("www.")
        for site in lines(account.settings.get("sites"))
    }


def _claim(delivered: Delivered) -> _Claim:
    """What a delivery claims. Raises `RefusedError` where it claims nothing."""
    if len(delivered.body) > BODY_LIMIT_BYTES:
        raise RefusedError("This is longer than a mention can be.")
    if _type(delivered) == FORM:
        try:
            form = parse_qs(delivered.body.decode(), max_num_fields=20)
            (source,), (target,) = form["source"], form["target"]
        except (ValueError, KeyError):
            raise RefusedError("One source and one target are needed.") from None
        return _Claim(repair(source).strip(), repair(target).strip(), "webmention")
    if _type(delivered) in XML:
        return _Claim(*_pinged(delivered.body), "pingback")
    raise RefusedError("A webmention is posted as a form with source and target.")


def _pinged(body: bytes) -> tuple[str, str]:
    """The two addresses of a pingback. A document type is refused: no entity is ever expanded."""
    try:
        guard = expat.ParserCreate()
        guard.StartDoctypeDeclHandler = _refuse_doctype
        guard.Parse(body, True)
        params, method = xmlrpc.client.loads(body)
    except RefusedError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser raises whatever its input leads it to
        raise RefusedError(f"This is no call: {str(error)[:100]}") from None
    if method != "pingback.ping" or len(params) < 2:
        raise RefusedError("Only pingback.ping is known here.")
    source, target = params[0], params[1]
    if not (isinstance(source, str) and isinstance(target, str)):
        raise RefusedError("pingback.ping takes two addresses.")
    return repair(source).strip(), repair(target).strip()


def _refuse_doctype(*_: object) -> None:
    raise RefusedError("A call needs no document type.")


def _type(delivered: Delivered) -> str:
    return delivered.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_address(address: str) -> bool:
    return (
        len(address) <= ADDRESS_LIMIT
        and address.startswith(("https://", "http://"))
        and address.isprintable()
        and " " not in address
        and bool(_host(address))
    )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _bare(address: str) -> str:
    """An address as it names a page: without what comes behind #, its host in small letters."""
    try:
        parts = urlsplit(address.strip())
        return parts._replace(
            scheme=parts.scheme.lower(),
            netloc=parts.netloc.lower(),
            path=parts.path or "/",
            fragment="",
        ).geturl()
    except ValueError:
        return ""


# Pages


def _fetched(address: str, account: Account) -> web.Answer:
    """A page, or the first 512 kB of it, whatever its status."""
    try:
        return web.ask(
            "GET",
            address,
            headers={"accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"},
            allow_private=account.allow_private,
            follows=True,
            limit_bytes=PAGE_LIMIT_BYTES,
            is_cut=True,
        )
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The page was not opened: {error}.", needs_person=True) from error
    except (web.NotReachedError, web.NoAnswerError) as error:
        raise PlaceError(f"The page could not be opened: {error}.") from error


def _text(page: web.Answer) -> str:
    said = page.headers.get("content-type", "")
    charset = re.search(r'charset="?([\w.:-]+)', said, re.IGNORECASE)
    told = charset[1] if charset else ""
    if not told:
        meta = re.search(rb"<meta[^>]{1,100}charset=[\"']?([\w.:-]{1,40})", page.body[:2048])
        told = meta[1].decode() if meta else ""
    return decode(page.body, charset=told)


def _soup(html: str) -> Any:
    """The page as a tree. The first words keep the reader from taking it for XML."""
    import bs4  # noqa: PLC0415 - only processes that meet mentions need it

    return bs4.BeautifulSoup(f"<!doctype html>{html}", "lxml")


def _links(html: str, target: str, *, at: str) -> bool:
    """Whether a page links to the target, by any element that can."""
    return _linking(_soup(html), target, at=at) is not None


def _linking(soup: Any, target: str, *, at: str) -> Any:
    wanted = _bare(target)
    base = soup.find("base", href=True)
    start = urljoin(at, base["href"]) if base else at
    for name in ("href", "src", "cite", "data", "value"):
        for element in soup.find_all(attrs={name: True}):
            try:
                if _bare(urljoin(start, element[name].strip())) == wanted:
                    return element
            except ValueError:
                continue
    return None


class Endpoint(NamedTuple):
    """Where a page wants to be told of those that link to it, and by which protocol."""

    url: str
    by: str


def discovered(page: web.Answer) -> Endpoint:
    """By a Link header, else the first link element or anchor; a pingback server else; else none.

    Webmention, 3.1.2; pingback, section 2.
    """
    for address, rels in _linked(page.headers.get("link", "")):
        if "webmention" in rels:
            return Endpoint(urljoin(page.url, address), "webmention")
    soup = _soup(_text(page))
    for element in soup.find_all(["link", "a"], href=True):
        if "webmention" in [rel.lower() for rel in element.get_attribute_list("rel") if rel]:
            return Endpoint(urljoin(page.url, element["href"]), "webmention")
    if server := page.headers.get("x-pingback", ""):
        return Endpoint(server, "pingback")
    element = soup.find("link", rel="pingback", href=True)
    return Endpoint(urljoin(page.url, element["href"]) if element else "", "pingback")


def _linked(header: str) -> Iterator[tuple[str, list[str]]]:
    """The addresses in a Link header with their relations (RFC 8288)."""
    for match in re.finditer(r"<([^<>]*)>((?:[^,\"<]|\"[^\"]*\")*)", header):
        rel = re.search(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", match[2], re.IGNORECASE)
        yield match[1], (rel[1] or rel[2] or "").lower().split() if rel else []


def told(source: str, target: str, endpoint: Endpoint, account: Account) -> Receipt:
    """Say that `source` links to `target`, and what came of it."""
    if not endpoint.url:
        return asking.failed(
            "Their page takes neither webmentions nor pingbacks: write to them there.",
            is_final=True,
        )
    if endpoint.by == "webmention":
        receipt = asking.handed(
            "POST",
            endpoint.url,
            account=account,
            body=asking.as_form({"source": source, "target": target}),
            named=lambda _: "",
        )
    else:
        receipt = _pinging(source, target, endpoint.url, account)
    if receipt.state is SendState.SENT:
        return Receipt(SendState.SENT, external_id=_name(source, target))
    return receipt


def _published(outgoing: Outgoing, target: str, account: Account) -> Receipt:
    """Publish the answer as a note of ours (Micropub, 3.3), and tell their page of it.

    The answer is given once it is published; many sites then tell the other page themselves.
    """
    form = {"h": "entry", "content": outgoing.text, "in-reply-to": target}
    headers = {
        "content-type": FORM,
        "authorization": f"Bearer {account.secrets.get('token', '').strip()}".strip(),
    }
    server = str(account.settings["micropub"])
    answer = _posted(server, urlencode(form).encode(), headers, account)
    if isinstance(answer, Receipt):
        return answer
    source = urljoin(server, answer.headers.get("location", ""))
    if not answer.headers.get("location"):
        return Receipt(SendState.UNKNOWN, reason="Your site did not say where it stands.")
    name = _name(source, target)
    try:
        receipt = told(source, target, discovered(_fetched(target, account)), account)
    except PlaceError as error:
        receipt = asking.failed(str(error))
    reason = "" if receipt.state is SendState.SENT else f"It stands at {source}. {receipt.reason}"
    return Receipt(SendState.SENT, external_id=name, reason=reason)


def _posted(
    url: str, body: bytes, headers: Mapping[str, str], account: Account
) -> web.Answer | Receipt:
    """The good answer, or the receipt for any other end."""
    try:
        answer = web.post(url, body=body, headers=headers, allow_private=account.allow_private)
    except web.ForbiddenAddressError as error:
        return asking.failed(f"It was not sent: {error}.", is_final=True)
    except web.NotReachedError as error:
        return asking.failed(f"The place could not be reached: {error}.")
    except web.NoAnswerError as error:
        return Receipt(
            SendState.UNKNOWN, reason=f"The place did not say whether it took it ({error})."
        )
    return answer if answer.is_good else asking.refused(answer)


def _pinging(source: str, target: str, server: str, account: Account) -> Receipt:
    body = xmlrpc.client.dumps((source, target), "pingback.ping").encode()
    answer = _posted(server, body, {"content-type": "text/xml"}, account)
    if isinstance(answer, Receipt):
        return answer
    fault = re.search(rb"<name>faultCode</name>\s*<value>\s*<(?:int|i4)>(-?\d{1,9})<", answer.body)
    if fault and int(fault[1]) != ALREADY:
        return asking.failed(f"Their page refused the pingback ({int(fault[1])}).", is_final=True)
    return Receipt(SendState.SENT)


# What a page says


def _told(found: Mapping[str, Any], *, heard_at: datetime) -> Iterator[Heard]:
    source, target = str(found["source"]), str(found["target"])
    name = _name(source, target)
    if found["status"] == 410:
        yield Deleted(name, heard_at)
        return
    if found["status"] == 404:
        yield SetAside(where=source, reason="There is no such page.")
        return
    at = str(found.get("url") or source)
    html = str(found["page"])
    soup = _soup(html)
    linking = _linking(soup, target, at=at)
    if linking is None:
        # The link may have been there when we looked before: then the mention is withdrawn.
        yield Deleted(name, heard_at)
        yield SetAside(where=source, reason=f"The page does not link to {target}.")
        return
    yield from _mention(found, soup, linking, name=name, at=at, heard_at=heard_at)


def _mention(
    found: Mapping[str, Any], soup: Any, linking: Any, *, name: str, at: str, heard_at: datetime
) -> Iterator[Heard]:
    source, target = str(found["source"]), str(found["target"])
    items = _items(soup, at)
    entry = _entry(items, target)
    what = _what(entry, target)
    author, author_url = _author(entry, items)
    markup, text = _content(entry)
    if not text:
        markup, text = "", _first(entry, "name") or _first(entry, "summary")
    if not text and what in {"reply", "mention"}:
        text = _excerpt(linking)
    text = repair(text)[:TEXT_LIMIT].strip() or WORDLESS[what].format(target=target)
    heading = _first(entry, "name") or (soup.title.get_text() if soup.title else "")
    heading = " ".join(repair(plain(heading)).split())[:300]
    wrote = moment(_first(entry, "published"))
    sender, is_proven = _sender(source, author_url)
    yield Incoming(
        external_id=name,
        at=min(wrote, heard_at) if wrote and heard_at - wrote < AGE_LIMIT else heard_at,
        text=text,
        html=markup,
        sender=sender,
        sender_name=(" ".join(repair(author).split()) or _host(source))[:200],
        root=_root(target),
        subject="" if heading == text else heading,
        is_public=True,
        need="recognition" if what in {"like", "repost"} else "",
        extra={
            "url": _first(entry, "url") if _is_address(_first(entry, "url")) else source,
            "source": source,
            "target": target,
            "mention": what,
            "by": str(found.get("by", "")),
            **({"shares": target} if what == "repost" else {}),
            **({"trust": {"webmention": "the author's own site"}} if is_proven else {}),
        },
    )
    yield Edited(name, heard_at, text=text, html=markup)


AGE_LIMIT = timedelta(days=3)
"""A page may tell of us long after it was written: what is older than this is dated by when we
heard of it, or its clock would have run out before anybody could know."""


def _name(source: str, target: str) -> str:
    """The name of the mention of one page by another."""
    return "mention-" + hashlib.sha256(f"{source}\n{_bare(target)}".encode()).hexdigest()[:32]


def _root(target: str) -> str:
    """The name of all that is said about one page of ours."""
    bare = _bare(target)
    return bare if len(bare) <= 300 else "page-" + hashlib.sha256(bare.encode()).hexdigest()[:32]


def _items(soup: Any, at: str) -> list[dict[str, Any]]:
    """All microformats 2 of a page, those inside others too."""
    import mf2py  # noqa: PLC0415 - only processes that meet mentions need it

    try:
        top = mf2py.Parser(doc=soup, url=at, html_parser="lxml").to_dict()["items"]
    except (*payloads.WRONG,):
        return []  # broken ones: then the words around the link are what the page says
    items: list[dict[str, Any]] = []
    waiting = list(top)
    while waiting and len(items) < 1000:
        one = waiting.pop(0)
        if isinstance(one, dict) and isinstance(one.get("properties"), dict):
            items.append(one)
            waiting += one.get("children") or []
    return items


def _entry(items: Iterable[dict[str, Any]], target: str) -> dict[str, Any]:
    """The entry that answers, likes … the target, else one that has it in it, else the only one."""
    entries = [one for one in items if "h-entry" in one.get("type", [])]
    for one in entries:
        if _what(one, target) != "mention":
            return one
    for one in entries:
        if target in json.dumps(one, ensure_ascii=False):
            return one
    return entries[0] if len(entries) == 1 else {"properties": {}}


def _what(entry: Mapping[str, Any], target: str) -> str:
    """Reply, like, repost or bookmark; a mention if the entry says nothing of the kind."""
    for name, what in RESPONSES.items():
        if any(_bare(one) == _bare(target) for one in _addresses(entry, name)):
            return what
    return "mention"


def _addresses(entry: Mapping[str, Any], name: str) -> Iterator[str]:
    """The addresses in a property: as they are, or of a citation in it."""
    for one in entry["properties"].get(name) or []:
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            if isinstance(one.get("value"), str):
                yield one["value"]
            inner = one.get("properties")
            yield from (url for url in (inner or {}).get("url") or [] if isinstance(url, str))


def _first(entry: Mapping[str, Any], name: str) -> str:
    for one in entry["properties"].get(name) or []:
        said = one.get("value") if isinstance(one, dict) else one
        if isinstance(said, str) and said.strip():
            return said.strip()
    return ""


def _content(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The entry's words: their HTML, to be cleaned by the house, and as text."""
    for one in entry["properties"].get("content") or []:
        if isinstance(one, dict) and isinstance(one.get("html"), str):
            markup = one["html"][: TEXT_LIMIT * 4]
            return markup, plain(markup)
        if isinstance(one, str):
            return "", one
    return "", ""


def _excerpt(linking: Any) -> str:
    """The words around a link."""
    for element in linking.parents:
        words = " ".join(element.get_text(" ").split())
        if len(words) > 80 or element.name in {"p", "li", "td", "blockquote", "body"}:
            start = max(0, words.find(" ".join(linking.get_text(" ").split())) - EXCERPT_LIMIT // 2)
            return words[start : start + EXCERPT_LIMIT]
    return ""


def _author(entry: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Name and address of who wrote it: the entry's author, else the only card of the page."""
    for one in entry["properties"].get("author") or []:
        if isinstance(one, dict):
            return _first(one, "name") or str(one.get("value") or ""), _first(one, "url")
        if isinstance(one, str):
            return ("", one) if _is_address(one) else (one, "")
    cards = [one for one in items if "h-card" in one.get("type", [])]
    if len(cards) == 1:
        return _first(cards[0], "name"), _first(cards[0], "url")
    return "", ""


def _sender(source: str, author_url: str) -> tuple[str, bool]:
    """Whose words these are, and whether that is proven: a page speaks for its own site alone.

    What it says of an author elsewhere is kept apart by the page's site ("… via brid.gy").
    """
    if author_url and _is_address(author_url):
        if _host(author_url) == _host(source):
            return author_url.rstrip("/")[:300], True
        return f"{author_url.rstrip('/')[:200]} via {_host(source)[:90]}", False
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc}"[:300], False
