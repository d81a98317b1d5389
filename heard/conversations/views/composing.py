"""The composer: drafts kept and checked while they are written, replies, notes, second thoughts."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.channels import contact_page
from heard.channels.lengths import length, parts
from heard.conversations import handling, showing
from heard.conversations.abilities import abilities_of
from heard.conversations.checks import weighing
from heard.conversations.checks.facts import facts_of
from heard.conversations.colleagues.presence import be_present
from heard.conversations.contact_page import privacy
from heard.conversations.models import Conversation, Draft, Message, Sending
from heard.conversations.outbox import replying, sending
from heard.conversations.outbox.replying import Manner
from heard.conversations.queries import Sight
from heard.conversations.second_eyes.crossing import Crossing, known_from, known_now
from heard.conversations.second_eyes.precautions import weigh
from heard.conversations.views.conversation import done, found, found_message, pane, pane_context
from heard.conversations.views.inbox import page_context
from heard.lib.differing import differences
from heard.staff.access import StaffRequest, staff_only
from heard.think import Check, Finding, Letter, Light, check

LETTERS = {
    Letter.TRUE: "t",
    Letter.HELPFUL: "h",
    Letter.INSPIRING: "i",
    Letter.NECESSARY: "n",
    Letter.KIND: "k",
}


CARRIED = (
    "overruled",
    "shown",
    "private",
    "split",
    "template",
    "copy",
    "promise",
    "promise_text",
    "began",
)
"""What the composer says beside the words, and the page of crossed words says again."""


@staff_only
@require_POST
def create_message(request: StaffRequest, number: int) -> HttpResponse:
    """Send a reply, or write a note; what the check holds back stays in the composer."""
    opened, sight = found(request, number)
    text, now = _text(request), timezone.now()
    if request.POST.get("kind") == Message.Kind.NOTE:
        if text.strip():
            handling.note(opened, text=text, author=request.user, now=now)
            Draft.objects.filter(conversation=opened, author=request.user).delete()
        return done(request, opened, sight=sight)
    promised_at = _moment(request.POST.get("promise", ""))
    promise = None
    if promised_at is not None and promised_at > now:
        promise = (request.POST.get("promise_text", "") or text, promised_at)
    try:
        replying.reply(
            opened,
            text=text,
            author=request.user,
            now=now,
            overruled=request.POST.getlist("overruled"),
            manner=_manner(request),
            shown=weighing.shown_in(request.POST.getlist("shown")),
            promise=promise,
            told=known_from(request.POST.get("began", "")),
            knowing=request.POST.getlist("knowing"),
        )
    except replying.ReplyBlocked as blocked:
        return _held(request, opened, sight=sight, text=text, found_by=blocked.check)
    except replying.ReplyImpossible as impossible:
        words = str(showing.OBSTACLES[impossible.obstacle])
        return done(request, opened, sight=sight, notice=words, failing=True)
    except replying.RepliesCross as cross:
        return _crossed(request, opened, sight=sight, text=text, found=cross.crossings)
    except replying.ReplyWaits:
        opened.refresh_from_db()
        return done(request, opened, sight=sight, event="heard:sent")
    opened.refresh_from_db()
    return done(request, opened, sight=sight, event="heard:sent")


@staff_only
@require_POST
def save_draft(request: StaffRequest, number: int) -> HttpResponse:
    """Keep what is being written, tell colleagues that somebody writes, and check it."""
    opened, _ = found(request, number)
    text, now = _text(request), timezone.now()
    kind = Message.Kind.NOTE if request.POST.get("kind") == "note" else Message.Kind.REPLY
    mine = Draft.objects.filter(conversation=opened, author=request.user)
    if text.strip():
        began = known_from(request.POST.get("began", "")) or known_now(opened, now=now)
        Draft.objects.bulk_create(
            [
                Draft(
                    conversation=opened,
                    author=request.user,
                    kind=kind,
                    text=text,
                    updated_at=now,
                    begun_at=began.at,
                    newest=began.newest,
                )
            ],
            update_conflicts=True,
            unique_fields=["conversation", "author"],
            update_fields=["kind", "text", "updated_at"],
        )
    else:
        mine.delete()
    be_present(opened, by=request.user, is_typing=bool(text.strip()), now=now)
    if kind is Message.Kind.NOTE:
        return HttpResponse(status=204)
    manner = _manner(request)
    facts = facts_of(
        opened,
        author=request.user,
        now=now,
        is_private=manner.is_private,
        is_split=manner.is_split,
    )
    context = check_context(
        check(text, facts) if text.strip() else None, overruled=request.POST.getlist("overruled")
    )
    context |= {"promise": request.POST.get("promise", ""), "limit": facts.max_length}
    context |= {"manner": manner, "parts": _part_count(opened, text, manner)}
    context |= _felt(request, opened, context)
    if text.strip():
        context["weight"] = weigh(
            opened,
            text=text,
            author=request.user,
            now=now,
            is_public=facts.is_public,
            found=context["check"],
            overruled=context["overruled"],
        )
    return render(
        request,
        "conversations/_check.html",
        context | {"now": now, "show": showing, "conversation": opened},
    )


@staff_only
@require_POST
def drop_draft(request: StaffRequest, number: int) -> HttpResponse:
    """Leave it to somebody else's words."""
    opened, sight = found(request, number)
    Draft.objects.filter(conversation=opened, author=request.user).delete()
    return done(request, opened, sight=sight)


@staff_only
@require_safe
def private_page(request: StaffRequest, number: int) -> HttpResponse:
    """The words that ask somebody to go on in private, with the address of a page of ours."""
    opened, _ = found(request, number)
    address = privacy.private_page(opened)
    if not address:
        raise Http404
    words = gettext("Please write to us here, where only we can read it: %(address)s")
    return HttpResponse(words % {"address": address}, content_type="text/plain; charset=utf-8")


@staff_only
@require_safe
def private_thread(request: StaffRequest, thread: str) -> HttpResponse:
    """Lead to the private conversation of this thread, if this person may see it."""
    mine = Conversation.objects.visible_to(request.user)
    found_there = get_object_or_404(mine.filter(inbox__kind=contact_page.kind), root=thread)
    return HttpResponseRedirect(reverse("conversation", args=[found_there.pk]))


@staff_only
@require_POST
def undo(request: StaffRequest, message: int) -> HttpResponse:
    """Take a reply back within its seconds; its words are the draft again."""
    said, opened, sight = found_message(request, message)
    try:
        replying.undo(said, by=request.user, now=timezone.now())
    except replying.TooLateToUndo:
        late = gettext("It has left already.")
        return done(request, opened, sight=sight, notice=late, failing=True)
    opened.refresh_from_db()
    return done(request, opened, sight=sight, event="heard:undone")


@staff_only
@require_POST
def retry(request: StaffRequest, message: int) -> HttpResponse:
    """Send again what failed, or of what nobody knows whether it arrived."""
    kept, opened, sight = _sending(request, message)
    try:
        replying.retry(kept, by=request.user, now=timezone.now())
    except sending.NotInThatStateError:
        return done(request, opened, sight=sight)
    except replying.WordsHeld:
        held = gettext("Somebody else must look at such words by now: write them as a new reply.")
        return done(request, opened, sight=sight, notice=held, failing=True)
    return done(request, opened, sight=sight)


@staff_only
@require_POST
def mark_sent(request: StaffRequest, message: int) -> HttpResponse:
    """A person has looked: it did arrive."""
    kept, opened, sight = _sending(request, message)
    with contextlib.suppress(sending.NotInThatStateError):
        sending.mark_sent(kept, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight)


def check_context(found_by: Check | None, *, overruled: Collection[str]) -> dict[str, Any]:
    """What the lights and the findings show."""
    states = dict.fromkeys(LETTERS.values(), "")
    findings: tuple[Finding, ...] = ()
    if found_by is not None:
        findings = found_by.findings
        for letter, light in found_by.lights.items():
            states[LETTERS[letter]] = "fine" if light is Light.GREEN else "warn"
        for finding in findings:
            if finding.stops or (finding.light is Light.RED and finding.code not in overruled):
                states[LETTERS[finding.letter]] = "stop"
    held = [it for it in findings if it.stops or it.light is Light.RED]
    return {
        "check": found_by,
        "states": states,
        "light_names": {
            "t": gettext("True"),
            "h": gettext("Helpful"),
            "i": gettext("Inspiring"),
            "n": gettext("Necessary"),
            "k": gettext("Kind"),
        },
        "findings": findings,
        "overruled": overruled,
        "is_stopped": any(it.stops or it.code not in overruled for it in held),
    }


def _held(
    request: StaffRequest, opened: Conversation, *, sight: Sight, text: str, found_by: Check
) -> HttpResponse:
    """The composer again, with what the check says."""
    more = check_context(found_by, overruled=request.POST.getlist("overruled"))
    manner = _manner(request)
    more |= {"draft": text, "mode": "reply", "promise": request.POST.get("promise", "")}
    more |= {"manner": manner, "parts": _part_count(opened, text, manner)}
    more |= _felt(request, opened, more)
    if request.htmx:
        return pane(request, opened, sight=sight, status=422, **more)
    context = pane_context(request, opened, sight=sight, now=timezone.now())
    context |= page_context(request) | more
    return render(request, "conversations/alone.html", context, status=422)


def _felt(
    request: StaffRequest, opened: Conversation, context: Mapping[str, Any]
) -> dict[str, Any]:
    """What this person has said of the findings that are shown; asked only where there are any."""
    felt = weighing.felt_of(opened, by=request.user) if context["findings"] else {}
    return {"conversation": opened, "felt_of": felt}


def _crossed(
    request: StaffRequest,
    opened: Conversation,
    *,
    sight: Sight,
    text: str,
    found: Sequence[Crossing],
) -> HttpResponse:
    """The page on which both stand side by side, instead of the conversation."""
    context = pane_context(request, opened, sight=sight, now=timezone.now())
    context |= {
        "text": text,
        "crossings": [(it, differences(it.text, text)) for it in found],
        "carried": [
            (name, value)
            for name in CARRIED
            for value in request.POST.getlist(name)
            if name != "knowing"
        ],
        "knowing": [*request.POST.getlist("knowing"), *(it.key for it in found)],
        "others_words": "\n\n".join(it.text for it in found),
    }
    if request.htmx:
        response = render(request, "conversations/_crossed.html", context, status=422)
        response.headers["HX-Push-Url"] = "false"
        return response
    return render(
        request, "conversations/crossed.html", context | page_context(request), status=422
    )


def _sending(request: StaffRequest, message: int) -> tuple[Sending, Conversation, Sight]:
    said, opened, sight = found_message(request, message)
    return get_object_or_404(Sending, message=said), opened, sight


def _manner(request: StaffRequest) -> Manner:
    """How the reply is to go, as the composer's switches say."""
    return Manner(
        is_private="private" in request.POST,
        is_split="split" in request.POST,
        template=request.POST.get("template", "")[:120],
        copies=tuple(request.POST.getlist("copy")),
    )


def _part_count(opened: Conversation, text: str, manner: Manner) -> int:
    """In how many numbered parts the text would go; 0 when it fits, or the place takes but one."""
    inbox = opened.inbox
    is_public = (inbox.is_public or opened.is_public) and not manner.is_private
    able = abilities_of(inbox, is_public=is_public)
    if able.length is None or able.one_reply or length(text.strip(), able.unit) <= able.length:
        return 0
    try:
        return len(parts(text, limit=able.length, unit=able.unit))
    except ValueError:
        return 0


def _text(request: StaffRequest) -> str:
    """What was typed, with plain line ends, as the check counts them."""
    return request.POST.get("text", "").replace("\r\n", "\n").replace("\x00", "")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if timezone.is_aware(moment) else None
