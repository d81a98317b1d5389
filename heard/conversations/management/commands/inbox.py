"""`heard inbox`: connected accounts from the command line."""

from __future__ import annotations

import json
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard import environment
from heard.channels.base import Hooked
from heard.channels.registry import channel_of, kinds
from heard.conversations.arranging import open_inbox, renew_secret
from heard.conversations.models import Inbox
from heard.staff.models import User


class Command(BaseCommand):
    """`heard inbox add KIND --name NAME`, `list`, `set`, `secret`."""

    help = "Open inboxes, list them, and give them new secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be done with inboxes."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        add = deeds.add_parser("add", help="open an inbox")
        add.add_argument("kind", choices=kinds())
        add.add_argument("--name", required=True)
        add.add_argument("--keeper", help="e-mail address of the agent who answers for it")
        deeds.add_parser("list", help="show the inboxes and their addresses")
        change = deeds.add_parser("set", help="change a setting of an inbox")
        change.add_argument("name")
        change.add_argument("pairs", nargs="+", metavar="key=value", help="value as JSON, or text")
        secret = deeds.add_parser("secret", help="make a new signing secret, shown once")
        secret.add_argument("name")
        secret.add_argument(
            "--keep-old", action="store_true", help="let the secret before it count as well"
        )

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
        channel = channel_of(options["kind"])
        assert channel is not None
        inbox, secret = open_inbox(
            channel.kind, name=options["name"], keeper=keeper, by=None, now=timezone.now()
        )
        self._show(inbox)
        if secret:
            self.stdout.write(f"  secret   {secret}")
            self.stderr.write("Keep the secret now: it is not shown again.")

    def _list(self, _: dict[str, Any]) -> None:
        for inbox in Inbox.objects.order_by("name"):
            self._show(inbox)

    def _set(self, options: dict[str, Any]) -> None:
        inbox = self._named(options["name"])
        for pair in options["pairs"]:
            key, equals, value = pair.partition("=")
            if not equals:
                raise CommandError(f"{pair} is not key=value.")
            try:
                inbox.settings[key] = json.loads(value)
            except ValueError:
                inbox.settings[key] = value
        inbox.save(update_fields=["settings"])
        self._show(inbox)

    def _secret(self, options: dict[str, Any]) -> None:
        inbox = self._named(options["name"])
        secret = renew_secret(inbox, by=None, now=timezone.now(), keeps_old=options["keep_old"])
        self.stdout.write(secret)
        self.stderr.write("Keep it now: it is not shown again.")

    def _named(self, name: str) -> Inbox:
        inbox = Inbox.objects.filter(name=name).first()
        if inbox is None:
            raise CommandError(f"There is no inbox {name}; `heard inbox list` shows them.")
        return inbox

    def _show(self, inbox: Inbox) -> None:
        channel = channel_of(inbox.kind)
        self.stdout.write(f"{inbox.name} ({channel.title if channel else inbox.kind})")
        base = environment.public_url()
        if inbox.kind == "contact_page":
            self.stdout.write(f"  page     {base}/ask/{inbox.slug}/")
        elif isinstance(channel, Hooked):
            self.stdout.write(f"  address  {base}/hooks/{inbox.token}/")
        for key, value in inbox.settings.items():
            self.stdout.write(f"  {key}={json.dumps(value)}")
