"""Speaking HTTP with addresses that people typed in, and never into the house unless allowed.

The name is looked up once and the connection goes to the address that was checked, so that a name
which changes its mind in between gains nothing. Redirects are followed only where the caller says
so, each checked anew; proxies are not used.

httpx is loaded with the first call: it weighs 12 MB, and the pages' processes never speak.
"""

from __future__ import annotations

import email.utils
import ipaddress
import json
import socket
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from heard.channels.base import PlaceError

TIMEOUT_SECONDS, CONNECT_SECONDS = 10, 5
ANSWER_LIMIT_BYTES = 64 * 1024
REDIRECT_LIMIT = 5


class ForbiddenAddressError(Exception):
    """An address that heard must not reach; the text says why."""


class NotReachedError(Exception):
    """Nobody took the call: nothing was sent."""


class NoAnswerError(Exception):
    """The line broke after the call was taken: nobody knows what came of it."""


class TooLongError(Exception):
    """The answer is longer than the caller can use."""


class Answer:
    """What came back: status, headers in lower case, body, the address that gave it."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str], url: str = "") -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.url = url

    @property
    def is_good(self) -> bool:
        """Whether the place did what was asked."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON. Raises `PlaceError` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise PlaceError("The place answered with something that is not JSON.") from None

    def retry_after_seconds(self, *, now: datetime) -> int | None:
        """Seconds to wait, from either spelling of Retry-After (RFC 9110, 10.2.3)."""
        wish = self.headers.get("retry-after", "")
        if wish.isascii() and wish.isdigit():
            return min(int(wish[:9]), 24 * 3600)
        try:
            at = email.utils.parsedate_to_datetime(wish)
            return max(0, min(int((at - now).total_seconds()), 24 * 3600))
        except (TypeError, ValueError):
            return None


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], allow_private: bool = False
) -> Answer:
    """Post once; the first 64 kB of the answer. Raises as `ask` does."""
    return ask("POST", url, body=body, headers=headers, allow_private=allow_private, is_cut=True)


def ask(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    allow_private: bool = False,
    follows: bool = False,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
    is_cut: bool = False,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Ask once, and read at most `limit_bytes` of the answer.

    Raises `ForbiddenAddressError`, `NotReachedError`, `NoAnswerError`, or `TooLongError` unless the
    rest `is_cut`. `allow_private` is for programs beside heard: it lets through plain http and
    private addresses. `follows` goes where a GET or HEAD is sent on to, every step checked anew;
    other hosts do not get our Authorization.
    """
    import httpx  # noqa: PLC0415 - see above

    patience = httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS)
    sent = dict(headers or {})
    with httpx.Client(timeout=patience, trust_env=False, follow_redirects=False) as client:
        for _ in range(REDIRECT_LIMIT + 1):
            parts = _parts(url, params, allow_private=allow_private)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            address = checked_address(parts.host, port, allow_private=allow_private)
            try:
                with client.stream(
                    method,
                    parts.copy_with(host=address),
                    content=body,
                    headers={"user-agent": "heard", **sent, "host": parts.netloc.decode("ascii")},
                    extensions={"sni_hostname": parts.raw_host.decode("ascii")},
                ) as response:
                    answer = Answer(
                        response.status_code,
                        _read(response, limit_bytes, is_cut=is_cut),
                        {name.lower(): value for name, value in response.headers.items()},
                        str(parts),
                    )
            except httpx.LocalProtocolError as error:
                raise NotReachedError(f"this cannot be sent: {error}") from error
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise NotReachedError(str(error) or "no answer in time") from error
            except httpx.HTTPError as error:
                raise NoAnswerError(type(error).__name__) from error
            target = answer.headers.get("location", "")
            if not (follows and answer.status in {301, 302, 303, 307, 308} and target):
                return answer
            url, params = urljoin(str(parts), target), None
            if httpx.URL(url).host != parts.host:
                sent = {
                    n: v for n, v in sent.items() if n.lower() not in {"authorization", "cookie"}
                }
    raise NoAnswerError("it sends on and on")


def _parts(url: str, params: Mapping[str, str] | None, *, allow_private: bool) -> Any:
    """The address taken apart, with the parameters added to its own."""
    import httpx  # noqa: PLC0415 - see above

    try:
        parts = httpx.URL(url)
        if params:
            parts = parts.copy_merge_params(dict(params))
    except (httpx.InvalidURL, ValueError):
        raise ForbiddenAddressError("the address cannot be read") from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise ForbiddenAddressError("the address must begin with https://")
    if not parts.host:
        raise ForbiddenAddressError("the address names no machine")
    return parts


def _read(response: Any, limit_bytes: int, *, is_cut: bool) -> bytes:
    received = bytearray()
    for part in response.iter_bytes(64 * 1024):
        received += part
        if len(received) > limit_bytes:
            if not is_cut:
                raise TooLongError(f"more than {limit_bytes} bytes")
            break
    return bytes(received[:limit_bytes])


def checked_address(host: str, port: int, *, allow_private: bool) -> str:
    """One address of this host; every one of them must be allowed.

    Raises `NotReachedError` for a name that nobody knows, `ForbiddenAddressError` for an address
    inside the house.
    """
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
