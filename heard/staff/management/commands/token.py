"""`heard token`: keys for programs."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard.staff.models import ApiToken, Scope, User
from heard.staff.tokens import issue, revoke


class Command(BaseCommand):
    """`heard token add EMAIL --name NAME --scope read …`, `list`, `revoke NUMBER`."""

    help = "Make, list and revoke tokens for the API."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be done with tokens."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        add = deeds.add_parser("add", help="make a token for somebody; its text is shown once")
        add.add_argument("email", help="for whom it acts")
        add.add_argument("--name", required=True, help="what it is for")
        add.add_argument(
            "--scope", action="append", required=True, choices=Scope.values, help="may be repeated"
        )
        deeds.add_parser("list", help="show the tokens, not their texts")
        end = deeds.add_parser("revoke", help="end a token")
        end.add_argument("number", type=int)

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        now = timezone.now()
        if options["deed"] == "add":
            user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
            if user is None:
                raise CommandError(f"Nobody here has the address {options['email']}.")
            _token, text = issue(
                user, name=options["name"], scopes=options["scope"], by=None, now=now
            )
            self.stdout.write(text)
            self.stderr.write("Keep it now: it is not shown again.")
        elif options["deed"] == "revoke":
            token = ApiToken.objects.filter(pk=options["number"], revoked_at=None).first()
            if token is None:
                raise CommandError(f"There is no token {options['number']}; `heard token list`.")
            revoke(token, by=None, now=now)
            self.stdout.write(f"{token} opens nothing any more.")
        else:
            for token in ApiToken.objects.select_related("user").order_by("pk"):
                used = f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never"
                state = "revoked" if token.revoked_at else f"last used {used}"
                scopes = ",".join(token.scopes)
                self.stdout.write(f"{token.pk}  {token}  {token.user.email}  {scopes}  {state}")
