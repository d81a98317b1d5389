"""A file that its place still keeps: fetched by a real worker into a real bucket, then played."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from heard.channels.base import File
from heard.conversations.models import Attachment
from heard.lib.stores import Account, Bucket
from tests import make
from tests.channels.place import Place
from tests.servers import running

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
PATIENCE_SECONDS = 60


def test_a_recording_is_fetched_by_the_worker_and_played_from_the_bucket(
    settings: Any, tmp_path: Path, client: Client
) -> None:
    told = running("s3")
    s3 = {
        "HEARD_S3_ENDPOINT": told["URL"],
        "HEARD_S3_BUCKET": told["BUCKET"],
        "HEARD_S3_REGION": told["REGION"],
        "HEARD_S3_KEY": told["USER"],
        "HEARD_S3_SECRET": told["PASSWORD"],
        "HEARD_S3_PREFIX": tmp_path.name,
    }
    settings.S3 = Account(
        told["BUCKET"],
        told["USER"],
        told["PASSWORD"],
        told["REGION"],
        told["URL"],
        tmp_path.name,
    )
    settings.ATTACHMENTS_IN = "s3"
    voice = os.urandom(300_000)
    with Place() as place:
        place.answers("GET /call.mp3", b"", status=503, headers={"retry-after": "0"})
        place.answers("GET /call.mp3", voice, headers={"content-type": "audio/mpeg"})
        talk = make.conversation(
            make.inbox(settings={"allow_private": True}),
            files=(File("call.mp3", "audio/mpeg", b"", source=f"{place.url}/call.mp3"),),
        )
        worker = subprocess.Popen(
            [sys.executable, "-m", "heard.cli", "worker"],
            env={**os.environ, **s3, "DATABASE_URL": database_url()},
        )
        try:
            kept = until_kept(talk.pk)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(30)
    assert len(place.asked) == 2
    assert Bucket(settings.S3).size(kept.digest) == len(voice)
    client.force_login(make.owner())
    part = client.get(f"/attachments/{kept.pk}/", headers={"range": "bytes=1000-1999"})
    assert b"".join(part.streaming_content) == voice[1000:2000]  # type: ignore[attr-defined]
    Bucket(settings.S3).remove(kept.digest)


def database_url() -> str:
    """The database of this test, for another process."""
    told = connection.settings_dict
    url = f"postgresql://{quote(told['USER'])}:{quote(told['PASSWORD'])}@/{told['NAME']}"
    return f"{url}?host={quote(told['HOST'])}&port={told['PORT']}"


def until_kept(conversation: int) -> Attachment:
    """The file of this conversation, once it is here."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = Attachment.objects.get(message__conversation=conversation)
        if found.state == Attachment.State.KEPT:
            return found
        assert found.state == Attachment.State.WAITING, found.reason
        assert time.monotonic() < deadline, "it was not fetched"
        time.sleep(0.1)
