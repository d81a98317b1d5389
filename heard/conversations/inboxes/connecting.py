"""Connecting an inbox to its place: the credentials are tried before anything is kept.

What a person enters is split as the channel's `settings` say: secrets are sealed and never shown
again, the rest lies among the inbox's settings, with what the place told of itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from heard.channels import web
from heard.channels.base import (
    Account,
    Channel,
    Checked,
    Grant,
    Granted,
    Hooked,
    PlaceError,
    Setting,
)
from heard.channels.registry import channel_of
from heard.channels.signing import new_secret
from heard.conversations.abilities import ceiling_of
from heard.conversations.clocks import spans
from heard.conversations.inboxes import health
from heard.conversations.inboxes.accounts import account_of, secrets_of
from heard.conversations.models import Conversation, Delivery, Inbox
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.lib.sealing import UnsealError, seal
from heard.staff.models import User

LOT = 500
"""So many conversations are taken down in one transaction."""

YES = {"1", "yes", "true", "on"}
COMMON = frozenset(
    {
        "allow_private",
        "every_seconds",
        "hourly_cap",
        "is_paused",
        "keep",
        "max_length",
        "quiet_hours",
    }
)
"""What every inbox may be set to, whatever its kind."""
OWN = COMMON - {"allow_private"}
"""What of it changes nothing about how the place is spoken to."""


class MissingError(Exception):
    """Something that connecting needs was not given; `name` is the setting's."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(f"{setting.label} is missing ({setting.name}=…).")
        self.name = setting.name


class UnknownSettingError(Exception):
    """A setting that this kind of place does not ask for."""


def connect(inbox: Inbox, entered: Mapping[str, Any], *, by: User | None, now: datetime) -> Checked:
    """Try what was entered, and keep it and the inbox if the place lets us in.

    No transaction is open while the place is asked: it may take its time. Secrets that are not
    entered stay as they were. Raises `MissingError`, `UnknownSettingError`, and `PlaceError` in
    words for people; then nothing has changed.
    """
    channel = channel_of(inbox.kind)
    assert channel is not None
    settings, secrets = _filled_in(inbox, channel, entered)
    for setting in channel.settings:
        kept: Mapping[str, Any] = secrets if setting.is_secret else settings
        if setting.is_needed and kept.get(setting.name) in (None, ""):
            raise MissingError(setting)
    checked = try_out(channel, _account(inbox, settings, secrets))
    inbox.settings = {**settings, **checked.found, "connected_at": now.isoformat()}
    _keep_secrets(inbox, channel, secrets)
    is_new = inbox.pk is None
    with transaction.atomic():
        inbox.save()
        health.was_checked(inbox, checked, now=now)
        record(
            "inbox.added" if is_new else "inbox.connected",
            subject="inbox",
            subject_id=inbox.pk,
            at=now,
            actor_id=by.pk if by else None,
            data={"kind": inbox.kind, "settings": sorted(entered)},
        )
    return checked


def sign_in(inbox: Inbox, entered: Mapping[str, Any]) -> tuple[Grant | None, Account]:
    """Where somebody signs in with what was entered so far, if so. Raises as `connect` does."""
    channel = channel_of(inbox.kind)
    assert channel is not None
    account = _account(inbox, *_filled_in(inbox, channel, entered))
    return channel.grant(account) if isinstance(channel, Granted) else None, account


@transaction.atomic
def adjust(inbox: Inbox, entered: Mapping[str, Any], *, by: User | None, now: datetime) -> None:
    """Change what is the house's own business: the place is not asked. None takes a setting away.

    `entered` are names of `OWN`. Raises `PlaceError` for what the place's rules do not allow.
    """
    _within_the_rules(inbox, entered.get("keep"))
    settings = {**inbox.settings, **entered}
    inbox.settings = {name: value for name, value in settings.items() if value is not None}
    inbox.save(update_fields=["settings"])
    record(
        "inbox.adjusted",
        subject="inbox",
        subject_id=inbox.pk,
        at=now,
        actor_id=by.pk if by else None,
        data={"settings": sorted(entered)},
    )


def check(inbox: Inbox, *, now: datetime) -> Checked:
    """Ask the place of a connected inbox how it stands, and write the answer down.

    Raises `PlaceError`, which is written down too.
    """
    channel = channel_of(inbox.kind)
    if channel is None:
        raise PlaceError("This inbox holds history alone: there is nobody to ask.")
    try:
        checked = try_out(channel, account_of(inbox))
    except PlaceError as error:
        health.row_of(inbox, now=now)
        health.went_wrong(inbox, str(error), needs_person=error.needs_person, wait=60.0, now=now)
        raise
    if any(inbox.settings.get(name) != value for name, value in checked.found.items()):
        inbox.settings = {**inbox.settings, **checked.found}
        inbox.save(update_fields=["settings"])
    health.was_checked(inbox, checked, now=now)
    return checked


@transaction.atomic
def pause(inbox: Inbox, *, is_paused: bool, by: User | None, now: datetime) -> None:
    """Stop listening, or go on; what is there already stays."""
    inbox.settings = {**inbox.settings, "is_paused": is_paused}
    inbox.save(update_fields=["settings"])
    record(
        "inbox.paused" if is_paused else "inbox.resumed",
        subject="inbox",
        subject_id=inbox.pk,
        at=now,
        actor_id=by.pk if by else None,
    )


@transaction.atomic
def disconnect(inbox: Inbox, *, by: User | None, now: datetime) -> None:
    """Remove an inbox with everything that was heard in it. The diary keeps that it was there.

    It hears and takes nothing from now on; a job takes down what is there, lot by lot, for there
    may be a million messages.
    """
    inbox.settings = {**inbox.settings, "is_paused": True, "is_removed": True}
    inbox.save(update_fields=["settings"])
    record(
        "inbox.removed",
        subject="inbox",
        subject_id=inbox.pk,
        at=now,
        actor_id=by.pk if by else None,
        data={"name": inbox.name},
    )
    take_down.defer(inbox_id=inbox.pk)


@jobs.task(name="take_down", queue="background")
def take_down(*, inbox_id: int) -> None:
    """Take down an inbox that was removed. An interrupted one goes on where it was."""
    inbox = Inbox.objects.filter(pk=inbox_id, settings__is_removed=True).first()
    if inbox is None:
        return
    everything = Conversation.objects.filter(inbox=inbox).order_by("pk")
    while lot := list(everything.values_list("pk", flat=True)[:LOT]):
        with transaction.atomic():
            Conversation.objects.filter(pk__in=lot).delete()
    deliveries = Delivery.objects.filter(inbox=inbox).order_by("pk")
    while lot := list(deliveries.values_list("pk", flat=True)[:LOT]):
        Delivery.objects.filter(pk__in=lot).delete()
    inbox.delete()


@jobs.periodic(cron="17 4 * * *")
@jobs.task(name="check_inboxes", queue="background", queueing_lock="check_inboxes")
def check_inboxes(timestamp: int) -> None:
    """Ask every place once a day how it stands: keys that expire, rights that went, templates."""
    now = datetime.fromtimestamp(timestamp).astimezone()
    for inbox in Inbox.objects.filter(is_sample=False, listening__isnull=False):
        if inbox.settings.get("is_paused") is not True:
            with suppress(PlaceError, UnsealError):
                check(inbox, now=now)


def try_out(channel: Channel, account: Account) -> Checked:
    """Ask the place whether the credentials open it; whatever goes wrong is a `PlaceError`."""
    try:
        return channel.check(account)
    except PlaceError:
        raise
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The place was not asked: {error}.", needs_person=True) from error
    except (web.NotReachedError, web.NoAnswerError, OSError) as error:
        raise PlaceError(f"The place could not be reached: {error}.") from error


def common_value_of(name: str, text: str) -> bool | int | None:
    """What was typed for one of `COMMON`. Raises `ValueError` for a number that is none.

    `keep` is days or hours, "30d" or "24h", kept in hours; empty is for ever, or for as long as
    the place's rules allow.
    """
    if name == "keep":
        if text.strip() and not spans.hours(text):
            raise ValueError("nothing is kept for no time at all")
        return spans.hours(text) if text.strip() else None
    if name in {"allow_private", "is_paused"}:
        return text.strip().lower() in YES
    return int(text)


def value_of(setting: Setting, text: str) -> Any:
    """What was typed, as the channel reads it. Raises `ValueError` for a number that is none."""
    if setting.form == "number":
        return int(text) if text.strip() else None
    if setting.form == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if setting.form == "yes":
        return text.strip().lower() in YES
    if setting.choices and text and text not in dict(setting.choices):
        raise ValueError(f"{setting.name} is one of {', '.join(dict(setting.choices))}")
    return text.strip()


def _within_the_rules(inbox: Inbox, hours: int | None) -> None:
    """Nobody sets an inbox to keep contents for longer than its place allows."""
    ceiling = ceiling_of(inbox.kind)
    if ceiling is not None and hours is not None and timedelta(hours=hours) > ceiling:
        longest = spans.days(int(ceiling.total_seconds() // 3600))
        raise PlaceError(f"The rules of this place let us keep what is said there for {longest}.")


def _filled_in(
    inbox: Inbox, channel: Channel, entered: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings and the secrets that the inbox would have."""
    given = {setting.name: setting for setting in channel.settings}
    unknown = sorted(entered.keys() - given.keys() - COMMON)
    if unknown:
        raise UnknownSettingError(
            f"{channel.title} does not ask for {', '.join(unknown)}; it asks for"
            f" {', '.join(given) or 'nothing'}."
        )
    _within_the_rules(inbox, entered.get("keep"))
    hidden = {name for name, setting in given.items() if setting.is_secret}
    plain = {name: value for name, value in entered.items() if name not in hidden}
    secret = {name: str(value) for name, value in entered.items() if name in hidden and value}
    settings = {**_defaults(channel), **inbox.settings, **plain}
    return settings, secrets_of(inbox) | secret


def _defaults(channel: Channel) -> dict[str, Any]:
    return {
        setting.name: value_of(setting, setting.default)
        for setting in channel.settings
        if setting.default and not setting.is_secret
    }


def _account(inbox: Inbox, settings: dict[str, Any], secrets: dict[str, str]) -> Account:
    return replace(
        account_of(inbox),
        settings=settings,
        secrets=secrets,
        renew=secrets.update,
        allow_private=settings.get("allow_private") is True,
    )


def _keep_secrets(inbox: Inbox, channel: Channel, secrets: dict[str, str]) -> None:
    if isinstance(channel, Hooked) and channel.has_own_secret:
        secrets.setdefault("signing_secret", new_secret())
    inbox.secret = seal(json.dumps(secrets)) if secrets else ""
