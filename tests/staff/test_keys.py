"""Everybody makes and revokes keys of their own; the text of a key is shown once."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from heard.staff.models import ApiToken
from heard.staff.tokens import issue, token_of
from tests import make

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(client: Client) -> None:
    bo = make.user()
    client.force_login(bo)
    filled = {"name": "Till", "scopes": ["read", "intake"]}
    shown = client.post(reverse("settings_keys"), filled).content.decode()
    text = re.search(r"heard_[A-Za-z0-9_-]{40,}", shown)
    assert text is not None
    token = token_of(text.group(), now=timezone.now())
    assert token is not None
    assert (token.user, token.scopes) == (bo, ["intake", "read"])
    assert text.group() not in client.get(reverse("settings_keys")).content.decode()
    client.post(reverse("settings_revoke_key", args=[token.pk]))
    assert token_of(text.group(), now=timezone.now()) is None


def test_a_key_needs_a_name_and_a_scope(client: Client) -> None:
    client.force_login(make.user())
    assert client.post(reverse("settings_keys"), {"scopes": ["everything"]}).status_code == 422
    assert not ApiToken.objects.exists()


def test_nobody_sees_or_revokes_the_key_of_another(client: Client) -> None:
    token, _ = issue(make.user(), name="Secret till", scopes=["read"], by=None, now=timezone.now())
    client.force_login(make.owner())
    assert "Secret till" not in client.get(reverse("settings_keys")).content.decode()
    assert client.post(reverse("settings_revoke_key", args=[token.pk])).status_code == 404
