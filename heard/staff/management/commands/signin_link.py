"""`heard signin_link`: the way in for whoever sits at the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from heard.staff.entrance import LINK_LIFE, claim_link, one_time_link
from heard.staff.models import Role, User


class Command(BaseCommand):
    """Prints a link that signs somebody in once, or the one by which the first owner begins."""

    help = "Print a link that signs in the owner, or somebody else, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose link it is."""
        parser.add_argument("email", nargs="?", help="whose link; without it, the owner's")
        parser.add_argument(
            "--always",
            action="store_true",
            help="also when the owner has been here lately and so is probably still signed in",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print one line, with the link at its end."""
        now = timezone.now()
        person = _person(options["email"])
        if person is None:
            self.stdout.write(f"Begin here: {claim_link()}")
        elif options["email"] or options["always"] or not _is_in(person, now=now):
            minutes = LINK_LIFE // timedelta(minutes=1)
            link = one_time_link(person, now=now)
            self.stdout.write(f"Sign in as {person} (once, within {minutes} minutes): {link}")
        else:
            self.stdout.write("For a sign-in link: heard signin_link --always")


def _is_in(person: User, *, now: datetime) -> bool:
    """Whether somebody signed in so lately that the browser still knows them."""
    life = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return person.last_login is not None and person.last_login > now - life


def _person(email: str | None) -> User | None:
    """Whoever has this address, else the owner; None while the house has none."""
    at_work = User.objects.filter(is_active=True)
    if email is None:
        return at_work.filter(role=Role.OWNER).order_by("is_sample", "pk").first()
    person = at_work.filter(email=email.lower()).first()
    if person is None:
        raise CommandError(f"Nobody here has the address {email}.")
    return person
