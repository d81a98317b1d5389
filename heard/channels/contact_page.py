"""The company's own page: a customer writes without an account, and reads by a private link.

A typed e-mail address is nobody's proof: it is used for nothing but to mail the answers of this one
conversation, and never to find or join anybody's history.
"""

from __future__ import annotations

import base64
import json
import smtplib
from collections.abc import Iterator

from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    File,
    Incoming,
    Letter,
    NotUnderstoodError,
    Outgoing,
    Receipt,
    SendState,
    SetAside,
    Setting,
)
from heard.channels.texts import repair

kind = "contact_page"
title = "Contact page"
settings: tuple[Setting, ...] = ()
public = None
private = Abilities()


def written(
    *, message_id: str, thread: str, text: str, name: str, email: str, files: tuple[File, ...]
) -> bytes:
    """What somebody wrote on the page as the body of a delivery, for `parse`."""
    return json.dumps(
        {
            "id": message_id,
            "thread": thread,
            "text": text,
            "name": name,
            "email": email,
            "files": [
                {
                    "name": file.name,
                    "content_type": file.content_type,
                    "base64": base64.b64encode(file.content).decode(),
                }
                for file in files
            ],
        }
    ).encode()


def parse(delivered: Delivered, account: Account) -> Iterator[Incoming | SetAside]:  # noqa: ARG001
    """A visitor's message. Each thread is a person of its own until somebody proves otherwise."""
    try:
        said = json.loads(delivered.body)
        email, about = repair(said["email"]), delivered.headers.get("about")
        link = delivered.headers.get("came_by", "")
        yield Incoming(
            external_id=said["id"],
            at=delivered.at,
            text=repair(said["text"]),
            sender=said["thread"],
            sender_name=repair(said["name"]) or "Visitor",
            root=said["thread"],
            files=tuple(
                File(
                    name=repair(file["name"]),
                    content_type=repair(file["content_type"]),
                    content=base64.b64decode(file["base64"]),
                )
                for file in said["files"]
            ),
            extra=({"unverified_email": email} if email else {})
            | ({"continues": int(about)} if about else {})
            | ({"came_by": link} if link else {}),
            token=delivered.headers.get("token", ""),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotUnderstoodError(f"This was not written by the page: {error!r}") from None


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """The answer stands on the page by itself; it is mailed too if the visitor left an address."""
    email = mailed_to(outgoing)
    sent = Receipt(SendState.SENT)
    if not email or account.post is None:
        return sent
    lines = [outgoing.text]
    if outgoing.link:
        lines += [
            "",
            "-- ",
            f"{account.name}: read it again or write back here, please keep the link private:",
        ]
        lines += [outgoing.link]
    letter = Letter(
        to=email,
        subject=f"{account.name}: an answer to your message",
        text="\n".join(lines),
        message_id=outgoing.idempotency_key,
    )
    try:
        account.post(letter)
    except smtplib.SMTPServerDisconnected:
        return Receipt(
            SendState.UNKNOWN,
            reason="The answer stands on the page; the mail server broke off, so it may or may not"
            " have been mailed as well.",
        )
    except smtplib.SMTPRecipientsRefused:
        return Receipt(
            SendState.FAILED,
            reason=f"The answer stands on the page, but no mail server takes mail for {email}.",
            is_final=True,
        )
    except TimeoutError:
        return Receipt(
            SendState.UNKNOWN,
            reason="The answer stands on the page; the mail server did not say whether it took"
            " the mail.",
        )
    except (smtplib.SMTPException, OSError) as error:
        return Receipt(
            SendState.FAILED,
            reason=f"The answer stands on the page, but was not mailed yet ({error}).",
        )
    return sent


def may_repeat(outgoing: Outgoing) -> bool:
    """A page shows the answer once however often it is put there; a mail would come twice."""
    return not mailed_to(outgoing)


def check(account: Account) -> Checked:
    """The page is our own: it is there."""
    return Checked(account=account.name)


def mailed_to(outgoing: Outgoing) -> str:
    """The address that the visitor left with the message that is answered, or nothing."""
    return str(outgoing.answered.get("unverified_email", ""))
