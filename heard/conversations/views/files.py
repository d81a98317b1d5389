"""Hands out the bytes of an attachment, whole or in part, to whoever may have them.

The caller has found the row among those that this person may see; nothing here asks again.
"""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext

from heard.conversations.files import attachments
from heard.conversations.models import Attachment
from heard.lib.stores import MissingError, StoreError

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def hand_out(
    request: HttpRequest, kept: Attachment, *, cache: str = "private, max-age=3600"
) -> HttpResponseBase:
    """The file: plain pictures, sound and film in place, everything else only as a download.

    One range of it when the browser asks for one (RFC 9110, 14.2), as players do. What is not
    there is said in a sentence: 404 when it is gone, 503 when the store does not answer.
    """
    try:
        response = _response(request, kept)
    except MissingError:
        response = _sorry(404, gettext("“%s” is missing from the store of attachments."), kept)
    except StoreError:
        response = _sorry(503, gettext("“%s” cannot be had now: its store does not answer."), kept)
        response.headers["Retry-After"] = "30"
    headers = response.headers
    headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cache-Control"] = cache if response.status_code < 400 else "no-store"
    headers["Referrer-Policy"] = "no-referrer"
    return response


def _response(request: HttpRequest, kept: Attachment) -> HttpResponseBase:
    if not kept.digest:
        return _sorry(404, _WHY.get(kept.state, "“%s”"), kept)
    size = attachments.size(kept.digest)
    if size is None:
        raise MissingError(kept.digest)
    etag = f'"{kept.digest[:32]}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    span = _span(request, size=size, etag=etag)
    if span is not None and span[0] >= span[1]:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, end = span or (0, size)
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    is_in_place = kept.content_type in attachments.SHOWN | attachments.PLAYED
    disposition = content_disposition_header(not is_in_place, kept.name)
    headers["Content-Disposition"] = disposition or "attachment"
    headers["Content-Length"] = str(end - start)
    body = (
        iter(())
        if request.method == "HEAD"
        else attachments.pieces(kept.digest, start=start, end=end)
    )
    return StreamingHttpResponse(
        body,
        status=200 if span is None else 206,
        content_type=kept.content_type if is_in_place else "application/octet-stream",
        headers=headers,
    )


def _span(request: HttpRequest, *, size: int, etag: str) -> tuple[int, int] | None:
    """From where up to where; None for all of it, an empty span for what cannot be given."""
    wish = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if wish is None or wish.group(0) == "bytes=-":
        return None
    if request.headers.get("If-Range", etag) != etag:
        return None
    first, last = wish.groups()
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    return int(first), min(int(last) + 1, size) if last else size


_WHY: dict[str, str] = {
    Attachment.State.WAITING: "“%s” is still being fetched from its place.",
    Attachment.State.FAILED: "“%s” could not be fetched from its place.",
    Attachment.State.TOO_LARGE: "“%s” was too large to keep.",
}


def _sorry(status: int, words: str, kept: Attachment) -> HttpResponseBase:
    return HttpResponse(
        words % kept.name + "\n", status=status, content_type="text/plain; charset=utf-8"
    )
