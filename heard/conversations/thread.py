"""One conversation as its page shows it: what was said and done, by whom, and who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone

from heard.channels import contact_page
from heard.conversations import quoting
from heard.conversations.files.attachments import PLAYED, SHOWN
from heard.conversations.models import Conversation
from heard.conversations.queries import PRESENT_SECONDS, Door, Person, Sight
from heard.conversations.readings.enquiring import OPEN, open_to
from heard.lib.statements import fetch

NEWEST = 100
LONGEST_TEXT = 12_000
EVENTS = (
    "conversation.assigned", "conversation.snoozed", "conversation.woken", "conversation.resolved",
    "conversation.reopened", "conversation.taken_out",
    "promise.made", "promise.kept", "promise.withdrawn",
    "reading.corrected", "second_reading.refused", "reply.drafted", "reply.queued", "reply.undone",
    "conversation.went_private", "conversation.merged",
    "conversation.unmerged", "conversation.split", "conversation.rejoined",
    "conversation.stepped_back", "reply.rested", "review.asked", "review.returned",
    "review.withdrawn",
)  # fmt: skip
VISITS_SHOWN = 8
MOST_VISITS = 200
MOST_DEEDS = 200


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that came with a message."""

    id: int
    name: str
    content_type: str
    size: int
    state: str
    """As `Attachment.State`; `reason` says why it is not here."""
    reason: str

    @property
    def is_kept(self) -> bool:
        """Whether its bytes are here."""
        return self.state == "kept"

    @property
    def is_shown(self) -> bool:
        """Whether the page may show it as a picture."""
        return self.is_kept and self.content_type in SHOWN

    @property
    def plays(self) -> str:
        """Whether as "audio" or "video" the page may play it; else ""."""
        is_played = self.is_kept and self.content_type in PLAYED
        return self.content_type.partition("/")[0] if is_played else ""


@dataclass(frozen=True, slots=True)
class Original:
    """What somebody passes on or quotes, as far as it is here."""

    id: int
    conversation_id: int
    is_ours: bool
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said from some moment on, before it was changed again."""

    at: datetime
    text: str
    rating: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    id: int
    kind: str
    at: datetime
    author: str
    is_mine: bool
    text: str
    quoted: str
    is_cut: bool
    has_html: bool
    is_public: bool
    is_automatic: bool
    language: str
    mood: str
    need: str
    stance: str
    urgency: str
    urgency_reason: str
    read_by: str
    state: str
    """Of the outbox; "" for what was not sent from here."""
    leaves_at: datetime | None
    reason: str
    delivered_at: datetime | None
    read_at: datetime | None
    edited_at: datetime | None
    deleted_at: datetime | None
    sent_privately: bool
    place: Mapping[str, Any]
    """What else the place tells: where it stands, its rating, what proves the sender."""
    acts: Mapping[str, tuple[str, str]]
    """State and reason of what we do to it at the place, by kind."""
    papers: tuple[Paper, ...]
    acknowledged: tuple[tuple[str, str], ...]
    """How and by whom."""
    versions: tuple[Version, ...]
    """All that it ever said, the newest last; nothing while it is as it was written."""
    address: str
    """Where it was written from."""
    copies: tuple[str, ...]
    """Who else got this reply of ours."""
    original: Original | None
    """What it passes on or quotes."""
    emptied_at: datetime | None
    """When its words went, because they may not be kept for longer."""
    second: Mapping[str, Any] | None
    """What a tier of the assistant reads instead: a suggestion that nobody has answered yet."""
    enquiry: Mapping[str, Any] | None
    """Of which head this person is asked whether it is right, if they are."""
    kept_of_draft: float | None
    """The share of the words of the server's draft that are in it; None without such a draft."""
    overruled: tuple[str, ...]
    """Codes of the warnings in spite of which it was sent."""
    approved_by: str
    """Whose second pair of eyes has seen it; "" where nobody had to look."""
    review: int | None
    """What it waited as, if it did."""

    @property
    def passes_on(self) -> str:
        """Whether it "shares" or "quotes" what somebody else said; else ""."""
        return next((how for how in ("shares", "quotes") if self.place.get(how)), "")

    @property
    def earlier(self) -> tuple[Version, ...]:
        """What it said before."""
        return self.versions[:-1]

    @property
    def rating_before(self) -> int | None:
        """The stars it had before, where they were others."""
        now = self.place.get("rating")
        others = [it.rating for it in self.earlier if it.rating and it.rating != now]
        return others[-1] if now and others else None


@dataclass(frozen=True, slots=True)
class Done:
    """A line of the diary between the messages."""

    at: datetime
    name: str
    actor: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """Everything of one day, in order."""

    on: date
    entries: tuple[Said | Done, ...]


@dataclass(frozen=True, slots=True)
class Pledge:
    """A promise of ours that is still open."""

    id: int
    text: str
    due_at: datetime
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reply that may not leave yet, or one's own that was given back."""

    id: int
    author_id: int
    author: str
    state: str
    """As `Review.State`."""
    text: str
    at: datetime
    rests_until: datetime
    reasons: Sequence[Mapping[str, str]]
    signs: Sequence[Mapping[str, str]]
    word: str
    by: str
    """Who gave it back, and with which words; nobody is `heard` itself."""


@dataclass(frozen=True, slots=True)
class Handle:
    """One address of the contact."""

    kind: str
    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Another conversation of the same contact."""

    id: int
    door: Door
    preview: str
    status: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ContactCard:
    """The person outside, and what else they came with."""

    id: int
    name: str
    first_seen_at: datetime | None
    note: str
    handles: tuple[Handle, ...]
    visits: tuple[Visit, ...]
    visit_count: int
    """With this one; as far as this colleague may see."""
    has_more: bool
    bond: str
    """What they are to us; by this inbox alone unless all may be seen."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation, ready for its page."""

    conversation: Conversation
    door: Door
    days: tuple[Day, ...]
    has_earlier: bool
    promises: tuple[Pledge, ...]
    contact: ContactCard | None
    draft: str
    draft_kind: str
    last_incoming: Said | None
    present: tuple[Person, ...]
    waiting: tuple[Waiting, ...] = ()
    newest_reply: int = 0
    is_too_close: bool = False
    """Whether who looks has stepped back from it."""
    has_private_page: bool = False
    """Whether a contact page stands open to which somebody could be asked."""
    may_draft: bool = False
    """Whether a model server drafts replies for this house."""

    @property
    def to(self) -> str:
        """The handle under which the reply reaches them; "" when there is none here."""
        handles = self.contact.handles if self.contact else ()
        return next((handle.address for handle in handles if handle.kind == self.door.kind), "")


MESSAGES = f"""
    SELECT m.id, m.kind, m.at,
        CASE WHEN m.kind = 'incoming' THEN coalesce(nullif(k.name, ''), m.author_name)
            ELSE coalesce(nullif(m.author_name, ''), u.name, '') END,
        coalesce(m.author_id = %(me)s, false),
        left(m.text, %(longest)s), length(m.text) > %(longest)s, m.html <> '',
        m.is_public, m.is_automatic, m.language, m.mood, m.need, m.stance, m.urgency,
        m.urgency_reason, m.read_by, coalesce(s.state, ''), s.not_before, coalesce(s.reason, ''),
        s.delivered_at, s.read_at, m.edited_at, m.deleted_at, coalesce(s.is_private, false),
        m.extra,
        (SELECT json_agg(json_build_array(t.kind, t.state, t.reason) ORDER BY t.at)
            FROM act t WHERE t.message_id = m.id),
        (SELECT json_agg(json_build_array(a.id, a.name, a.content_type, a.size, a.state, a.reason)
            ORDER BY a.id) FROM attachment a WHERE a.message_id = m.id),
        (SELECT json_agg(json_build_array(g.kind, coalesce(gu.name, '')) ORDER BY g.at)
            FROM acknowledgement g LEFT JOIN staff_user gu ON gu.id = g.by_id
            WHERE g.message_id = m.id),
        (SELECT json_agg(json_build_array(v.at, left(v.text, %(longest)s),
            v.told -> 'extra' -> 'rating', v.told ? 'is_emptied') ORDER BY v.at, v.id)
            FROM change v WHERE m.edited_at IS NOT NULL AND v.inbox_id = m.inbox_id
            AND v.external_id = m.external_id AND v.kind = m.kind
            AND v.what IN ('written', 'edited')),
        h.address, s.copies,
        (SELECT json_build_array(o.id, o.conversation_id, o.kind = 'reply', left(o.text, 160))
            FROM message o WHERE o.inbox_id = m.inbox_id AND o.external_id <> ''
            AND o.external_id = coalesce(m.extra ->> 'shares', m.extra ->> 'quotes')
            ORDER BY o.id LIMIT 1),
        m.emptied_at,
        (SELECT json_build_object('id', r.id, 'tier', r.tier, 'need', r.need, 'stance', r.stance,
            'mood', r.mood) FROM second_reading r WHERE r.message_id = m.id AND r.state = 'open'),
        (SELECT json_build_object('id', d.id, 'head', d.head) FROM enquiry d
            WHERE d.message_id = m.id AND m.deleted_at IS NULL AND {OPEN})
    FROM message m
    LEFT JOIN contact k ON k.id = m.contact_id
    LEFT JOIN staff_user u ON u.id = m.author_id
    LEFT JOIN sending s ON s.message_id = m.id
    LEFT JOIN handle h ON h.id = m.handle_id
    WHERE m.conversation_id = %(id)s
    ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s
"""

AROUND = """
    SELECT
        (SELECT json_agg(json_build_array(h.kind, h.address, h.name) ORDER BY h.kind, h.address)
            FROM handle h WHERE h.contact_id = %(contact)s),
        (SELECT json_agg(json_build_array(p.id, p.text, p.due_at, p.made_at) ORDER BY p.due_at)
            FROM promise p WHERE p.conversation_id = %(id)s
            AND p.kept_at IS NULL AND p.withdrawn_at IS NULL),
        (SELECT json_build_array(d.kind, d.text) FROM draft d
            WHERE d.conversation_id = %(id)s AND d.author_id = %(me)s),
        (SELECT json_build_array(k.name, k.note, CASE WHEN %(inboxes)s::bigint[] IS NULL
                THEN k.bond ELSE coalesce((SELECT b.word FROM bond b
                    WHERE b.contact_id = k.id AND b.inbox_id = %(inbox)s), '') END)
            FROM contact k WHERE k.id = %(contact)s),
        (SELECT json_agg(
                json_build_array(v.id, v.inbox_id, v.preview, v.status, v.last_at, v.started_at))
            FROM (
                SELECT c.* FROM conversation c
                WHERE c.contact_id = %(contact)s AND c.last_at IS NOT NULL
                    AND (%(inboxes)s::bigint[] IS NULL OR c.inbox_id = ANY(%(inboxes)s))
                ORDER BY c.last_at DESC LIMIT {visits}
            ) v),
        (SELECT json_agg(json_build_array(d.at, d.name, d.actor, d.data)) FROM (
            SELECT e.at, e.name, coalesce(u.name, '') AS actor, e.data
            FROM event e LEFT JOIN staff_user u ON u.id = e.actor_id
            WHERE e.subject = 'conversation' AND e.subject_id = %(id)s AND e.name = ANY(%(names)s)
            ORDER BY e.id DESC LIMIT {deeds}
        ) d),
        (SELECT json_agg(json_build_array(u.id, u.name, p.is_typing) ORDER BY u.name)
            FROM presence p JOIN staff_user u ON u.id = p.user_id
            WHERE p.conversation_id = %(id)s AND p.user_id <> %(me)s AND p.at > %(lately)s),
        (SELECT json_agg(json_build_array(r.id, r.author_id, u.name, r.state, r.text, r.at,
                r.rests_until, r.reasons, r.signs, r.word, coalesce(b.name, '')) ORDER BY r.id)
            FROM review r JOIN staff_user u ON u.id = r.author_id
            LEFT JOIN staff_user b ON b.id = r.by_id
            WHERE r.conversation_id = %(id)s AND (r.state IN ('resting', 'asked')
                OR (r.state = 'returned' AND r.author_id = %(me)s))),
        coalesce((SELECT max(m.id) FROM message m
            WHERE m.conversation_id = %(id)s AND m.kind = 'reply'), 0),
        EXISTS (SELECT FROM too_close o
            WHERE o.conversation_id = %(id)s AND o.user_id = %(me)s),
        coalesce((SELECT a.drafts FROM assistant a WHERE a.id = 1 AND a.url <> ''), false)
"""


def thread(
    conversation: Conversation, *, sight: Sight, now: datetime, is_whole: bool = False
) -> Thread:
    """All that the page of a conversation shows: two queries.

    Without `is_whole` only the newest messages, and what was done since the oldest of them.
    """
    parameters = {
        "id": conversation.pk,
        "me": sight.user_id,
        "contact": conversation.contact_id,
        "inbox": conversation.inbox_id,
        "longest": LONGEST_TEXT,
        "limit": None if is_whole else NEWEST + 1,
        "inboxes": sight.inboxes,
        "names": list(EVENTS),
        "lately": now - timedelta(seconds=PRESENT_SECONDS),
        **open_to(sight.user_id, now=now),
    }
    rows = fetch(MESSAGES, parameters)
    [around] = fetch(AROUND.format(visits=MOST_VISITS, deeds=MOST_DEEDS), parameters)
    handles, promises, draft, contact, visits, diary, here, *more = around
    waiting, newest, is_too_close, may_draft = more
    has_earlier = not is_whole and len(rows) > NEWEST
    deeds = [
        Done(datetime.fromisoformat(at), name, actor, data)
        for at, name, actor, data in reversed(diary or ())
    ]
    queued = {deed.data.get("message"): deed.data for deed in deeds if deed.name == "reply.queued"}
    messages = [_said(row, queued) for row in reversed(rows[:NEWEST] if has_earlier else rows)]
    since = messages[0].at if has_earlier else None
    lines = [
        deed for deed in deeds if deed.name != "reply.queued" and (not since or deed.at >= since)
    ]
    incoming = [said for said in messages if said.kind == "incoming"]
    return Thread(
        conversation=conversation,
        door=sight.doors[conversation.inbox_id],
        days=_days([*messages, *lines]),
        has_earlier=has_earlier,
        promises=tuple(
            Pledge(pk, text, datetime.fromisoformat(due), datetime.fromisoformat(made))
            for pk, text, due, made in promises or ()
        ),
        contact=_contact(conversation, contact, handles or (), visits or (), sight=sight),
        draft=draft[1] if draft else "",
        draft_kind=draft[0] if draft else "reply",
        last_incoming=incoming[-1] if incoming else None,
        present=tuple(Person(*person) for person in here or ()),
        waiting=tuple(_waiting(row) for row in waiting or ()),
        newest_reply=newest,
        is_too_close=is_too_close,
        has_private_page=any(door.kind == contact_page.kind for door in sight.doors.values()),
        may_draft=may_draft,
    )


def _said(row: Sequence[Any], queued: Mapping[Any, Mapping[str, Any]]) -> Said:
    pk, kind, at, author, is_mine, text, is_cut, *rest = row
    *rest, emptied_at, second, enquiry = rest
    *rest, place, acts, papers, thanks, edits, address, copies, original = rest
    words, quoted = (text, "") if is_cut or kind == "note" else quoting.split(text)
    files = tuple(Paper(*paper) for paper in papers or ())
    given = tuple((how, who) for how, who in thanks or ())
    done = {what: (state, reason) for what, state, reason in acts or ()}
    said = [pk, kind, at, author, is_mine, words, quoted or _folded(place)]
    read = [*said, is_cut, *rest, place or {}, done, files, given]
    read += [_versions(edits or ()), address or "", tuple(copies or ())]
    read += [Original(*original) if original else None, emptied_at, second, enquiry]
    told = queued.get(pk, {})
    read += [told.get("kept"), tuple(told.get("overruled", ()))]
    read += [told.get("approved_by", ""), told.get("review")]
    return Said(*read)


def _waiting(row: Sequence[Any]) -> Waiting:
    pk, author_id, author, state, text, at, rests_until, *rest = row
    moments = datetime.fromisoformat(at), datetime.fromisoformat(rests_until)
    return Waiting(pk, author_id, author, state, text, *moments, *rest)


def _versions(edits: Sequence[Sequence[Any]]) -> tuple[Version, ...]:
    """Those that can be told apart; each keeps the stars that the one before it had."""
    versions: list[Version] = []
    rating: int | None = None
    for at, text, stars, is_emptied in edits:
        rating = stars if isinstance(stars, int) else rating
        version = Version(datetime.fromisoformat(at), "" if is_emptied else text, rating)
        if not versions or (version.text, rating) != (versions[-1].text, versions[-1].rating):
            versions.append(version)
    return tuple(versions)


def _folded(place: Mapping[str, Any] | None) -> str:
    """What the place's own reader has folded away: quoted words, then the signature."""
    if not place:
        return ""
    parts = [place.get("quoted"), place.get("signature")]
    return "\n\n".join(part for part in parts if isinstance(part, str) and part)


def _contact(
    conversation: Conversation,
    known: Sequence[str] | None,
    handles: Iterable[Sequence[str]],
    visits: Sequence[Sequence[Any]],
    *,
    sight: Sight,
) -> ContactCard | None:
    if conversation.contact_id is None or known is None:
        return None
    begun = [conversation.started_at, *(_moment(visit[5]) for visit in visits)]
    others = [visit for visit in visits if visit[0] != conversation.pk and visit[1] in sight.doors]
    return ContactCard(
        id=conversation.contact_id,
        name=known[0],
        note=known[1],
        first_seen_at=min((at for at in begun if at), default=None),
        handles=tuple(Handle(*handle) for handle in handles),
        visits=tuple(
            Visit(pk, sight.doors[inbox], preview, status, datetime.fromisoformat(last_at))
            for pk, inbox, preview, status, last_at, _ in others[:VISITS_SHOWN]
        ),
        visit_count=len(others) + 1,
        has_more=len(visits) == MOST_VISITS,
        bond=known[2],
    )


def _days(entries: Iterable[Said | Done]) -> tuple[Day, ...]:
    zone = timezone.get_current_timezone()
    in_order = sorted(entries, key=lambda entry: (entry.at, isinstance(entry, Done)))
    return tuple(
        Day(day, tuple(those))
        for day, those in groupby(in_order, key=lambda entry: entry.at.astimezone(zone).date())
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
