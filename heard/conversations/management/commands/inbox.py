"""`heard inbox`: connected accounts from the command line."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard import environment
from heard.channels.base import Hooked, PlaceError, Setting
from heard.channels.registry import channel_of, kinds
from heard.conversations.inboxes.accounts import hook_of, secrets_of
from heard.conversations.inboxes.arranging import new_inbox, renew_secret
from heard.conversations.inboxes.connecting import (
    COMMON,
    OWN,
    MissingError,
    UnknownSettingError,
    adjust,
    check,
    common_value_of,
    connect,
    disconnect,
    take_down,
    value_of,
)
from heard.conversations.inboxes.health import health_of
from heard.conversations.models import Inbox
from heard.staff.models import User


class Command(BaseCommand):
    """`heard inbox add KIND --name NAME --set key=value`, `list`, `check`, `set`, `remove` …"""

    help = "Connect inboxes, list and check them, change and remove them."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be done with inboxes."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        add = deeds.add_parser("add", help="connect an inbox; its credentials are tried first")
        add.add_argument("kind", choices=kinds())
        add.add_argument("--name", required=True)
        add.add_argument("--keeper", help="e-mail address of the agent who answers for it")
        add.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="key=value",
            help="what the place asks for; a secret as key=- is read from a line of standard input",
        )
        deeds.add_parser("list", help="show the inboxes, their addresses and how they are")
        ask = deeds.add_parser("check", help="ask the places of one inbox, or of all, how it goes")
        ask.add_argument("name", nargs="?")
        change = deeds.add_parser(
            "set", help="change settings; what the place hears of is tried first"
        )
        change.add_argument("name")
        change.add_argument("pairs", nargs="+", metavar="key=value")
        secret = deeds.add_parser("secret", help="make a new signing secret, shown once")
        secret.add_argument("name")
        secret.add_argument(
            "--keep-old", action="store_true", help="let the secret before it count as well"
        )
        remove = deeds.add_parser("remove", help="remove an inbox with all that was heard in it")
        remove.add_argument("name")
        remove.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        deed = getattr(self, f"_{options['deed']}")
        deed(options)

    def _add(self, options: dict[str, Any]) -> None:
        keeper = None
        if options["keeper"]:
            keeper = User.objects.filter(email__iexact=options["keeper"]).first()
            if keeper is None:
                raise CommandError(f"Nobody here has the address {options['keeper']}.")
        if Inbox.objects.filter(name=options["name"]).exists():
            raise CommandError(f"There is an inbox {options['name']} already.")
        now = timezone.now()
        inbox = new_inbox(options["kind"], name=options["name"], keeper=keeper, now=now)
        self._connect(inbox, self._entered(inbox, options["set"]))
        secret = secrets_of(inbox).get("signing_secret")
        if secret:
            self.stdout.write(f"  secret   {secret}")
            self.stderr.write("Keep the secret now: it is not shown again.")

    def _list(self, _: dict[str, Any]) -> None:
        for inbox in Inbox.objects.select_related("listening").order_by("name"):
            self._show(inbox)

    def _check(self, options: dict[str, Any]) -> None:
        found = [self._named(options["name"])] if options["name"] else list(self._connected())
        bad = 0
        for inbox in found:
            try:
                checked = check(inbox, now=timezone.now())
            except PlaceError as error:
                bad += 1
                self.stdout.write(f"{inbox.name}: {error}")
                continue
            self.stdout.write(f"{inbox.name}: well, known as {checked.account}")
            for warning in checked.warnings:
                self.stdout.write(f"  {warning}")
        if bad:
            raise CommandError(f"{bad} of {len(found)} do not let us in.")

    def _set(self, options: dict[str, Any]) -> None:
        inbox = self._named(options["name"])
        entered = self._entered(inbox, options["pairs"])
        if not entered.keys() <= OWN:
            self._connect(inbox, entered)
            return
        try:
            adjust(inbox, entered, by=None, now=timezone.now())
        except PlaceError as error:
            raise CommandError(f"{inbox.name} stays as it was: {error}") from error
        self._show(inbox)

    def _secret(self, options: dict[str, Any]) -> None:
        inbox = self._named(options["name"])
        secret = renew_secret(inbox, by=None, now=timezone.now(), keeps_old=options["keep_old"])
        self.stdout.write(secret)
        self.stderr.write("Keep it now: it is not shown again.")

    def _remove(self, options: dict[str, Any]) -> None:
        inbox = self._named(options["name"])
        count = inbox.conversation_set.count()
        if not options["yes"]:
            self.stderr.write(
                f"This removes {inbox.name} and {count:,} conversations with it."
                " Type its name to go on:"
            )
            if sys.stdin.readline().strip() != inbox.name:
                raise CommandError("Nothing was removed.")
        disconnect(inbox, by=None, now=timezone.now())
        take_down(inbox_id=inbox.pk)
        self.stdout.write(f"{options['name']} is gone, with {count:,} conversations.")

    def _connect(self, inbox: Inbox, entered: dict[str, Any]) -> None:
        try:
            checked = connect(inbox, entered, by=None, now=timezone.now())
        except (MissingError, UnknownSettingError) as error:
            raise CommandError(str(error)) from error
        except PlaceError as error:
            raise CommandError(f"{inbox.name} was not connected: {error}") from error
        self._show(inbox)
        for warning in checked.warnings:
            self.stderr.write(warning)

    def _entered(self, inbox: Inbox, pairs: list[str]) -> dict[str, Any]:
        """What `key=value` pairs say, in the forms that the channel asks for."""
        channel = channel_of(inbox.kind)
        asked = {setting.name: setting for setting in channel.settings} if channel else {}
        entered: dict[str, Any] = {}
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not equals:
                raise CommandError(f"{pair} is not key=value.")
            setting = asked.get(key)
            if setting is not None and setting.is_secret:
                if value != "-":
                    raise CommandError(
                        f"{key} is a secret: write {key}=- and give it on standard input, so that"
                        " no list of processes and no history of commands has it."
                    )
                entered[key] = sys.stdin.readline().rstrip("\n")
            else:
                entered[key] = self._value(setting, key, value)
        return entered

    def _value(self, setting: Setting | None, key: str, value: str) -> Any:
        try:
            if setting is not None:
                return value_of(setting, value.replace("\\n", "\n"))
            return common_value_of(key, value) if key in COMMON else value
        except ValueError as error:
            raise CommandError(f"{key}: {error}") from error

    def _connected(self) -> list[Inbox]:
        return [
            inbox
            for inbox in Inbox.objects.filter(is_sample=False).order_by("name")
            if channel_of(inbox.kind) is not None
        ]

    def _named(self, name: str) -> Inbox:
        inbox = Inbox.objects.filter(name=name).first()
        if inbox is None:
            raise CommandError(f"There is no inbox {name}; `heard inbox list` shows them.")
        return inbox

    def _show(self, inbox: Inbox) -> None:
        channel = channel_of(inbox.kind)
        health = health_of(inbox, now=timezone.now())
        state = f"{health.state}: {health.reason}" if health.reason else health.state
        self.stdout.write(f"{inbox.name} ({channel.title if channel else inbox.kind}), {state}")
        if inbox.kind == "contact_page":
            self.stdout.write(f"  page     {environment.public_url()}/ask/{inbox.slug}/")
        elif isinstance(channel, Hooked):
            self.stdout.write(f"  address  {hook_of(inbox)}")
        for key, value in sorted(inbox.settings.items()):
            self.stdout.write(f"  {key}={json.dumps(value)}")
