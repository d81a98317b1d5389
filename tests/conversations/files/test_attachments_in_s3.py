"""Attachments in a bucket of a real S3 server: the same promises, from the page to the backup."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from heard import backup, doctor
from heard.channels.base import File
from heard.conversations.files import attachments, tidying
from heard.conversations.models import Attachment
from heard.lib.stores import Account, Bucket, Folder, MissingError, StoreError
from tests import make
from tests.servers import running

pytestmark = [pytest.mark.django_db, pytest.mark.journey]


def account(prefix: str, **other: str) -> Account:
    told = running("s3")
    fields = {
        "bucket": told["BUCKET"],
        "key": told["USER"],
        "secret": told["PASSWORD"],
        "region": told["REGION"],
        "endpoint": told["URL"],
        "prefix": prefix,
    }
    return Account(**fields | other)


@pytest.fixture
def bucket(settings: Any, tmp_path: Path) -> Iterator[Bucket]:
    settings.ATTACHMENTS = tmp_path / "attachments"
    settings.S3 = account(f"test-{tmp_path.name}-{id(tmp_path)}")
    settings.ATTACHMENTS_IN = "s3"
    made = Bucket(settings.S3)
    yield made
    for stored in list(Bucket(settings.S3).listed()):
        made.remove(stored.digest)


def with_file(content: bytes, **file: Any) -> Attachment:
    fields = {"name": "menu.txt", "content_type": "text/plain", "content": content, **file}
    return make.conversation(files=(File(**fields),)).messages.get().attachments.get()


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_goes_into_the_bucket_once_and_comes_back_through_our_page(
    bucket: Bucket, client: Client, settings: Any
) -> None:
    voice = bytes(range(256)) * 12_000  # three pieces
    row = with_file(voice, name="Anruf größer.mp3", content_type="audio/mpeg")
    with_file(voice)
    assert [stored.size for stored in bucket.listed()] == [len(voice)]
    assert not list(Folder(settings.ATTACHMENTS).listed())
    client.force_login(make.owner())
    answer = client.get(f"/attachments/{row.pk}/")
    assert b"".join(answer.streaming_content) == voice  # type: ignore[attr-defined]
    span = {"range": "bytes=1000000-2500000"}
    part = client.get(f"/attachments/{row.pk}/", headers=span)
    assert part.status_code == 206
    assert b"".join(part.streaming_content) == voice[1_000_000:2_500_001]  # type: ignore[attr-defined]
    bucket.remove(row.digest)
    assert client.get(f"/attachments/{row.pk}/").status_code == 404


def test_many_files_of_one_delivery_go_side_by_side(bucket: Bucket) -> None:
    files = tuple(File(f"{n}.txt", "text/plain", b"%d" % n) for n in range(30))
    talk = make.conversation(files=files)
    found = {row.digest for row in Attachment.objects.filter(message__conversation=talk)}
    assert found == {stored.digest for stored in bucket.listed()}


def test_a_wrong_key_and_a_server_that_is_not_there_are_said_in_words(bucket: Bucket) -> None:
    digest = digest_of(b"x")
    with pytest.raises(StoreError, match="refuses our key"):
        Bucket(account("x", secret="wrong")).put(digest, b"x")
    with pytest.raises(StoreError, match="does not do as asked"):
        Bucket(account("x", endpoint="http://127.0.0.1:9")).put(digest, b"x")
    with pytest.raises(MissingError):
        bucket.pieces(digest)
    bucket.remove(digest)


def test_while_the_bucket_does_not_answer_files_wait_in_the_folder_and_follow(
    bucket: Bucket, settings: Any
) -> None:
    good = settings.S3
    settings.S3 = account(good.prefix, endpoint="http://127.0.0.1:9")
    row = with_file(b"soup")
    assert attachments.content(row.digest) == b"soup"
    settings.S3 = good
    tidying.move_attachments(timestamp=0)
    assert bucket.size(row.digest) == 4
    assert not list(Folder(settings.ATTACHMENTS).listed())


def test_everything_moves_there_and_back(bucket: Bucket, settings: Any) -> None:
    settings.ATTACHMENTS_IN = "folder"
    rows = [with_file(b"%d" % n) for n in range(5)]
    assert not list(bucket.listed())
    settings.ATTACHMENTS_IN = "s3"
    assert tidying.move(to="s3").files == 5
    assert not list(Folder(settings.ATTACHMENTS).listed())
    assert [attachments.content(row.digest) for row in rows] == [b"%d" % n for n in range(5)]
    settings.ATTACHMENTS_IN = "folder"
    assert tidying.move(to="folder").files == 5
    assert not list(bucket.listed())
    assert list(tidying.missing(is_thorough=True)) == []


def test_unneeded_objects_go_after_a_day_but_never_those_of_another_house(
    bucket: Bucket, settings: Any
) -> None:
    row = with_file(b"alone")
    row.message.conversation.delete()
    start = datetime.now(UTC) + timedelta(days=2)
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another house"
    assert bucket.belongs_to(tidying.owner())
    settings.SECRET_KEY = key
    assert tidying.tidy(now=start) == tidying.Tidied(0, 0)
    assert bucket.size(row.digest) == 5
    settings.S3 = account(f"{settings.S3.prefix}-own")
    row = with_file(b"alone")
    row.message.conversation.delete()
    assert tidying.tidy(now=start).noticed == 1
    assert tidying.tidy(now=start + timedelta(days=2)).removed == 1
    assert attachments.size(row.digest) is None


def test_doctor_and_backup_say_what_is_where(
    bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_file(b"soup")
    for name in ("endpoint", "bucket", "region", "key", "secret", "prefix"):
        monkeypatch.setenv(f"HEARD_S3_{name.upper()}", getattr(settings.S3, name))
    (state, said), *_ = doctor.attachments()
    assert (state, "which takes and gives" in said) == ("good", True)
    [stored] = backup.from_bucket(settings.S3, home=tmp_path, near=tmp_path)
    assert stored[0] == f"home/attachments/{digest_of(b'soup')[:2]}/{digest_of(b'soup')}"
    assert stored[1].read_bytes() == b"soup"
    monkeypatch.setenv("HEARD_S3_SECRET", "wrong")
    (state, said), *_ = doctor.attachments()
    assert (state, "refuses our key" in said) == ("wrong", True)


def test_the_client_is_loaded_by_those_who_ask_a_bucket_alone() -> None:
    import subprocess
    import sys

    code = "import sys, heard.lib.stores; assert 'obstore' not in sys.modules"
    assert importlib.util.find_spec("obstore")
    subprocess.run([sys.executable, "-c", code], check=True)
