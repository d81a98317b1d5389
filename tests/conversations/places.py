"""A made-up kind of place that tests tell what to bring and how to answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from heard.channels import registry
from heard.channels.base import (
    Abilities,
    Account,
    Acknowledged,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Progress,
    Receipt,
    SendState,
    Setting,
)

NAME = "tests.conversations.pigeon_post"


@dataclass
class PigeonPost:
    """A place that is asked: `bring` puts something there, `fails` makes it fail next."""

    kind: str = "pigeon_post"
    title: str = "Pigeon post"
    every_seconds: float = 0.01
    public: Abilities | None = None
    private: Abilities | None = None
    settings: tuple[Setting, ...] = (
        Setting("loft", "The loft"),
        Setting("whistle", "The whistle", is_secret=True),
        Setting("rings", "Rings", is_needed=False, form="lines"),
    )
    there: list[Delivered] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    acted: list[Acting] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)

    def bring(self, *said: dict[str, Any], at: datetime, name: str = "") -> None:
        self.there.append(Delivered(json.dumps(said).encode(), {}, at, external_id=name))

    def poll(self, cursor: str, account: Account) -> Fetched:
        self.accounts.append(account)
        if self.failures:
            raise self.failures.pop(0)
        known = int(cursor or 0)
        return Fetched(tuple(self.there[known:]), str(len(self.there)))

    def parse(self, delivered: Delivered, account: Account) -> Iterator[Heard]:
        for said in json.loads(delivered.body):
            at = datetime.fromisoformat(said["at"]) if "at" in said else delivered.at
            kind = Kind(said.get("kind", "incoming"))
            what, name = said.get("what", "said"), said["id"]
            if what == "edited":
                yield Edited(
                    name,
                    at,
                    said["text"],
                    kind=kind,
                    extra=said.get("extra", {}),
                    need=said.get("need"),
                )
            elif what == "deleted":
                yield Deleted(name, at, kind=kind)
            elif what in ("delivered", "read", "failed"):
                yield Progress(name, at, what, said.get("reason", ""))
            elif what in ("like", "share", "thank"):
                yield Acknowledged(name, at, Act(what))
            else:
                yield Incoming(
                    external_id=name,
                    at=at,
                    text=said["text"],
                    sender=said.get("from", "ann"),
                    kind=kind,
                    is_public=said.get("public", False),
                    need=said.get("need", ""),
                    extra=said.get("extra", {}),
                )

    def send(self, outgoing: Outgoing, account: Account) -> Receipt:
        self.sent.append(outgoing)
        if self.receipts:
            return self.receipts.pop(0)
        return Receipt(SendState.SENT, f"r{len(self.sent)}")

    def may_repeat(self, outgoing: Outgoing) -> bool:
        return True

    def act(self, acting: Acting, account: Account) -> Receipt:
        self.acted.append(acting)
        return self.receipts.pop(0) if self.receipts else Receipt(SendState.SENT)

    def check(self, account: Account) -> Checked:
        self.accounts.append(account)
        if account.secrets.get("whistle") != "fee-fi-fo":
            raise PlaceError("The pigeons do not know this whistle.", needs_person=True)
        return Checked(account="Loft 7", found={"length": 140}, warnings=("It rains.",))


@pytest.fixture
def pigeons(monkeypatch: pytest.MonkeyPatch) -> PigeonPost:
    place = PigeonPost(private=Abilities(), public=Abilities())
    monkeypatch.setitem(sys.modules, NAME, place)
    monkeypatch.setitem(registry.MODULES, place.kind, NAME)
    return place
