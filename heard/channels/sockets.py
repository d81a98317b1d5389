"""Lines that a place keeps open to us (websockets), to addresses that people may have typed in.

As with `web`, a name is looked up once, checked, and the line goes to the address that was checked.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from heard.channels import web
from heard.channels.base import PlaceError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

CONNECT_SECONDS = 10
FRAME_LIMIT_BYTES = 8 * 1024 * 1024
QUEUE = 1024


@contextlib.contextmanager
def opened(
    url: str, *, allow_private: bool, headers: Mapping[str, str] | None = None
) -> Iterator[ClientConnection]:
    """An open line. Raises `PlaceError`, and those of `web.checked_address`."""
    from websockets.exceptions import (  # noqa: PLC0415 - loaded when a line is opened
        InvalidHandshake,
        InvalidStatus,
        InvalidURI,
    )
    from websockets.sync.client import connect  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    if parts.scheme != "wss" and not (allow_private and parts.scheme == "ws"):
        raise PlaceError("The stream's address must begin with wss://.", needs_person=True)
    try:
        port = parts.port or (443 if parts.scheme == "wss" else 80)
    except ValueError:
        raise PlaceError("The stream's address has no such port.", needs_person=True) from None
    address = web.checked_address(parts.hostname or "", port, allow_private=allow_private)
    with contextlib.ExitStack() as held:
        try:
            line = held.enter_context(
                connect(
                    url,
                    sock=socket.create_connection((address, port), CONNECT_SECONDS),
                    additional_headers=dict(headers or {}),
                    max_size=FRAME_LIMIT_BYTES,
                    max_queue=QUEUE,
                    open_timeout=CONNECT_SECONDS,
                    compression=None,
                    proxy=None,
                    user_agent_header="heard",
                )
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise PlaceError(
                f"The stream was refused ({status}).", needs_person=status in {401, 403}
            ) from error
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise PlaceError(f"The stream could not be opened ({error}).") from error
        yield line


def frames(line: ClientConnection, *, seconds: float) -> Iterator[bytes]:
    """What comes within this time. Raises `PlaceError` when the line breaks."""
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - as above

    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            frame = line.recv(timeout=left)
        except TimeoutError:
            return
        except ConnectionClosed as error:
            raise PlaceError(f"The stream broke off ({error}).") from error
        yield frame.encode() if isinstance(frame, str) else frame
