"""Who may come in: nobody signs up by themselves, people are invited or come by a one-time link.

A link is signed, lives for a while, and dies when its person signs in or changes the password.
Links in mails never follow the request's host, which anybody can choose.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.sites.shortcuts import get_current_site
from django.core import signing
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from heard import environment
from heard.staff.letters import post
from heard.staff.models import Role, User

SALT = "heard.staff.entrance"
LINK_LIFE = timedelta(minutes=20)
INVITATION_LIFE = timedelta(days=7)


class LinkRefusedError(Exception):
    """The link was used, is too old, or was never ours."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody a link lets in; `last_login` is the sign-in that the link was made after."""

    user: User
    last_login: datetime | None


def one_time_link(user: User, *, now: datetime, life: timedelta = LINK_LIFE, base: str = "") -> str:
    """The address that signs `user` in once; `base` is where people reach heard."""
    until = int((now + life).timestamp())
    token = signing.dumps([user.pk, until, _stamp(user)], salt=SALT, compress=True)
    return f"{(base or environment.public_url()).rstrip('/')}{reverse('signin_link', args=[token])}"


def guest(token: str, *, now: datetime) -> Guest:
    """Whom this link lets in. Raises `LinkRefusedError`. Looking does not use it up."""
    try:
        user_id, until, stamp = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise LinkRefusedError from error
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or now > datetime.fromtimestamp(until, UTC):
        raise LinkRefusedError
    if not hmac.compare_digest(stamp, _stamp(user)):
        raise LinkRefusedError
    return Guest(user, user.last_login)


def use_up(one: Guest, *, now: datetime) -> None:
    """Let this link never work again. Raises `LinkRefusedError` to all but the first."""
    same = User.objects.filter(pk=one.user.pk, last_login=one.last_login)
    if one.last_login is None:
        same = User.objects.filter(pk=one.user.pk, last_login__isnull=True)
    if not same.update(last_login=now):
        raise LinkRefusedError


def is_claimed() -> bool:
    """Whether the house has an owner."""
    return User.objects.filter(role=Role.OWNER, is_active=True).exists()


def claim_link(base: str = "") -> str:
    """Where the first owner takes the house over; worth nothing once there is an owner."""
    path = reverse("welcome", args=[_claim_token()])
    return f"{(base or environment.public_url()).rstrip('/')}{path}"


def may_claim(token: str) -> bool:
    """Whether this token came from the terminal, and there is no owner yet."""
    return hmac.compare_digest(token.encode(), _claim_token().encode()) and not is_claimed()


class Entrance(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's door, closed to strangers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Nobody may make an account from the sign-in page."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link in the mail, at our own address."""
        uid, _, rest = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": rest})
        return environment.public_url() + path

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Whoever asks for a code gets a link beside it. It leaves by the worker."""
        if template_prefix == "account/email/login_code":
            user = User.objects.filter(email=email.lower(), is_active=True).first()
            now = timezone.now()
            context = {**context, "link": one_time_link(user, now=now) if user else ""}
        known = {"request": self.request, "current_site": get_current_site(self.request)}
        post(self.render_mail(template_prefix, email, {**known, "email": email, **context}))


def then(address: str, *, next_page: str) -> str:
    """`address` with the page to go to afterwards."""
    return f"{address}?{urlencode({'next': next_page})}"


def _stamp(user: User) -> str:
    """Changes with every sign-in, and with the password and the address."""
    signed_in = user.last_login and user.last_login.timestamp()
    facts = f"{user.pk}|{user.email}|{user.password}|{signed_in}"
    return salted_hmac(SALT, facts, algorithm="sha256").hexdigest()[:24]


def _claim_token() -> str:
    return salted_hmac(f"{SALT}.claim", "the first owner", algorithm="sha256").hexdigest()[:32]
