"""The people who write to the house, and the address of each on each kind of channel."""

from __future__ import annotations

import re
import unicodedata
from zlib import crc32

from heard.sample.script import lists

PROVIDERS = ("example.com", "example.org", "example.net", "mail.example", "post.example")
PHONE_KINDS = ("phone", "sms", "chat")
MAIL_KINDS = ("email", "contact_page", "widget")


def strangers() -> list[str]:
    """Every pairing of names that the lists allow, in an order that mixes them well."""
    names = lists("names")
    pairs = [f"{first} {last}" for first in names["first"] for last in names["last"]]
    return sorted(pairs, key=lambda name: crc32(name.encode()))


def first_name(name: str) -> str:
    """How one would address them; "" for somebody who signed with no name of their own."""
    own = re.sub(r"^.*('s |, )|\b(Dr|Captain) ", "", name)
    return "" if own.startswith("Table ") else own.split(" ")[0]


class AddressBook:
    """Gives every person one address on each kind of channel, never the same to two people."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def address(self, name: str, *, kind: str) -> str:
        """The address of this person there; made the first time, remembered afterwards."""
        medium = "phone" if kind in PHONE_KINDS else "email" if kind in MAIL_KINDS else kind
        known = self._given.get((name, medium))
        if known is not None:
            return known
        attempt = 0
        while (medium, made := _make(name, medium, attempt)) in self._taken:
            attempt += 1
        self._taken.add((medium, made))
        self._given[name, medium] = made
        return made


def _make(name: str, medium: str, attempt: int) -> str:
    seed = crc32(f"{name}/{medium}/{attempt}".encode())
    words = re.findall(r"[a-z]+", _plain(name)) or ["guest"]
    first, last = words[0], words[-1] if len(words) > 1 else ""
    if medium == "phone":
        # Numbers that Ofcom keeps free for stories: mobile first, landlines when those are used up.
        number = f"{seed % 1000:03}"
        return f"+44 7700 900{number}" if attempt < 20 else f"+44 1632 960{number}"
    if medium == "email":
        shapes = (f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last}", f"{last}.{first}")
        box = shapes[seed % 4].strip(".") + (
            str(seed % 90 + 10) if attempt or seed % 3 == 0 else ""
        )
        return f"{box}@{PROVIDERS[seed // 7 % len(PROVIDERS)]}"
    tail = str(seed % 900 + 10) if attempt or seed % 2 else ""
    shapes = (f"{first}{last}", f"{first}_{last}", f"{first[0]}{last}", f"{last}{first[:2]}")
    shape = shapes[seed // 3 % 4].strip("_") + tail
    if medium == "mastodon":
        return f"@{shape}@{'wrenmouth' if seed % 3 else 'toots'}.example"
    if medium == "bluesky":
        return f"@{shape.replace('_', '')}.example"
    if medium in ("x", "instagram"):
        return f"@{shape}"
    return f"{first}.{last}.{seed % 100000}".replace("..", ".")


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
