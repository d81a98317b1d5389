"""WhatsApp by Meta's Cloud API: messages, reactions, what became of ours, and the phone's own.

The person writes first; 24 hours after their last message only approved templates may be sent.
https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from heard.channels import asking, payloads
from heard.channels.asking import failed
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Edited,
    File,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Progress,
    Receipt,
    SetAside,
    Setting,
)
from heard.channels.meta import graph, hooks

kind = "whatsapp"
title = "WhatsApp"
settings = (
    Setting(
        "phone_number_id",
        "Phone number id",
        help="In the Meta app dashboard: WhatsApp → API setup, below the number. It is not the"
        " number itself.",
    ),
    Setting(
        "business_account_id",
        "WhatsApp Business account id",
        help="On the same page. Needed to list your templates.",
    ),
    Setting(
        "token",
        "Access token",
        help="Business settings → Users → System users → Generate token, with whatsapp_business_"
        "messaging and whatsapp_business_management. The token on the setup page ends after a day.",
        is_secret=True,
    ),
    hooks.APP_SECRET,
    hooks.VERIFY_TOKEN,
)
LENGTH, CAPTION = 4096, 1024
public = None
private = Abilities(
    acts=frozenset({Act.LIKE}),
    files=True,
    length=LENGTH,
    window=timedelta(hours=24),
    templates=True,
    tells=frozenset({"delivered", "read"}),
)
has_own_secret = False
heeds = hooks.HEEDS
RIGHTS = frozenset({"whatsapp_business_messaging", "whatsapp_business_management"})

MEDIA = frozenset({"image", "video", "audio", "document", "sticker", "voice"})
NAMES = {
    "image": "picture",
    "video": "video",
    "audio": "sound",
    "voice": "sound",
    "sticker": "sticker",
    "document": "file",
}
ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    "application/pdf": ".pdf",
}
STATES: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
HEARD = frozenset({"messages", "smb_message_echoes"})
QUIET = frozenset({"smb_app_state_sync", "history", "account_update", "phone_number_name_update"})
TOLD = frozenset(
    {"account_alerts", "phone_number_quality_update", "message_template_status_update"}
    | {"account_review_update", "business_capability_update", "template_category_update"}
)
"""What Meta tells about the account itself: kept for whoever looks after the inbox."""
BLANK = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")

greet = hooks.greet
authenticate = hooks.authenticate
confirm = hooks.confirm


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What was said to our number, and what became of what we said."""
    business = str(account.settings.get("business_account_id") or "")
    ours = str(account.settings.get("phone_number_id") or "")

    def change(one: Any) -> Iterator[Heard]:
        field, value = one["field"], one["value"]
        if field in TOLD:
            said = payloads.words(value.get("event") or value.get("alert_type")) or "see below"
            yield SetAside(where=field, reason=f"WhatsApp tells about the account: {said}"[:300])
            return
        if field in QUIET:
            return
        if field not in HEARD:
            raise ValueError(f"changes of “{str(field)[:60]}” are not known here")
        number = str(value["metadata"]["phone_number_id"])
        if number != ours:
            yield SetAside(
                where=f"number {number}",
                reason=f"This belongs to another number ({number}); this inbox hears only {ours}.",
            )
            return
        names = _names(value.get("contacts"))

        def heard(message: Any) -> Iterator[Heard]:
            return _message(message, names=names, us=ours, heard_at=delivered.at)

        def state(status: Any) -> Iterator[Heard]:
            return _progress(status, heard_at=delivered.at)

        yield from payloads.each(value.get("messages"), where="messages", understood=heard)
        yield from payloads.each(value.get("message_echoes"), where="echoes", understood=heard)
        yield from payloads.each(value.get("statuses"), where="statuses", understood=state)
        for error in value.get("errors") or ():
            yield SetAside(where="errors", reason=_fault(error) or "WhatsApp reports an error.")

    def understood(entry: dict[str, Any]) -> Iterator[Heard]:
        yield from payloads.each(entry.get("changes"), where="changes", understood=change)

    yield from hooks.entries(
        delivered,
        what="whatsapp_business_account",
        ours=business,
        whose="WhatsApp Business account",
        understood=understood,
    )


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Write to the number; with a template, its blanks filled by the lines of the text.

    One file goes with each message, with at most 1,024 characters beneath it. A template is named
    as `check` found it: name/language.
    """
    message: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    # A person who hides the number is known by an id with a country in front: CC.123
    message["recipient" if "." in outgoing.to else "to"] = outgoing.to
    if outgoing.template:
        try:
            message |= {"type": "template", "template": _template(outgoing, account)}
        except ValueError as error:
            return failed(str(error), is_final=True)
        return _handed(message, account)
    if outgoing.parent and not outgoing.parent.startswith("reaction/"):
        message["context"] = {"message_id": outgoing.parent}
    if not outgoing.files:
        if len(outgoing.text) > LENGTH:
            return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
        message |= {"type": "text", "text": {"body": outgoing.text, "preview_url": True}}
        return _handed(message, account)
    if len(outgoing.files) > 1:
        return failed("WhatsApp takes one file with each message.", is_final=True)
    if len(outgoing.text) > CAPTION:
        return failed(f"Beside a file, at most {CAPTION} characters fit.", is_final=True)
    return _with_file(message, outgoing, account)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: WhatsApp knows no key by which it would see the repetition."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """A thumb up beneath a message."""
    if acting.act is not Act.LIKE or not acting.root:
        return failed("WhatsApp does not let us do this to a message.", is_final=True)
    message = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient" if "." in acting.root else "to": acting.root,
        "type": "reaction",
        "reaction": {"message_id": acting.external_id, "emoji": "👍"},
    }
    return graph.done("POST", f"{_number(account)}/messages", account, body=asking.as_json(message))


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a media id: its address is asked for, and is good for five minutes."""
    found = graph.asked(
        "GET", source, account=account, params={"phone_number_id": _number(account)}
    )
    url = found.get("url")
    if not isinstance(url, str):
        raise PlaceError("WhatsApp no longer has this file (it keeps them for 30 days).")
    return graph.downloaded(url, account=account)


def check(account: Account) -> Checked:
    """The number, its standing, the approved templates, and until when the token is good."""
    number = graph.asked(
        "GET",
        _number(account),
        account=account,
        params={"fields": "display_phone_number,verified_name,quality_rating,status"},
    )
    warnings: list[str] = []
    if str(number.get("quality_rating", "")).upper() == "RED":
        warnings.append("People block or report this number: its quality is low (red).")
    found: dict[str, Any] = {}
    try:
        found["templates"] = list(_templates(account))
    except PlaceError as error:
        warnings.append(f"The templates could not be listed: {error}")
    try:
        token = graph.checked_token(account, needed=RIGHTS)
        warnings += token.warnings
        expires_at = token.expires_at
    except (PlaceError, KeyError, TypeError, AttributeError):
        warnings.append("Meta did not tell when the token ends.")
        expires_at = None
    name = " ".join(
        str(number.get(part) or "") for part in ("verified_name", "display_phone_number")
    )
    return Checked(name.strip(), found=found, warnings=tuple(warnings), expires_at=expires_at)


def _message(
    message: Any, *, names: Mapping[str, str], us: str, heard_at: datetime
) -> Iterator[Heard]:
    name = payloads.name_of(message["id"])
    to = message.get("to") or message.get("to_user_id")
    which = Kind.REPLY if to else Kind.INCOMING
    person = payloads.name_of(to or message.get("from") or message.get("from_user_id"), "from")
    at = payloads.at(message["timestamp"], heard_at=heard_at)
    what = message["type"]
    if what == "revoke":
        yield Deleted(payloads.name_of(message["revoke"]["original_message_id"]), at, which)
        return
    if what == "edit":
        edit = message["edit"]
        about = payloads.name_of(edit["original_message_id"])
        yield Edited(about, at, _words(edit["message"]), kind=which)
        return
    sender = us if which is Kind.REPLY else person
    if what == "reaction":
        yield _reaction(message["reaction"], sender=sender, person=person, which=which, at=at)
        return
    if what in {"system", "request_welcome"}:
        if said := payloads.words((message.get("system") or {}).get("body")):
            yield SetAside(where="system", reason=said[:300])
        return
    context = message.get("context") or {}
    extra: dict[str, Any] = {}
    if referral := message.get("referral"):
        extra["url"] = payloads.words(referral.get("source_url"))
    if context.get("forwarded") or context.get("frequently_forwarded"):
        extra["forwarded"] = True
    files = tuple(_files(message))
    yield Incoming(
        external_id=name,
        at=at,
        text=_words(message) or ("" if files else "(A kind of message that only the app shows.)"),
        sender=sender,
        kind=which,
        sender_name=names.get(person, "") if which is Kind.INCOMING else "",
        root=person,
        parent=str(context.get("id") or ""),
        to=person if which is Kind.REPLY else "",
        files=files,
        extra=extra,
    )


def _reaction(
    reaction: Any, *, sender: str, person: str, which: Kind, at: datetime
) -> Incoming | Deleted:
    """A reaction is a message of its own that nobody need answer; without a sign it is undone."""
    about = payloads.name_of(reaction["message_id"], "message_id")
    name = f"reaction/{sender}/{about}"[:300]
    sign = payloads.words(reaction.get("emoji"))
    if not sign:
        return Deleted(name, at, which)
    return Incoming(
        external_id=name,
        at=at,
        text=sign,
        sender=sender,
        kind=which,
        root=person,
        parent=about,
        to=person if which is Kind.REPLY else "",
        need="nothing",
        is_automatic=which is Kind.REPLY,
        extra={"reaction": sign},
    )


def _words(message: Mapping[str, Any]) -> str:
    """What a message says, in words: its text, the caption, the button pressed, the place."""
    what = str(message["type"])
    about = message.get(what)
    if what == "text":
        return payloads.words(message["text"]["body"])
    if what in MEDIA and isinstance(about, dict):
        return payloads.words(about.get("caption"))
    if what == "button":
        return payloads.words(message["button"].get("text"))
    if what == "interactive":
        return _pressed(message["interactive"])
    if what == "location":
        place = message["location"]
        names = (payloads.words(place.get(part)) for part in ("name", "address"))
        return "\n".join(
            part for part in (*names, f"geo:{place['latitude']},{place['longitude']}") if part
        )
    if what == "contacts":
        return "\n".join(_card(card) for card in message["contacts"])
    if what == "order":
        lines = (
            f"{item.get('quantity')} × {item.get('product_retailer_id')}"
            for item in message["order"].get("product_items") or ()
        )
        return "\n".join([payloads.words(message["order"].get("text")), *lines]).strip()
    return ""


def _pressed(interactive: Mapping[str, Any]) -> str:
    about = interactive.get(str(interactive.get("type"))) or {}
    parts = (about.get("title"), about.get("description"), about.get("body"))
    return "\n".join(payloads.words(part) for part in parts if payloads.words(part))


def _card(card: Mapping[str, Any]) -> str:
    name = payloads.words((card.get("name") or {}).get("formatted_name"))
    numbers = (payloads.words(phone.get("phone")) for phone in card.get("phones") or ())
    return " ".join(part for part in (name, *numbers) if part)


def _files(message: Mapping[str, Any]) -> Iterator[File]:
    what = str(message["type"])
    about = message.get(what)
    if what not in MEDIA or not isinstance(about, dict) or not about.get("id"):
        return
    content_type = str(about.get("mime_type") or "").split(";")[0] or "application/octet-stream"
    name = payloads.words(about.get("filename")) or NAMES[what] + ENDINGS.get(content_type, "")
    yield File(name[:200], content_type, b"", source=payloads.name_of(about["id"]))


def _progress(status: Any, *, heard_at: datetime) -> Iterator[Heard]:
    state = STATES.get(str(status["status"]))
    if state is None:  # sent, or a state that is not known here
        return
    reasons = (_fault(error) for error in status.get("errors") or ())
    yield Progress(
        payloads.name_of(status["id"]),
        payloads.at(status["timestamp"], heard_at=heard_at),
        state,
        reason="; ".join(reason for reason in reasons if reason)[:300],
    )


def _fault(error: Mapping[str, Any]) -> str:
    code = error.get("code")
    said = graph.SAYINGS.get(code) if isinstance(code, int) else None
    details = (error.get("error_data") or {}).get("details")
    return said or payloads.words(details or error.get("title") or error.get("message"))


def _names(contacts: Any) -> dict[str, str]:
    """The names of people by their number, and by the id of those who hide it."""
    found: dict[str, str] = {}
    for one in contacts or ():
        profile = one.get("profile") or {}
        name = payloads.words(profile.get("name")) or payloads.words(profile.get("username"))
        found |= {str(one[key]): name for key in ("wa_id", "user_id") if one.get(key)}
    return found


def _number(account: Account) -> str:
    return str(account.settings.get("phone_number_id") or "")


def _handed(message: Mapping[str, Any], account: Account) -> Receipt:
    return graph.handed(
        "POST",
        f"{_number(account)}/messages",
        account=account,
        body=asking.as_json(message),
        named=lambda said: said["messages"][0]["id"],
    )


def _with_file(message: dict[str, Any], outgoing: Outgoing, account: Account) -> Receipt:
    """Hand over the bytes, then the message that shows them."""
    file = outgoing.files[0]
    main = file.content_type.partition("/")[0]
    what = main if main in {"image", "video", "audio"} else "document"
    if what == "audio" and outgoing.text:
        return failed("WhatsApp takes no words beneath a sound: send them alone.", is_final=True)
    kept = graph.handed(
        "POST",
        f"{_number(account)}/media",
        account=account,
        body=asking.with_file(
            {"messaging_product": "whatsapp", "type": file.content_type}, name="file", file=file
        ),
        named=lambda said: said["id"],
    )
    if not kept.external_id:
        # Nobody has seen the file yet: all of it may be tried again.
        is_final = kept.is_final
        return failed(kept.reason or "WhatsApp did not keep the file.", is_final=is_final)
    about = {"id": kept.external_id}
    if what != "audio" and outgoing.text:
        about["caption"] = outgoing.text
    if what == "document":
        about["filename"] = file.name
    return _handed({**message, "type": what, what: about}, account)


def _templates(account: Account) -> Iterator[dict[str, str]]:
    """The approved templates that are words alone: name/language, and the words with blanks."""
    fields = {"fields": "name,language,status,components", "limit": "100"}
    path = f"{account.settings.get('business_account_id')}/message_templates"
    for one in graph.every(path, account=account, params=fields):
        if one.get("status") != "APPROVED":
            continue
        parts = {str(part.get("type")).upper(): part for part in one.get("components") or ()}
        header = parts.get("HEADER") or {}
        has_file = header.get("format") not in {None, "TEXT"}
        if has_file or BLANK.search(str(header.get("text") or "")) or "BODY" not in parts:
            continue  # it wants a picture, or words for its headline: more than a reply has
        yield {
            "name": f"{one['name']}/{one['language']}",
            "body": payloads.words(parts["BODY"].get("text")),
        }


def _template(outgoing: Outgoing, account: Account) -> dict[str, Any]:
    """The template with its blanks filled. Raises `ValueError` when lines and blanks differ."""
    name, _, language = outgoing.template.partition("/")
    known = {
        str(one.get("name")): str(one.get("body"))
        for one in account.settings.get("templates") or ()
        if isinstance(one, Mapping)
    }
    lines = [line.strip() for line in outgoing.text.splitlines() if line.strip()]
    blanks = list(dict.fromkeys(BLANK.findall(known.get(outgoing.template, ""))))
    if all(blank.isdigit() for blank in blanks):
        blanks.sort(key=int)
    if outgoing.template in known and len(blanks) != len(lines):
        raise ValueError(
            f"The template has {len(blanks)} blanks, but {len(lines)} lines were written: one line"
            " for each blank."
        )
    filled: list[dict[str, str]] = [{"type": "text", "text": line} for line in lines]
    for blank, one in zip(blanks, filled, strict=False):
        if not blank.isdigit():
            one["parameter_name"] = blank
    found: dict[str, Any] = {"name": name, "language": {"code": language or "en_US"}}
    if filled:
        found["components"] = [{"type": "body", "parameters": filled}]
    return found
