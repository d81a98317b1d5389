"""Hands a mail to an SMTP server (RFC 5321) and says exactly how far it came.

Until the last line of the mail has left, nothing has been taken; from then until the server's
answer nobody knows.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
from collections.abc import Iterator, Sequence

from heard.channels.base import Account, PlaceError, Receipt, SendState
from heard.channels.email import oauth, servers
from heard.channels.email.servers import Server

COMMAND_SECONDS = 30.0
ANSWER_SECONDS = 120.0
"""How long a server may think about a mail that it has got whole."""

_DOT = re.compile(rb"(?m)^\.")


class _Line(smtplib.SMTP):
    """A connection to the address that was checked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(timeout=COMMAND_SECONDS)
        self._host = server.host  # for which STARTTLS proves the certificate

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        line = servers.opened(self._server)
        line.settimeout(COMMAND_SECONDS)
        return line


class RefusedBySMTPError(Exception):
    """The server said no: `code` is its reply code, the text its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code

    @property
    def is_final(self) -> bool:
        """Whether the same mail will be refused again (RFC 5321, section 4.2.1)."""
        return self.code >= 500


@contextlib.contextmanager
def signed_in(account: Account) -> Iterator[smtplib.SMTP]:
    """A line that mail can be handed over on.

    Raises `PlaceError`, `RefusedBySMTPError`, and what the line raises.
    """
    server = servers.server_of(account, "smtp")
    line = _Line(server)
    try:
        _greeted(line, server)
        _sign_in(line, account)
        yield line
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            line.quit()
        line.close()


def _greeted(line: smtplib.SMTP, server: Server) -> None:
    try:
        code, said = line.connect(server.host, server.port)
    except OSError as error:
        if isinstance(error, smtplib.SMTPException):
            raise
        raise servers.unreachable(server.host, error) from error
    if code != 220:
        raise RefusedBySMTPError(code, _words(said))
    line.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        if not line.has_extn("starttls"):
            raise PlaceError(f"{server.host} offers no TLS (STARTTLS).", needs_person=True)
        try:
            line.starttls(context=server.context())
        except OSError as error:
            if isinstance(error, smtplib.SMTPException):
                raise
            raise servers.unreachable(server.host, error) from error
        line.ehlo()


def hand_over(
    mail: bytes, *, sender: str, to: str, line: smtplib.SMTP, copies: Sequence[str] = ()
) -> Receipt:
    """Give one mail to the server. Raises only before anything has been taken.

    A copy that the server does not take keeps nobody else's mail back; the receipt names it.
    """
    needs_utf8 = not all(address.isascii() for address in (sender, to, *copies))
    if needs_utf8 and not line.has_extn("smtputf8"):
        copies = [one for one in copies if one.isascii()]
        needs_utf8 = not (sender.isascii() and to.isascii())
    if needs_utf8 and not line.has_extn("smtputf8"):
        raise RefusedBySMTPError(553, f"this server cannot write to {to}")
    largest = line.esmtp_features.get("size", "")
    if largest.isdigit() and 0 < int(largest) < len(mail):
        raise RefusedBySMTPError(
            552, f"the mail has {len(mail) / 2**20:.0f} MB, it takes {int(largest) / 2**20:.0f} MB"
        )
    options = ["SMTPUTF8"] if needs_utf8 else []
    if line.has_extn("size"):
        options.append(f"SIZE={len(mail)}")
    if line.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    _taken(line.mail(sender, options))
    _taken(line.rcpt(to))
    refused = [one for one in copies if line.rcpt(one)[0] not in {250, 251}]
    code, said = line.docmd("DATA")
    if code != 354:
        raise RefusedBySMTPError(code, _words(said))
    body = _DOT.sub(b"..", mail)
    line.send(body if body.endswith(b"\r\n") else body + b"\r\n")
    line.send(b".\r\n")
    try:
        if line.sock is not None:
            line.sock.settimeout(ANSWER_SECONDS)
        code, said = line.getreply()
    except (smtplib.SMTPException, OSError) as error:
        return Receipt(
            SendState.UNKNOWN,
            reason=f"The server did not say whether it took the mail ({type(error).__name__}).",
        )
    if code == 250:
        names = ", ".join(refused)
        return Receipt(SendState.SENT, reason=f"No copy went to {names}." if names else "")
    raise RefusedBySMTPError(code, _words(said))


def _sign_in(line: smtplib.SMTP, account: Account) -> None:
    user = servers.user_of(account)
    if oauth.sign_in_of(account) == "password":
        password = account.secrets.get("password", "")
        if not password or not line.has_extn("auth"):
            return
        try:
            line.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            raise RefusedBySMTPError(error.smtp_code, _words(error.smtp_error)) from error
        return
    for is_forced in (False, True):
        words = oauth.sign_in_words(user, oauth.access_token(account, is_forced=is_forced))
        try:
            # A refusal comes as a challenge, which is answered with nothing (XOAUTH2).
            line.auth("XOAUTH2", lambda said=None, words=words: words if said is None else "")
        except smtplib.SMTPAuthenticationError as error:
            if is_forced:
                raise RefusedBySMTPError(error.smtp_code, _words(error.smtp_error)) from error
        else:
            return


def _taken(answer: tuple[int, bytes]) -> None:
    code, said = answer
    if not 200 <= code < 300:
        raise RefusedBySMTPError(code, _words(said))


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{' '.join(text.split())[:200]}"
