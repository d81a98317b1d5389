"""Telegram: what people write to a bot, in groups it is in, or to a business account it serves.

Updates are asked for (no address of ours is needed) or delivered, as the inbox says. The person
must write first. https://core.telegram.org/bots/api
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from heard.channels import asking, lengths, payloads, web
from heard.channels.asking import NO_BODY, Body, Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    File,
    Greeting,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Receipt,
    RefusedError,
    SendState,
    Setting,
    Unit,
)

kind = "telegram"
title = "Telegram"
settings = (
    Setting(
        "token",
        "Bot token",
        help="Write /newbot to @BotFather in Telegram; it answers with the token.",
        is_secret=True,
    ),
    Setting(
        "arrives",
        "How messages arrive",
        help="Asking works everywhere. Delivery needs a public https address, and is a little"
        " faster.",
        default="asked",
        choices=(("asked", "heard asks Telegram"), ("delivered", "Telegram delivers to heard")),
    ),
)
LENGTH, CAPTION = 4096, 1024
_SIDE = Abilities(
    acts=frozenset({Act.LIKE, Act.EDIT, Act.DELETE}),
    files=True,
    length=LENGTH,
    unit=Unit.UTF16,
)
public = _SIDE
private = _SIDE
has_own_secret = False
heeds = ("x-telegram-bot-api-secret-token",)
every_seconds = 1.0

API = "https://api.telegram.org"
PATIENCE_SECONDS = 10
"""How long Telegram holds a question open until something comes."""
IDLE_SECONDS = 3600.0
UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
)
BUSINESS = "business"
MEDIA = {
    "photo": ("picture.jpg", "image/jpeg"),
    "video": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
    "video_note": ("video.mp4", "video/mp4"),
    "voice": ("voice.ogg", "audio/ogg"),
    "audio": ("sound.mp3", "audio/mpeg"),
    "document": ("file", "application/octet-stream"),
    "sticker": ("sticker.webp", "image/webp"),
}
DONE_BEFORE = ("message is not modified", "message to delete not found")


def secret_token(account: Account) -> str:
    """The word by which Telegram proves itself: made from the bot's token, so nobody types it."""
    token = account.secrets.get("token", "")
    return hmac.digest(token.encode(), b"heard delivers", "sha256").hex() if token else ""


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what carries the word that was given to Telegram with the address."""
    wanted = secret_token(account)
    given = delivered.headers.get("x-telegram-bot-api-secret-token", "")
    if not wanted or not given:
        raise RefusedError("The header x-telegram-bot-api-secret-token is missing.")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise RefusedError("The secret token is not the one that this inbox gave to Telegram.")


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """Telegram delivers again what is not answered with 200."""
    return Greeting(b"OK")


def poll(cursor: str, account: Account) -> Fetched:
    """The updates since the cursor; at first, what Telegram has kept: at most 24 hours.

    Waits for something to come. The cursor tells Telegram what has been stored here.
    """
    if account.settings.get("arrives") == "delivered":
        return Fetched((), cursor, pause_seconds=IDLE_SECONDS)
    asked = {"timeout": PATIENCE_SECONDS, "limit": 100, "allowed_updates": list(UPDATES)}
    if cursor:
        asked["offset"] = int(cursor)
    updates = _asked("getUpdates", account, asking.as_json(asked))
    now = _now()
    found = [
        Delivered(json.dumps(one, ensure_ascii=False).encode(), {}, now, _update_name(one))
        for one in updates
    ]
    newest = max((one["update_id"] for one in updates), default=None)
    return Fetched(
        tuple(found),
        cursor if newest is None else str(newest + 1),
        has_more=len(found) == 100,
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What one update says."""
    update = payloads.read(delivered.body)
    bot = account.secrets.get("token", "").partition(":")[0]

    def understood(one: Any) -> Iterator[Heard]:
        return _update(one, bot=bot, heard_at=delivered.at)

    yield from payloads.each([update], where="update", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Write into the chat; with one file, up to 1,024 characters stand beneath it."""
    limit = CAPTION if outgoing.files else LENGTH
    if lengths.length(outgoing.text, Unit.UTF16) > limit:
        return failed(f"The text is longer than {limit} characters.", is_final=True)
    if len(outgoing.files) > 1:
        return failed("Telegram takes one file with each message here.", is_final=True)
    chat = outgoing.root.removeprefix(f"{BUSINESS}/") or outgoing.to
    fields: dict[str, Any] = {"chat_id": chat}
    connection = outgoing.answered.get("business_connection_id")
    if outgoing.root.startswith(f"{BUSINESS}/") and not connection:
        return failed("The business account's connection to the bot is not known.", is_final=True)
    if connection:
        fields["business_connection_id"] = connection
    if chat.startswith("-") and outgoing.parent:
        number = outgoing.parent.rpartition("/")[2]
        if number.isdigit():
            fields["reply_parameters"] = {
                "message_id": int(number),
                "allow_sending_without_reply": True,
            }
    start = f"{BUSINESS}/" if connection else ""
    if not outgoing.files:
        return _handed("sendMessage", account, start, {**fields, "text": outgoing.text})
    file = outgoing.files[0]
    is_picture = file.content_type in {"image/jpeg", "image/png"}
    name, method = ("photo", "sendPhoto") if is_picture else ("document", "sendDocument")
    plain = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()
    }
    body = asking.with_file({**plain, "caption": outgoing.text}, name=name, file=file)
    return _handed(method, account, start, body)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: Telegram knows no key by which it would see the repetition."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """A thumb up; change or take back what the bot wrote."""
    chat, _, number = acting.external_id.removeprefix(f"{BUSINESS}/").rpartition("/")
    if not number.isdigit():
        return failed("This is not a message that can be acted upon.", is_final=True)
    fields: dict[str, Any] = {"chat_id": chat, "message_id": int(number)}
    connection = acting.extra.get("business_connection_id")
    if acting.act is Act.LIKE and not connection:
        thumb = [{"type": "emoji", "emoji": "👍"}]
        return _done("setMessageReaction", account, {**fields, "reaction": thumb})
    if connection:
        fields["business_connection_id"] = connection
    if acting.act is Act.EDIT and acting.of_ours:
        return _done("editMessageText", account, {**fields, "text": acting.text})
    if acting.act is Act.DELETE and acting.of_ours and not connection:
        return _done("deleteMessage", account, fields)
    return failed("Telegram does not let us do this to this message.", is_final=True)


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a file id, at most 20 MB (Telegram's limit for bots)."""
    found = _asked("getFile", account, asking.as_json({"file_id": source}))
    path = found.get("file_path")
    if not isinstance(path, str):
        raise PlaceError("Telegram no longer has this file.")
    return asking.wanted(
        "GET",
        f"{_api(account)}/file/bot{account.secrets.get('token', '')}/{path}",
        account=account,
        judge=judge,
        limit_bytes=20 * 1024 * 1024,
        timeout_seconds=60,
    ).body


def check(account: Account) -> Checked:
    """Who the bot is; and that its updates come here, the way the inbox says, and nowhere else."""
    bot = _asked("getMe", account)
    hook = _asked("getWebhookInfo", account)
    address = str(hook.get("url") or "")
    warnings: list[str] = []
    if account.settings.get("arrives") == "delivered":
        if address != account.hook:
            _deliver(account)
        elif hook.get("last_error_message"):
            warnings.append(f"Telegram could not deliver: {hook['last_error_message']}"[:300])
    elif address == account.hook and address:
        _asked("deleteWebhook", account)
    elif address:
        raise PlaceError(
            f"Another program takes what is written to this bot ({address.split('/')[2]}). Stop it"
            " there, or let Telegram deliver here.",
            needs_person=True,
        )
    if bot.get("can_read_all_group_messages") is not True:
        warnings.append("In groups the bot hears only what is said to it (/setprivacy).")
    name = str(bot.get("username") or bot.get("id"))
    return Checked(f"@{name}", found={"username": name}, warnings=tuple(warnings))


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of the Bot API means."""
    if answer.is_good:
        return None
    try:
        said = json.loads(answer.body)
        words = str(said.get("description") or "")
        wish = (said.get("parameters") or {}).get("retry_after")
    except (ValueError, AttributeError, RecursionError):
        return asking.plainly(answer)
    quoted = f": “{' '.join(words.split())[:160]}”" if words else ""
    if answer.status == 429:
        seconds = answer.retry_after_seconds(now=_now()) or 30
        return Trouble(
            f"Telegram asks us to slow down{quoted}.",
            retry_after_seconds=wish if isinstance(wish, int) else seconds,
        )
    if answer.status in {401, 404}:
        return Trouble(
            f"Telegram no longer knows the bot token: ask @BotFather for a new one{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 409:
        return Trouble(
            f"Another program takes what is written to this bot{quoted}.", needs_person=True
        )
    if answer.status >= 500:
        return asking.plainly(answer)
    return Trouble(f"Telegram refused it{quoted}.", is_final=True)


def _update(update: Any, *, bot: str, heard_at: datetime) -> Iterator[Heard]:
    if message := update.get("message"):
        yield from _message(message, bot=bot, start="", heard_at=heard_at)
    elif message := update.get("business_message"):
        yield from _message(message, bot=bot, start=f"{BUSINESS}/", heard_at=heard_at)
    elif message := update.get("edited_message"):
        yield _edited(message, bot=bot, start="", heard_at=heard_at)
    elif message := update.get("edited_business_message"):
        yield _edited(message, bot=bot, start=f"{BUSINESS}/", heard_at=heard_at)
    elif gone := update.get("deleted_business_messages"):
        for number in gone["message_ids"]:
            # Nobody tells whose they were: the one that is known under the name is meant.
            name = f"{BUSINESS}/{gone['chat']['id']}/{int(number)}"
            yield Deleted(name, heard_at, Kind.INCOMING)
            yield Deleted(name, heard_at, Kind.REPLY)
    elif pressed := update.get("callback_query"):
        yield _pressed(pressed, heard_at=heard_at)
    elif reaction := update.get("message_reaction"):
        yield _reaction(reaction, heard_at=heard_at)
    elif not {"update_id"} < update.keys():
        raise ValueError("an update without anything in it")
    else:
        raise ValueError("an update of a kind that is not known here")


def _message(message: Any, *, bot: str, start: str, heard_at: datetime) -> Iterator[Incoming]:
    text, files = _words(message), tuple(_files(message))
    if not text and not files:
        return  # somebody joined, a title was changed, …
    chat = message["chat"]
    which, sender, name = _sender(message, bot=bot, start=start)
    number = _id(chat["id"])
    answered = message.get("reply_to_message") or {}
    extra: dict[str, Any] = {}
    if connection := message.get("business_connection_id"):
        extra["business_connection_id"] = str(connection)
    if links := _links(chat, message):
        extra["url"] = links
    is_others_bot = (message.get("from") or {}).get("is_bot") is True or bool(
        message.get("sender_business_bot")
    )
    yield Incoming(
        external_id=_name(message, start),
        at=payloads.at(message["date"], heard_at=heard_at),
        text=text,
        sender=sender,
        kind=which,
        sender_name=name,
        root=f"{start}{number}",
        parent=_name({"chat": chat, **answered}, start) if answered.get("message_id") else "",
        to=number if which is Kind.REPLY and chat.get("type") == "private" else "",
        language=str((message.get("from") or {}).get("language_code") or "")[:2],
        is_public=bool(chat.get("username")) and chat.get("type") != "private",
        is_automatic=is_others_bot,
        need="nothing" if text == "/start" else "",
        files=files,
        extra=extra,
    )


def _edited(message: Any, *, bot: str, start: str, heard_at: datetime) -> Edited:
    which, _, _ = _sender(message, bot=bot, start=start)
    at = payloads.at(message.get("edit_date") or message["date"], heard_at=heard_at)
    return Edited(_name(message, start), at, _words(message), kind=which)


def _sender(message: Any, *, bot: str, start: str) -> tuple[Kind, str, str]:
    """Who wrote it. With a business account, whoever is not the chat's person is of our side."""
    author = message.get("from") or message.get("sender_chat") or message["chat"]
    number = _id(author["id"])
    is_ours = number == bot or (bool(start) and number != _id(message["chat"]["id"]))
    parts = (author.get("first_name"), author.get("last_name"))
    name = " ".join(payloads.words(part) for part in parts if payloads.words(part))
    name = name or payloads.words(author.get("title")) or payloads.words(author.get("username"))
    return (Kind.REPLY if is_ours else Kind.INCOMING), number, name


def _pressed(pressed: Any, *, heard_at: datetime) -> Incoming:
    author = pressed["from"]
    chat = (pressed.get("message") or {}).get("chat") or author
    about = pressed.get("message") or {}
    return Incoming(
        external_id=f"callback/{payloads.name_of(pressed['id'])}"[:300],
        at=heard_at,
        text=payloads.words(pressed.get("data")) or "(A button was pressed.)",
        sender=_id(author["id"]),
        sender_name=payloads.words(author.get("first_name")),
        root=_id(chat["id"]),
        parent=_name(about, "") if about.get("message_id") else "",
        extra={"pressed": payloads.words(pressed.get("data"))},
    )


def _reaction(reaction: Any, *, heard_at: datetime) -> Incoming | Deleted:
    """A sign beneath a message is a message that nobody need answer; it can be taken back."""
    author = reaction.get("user") or reaction["actor_chat"]
    number = _id(author["id"])
    about = _name(reaction, "")
    at = payloads.at(reaction["date"], heard_at=heard_at)
    name = f"reaction/{number}/{about}"[:300]
    signs = [payloads.words(one.get("emoji")) or "★" for one in reaction["new_reaction"]]
    if not signs:
        return Deleted(name, at)
    return Incoming(
        external_id=name,
        at=at,
        text=" ".join(signs),
        sender=number,
        sender_name=payloads.words(author.get("first_name")),
        root=_id(reaction["chat"]["id"]),
        parent=about,
        need="nothing",
        extra={"reaction": " ".join(signs)},
    )


def _words(message: Mapping[str, Any]) -> str:
    text = payloads.words(message.get("text")) or payloads.words(message.get("caption"))
    if text:
        return text
    if place := message.get("venue") or message.get("location"):
        where = place.get("location") or place
        names = (payloads.words(place.get(part)) for part in ("title", "address"))
        point = f"geo:{where['latitude']},{where['longitude']}"
        return "\n".join(part for part in (*names, point) if part)
    if card := message.get("contact"):
        parts = (card.get("first_name"), card.get("last_name"), card.get("phone_number"))
        return " ".join(payloads.words(part) for part in parts if payloads.words(part))
    if sticker := message.get("sticker"):
        return payloads.words(sticker.get("emoji"))
    if poll_ := message.get("poll"):
        return payloads.words(poll_.get("question"))
    return ""


def _files(message: Mapping[str, Any]) -> Iterator[File]:
    for part, (name, content_type) in MEDIA.items():
        found = message.get(part)
        if isinstance(found, list):
            found = max(found, key=lambda one: one.get("file_size") or 0, default=None)
        if not found:
            continue
        if part == "document" and message.get("animation"):
            continue  # the same file, told twice
        yield File(
            payloads.words(found.get("file_name"))[:200] or name,
            payloads.words(found.get("mime_type"))[:120] or content_type,
            b"",
            source=payloads.name_of(found["file_id"], "file_id"),
        )


def _links(chat: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    name = chat.get("username")
    is_open = name and chat.get("type") != "private"
    return f"https://t.me/{name}/{message.get('message_id')}" if is_open else ""


def _name(message: Mapping[str, Any], start: str) -> str:
    return f"{start}{_id(message['chat']['id'])}/{_id(message['message_id'])}"


def _id(value: Any) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{str(value)[:40]!r} is no id of Telegram")
    return str(value)


def _update_name(update: Any) -> str:
    return f"update/{update['update_id']}"


def _now() -> datetime:
    return datetime.now().astimezone()


def _api(account: Account) -> str:
    return str(account.settings.get("api_url") or API).rstrip("/")


def _url(method: str, account: Account) -> str:
    return f"{_api(account)}/bot{account.secrets.get('token', '')}/{method}"


def _asked(method: str, account: Account, body: Body = NO_BODY) -> Any:
    answer = asking.wanted(
        "POST",
        _url(method, account),
        account=account,
        judge=judge,
        body=body,
        timeout_seconds=PATIENCE_SECONDS + web.TIMEOUT_SECONDS,
    ).json()
    if not isinstance(answer, dict) or "result" not in answer:
        raise PlaceError("Telegram answered with something that is no result.")
    return answer["result"]


def _deliver(account: Account) -> None:
    """Tell Telegram our address and the word that proves it."""
    if not account.hook.startswith("https://") and not account.allow_private:
        raise PlaceError(
            "Telegram delivers only to a public https address; let heard ask instead.",
            needs_person=True,
        )
    told = {
        "url": account.hook,
        "secret_token": secret_token(account),
        "allowed_updates": list(UPDATES),
    }
    _asked("setWebhook", account, asking.as_json(told))


def _handed(method: str, account: Account, start: str, data: Any) -> Receipt:
    body = data if isinstance(data, Body) else asking.as_json(data)
    return asking.handed(
        "POST",
        _url(method, account),
        account=account,
        judge=judge,
        named=lambda said: _name(said["result"], start),
        body=body,
    )


def _done(method: str, account: Account, fields: Mapping[str, Any]) -> Receipt:
    """An act; done before is done."""

    def judged(answer: web.Answer) -> Trouble | None:
        found = judge(answer)
        return None if found and any(one in found.reason for one in DONE_BEFORE) else found

    receipt = asking.handed(
        "POST",
        _url(method, account),
        account=account,
        judge=judged,
        named=lambda _: "",
        body=asking.as_json(fields),
    )
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt
