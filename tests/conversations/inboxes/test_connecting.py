"""Connecting places: tried before kept, sealed, and told plainly when the place says no."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from heard.channels.base import PlaceError
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.inboxes.arranging import new_inbox
from heard.conversations.inboxes.connecting import (
    MissingError,
    UnknownSettingError,
    check,
    check_inboxes,
    connect,
    take_down,
)
from heard.conversations.models import Inbox, Listening, Message
from tests import make
from tests.conversations.places import PigeonPost, pigeons  # noqa: F401 - a fixture
from tests.make import NOON

pytestmark = pytest.mark.django_db

GOOD = {"loft": "7", "whistle": "fee-fi-fo", "rings": ["a", "b"]}


def fresh() -> Inbox:
    return new_inbox("pigeon_post", name="Pigeons", keeper=None, now=NOON)


def test_what_the_place_accepts_is_kept_with_what_it_told_and_the_secret_is_sealed(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    connect(fresh(), GOOD, by=None, now=NOON)
    inbox = Inbox.objects.get()
    assert inbox.settings["loft"] == "7"
    assert inbox.settings["rings"] == ["a", "b"]
    assert inbox.settings["length"] == 140
    assert "fee" not in inbox.secret
    assert "fee" not in str(inbox.settings)
    assert account_of(inbox).secrets == {"whistle": "fee-fi-fo"}
    health = Listening.objects.get()
    assert (health.state, health.account, health.warnings) == ("well", "Loft 7", ["It rains."])


def test_what_the_place_refuses_is_not_kept(pigeons: PigeonPost) -> None:  # noqa: F811
    with pytest.raises(PlaceError, match="do not know this whistle"):
        connect(fresh(), {**GOOD, "whistle": "fum"}, by=None, now=NOON)
    assert not Inbox.objects.exists()


def test_a_new_secret_that_is_refused_leaves_the_old_one_in_its_place(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    connect(fresh(), GOOD, by=None, now=NOON)
    inbox = Inbox.objects.get()
    with pytest.raises(PlaceError):
        connect(inbox, {"whistle": "fum"}, by=None, now=NOON)
    inbox.refresh_from_db()
    assert account_of(inbox).secrets["whistle"] == "fee-fi-fo"
    connect(inbox, {"loft": "8"}, by=None, now=NOON)
    assert Inbox.objects.get().settings["loft"] == "8"


def test_what_is_missing_and_what_nobody_asked_for_is_named(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    with pytest.raises(MissingError, match="The loft is missing"):
        connect(fresh(), {"whistle": "fee-fi-fo"}, by=None, now=NOON)
    with pytest.raises(UnknownSettingError, match="does not ask for lift"):
        connect(fresh(), {**GOOD, "lift": "1"}, by=None, now=NOON)


def test_asking_how_it_goes_is_written_down_either_way(pigeons: PigeonPost) -> None:  # noqa: F811
    connect(fresh(), GOOD, by=None, now=NOON)
    inbox = Inbox.objects.get()
    assert check(inbox, now=NOON).account == "Loft 7"
    account_of(inbox).renew({"whistle": "lost"})  # type: ignore[misc]
    inbox.refresh_from_db()
    with pytest.raises(PlaceError):
        check(inbox, now=NOON)
    health = Listening.objects.get()
    assert (health.state, health.reason) == (
        "needs_person",
        "The pigeons do not know this whistle.",
    )


def test_the_command_line_takes_secrets_from_standard_input_alone(
    pigeons: PigeonPost,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, quiet = StringIO(), StringIO()
    args = ["inbox", "add", "pigeon_post", "--name", "Pigeons", "--set", "loft=7", "--set"]
    with pytest.raises(CommandError, match="on standard input"):
        call_command(*args, "whistle=fee-fi-fo", stdout=out)
    monkeypatch.setattr("sys.stdin", StringIO("fum\n"))
    with pytest.raises(CommandError, match="was not connected: The pigeons"):
        call_command(*args, "whistle=-", stdout=out)
    monkeypatch.setattr("sys.stdin", StringIO("fee-fi-fo\n"))
    call_command(*args, "whistle=-", stdout=out, stderr=quiet)
    assert "Pigeons (Pigeon post), well" in out.getvalue()
    assert "fee" not in out.getvalue()
    assert "It rains." in quiet.getvalue()


def test_check_list_and_remove_from_the_command_line(
    pigeons: PigeonPost,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(fresh(), GOOD, by=None, now=NOON)
    out = StringIO()
    call_command("inbox", "check", stdout=out)
    assert "Pigeons: well, known as Loft 7" in out.getvalue()
    account_of(Inbox.objects.get()).renew({"whistle": "lost"})  # type: ignore[misc]
    with pytest.raises(CommandError, match="1 of 1 do not let us in"):
        call_command("inbox", "check", "Pigeons", stdout=out)
    call_command("inbox", "list", stdout=out)
    assert "needs_person: The pigeons do not know this whistle." in out.getvalue()
    monkeypatch.setattr("sys.stdin", StringIO("Pidgeons\n"))
    with pytest.raises(CommandError, match="Nothing was removed"):
        call_command("inbox", "remove", "Pigeons", stderr=StringIO())
    call_command("inbox", "remove", "Pigeons", "--yes", stdout=out)
    assert not Inbox.objects.exists()


def test_the_page_asks_what_the_place_asks_and_never_shows_a_secret_again(
    pigeons: PigeonPost,  # noqa: F811
    client: Client,
) -> None:
    owner = make.owner()
    client.force_login(owner)
    policy = make.policy()
    assert "Pigeon post" in client.get(reverse("settings_kinds")).content.decode()
    address = reverse("settings_new_inbox", args=["pigeon_post"])
    filled: dict[str, Any] = {
        "name": "Pigeons",
        "policy": policy.pk,
        "place_loft": "7",
        "place_whistle": "fum",
        "place_rings": "a\nb",
    }
    refused = client.post(address, filled)
    assert refused.status_code == 422
    assert "The pigeons do not know this whistle." in refused.content.decode()
    assert "fum" not in refused.content.decode()
    kept = client.post(address, {**filled, "place_whistle": "fee-fi-fo"})
    inbox = Inbox.objects.get()
    assert kept.status_code == 302
    page = client.get(reverse("settings_inbox", args=[inbox.pk])).content.decode()
    assert "fee-fi-fo" not in page
    assert "kept; type to replace it" in page
    assert "Loft 7" in page
    again = client.post(
        reverse("settings_inbox", args=[inbox.pk]),
        {**filled, "place_whistle": "", "place_loft": "9"},
    )
    assert again.status_code == 302
    inbox.refresh_from_db()
    assert inbox.settings["loft"] == "9"
    assert inbox.settings["rings"] == ["a", "b"]


def test_an_inbox_is_removed_only_by_its_name(
    pigeons: PigeonPost,  # noqa: F811
    client: Client,
) -> None:
    client.force_login(make.owner())
    connect(fresh(), GOOD, by=None, now=NOON)
    address = reverse("settings_inbox_removal", args=[Inbox.objects.get().pk])
    assert client.post(address, {"name": "pigeon"}).status_code == 422
    inbox = Inbox.objects.get()
    make.conversation(inbox)
    assert client.post(address, {"name": "Pigeons"}).status_code == 302
    assert "being taken down" in client.get(reverse("settings_inboxes")).content.decode()
    take_down(inbox_id=inbox.pk)
    assert not Inbox.objects.exists()
    assert not Message.objects.filter(inbox_id=inbox.pk).exists()


def test_an_inbox_that_nobody_removed_is_not_taken_down(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    connect(fresh(), GOOD, by=None, now=NOON)
    take_down(inbox_id=Inbox.objects.get().pk)
    assert Inbox.objects.exists()


def test_what_the_place_tells_later_is_kept_too_and_every_inbox_is_asked_once_a_day(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    connect(fresh(), GOOD, by=None, now=NOON)
    Inbox.objects.update(settings={"loft": "7", "length": 1})
    check_inboxes(int(NOON.timestamp()))
    assert Inbox.objects.get().settings["length"] == 140
