"""E-mail: a mailbox is heard over IMAP and answered over SMTP.

A mail keeps its Message-ID as its name; ours are made from what the house calls the reply, so that
whatever comes back (an echo, an answer, a bounce) finds its place. docs/channels/email.md tells the
rest.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Fetched,
    Grant,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Progress,
    Receipt,
    SendState,
    Setting,
)
from heard.channels.email import automatic, letter, oauth, tokens, trust, writing

kind = "email"
title = "E-mail"
_BY_PASSWORD = ("sign_in", ("password",))
_BY_OAUTH = ("sign_in", ("google", "microsoft"))
_SECURITIES = (
    ("", "As usual"),
    ("tls", "TLS"),
    ("starttls", "STARTTLS"),
    ("none", "None (in-house only)"),
)
settings = (
    Setting("address", "Address", help="The address that customers write to."),
    Setting(
        "sign_in",
        "How to sign in",
        help="Google and Microsoft want OAuth; most others a password (often an app password).",
        default="password",
        choices=(("password", "Password"), ("google", "Google"), ("microsoft", "Microsoft 365")),
    ),
    Setting("password", "Password", is_secret=True, is_needed=False, when=_BY_PASSWORD),
    Setting(
        "imap_host",
        "IMAP server",
        help="Such as imap.example.com.",
        is_needed=False,
        when=_BY_PASSWORD,
    ),
    Setting(
        "smtp_host",
        "SMTP server",
        help="Such as smtp.example.com.",
        is_needed=False,
        when=_BY_PASSWORD,
    ),
    Setting(
        "client_id",
        "Client ID",
        help="Of the app that you register there.",
        is_needed=False,
        when=_BY_OAUTH,
    ),
    Setting(
        "client_secret",
        "Client secret",
        help="Of the same app; Microsoft's device sign-in has none.",
        is_secret=True,
        is_needed=False,
        when=_BY_OAUTH,
    ),
    Setting(
        "refresh_token",
        "Refresh token",
        help="Comes from signing in; the guide says how to get one by hand.",
        is_secret=True,
        is_needed=False,
        is_rare=True,
        when=_BY_OAUTH,
    ),
    Setting(
        "tenant",
        "Microsoft tenant",
        help="The directory (tenant) ID of the registered app.",
        is_needed=False,
        when=("sign_in", ("microsoft",)),
    ),
    Setting(
        "sent_folder",
        "Folder of sent mails",
        help="Such as Sent. Then answers written in other mail programs are heard too.",
        is_needed=False,
    ),
    Setting(
        "user",
        "User name",
        help="Only if it is not the address itself.",
        is_needed=False,
        is_rare=True,
    ),
    Setting(
        "also_us",
        "Our other addresses",
        help="One a line; a whole domain is written @example.com.",
        is_needed=False,
        form="lines",
        is_rare=True,
    ),
    Setting(
        "plus_addresses",
        "Plus addresses arrive here",
        help="Mail to name+anything@ reaches this mailbox: answers then find their thread surely.",
        is_needed=False,
        form="yes",
        is_rare=True,
    ),
    Setting(
        "trusted_server",
        "Name of the checking server",
        help="The first word of Authentication-Results in mails you got, such as mx.google.com.",
        is_needed=False,
        is_rare=True,
    ),
    Setting(
        "days",
        "Days to look back",
        help="Mails of the last days (at most 30) come in when the mailbox is connected.",
        is_needed=False,
        default="0",
        form="number",
        is_rare=True,
    ),
    Setting("sender_name", "Name on our mails", is_needed=False, is_rare=True),
    Setting(
        "acknowledgement",
        "Automatic acknowledgement",
        help="Sent once to whoever writes for the first time in a thread. Empty: none is sent.",
        is_needed=False,
        form="lines",
        is_rare=True,
    ),
    Setting(
        "hourly_cap",
        "Most mails an hour",
        help="More are held back, so that an accident stays small.",
        is_needed=False,
        default="300",
        form="number",
        is_rare=True,
    ),
    Setting("imap_port", "IMAP port", is_needed=False, form="number", is_rare=True),
    Setting("imap_security", "IMAP security", is_needed=False, choices=_SECURITIES, is_rare=True),
    Setting("smtp_port", "SMTP port", is_needed=False, form="number", is_rare=True),
    Setting("smtp_security", "SMTP security", is_needed=False, choices=_SECURITIES, is_rare=True),
    Setting("folder", "Folder to hear", help="INBOX, unless said.", is_needed=False, is_rare=True),
)
public = None
private = Abilities(files=True, copies=True)
every_seconds = 60.0


def parse(delivered: Delivered, account: Account) -> Iterator[Incoming | Progress]:
    """The message that a mail is; of a bounce, which of our replies did not arrive."""
    return letter.heard_in(delivered, account)


def poll(cursor: str, account: Account) -> Fetched:
    """What has come since the cursor; at first from now on, or from so many `days` ago (30)."""
    from heard.channels.email import imap  # noqa: PLC0415 - only who listens needs the library

    return imap.heard_since(cursor, account)


def listen(cursor: str, account: Account) -> Iterator[Fetched]:
    """The same, as the server tells of it (IDLE); servers that do not are asked every minute."""
    from heard.channels.email import imap  # noqa: PLC0415 - only who listens needs the library

    return imap.heard_live(cursor, account)


def reader_of(outgoing: Outgoing) -> str:
    """Where a reply goes: to the address the mail asks for, unless the mail is a forgery."""
    return writing.reader_of(outgoing)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Mail a reply. Its Message-ID follows from the idempotency key, also when it stays unknown."""
    from heard.channels.email import smtp  # noqa: PLC0415 - only who sends needs it

    to = reader_of(outgoing)
    if not writing.is_address(to):
        return Receipt(SendState.FAILED, reason="There is no address to write to.", is_final=True)
    number = tokens.message_id(outgoing.idempotency_key, account=account)
    sender = tokens.own_address(account)
    try:
        mail = writing.written(outgoing, account)
        with smtp.signed_in(account) as line:
            copies = writing.copies_of(outgoing)
            receipt = smtp.hand_over(mail, sender=sender, to=to, copies=copies, line=line)
    except smtp.RefusedBySMTPError as error:
        reason = f"The server refused the mail ({error.code} {error})"
        return Receipt(SendState.FAILED, reason=reason[:300], is_final=error.is_final)
    except PlaceError as error:
        return Receipt(
            SendState.FAILED,
            reason=str(error)[:300],
            is_final=error.needs_person,
            retry_after_seconds=int(error.retry_after_seconds or 0) or None,
        )
    except (smtplib.SMTPException, OSError) as error:
        reason = f"The line broke before the mail was handed over ({type(error).__name__})."
        return Receipt(SendState.FAILED, reason=reason)
    return Receipt(receipt.state, external_id=number, reason=receipt.reason)


def name_of(outgoing: Outgoing, account: Account) -> str:
    """The Message-ID, which is ours to choose."""
    return tokens.message_id(outgoing.idempotency_key, account=account)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: a server takes the same mail twice and delivers it twice, whatever its Message-ID."""
    return False


def grant(account: Account) -> Grant | None:
    """Where the owner of a mailbox at Google or Microsoft signs in. Raises `PlaceError`."""
    return oauth.grant(account)


def check(account: Account) -> Checked:
    """Sign in at both servers and look for the folders; nothing is sent."""
    from heard.channels.email import imap, smtp  # noqa: PLC0415 - see above

    address = tokens.own_address(account)
    if "@" not in address:
        raise PlaceError("The address of the mailbox is missing.", needs_person=True)
    mailbox = imap.Mailbox(account)
    try:
        warnings = mailbox.warnings()
    finally:
        mailbox.close()
    try:
        with smtp.signed_in(account) as line:
            largest = line.esmtp_features.get("size", "")
    except smtp.RefusedBySMTPError as error:
        raise PlaceError(
            f"The SMTP server refused us ({error.code} {error}).", needs_person=error.is_final
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise PlaceError(f"The SMTP server broke off ({type(error).__name__}).") from error
    found = {"largest_mail": int(largest)} if largest.isdigit() and int(largest) else {}
    return Checked(account=address, found=found, warnings=warnings)


def acknowledgement(incoming: Incoming, account: Account) -> str:
    """The inbox's own words for a person who begins a thread; "" for anybody and anything else."""
    given = account.settings.get("acknowledgement") or ""
    text = "\n".join(given) if isinstance(given, list | tuple) else str(given)
    if not text.strip() or incoming.kind is not Kind.INCOMING or incoming.root or incoming.parent:
        return ""
    us = letter.us_of(tokens.own_address(account), letter.lines_of(account.settings.get("also_us")))
    to = str(incoming.extra.get("reply_to") or incoming.sender)
    may = automatic.may_acknowledge(
        incoming.sender,
        is_automatic=incoming.is_automatic,
        is_list=bool(incoming.extra.get("list")),
        is_proven_false=trust.is_failed(incoming.extra.get("trust") or {}),
    )
    is_ours = letter.is_one_of(us, incoming.sender) or letter.is_one_of(us, to)
    return text.strip() if may and not is_ours else ""
