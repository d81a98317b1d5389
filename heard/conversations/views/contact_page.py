"""The contact page: a customer writes, and comes back by a private link to read and write again.

Nobody signs in here. The link is the only key: whoever has not got it can neither read a thread nor
write in it, and a typed e-mail address opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from heard.channels import contact_page, widget
from heard.channels.base import File
from heard.conversations.contact_page.expecting import Expectation, expectation
from heard.conversations.contact_page.linking import mailed_address, readable
from heard.conversations.contact_page.privacy import About, conversation_about, went_private
from heard.conversations.deliveries.journal import keep, take_in
from heard.conversations.files import attachments
from heard.conversations.models import Attachment, Conversation, Delivery, Inbox, Message
from heard.conversations.people.proving import vouch
from heard.conversations.views.files import hand_out
from heard.lib.headers import policy
from heard.lib.limits import allows, visitor

log = logging.getLogger(__name__)

KINDS = (contact_page.kind, widget.kind)
"""Both give their visitors a private link, and it leads to the same page."""
FILE_LIMIT = 5
SITE = re.compile(r"https?://[a-z0-9.*-]+(:\d+)?", re.IGNORECASE)
NEW_THREADS = (6, 600)
"""How many conversations one network address may begin at one page, in how many seconds."""
MORE_MESSAGES = (30, 600)

CONTENT_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".heic": "image/heic", ".pdf": "application/pdf", ".txt": "text/plain",
    ".csv": "text/csv", ".doc": "application/msword",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".wav": "audio/wav",
    ".mp4": "video/mp4", ".mov": "video/quicktime",
}  # fmt: skip


class _Files(forms.FileField):
    """Several files in one field; each of a kind that people send, together within the limit."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:  # noqa: ARG002
        files = [file for file in data or [] if file.name]
        if len(files) > FILE_LIMIT:
            raise forms.ValidationError(_("Please send at most %d files.") % FILE_LIMIT)
        for file in files:
            if PurePath(file.name).suffix.lower() not in CONTENT_TYPES:
                raise forms.ValidationError(
                    _("%s is of a kind that we cannot take. Pictures, PDF and documents are fine.")
                    % file.name
                )
        if sum(file.size or 0 for file in files) > settings.ATTACHMENT_LIMIT_BYTES:
            limit = settings.ATTACHMENT_LIMIT_BYTES // 1024 // 1024
            raise forms.ValidationError(_("Together the files may have %d MB.") % limit)
        return files


class _ManyFiles(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ARG002
        return files.getlist(name) if isinstance(files, MultiValueDict) else []


class Words(forms.Form):
    """What somebody writes in a thread. `website` is seen by programs only, which fill it in."""

    text = forms.CharField(
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Please write a few words.")},
    )
    attached = _Files(
        required=False,
        widget=_ManyFiles(attrs={"multiple": True, "accept": ",".join(CONTENT_TYPES)}),
    )
    email = forms.EmailField(
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": _("This does not look like an e-mail address.")},
    )
    website = forms.CharField(required=False, max_length=1000)
    key = forms.CharField(required=False, max_length=200)

    def clean_website(self) -> str:
        """Whoever filled this in is no person, or was helped too much by a browser."""
        if self.cleaned_data["website"]:
            raise forms.ValidationError(
                _("That looked like a program's doing. If you are a person, please send it again.")
            )
        return ""


class FirstWords(Words):
    """What somebody writes who begins."""

    name = forms.CharField(
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the customer sees it."""

    id: int
    is_ours: bool
    name: str
    text: str
    at: datetime
    files: tuple[Attachment, ...] = ()
    external_id: str = ""


@csrf_exempt  # nobody is signed in here: there is no right that another site could misuse
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """The page where somebody begins, and their first message."""
    inbox = _inbox(slug)
    form = FirstWords(request.POST or None, request.FILES or None)
    problem, status = "", 200
    if request.method == "POST":
        limit, seconds = NEW_THREADS
        if not form.is_valid():
            status = 422
        elif not allows(f"ask:{inbox.pk}", visitor=visitor(request), limit=limit, seconds=seconds):
            problem, status = too_often(), 429
        else:
            nonce, now = nonce_of(form.cleaned_data["key"]), timezone.now()
            token, about = token_of(nonce), conversation_about(request.GET.get("about", ""))
            _put_in(inbox, form, token=token, nonce=nonce, now=now, about=about)
            return redirect(_with_embed(request, reverse("contact_thread", args=[token])))
    page = render(
        request,
        "contact_page/ask.html",
        {
            "inbox": inbox,
            "form": form,
            "key": new_key(),
            "problem": problem,
            "expected": expected_words(expectation(inbox, now=timezone.now())),
            "is_embedded": _is_embedded(request),
        },
        status=status,
    )
    return _framed(request, inbox, page)


@csrf_exempt  # as above: the link is the key, and it stands in the address
@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, token: str) -> HttpResponse:
    """One conversation, for the person who has its link."""
    conversation = _conversation(token)
    if conversation is None:
        return _not_yet(request, token)
    inbox = conversation.inbox
    email = email_of(conversation)
    mailed = _unproven(request, conversation)
    if request.method == "POST" and "theirs" in request.POST:
        if mailed and conversation.contact is not None:
            vouch(
                conversation.contact, kind="email", address=mailed, proof="private_link",
                now=timezone.now(),
            )  # fmt: skip
        return redirect(_with_embed(request, request.path))
    form = Words(request.POST or None, request.FILES or None, initial={"email": email})
    problem, status = "", 200
    if request.method == "POST":
        limit, seconds = MORE_MESSAGES
        if not form.is_valid():
            status = 422
        elif not allows(f"more:{inbox.pk}", visitor=visitor(request), limit=limit, seconds=seconds):
            problem, status = too_often(), 429
        else:
            nonce = nonce_of(form.cleaned_data["key"])
            _put_in(inbox, form, token=token, nonce=nonce, now=timezone.now())
            return redirect(_with_embed(request, f"{request.path}#end"))
    lines = lines_of(conversation)
    page = render(
        request,
        "contact_page/thread.html",
        {
            "inbox": inbox,
            "token": token,
            "form": form,
            "key": new_key(),
            "problem": problem,
            "lines": lines,
            "etag": etag_of(lines),
            "mailed_to": email if mails_leave() else "",
            "unproven": mailed,
            "link": request.build_absolute_uri(request.path),
            "expected": expected_words(expectation(inbox, now=timezone.now()))
            if conversation.waiting_since
            else [],
            "is_waiting": not lines or not lines[-1].is_ours,
            "is_embedded": _is_embedded(request),
        },
        status=status,
    )
    return private(_framed(request, inbox, page))


@require_GET
def thread_messages(request: HttpRequest, token: str) -> HttpResponse:
    """The messages alone, for the page that looks every few seconds; 304 while nothing is new."""
    conversation = _conversation(token)
    if conversation is None:
        raise Http404
    lines = lines_of(conversation)
    etag = etag_of(lines)
    if request.headers.get("If-None-Match") == etag:
        page = HttpResponse(status=304)
    else:
        page = render(request, "contact_page/_lines.html", {"lines": lines, "token": token})
    page.headers["ETag"] = etag
    return private(page)


@require_GET
def thread_file(request: HttpRequest, token: str, number: int) -> HttpResponseBase:
    """A file of this thread."""
    conversation = _conversation(token)
    if conversation is None:
        raise Http404
    file = get_object_or_404(
        Attachment.objects.exclude(digest=""),
        pk=number,
        message__in=[line.id for line in lines_of(conversation)],
    )
    return hand_out(request, file, cache="private, no-store")


@require_GET
def embed_script(request: HttpRequest, slug: str) -> HttpResponse:
    """The few lines with which another site shows this page inside one of its own."""
    inbox = _inbox(slug)
    page = request.build_absolute_uri(reverse("contact_page", args=[inbox.slug]))
    response = render(
        request,
        "contact_page/embed.js",
        {"page": page, "title": inbox.name},
        content_type="text/javascript; charset=utf-8",
    )
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


# Who and where


def _inbox(slug: str) -> Inbox:
    rows = Inbox.objects.select_related("policy", "hours", "brand")
    return get_object_or_404(rows, slug=slug, kind=contact_page.kind)


def _conversation(token: str) -> Conversation | None:
    return (
        Conversation.objects.select_related(
            "inbox", "inbox__policy", "inbox__hours", "inbox__brand", "contact"
        )
        .filter(token=token, inbox__kind__in=KINDS)
        .exclude(token="")
        .first()
    )


def _unproven(request: HttpRequest, conversation: Conversation) -> str:
    """The address of a link that was mailed, until its reader has said that the words are theirs.

    Anybody can type any address: a mailed link alone does not say who wrote here.
    """
    address = mailed_address(request.GET.get("mailed", ""), conversation)
    if not address or conversation.contact is None:
        return ""
    is_known = conversation.contact.handles.filter(kind="email", address=address).exists()
    return "" if is_known else address


def _not_yet(request: HttpRequest, token: str) -> HttpResponse:
    """The message is kept and not yet in order; or there never was one."""
    delivery = (
        Delivery.objects.select_related("inbox__brand")
        .filter(
            state__in=[Delivery.State.WAITING, Delivery.State.SET_ASIDE],
            inbox__kind__in=KINDS,
            headers__token=token,
        )
        .first()
    )
    if delivery is None:
        raise Http404
    page = render(
        request,
        "contact_page/kept.html",
        {"inbox": delivery.inbox, "is_embedded": _is_embedded(request)},
    )
    return private(_framed(request, delivery.inbox, page))


def new_key() -> str:
    """A name for what will be written into this form, so that pressing twice sends once."""
    return signing.Signer(salt="contact-page").sign(secrets.token_urlsafe(16))


def nonce_of(key: str) -> str:
    """The form's name for what was written; a new one when it is not one that we gave."""
    try:
        return signing.Signer(salt="contact-page").unsign(key)
    except signing.BadSignature:
        return secrets.token_urlsafe(16)


def token_of(nonce: str) -> str:
    """The private link that belongs to a form's name or a visitor's key; only we can make it."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"contact-page:{nonce}".encode(), "sha256")
    return signing.b64_encode(digest[:18]).decode()


def thread_of(token: str) -> str:
    """The name of the thread in the house: it does not tell the link."""
    return f"ask-{hashlib.sha256(token.encode()).hexdigest()[:32]}"


# What they write and read


def _put_in(
    inbox: Inbox, form: Words, *, token: str, nonce: str, now: datetime, about: About | None = None
) -> None:
    """Keep what was written as a delivery, and take it in at once; the worker does if we cannot.

    `about` is the conversation from which somebody was asked to go on here, and by which link.
    """
    said = form.cleaned_data
    body = contact_page.written(
        message_id=f"ask-{nonce}",
        thread=thread_of(token),
        text=said["text"],
        name=said.get("name", ""),
        email=said["email"],
        files=tuple(
            File(
                name=attachments.safe_name(file.name),
                content_type=CONTENT_TYPES[PurePath(file.name).suffix.lower()],
                content=file.read(),
            )
            for file in said["attached"]
        ),
    )
    headers = {"token": token}
    if about is not None:
        headers |= {"about": str(about.conversation), "came_by": about.link}
    delivery = keep(inbox.pk, body=body, headers=headers, external_id=f"ask-{nonce}", now=now)
    if about is not None:
        went_private(about.conversation, thread=thread_of(token), link=about.link, now=now)
    try:
        take_in(now=now, only=delivery)
    except Exception:
        log.exception("delivery %s is kept, but was not taken in at once", delivery)


def lines_of(conversation: Conversation) -> list[Line]:
    """What the contact may see: never a note, and of our replies those that have begun to leave."""
    messages = (
        readable(conversation)
        .exclude(kind=Message.Kind.REPLY, sending__try_count=0)
        .prefetch_related("attachments")
        .order_by("at", "id")
    )
    return [
        Line(
            id=message.pk,
            is_ours=message.kind == Message.Kind.REPLY,
            name=message.author_name.split(" ")[0] if message.kind == Message.Kind.REPLY else "",
            text=message.text,
            at=message.at,
            files=tuple(message.attachments.all()),
            external_id=message.external_id,
        )
        for message in messages
    ]


def etag_of(lines: list[Line]) -> str:
    """A name for what is shown: another as soon as there is something new."""
    return f'"{len(lines)}-{max((line.id for line in lines), default=0)}"'


def email_of(conversation: Conversation) -> str:
    """Where the answers are mailed to: what the visitor typed, whoever they are."""
    extra = (
        Message.objects.filter(conversation=conversation, kind=Message.Kind.INCOMING)
        .order_by("-at", "-id")
        .values_list("extra", flat=True)
        .first()
    )
    return str((extra or {}).get("unverified_email", ""))


def mails_leave() -> bool:
    """Without a mail server mails are written to files: then nobody is told to wait for one."""
    return not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend")


# How it is shown


def _is_embedded(request: HttpRequest) -> bool:
    return request.GET.get("embed") == "1"


def _with_embed(request: HttpRequest, address: str) -> str:
    if not _is_embedded(request):
        return address
    path, sign, end = address.partition("#")
    return f"{path}?embed=1{sign}{end}"


def _framed(request: HttpRequest, inbox: Inbox, page: HttpResponse) -> HttpResponse:
    """Let the sites that the inbox names show this page in a frame, and no other."""
    sites = [site for site in inbox.settings.get("sites", ()) if SITE.fullmatch(str(site))]
    ancestors = " ".join(["'self'", *sites]) if sites else "'none'"
    page.headers["Content-Security-Policy"] = policy(request, frame_ancestors=ancestors)
    return page


def private(page: HttpResponse) -> HttpResponse:
    """Keep a page with a private link out of caches, search engines and the logs of other sites."""
    page.headers["Cache-Control"] = "private, no-store"
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page


def expected_words(expected: Expectation) -> list[str]:
    """When an answer comes, in sentences that promise no more than we know."""
    words = [*when_words(expected)]
    if expected.median_seconds is not None:
        words.append(
            gettext("Half of the recent questions were answered within %(span)s.")
            % {"span": span_words(expected.median_seconds)}
        )
    return words or [gettext("We read every message.")]


def when_words(expected: Expectation) -> list[str]:
    """When we are back, and until when an answer was promised."""
    words = []
    if expected.opens_at is not None:
        words.append(
            gettext("We are closed now and back %(when)s.")
            % {"when": _when(expected.opens_at, now=expected.now)}
        )
    if expected.due_at is not None:
        words.append(
            gettext("You will have an answer %(when)s at the latest.")
            % {"when": _when(expected.due_at, now=expected.now)}
        )
    return words


def _when(moment: datetime, *, now: datetime) -> str:
    at = {"time": date_format(moment, "H:i"), "day": date_format(moment, "l")}
    days = (moment.date() - now.date()).days
    if days == 0:
        return gettext("today at %(time)s") % at
    if days == 1:
        return gettext("tomorrow at %(time)s") % at
    if days < 7:
        return gettext("on %(day)s at %(time)s") % at
    return gettext("on %(day)s at %(time)s") % (at | {"day": date_format(moment, "j F")})


def span_words(seconds: float) -> str:
    """A length of time as people say it, rounded up."""
    minutes = math.ceil(seconds / 60)
    if minutes < 90:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    hours = math.ceil(seconds / 3600)
    if hours < 36:
        return ngettext("%d hour", "%d hours", hours) % hours
    days = math.ceil(seconds / 86400)
    return ngettext("%d day", "%d days", days) % days


def too_often() -> str:
    """What somebody reads who has come to a limit."""
    return gettext("That was a lot at once. Please wait a few minutes, then send it again.")
