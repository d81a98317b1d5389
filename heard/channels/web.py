"""Posting to addresses that people typed in, and never into the house unless that is allowed.

The name is looked up once and the connection goes to the address that was checked, so that a name
which changes its mind in between gains nothing. Redirects are not followed, proxies not used.

httpx is loaded with the first call: it weighs 12 MB, and the pages' processes never post.
"""

from __future__ import annotations

import email.utils
import ipaddress
import socket
from collections.abc import Mapping
from datetime import datetime

TIMEOUT_SECONDS, CONNECT_SECONDS = 10, 5
ANSWER_LIMIT_BYTES = 64 * 1024


class ForbiddenAddressError(Exception):
    """An address that heard must not reach; the text says why."""


class NotReachedError(Exception):
    """Nobody took the call: nothing was sent."""


class NoAnswerError(Exception):
    """The line broke after the call was taken: nobody knows what came of it."""


class Answer:
    """What came back: status, the first 64 kB of the body, and when to ask again."""

    def __init__(self, status: int, body: bytes, retry_after: str) -> None:
        self.status = status
        self.body = body
        self._retry_after = retry_after

    def retry_after_seconds(self, *, now: datetime) -> int | None:
        """Seconds to wait, from either spelling of Retry-After (RFC 9110, 10.2.3)."""
        if self._retry_after.isascii() and self._retry_after.isdigit():
            return min(int(self._retry_after[:9]), 24 * 3600)
        try:
            at = email.utils.parsedate_to_datetime(self._retry_after)
            return max(0, min(int((at - now).total_seconds()), 24 * 3600))
        except (TypeError, ValueError):
            return None


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], allow_private: bool = False
) -> Answer:
    """Post once. Raises `ForbiddenAddressError`, `NotReachedError` or `NoAnswerError`.

    `allow_private` is for programs beside heard: it lets through plain http and private addresses.
    """
    import httpx  # noqa: PLC0415 - see above

    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ForbiddenAddressError("the address cannot be read") from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise ForbiddenAddressError("the address must begin with https://")
    if not parts.host:
        raise ForbiddenAddressError("the address names no machine")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _checked(parts.host, port, allow_private=allow_private)
    patience = httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    try:
        with (
            httpx.Client(timeout=patience, trust_env=False, follow_redirects=False) as client,
            client.stream(
                "POST",
                parts.copy_with(host=address),
                content=body,
                headers={**headers, "host": parts.netloc.decode("ascii")},
                extensions={"sni_hostname": parts.raw_host.decode("ascii")},
            ) as response,
        ):
            received = bytearray()
            for part in response.iter_bytes(ANSWER_LIMIT_BYTES):
                received += part
                if len(received) >= ANSWER_LIMIT_BYTES:
                    break
            return Answer(
                response.status_code,
                bytes(received[:ANSWER_LIMIT_BYTES]),
                response.headers.get("retry-after", ""),
            )
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotReachedError(str(error) or "no answer in time") from error
    except httpx.HTTPError as error:
        raise NoAnswerError(type(error).__name__) from error


def _checked(host: str, port: int, *, allow_private: bool) -> str:
    """One address of this host; every one of them must be allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotReachedError(f"{host} is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private:
        for address in addresses:
            ip = ipaddress.ip_address(address.partition("%")[0])
            mapped = getattr(ip, "ipv4_mapped", None) or ip
            if not mapped.is_global or mapped.is_multicast:
                raise ForbiddenAddressError(f"{host} is an address inside the house ({address})")
    return addresses[0]
