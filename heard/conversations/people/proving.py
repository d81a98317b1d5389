"""What proves that two handles are one person's: then they are joined without asking anybody.

There are three proofs: the place itself vouches for a further address (`links`), two places vouch
for the same telephone number (`address`), or somebody wrote by the private link that we had sent to
a known person alone (`private_link`). Likeness is none: that is only suggested. An address that is
typed, or stands in a mail as its sender, is none either. What somebody has undone stays undone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from heard.contacts.likeness import PHONE_KINDS
from heard.contacts.models import Contact, Handle, Joining
from heard.conversations.contact_page.privacy import sent_alone
from heard.conversations.people.joining import join
from heard.events.diary import record
from heard.lib.statements import fetch

NUMBER = re.compile(r"\+[1-9]\d{6,14}")  # E.164
MOST_LINKS = 20

NUMBERS = """
    SELECT DISTINCT h.contact_id, o.kind, o.address FROM handle h
    JOIN handle o ON o.kind = ANY(%(kinds)s) AND o.address = h.address AND o.kind <> h.kind
        AND o.contact_id <> h.contact_id
    WHERE h.contact_id = ANY(%(contacts)s) AND h.kind = ANY(%(kinds)s)
    ORDER BY 1, 2, 3
"""


class Opened(NamedTuple):
    """That a contact wrote a thread by a link which had been made for a conversation."""

    contact: int
    conversation: int
    link: str
    thread: str


@transaction.atomic
def vouch(contact: Contact, *, kind: str, address: str, proof: str, now: datetime) -> Contact:
    """This address is theirs, too, by proof: add the handle, or join whoever had it.

    Of two people the one known longer survives; returns that one. `proof` is "place", "address" or
    "private_link". Two whom somebody has parted are not joined again: then returns the first.
    """
    here = Contact.objects.get(pk=contact.into_id or contact.pk)
    handle, is_new = Handle.objects.get_or_create(
        kind=kind, address=address[:320], defaults={"contact": here}
    )
    if is_new:
        record(
            "contact.vouched",
            subject="contact",
            subject_id=here.pk,
            at=now,
            data={"kind": kind, "address": handle.address, "proof": proof},
        )
        return here
    if handle.contact_id == here.pk:
        return here
    gone, into = sorted((here, handle.contact), key=lambda it: it.pk, reverse=True)
    pair = [gone, into]
    if Joining.objects.filter(gone__in=pair, kept__in=pair, undone_at__isnull=False).exists():
        return here
    join(gone, into=into, by=None, now=now, proof=proof, reasons=[[proof, f"{kind}:{address}"]])
    return into


def prove(
    contacts: Collection[int],
    *,
    links: Collection[tuple[int, Mapping[str, Any]]],
    opened: Collection[Opened] = (),
    now: datetime,
) -> int:
    """Join what is proven about these contacts: `links` are what places said of them, `opened` the
    private links by which they wrote.

    Returns how many joins or handles that made.
    """
    made = 0
    for contact, kind, address, proof in [
        *_linked(links), *_opened(opened), *_same_numbers(contacts),
    ]:  # fmt: skip
        person = Contact.objects.filter(pk=contact).first()
        if person is None or person.is_ours:
            continue
        before = Handle.objects.filter(kind=kind, address=address).values_list("contact", flat=True)
        was = before.first()
        survivor = vouch(person, kind=kind, address=address, proof=proof, now=now)
        made += was != survivor.pk or person.pk != survivor.pk
    return made


def _linked(
    links: Collection[tuple[int, Mapping[str, Any]]],
) -> Iterator[tuple[int, str, str, str]]:
    for contact, by_kind in links:
        lists = {
            kind: [told] if isinstance(told, str) else told if isinstance(told, list) else []
            for kind, told in by_kind.items()
        }
        pairs = [
            (kind, address)
            for kind, addresses in lists.items()
            for address in addresses
            if isinstance(address, str) and address and kind and len(kind) <= 30
        ]
        for kind, address in pairs[:MOST_LINKS]:
            yield contact, kind, address[:320], "place"


def _opened(opened: Collection[Opened]) -> Iterator[tuple[int, str, str, str]]:
    for one in opened:
        handle = sent_alone(one.conversation, link=one.link, thread=one.thread)
        if handle is not None and not handle.contact.is_ours:
            yield one.contact, handle.kind, handle.address, "private_link"


def _same_numbers(contacts: Collection[int]) -> Iterator[tuple[int, str, str, str]]:
    rows = fetch(NUMBERS, {"contacts": list(contacts), "kinds": sorted(PHONE_KINDS)})
    for contact, kind, address in rows:
        if NUMBER.fullmatch(address):
            yield contact, kind, address, "address"
