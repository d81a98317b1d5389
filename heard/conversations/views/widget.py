"""The chat widget: a small window in a frame of our own origin, on whichever site the inbox names.

Nobody signs in. The visitor's browser keeps a key of its own making in our origin's storage, which
the site around cannot read; from the key comes the same private link that the contact page gives.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from heard.channels import widget
from heard.conversations.contact_page.expecting import Pace, expectation, pace
from heard.conversations.deliveries.journal import keep, take_in
from heard.conversations.models import Conversation, Inbox
from heard.conversations.views import contact_page
from heard.lib.headers import policy
from heard.lib.limits import allows, visitor
from heard.staff.access import StaffRequest, leads_only

log = logging.getLogger(__name__)

KEY = re.compile(r"[A-Za-z0-9_-]{32}")
NAME = re.compile(r"[A-Za-z0-9-]{8,64}")
LENGTH = 4_000
BODY_BYTES = 64 * 1024
NEW_CHATS = contact_page.NEW_THREADS
MORE_LINES = (60, 600)
"""How many lines one network address may write to one inbox, in how many seconds: people chat in
short ones."""


@require_GET
def frame(request: HttpRequest, slug: str) -> HttpResponse:
    """The window itself; only the sites that the inbox names may show it."""
    inbox = _inbox(slug)
    page = render(
        request,
        "widget/frame.html",
        {
            "inbox": inbox,
            "title": inbox.settings.get("title")
            or (inbox.brand.name if inbox.brand else inbox.name),
            "config": {
                "slug": inbox.slug,
                "messages": reverse("widget_messages", args=[inbox.slug]),
                "mails": contact_page.mails_leave(),
                "length": LENGTH,
                "greeting": inbox.settings.get("greeting") or gettext("How can we help?"),
                **_now_at(inbox, now=timezone.now()),
            },
            "words": _words(),
        },
    )
    sites = [origin for site in _lines(inbox.settings.get("sites")) if (origin := _origin(site))]
    ancestors = " ".join(["'self'", *sites])
    page.headers["Content-Security-Policy"] = policy(request, frame_ancestors=ancestors)
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    page.headers["Cache-Control"] = "no-cache"
    return page


@csrf_exempt  # nobody is signed in here: the key, which no other site can read, is the only right
@require_http_methods(["GET", "POST"])
def messages(request: HttpRequest, slug: str) -> HttpResponse:
    """What stands in the visitor's chat, or one line more in it; 304 while nothing is new."""
    inbox = _inbox(slug)
    key = request.headers.get("X-Heard-Key", "")
    if not KEY.fullmatch(key) or request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _answer({"problem": gettext("This chat is not yours.")}, status=403)
    token = _token(inbox, key)
    if request.method == "POST":
        return _write(request, inbox, token=token)
    conversation = _conversation(token)
    lines = contact_page.lines_of(conversation) if conversation else []
    etag = contact_page.etag_of(lines)
    if request.headers.get("If-None-Match") == etag:
        answer = HttpResponse(status=304)
    else:
        said = [_line(line, token=token) for line in lines]
        answer = _answer({"lines": said, **_now_at(inbox, now=timezone.now())})
    answer.headers["ETag"] = etag
    return contact_page.private(answer)


@leads_only
@require_GET
def preview(request: StaffRequest, slug: str) -> HttpResponse:
    """An example page with the widget on it, at our own address; what is written there is real."""
    inbox = get_object_or_404(Inbox.objects.visible_to(request.user), slug=slug, kind=widget.kind)
    page = {"inbox": inbox, "script": static("widget.js"), "is_embedded": False}
    return render(request, "widget/preview.html", page)


def snippet(request: HttpRequest, inbox: Inbox) -> str:
    """The one line that a site puts into its pages."""
    address = request.build_absolute_uri(static("widget.js"))
    return f'<script src="{address}" data-inbox="{inbox.slug}" async></script>'


# What is written


def _write(request: HttpRequest, inbox: Inbox, *, token: str) -> HttpResponse:
    try:
        said = _said(request)
    except ValueError as problem:
        return _answer({"problem": str(problem)}, status=422)
    is_new = _conversation(token) is None
    limit, seconds = NEW_CHATS if is_new else MORE_LINES
    door = f"{'ask' if is_new else 'more'}:{inbox.pk}"
    if not allows(door, visitor=visitor(request), limit=limit, seconds=seconds):
        answer = _answer({"problem": contact_page.too_often()}, status=429)
        answer.headers["Retry-After"] = "120"
        return answer
    now = timezone.now()
    name = _name_of(said["id"], token=token)
    body = widget.written(
        message_id=name,
        thread=contact_page.thread_of(token),
        text=said["text"],
        name=said["name"],
        email=said["email"],
        page=said["page"],
        is_address=said["is_address"],
    )
    delivery = keep(inbox.pk, body=body, headers={"token": token}, external_id=name, now=now)
    try:
        take_in(now=now, only=delivery)
    except Exception:
        log.exception("delivery %s is kept, but was not taken in at once", delivery)
    return contact_page.private(_answer({"name": name, **_now_at(inbox, now=now)}))


def _said(request: HttpRequest) -> dict[str, Any]:
    """What the window sent. Raises `ValueError` with words for the visitor."""
    broken = gettext("That could not be read. Please load the page again.")
    if int(request.headers.get("Content-Length") or 0) > BODY_BYTES:
        raise ValueError(gettext("That is too long. Please send it in parts."))
    try:
        given = json.loads(request.body)
        found = {
            name: str(given.get(name) or "").strip() for name in ("id", "text", "name", "email")
        }
        page = urlsplit(str(given.get("page") or ""))
    except (ValueError, AttributeError, RecursionError):
        raise ValueError(broken) from None
    if not NAME.fullmatch(found["id"]):
        raise ValueError(broken)
    is_address = given.get("is_address") is True
    if found["email"]:
        try:
            validate_email(found["email"])
        except ValidationError:
            raise ValueError(gettext("This does not look like an e-mail address.")) from None
    if is_address:
        if not found["email"]:
            raise ValueError(gettext("Please write your e-mail address."))
        found["text"] = gettext("Please send the answer to %(email)s as well.") % found
    if not found["text"]:
        raise ValueError(gettext("Please write a few words."))
    if len(found["text"]) > LENGTH:
        raise ValueError(gettext("That is too long. Please send it in parts."))
    where = ""
    if page.scheme in {"http", "https"} and page.hostname:
        where = f"{page.scheme}://{page.netloc}{page.path}"[
            :500
        ]  # never the query: it may be private
    return {**found, "name": found["name"][:120], "page": where, "is_address": is_address}


def _name_of(line: str, *, token: str) -> str:
    """The name of a line in the house: the same however often it comes, and no other visitor's."""
    return f"chat-{hashlib.sha256(f'{token}:{line}'.encode()).hexdigest()[:40]}"


def _token(inbox: Inbox, key: str) -> str:
    """The private link that belongs to a visitor's key; nobody but us can make it."""
    return contact_page.token_of(f"widget:{inbox.pk}:{key}")


# What is shown


def _line(line: contact_page.Line, *, token: str) -> dict[str, Any]:
    return {
        "id": line.id,
        "ours": line.is_ours,
        "by": line.name,
        "text": line.text,
        "at": line.at.isoformat(),
        "called": "" if line.is_ours else line.external_id,
        "files": [
            {"name": file.name, "url": reverse("contact_thread_file", args=[token, file.pk])}
            for file in line.files
        ],
    }


def _now_at(inbox: Inbox, *, now: datetime) -> dict[str, Any]:
    """Whether somebody is there, and what may be expected: sentences without a guessed number."""
    expected = expectation(inbox, now=now)
    return {
        "open": expected.is_open if inbox.hours else None,
        "when": contact_page.when_words(expected),
        "pace": pace_words(pace(inbox, now=now)),
    }


def pace_words(found: Pace | None) -> str:
    """How long an answer takes, with the number of questions it is taken from."""
    if found is None:
        return gettext("We do not know yet how long an answer takes: too few have asked so far.")
    share = gettext("%(share)d %% of the last %(count)d questions were answered in time") % {
        "share": math.floor(found.share_in_time * 100),
        "count": found.count,
    }
    if found.median_minutes is None:
        return gettext("%(share)s; half of them or more are still without an answer.") % {
            "share": share
        }
    return gettext("%(share)s, half of them within %(span)s of opening time.") % {
        "share": share,
        "span": contact_page.span_words(found.median_minutes * 60),
    }


def _words() -> dict[str, str]:
    """What the script says."""
    return {
        "you": gettext("You"),
        "we": gettext("We"),
        "sending": gettext("Sending …"),
        "waiting": gettext("Waits for the line; it is sent by itself."),
        "refused": gettext("Not sent:"),
        "again": gettext("Try again"),
        "change": gettext("Change it"),
        "offline": gettext(
            "You are offline. Write on: it is kept here and sent when you are back."
        ),
        "unreached": gettext(
            "We cannot be reached just now. What you write is kept and sent later."
        ),
        "kept": gettext("We have your message."),
        "here": gettext("The answer appears here."),
        "mailed": gettext("The answer appears here and is mailed to %s."),
        "newer": gettext("New answer"),
        "left": gettext("%d characters left"),
        "noStore": gettext("Your browser keeps nothing here: this chat is gone when you leave."),
    }


def _answer(said: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return JsonResponse(said, status=status, json_dumps_params={"ensure_ascii": False})


# Who and where


def _inbox(slug: str) -> Inbox:
    rows = Inbox.objects.select_related("policy", "hours", "brand")
    return get_object_or_404(rows, slug=slug, kind=widget.kind)


def _conversation(token: str) -> Conversation | None:
    return (
        Conversation.objects.filter(token=token, inbox__kind=widget.kind).exclude(token="").first()
    )


def _lines(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else str(value or "").split()


def _origin(site: str) -> str:
    """A site as the policy of a page names it; empty for what is none."""
    parts = urlsplit(site.strip() if "//" in site else f"https://{site.strip()}")
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if contact_page.SITE.fullmatch(origin) else ""
