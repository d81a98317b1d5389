"""Where a mailbox's servers are, how to open a line to them, and with which words to sign in.

The name is looked up once and the line goes to the address that was checked; certificates are
proven for the name.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from heard.channels import web
from heard.channels.base import Account, PlaceError
from heard.channels.email import oauth, tokens

CONNECT_SECONDS, READ_SECONDS = 15.0, 90.0
SECURITIES = ("tls", "starttls", "none")

_KNOWN = {
    ("google", "imap"): "imap.gmail.com",
    ("google", "smtp"): "smtp.gmail.com",
    ("microsoft", "imap"): "outlook.office365.com",
    ("microsoft", "smtp"): "smtp.office365.com",
}
_PORTS = {
    ("imap", "tls"): 993, ("imap", "starttls"): 143, ("imap", "none"): 143,
    ("smtp", "tls"): 465, ("smtp", "starttls"): 587, ("smtp", "none"): 25,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """One server of an account: `address` is the one that was checked for `host`."""

    host: str
    address: str
    port: int
    security: str

    def context(self) -> ssl.SSLContext:
        """What proves the server's name."""
        return ssl.create_default_context()


def server_of(account: Account, protocol: str) -> Server:
    """The server for "imap" or "smtp". Raises `PlaceError` where it must not or cannot be asked."""
    vendor = oauth.sign_in_of(account)
    host = str(account.settings.get(f"{protocol}_host") or "").strip()
    host = host or _KNOWN.get((vendor, protocol), "")
    if not host:
        raise PlaceError(
            f"The {protocol.upper()} server of this inbox is not set.", needs_person=True
        )
    usual = "starttls" if (vendor, protocol) == ("microsoft", "smtp") else "tls"
    security = str(account.settings.get(f"{protocol}_security") or usual)
    if security not in SECURITIES:
        raise PlaceError(f"“{security}” is no kind of security.", needs_person=True)
    if security == "none" and not account.allow_private:
        raise PlaceError(
            "A line without TLS is only allowed to servers inside the house.", needs_person=True
        )
    given = str(account.settings.get(f"{protocol}_port") or "")
    port = int(given) if given.isdigit() and 0 < int(given) < 65536 else _PORTS[protocol, security]
    try:
        address = web.checked_address(host, port, allow_private=account.allow_private)
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"{host} was not asked: {error}.", needs_person=True) from error
    except web.NotReachedError as error:
        raise PlaceError(f"{host} could not be reached: {error}.") from error
    return Server(host, address, port, security)


def opened(server: Server, *, seconds: float | None = None) -> socket.socket:
    """A line to the checked address, under TLS where that is how it begins."""
    line = socket.create_connection((server.address, server.port), seconds or CONNECT_SECONDS)
    if server.security == "tls":
        return server.context().wrap_socket(line, server_hostname=server.host)
    return line


def user_of(account: Account) -> str:
    """The name that the account signs in with."""
    return str(account.settings.get("user") or "").strip() or tokens.own_address(account)


def unreachable(host: str, error: Exception) -> PlaceError:
    """What a line that did not come about means for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return PlaceError(
            f"{host} shows a certificate that is not valid for it ({error.verify_message}).",
            needs_person=True,
        )
    if isinstance(error, ssl.SSLError):
        return PlaceError(
            f"{host} does not speak TLS as expected ({error.reason}): look at port and security.",
            needs_person=True,
        )
    return PlaceError(f"{host} could not be reached: {str(error) or type(error).__name__}.")
