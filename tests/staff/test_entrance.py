"""Nobody comes in but by an invitation, a link that works once, or what they have agreed on."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from heard import environment
from heard.staff.entrance import (
    INVITATION_LIFE,
    LINK_LIFE,
    LinkRefusedError,
    claim_link,
    guest,
    is_claimed,
    may_claim,
    one_time_link,
    use_up,
)
from heard.staff.letters import send_letter
from heard.staff.models import User
from tests import make

pytestmark = pytest.mark.django_db


def token_of(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def path_of(link: str) -> str:
    return link.removeprefix(environment.public_url())


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_link_signs_its_person_in_once(client: Client) -> None:
    ann = make.user(password="a sentence of hers")
    path = path_of(one_time_link(ann, now=timezone.now()))
    assert ann.name in client.get(path).content.decode()
    assert not is_in(client)
    assert client.post(path).headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(ann.pk)
    stranger = Client()
    assert stranger.get(path).status_code == 403
    assert stranger.post(path).status_code == 403
    assert not is_in(stranger)


def test_of_two_who_hold_the_same_link_only_the_first_comes_in() -> None:
    now = timezone.now()
    token = token_of(one_time_link(make.user(), now=now))
    first, second = guest(token, now=now), guest(token, now=now)
    use_up(first, now=now)
    with pytest.raises(LinkRefusedError):
        use_up(second, now=now)


def test_a_link_grows_old() -> None:
    now = timezone.now()
    ann = make.user()
    for life in (LINK_LIFE, INVITATION_LIFE):
        token = token_of(one_time_link(ann, now=now, life=life))
        assert guest(token, now=now + life - timedelta(seconds=5)).user == ann
        with pytest.raises(LinkRefusedError):
            guest(token, now=now + life + timedelta(seconds=5))


def test_a_link_dies_with_a_new_password_another_sign_in_or_a_dismissal() -> None:
    now = timezone.now()
    for change in ({"last_login": now}, {"email": "new@house.example"}, {"is_active": False}):
        ann = make.user()
        token = token_of(one_time_link(ann, now=now))
        assert guest(token, now=now).user == ann
        User.objects.filter(pk=ann.pk).update(**change)
        with pytest.raises(LinkRefusedError):
            guest(token, now=now)
    bo = make.user()
    token = token_of(one_time_link(bo, now=now))
    bo.set_password("quite another sentence")
    bo.save()
    with pytest.raises(LinkRefusedError):
        guest(token, now=now)


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "WzEsMl0:1abcde:forged", "é"])
def test_what_is_no_link_of_ours_is_refused(token: str) -> None:
    with pytest.raises(LinkRefusedError):
        guest(token, now=timezone.now())


def test_who_has_no_password_is_asked_to_choose_one(client: Client) -> None:
    path = path_of(one_time_link(make.user(), now=timezone.now()))
    assert client.post(path).headers["Location"] == reverse("account_set_password")


def test_a_password_opens_the_door_and_a_wrong_one_does_not(client: Client) -> None:
    ann = make.owner(password="a sentence of hers")
    sent = {"login": ann.email.upper(), "password": "something else"}
    wrong = client.post(reverse("account_login"), sent)
    assert wrong.status_code == 200
    assert not is_in(client)
    client.post(reverse("account_login"), {**sent, "password": "a sentence of hers"})
    assert is_in(client)


def test_passwords_are_not_guessed_quickly(client: Client) -> None:
    make.owner()
    sent = {"login": "ann@house.example", "password": "wrong"}
    for _ in range(5):
        client.post(reverse("account_login"), sent)
    assert "Too many" in client.post(reverse("account_login"), sent).content.decode()


def delivered() -> list[mail.EmailMessage]:
    """What the worker has sent, once it has done what is queued."""
    for job in ProcrastinateJob.objects.filter(task_name="send_letter"):
        send_letter(**job.args)
    return mail.outbox


def test_a_mail_brings_a_link_and_a_code_at_our_own_address(client: Client) -> None:
    ann = make.user()
    page = reverse("account_request_login_code")
    client.post(page, {"email": ann.email}, headers={"host": "evil.example"})
    assert not mail.outbox  # the page does not wait for a mail server
    (letter,) = delivered()
    link = re.search(r"http\S+", str(letter.body))
    assert link is not None
    assert link.group().startswith(environment.public_url())
    client.post(path_of(link.group()))
    assert is_in(client)


def test_a_mail_for_a_forgotten_password_leads_to_our_own_address(client: Client) -> None:
    ann = make.user(password="a sentence of hers")
    page = reverse("account_reset_password")
    client.post(page, {"email": ann.email}, headers={"host": "evil.example"})
    link = re.search(r"http\S+", str(delivered()[0].body))
    assert link is not None
    assert link.group().startswith(environment.public_url())
    form = client.get(path_of(link.group()), follow=True)
    sent = {"password1": "my new long sentence", "password2": "my new long sentence"}
    client.post(form.request["PATH_INFO"], sent)
    ann.refresh_from_db()
    assert ann.check_password("my new long sentence")


def test_strangers_get_no_mail_and_are_told_nothing(client: Client) -> None:
    page = reverse("account_request_login_code")
    answer = client.post(page, {"email": "nobody@else.example"}, follow=True)
    assert "If nobody@else.example belongs to somebody here" in answer.content.decode()
    assert not delivered()


def test_nobody_signs_up(client: Client) -> None:
    page = client.get(reverse("account_signup"))
    assert "By invitation" in page.content.decode()
    client.post(reverse("account_signup"), {"email": "x@x.example", "password1": "long enough one"})
    assert not User.objects.exists()


def test_the_link_to_claim_the_house_ends_with_its_first_owner() -> None:
    token = token_of(claim_link())
    assert may_claim(token)
    assert not may_claim("guess")
    make.manager()
    assert may_claim(token)
    make.owner()
    assert is_claimed()
    assert not may_claim(token)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("signin_link", *arguments, stdout=out)
    return out.getvalue()


def test_the_terminal_prints_where_to_begin_and_later_the_way_in() -> None:
    assert claim_link() in said()
    ann = make.owner(name="Ann")
    assert "/accounts/link/" in said()
    ann.last_login = timezone.now()
    ann.save()
    assert "/accounts/link/" not in said()
    assert "/accounts/link/" in said("--always")
    assert "Bo" in said(make.user(name="Bo").email)
    with pytest.raises(CommandError):
        said("nobody@house.example")


def test_a_sign_in_link_is_for_an_owner_of_ones_own_before_that_of_the_sample() -> None:
    make.owner(name="Sample", is_sample=True)
    make.owner(name="Own")
    assert "Sign in as Own" in said()
