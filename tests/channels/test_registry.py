"""Every channel keeps to the contract, and other packages may add theirs."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heard.channels import registry
from heard.channels.base import (
    Acted,
    Channel,
    Composed,
    Confirmed,
    Fetching,
    Greeted,
    Hooked,
    Listened,
    Looking,
    Polled,
)
from tests.channels.place import Place

ROOT = Path(__file__).parents[2]
GUEST_BOOK = ROOT / "examples" / "guest-book"
LOADED = """
import sys
from heard.channels import registry
registry.kinds()
print([m for m in sys.modules if m in registry.MODULES.values() or m == "httpx"])
"""
PARTS: tuple[Any, ...] = (
    Channel,
    Hooked,
    Greeted,
    Confirmed,
    Polled,
    Listened,
    Looking,
    Acted,
    Fetching,
)


@pytest.mark.parametrize("kind", registry.MODULES)
def test_a_channel_has_what_the_contract_asks_with_the_same_parameters(kind: str) -> None:
    channel = registry.channel_of(kind)
    assert channel is not None
    assert channel.kind == kind
    assert channel.title
    assert channel.public or channel.private
    for part in PARTS:
        if part is not Channel and not isinstance(channel, part):
            continue
        for name, asked in inspect.getmembers(part, inspect.isfunction):
            if name.startswith("_"):
                continue
            wanted = [p for p in inspect.signature(asked).parameters if p != "self"]
            assert list(inspect.signature(getattr(channel, name)).parameters) == wanted, name
    if (channel.public and channel.public.acts) or (channel.private and channel.private.acts):
        assert isinstance(channel, Acted)


@pytest.mark.parametrize("kind", registry.MODULES)
def test_what_connecting_asks_for_is_named_once_and_explained(kind: str) -> None:
    channel = registry.channel_of(kind)
    assert channel is not None
    names = [setting.name for setting in channel.settings]
    assert len(set(names)) == len(names)
    assert not {"allow_private", "connected_at", "is_paused", "signing_secret"} & set(names)
    for setting in channel.settings:
        assert setting.name.isidentifier()
        assert setting.label[0].isupper()
        assert not (setting.is_secret and setting.default)


@pytest.mark.parametrize("kind", registry.MODULES)
def test_every_channel_has_its_page_and_says_what_it_was_run_against(kind: str) -> None:
    if kind in {"hook", "contact_page"}:
        pages = [ROOT / "docs" / f"{kind.replace('_', '-')}.md"]
    else:
        pages = [ROOT / "docs" / "channels" / f"{kind}.md"]
    assert pages[0].exists()
    listed = (ROOT / "docs" / "channels" / "README.md").read_text(encoding="utf-8")
    assert pages[0].name in listed


def test_loading_the_registry_loads_no_channel() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            LOADED,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, built and installed as its README says, in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation",
         "--no-index", "--target", folder, GUEST_BOOK],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def guest_book(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    monkeypatch.syspath_prepend(str(installed))
    registry._others.cache_clear()
    assert "guest_book" in registry.kinds()
    channel = registry.channel_of("guest_book")
    assert isinstance(channel, Polled)
    yield channel
    registry._others.cache_clear()


@pytest.mark.django_db
def test_an_installed_package_adds_a_place_that_is_connected_heard_and_answered(
    guest_book: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from io import StringIO

    from django.core.management import call_command

    from heard.channels.base import Outgoing, SendState
    from heard.conversations.deliveries.journal import take_in
    from heard.conversations.deliveries.listening import store
    from heard.conversations.inboxes.accounts import account_of
    from heard.conversations.models import Inbox, Message

    now = datetime.now(UTC)
    entry = {
        "id": 7,
        "at": "2026-03-04T12:00:00+00:00",
        "name": "Ann",
        "text": "Why was the pool closed?",
        "page": "https://hotel.example/guest-book#7",
        "answers": [{"id": "7a", "at": "2026-03-04T13:00:00+00:00", "text": "It opens today."}],
    }
    with Place() as place:
        place.answers("GET /book", {"name": "The Hotel"})
        place.answers("GET /book/entries", {"entries": [entry, {"id": 8}]})
        place.answers("POST /book/entries/7/answers", {"id": "7b"})
        monkeypatch.setattr("sys.stdin", StringIO("s3cret\n"))
        out = StringIO()
        call_command(
            "inbox", "add", "guest_book", "--name", "Guests", "--set", f"url={place.url}/book",
            "--set", "key=-", "--set", "allow_private=yes", stdout=out,
        )  # fmt: skip
        assert "Guests (Guest book), well" in out.getvalue()
        inbox = Inbox.objects.get()
        account = account_of(inbox)
        assert isinstance(guest_book, Polled)
        fetched = guest_book.poll("", account)
        assert place.asked[-1].headers["authorization"] == "Bearer s3cret"
        store(inbox, fetched, before="", now=now)
        take_in(now=now)
        said = {m.text: m for m in Message.objects.all()}
        assert set(said) == {"Why was the pool closed?", "It opens today."}
        assert len({m.conversation_id for m in said.values()}) == 1
        outgoing = Outgoing("k1", to="Ann", text="Come in!", root="7", parent="7", author="Bo")
        assert guest_book.send(outgoing, account).external_id == "7b"
        assert json.loads(place.asked[-1].body) == {"text": "Come in!", "author": "Bo"}
        place.answers("POST /book/entries/9/answers", {"error": "gone"}, status=410)
        late = Outgoing("k2", to="Ann", text="Come in!", parent="9")
        refused = guest_book.send(late, account)
        assert (refused.state, refused.is_final) == (SendState.FAILED, True)


@pytest.mark.parametrize(
    ("kind", "settings", "address"),
    [
        (
            "mastodon",
            {"server": "https://a.example/"},
            "https://a.example/share?text=Hi%20%26%20bye",
        ),
        ("mastodon", {}, ""),
        ("bluesky", {}, "https://bsky.app/intent/compose?text=Hi%20%26%20bye"),
        ("x", {}, "https://x.com/intent/post?text=Hi%20%26%20bye"),
    ],
)
def test_a_place_opens_with_the_words_of_a_post(
    kind: str, settings: dict[str, str], address: str
) -> None:
    channel = registry.channel_of(kind)
    assert isinstance(channel, Composed)
    assert channel.composing("Hi & bye", settings) == address
