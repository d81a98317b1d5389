"""Attachments promise: kept once, fetched where they can be, given to whom they belong."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from heard.channels.base import File, PlaceError
from heard.conversations.deliveries import fetching
from heard.conversations.files import attachments, tidying
from heard.conversations.models import Attachment, Conversation, Sending, Unreferenced
from heard.conversations.outbox.sending import deliver
from heard.lib.stores import Folder, MissingError, Stored, StoreError
from tests import make
from tests.channels.place import Place

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Folder:
    settings.ATTACHMENTS = tmp_path / "attachments"
    return Folder(settings.ATTACHMENTS)


def with_file(content: bytes = b"soup", **file: Any) -> Attachment:
    fields = {"name": "menu.txt", "content_type": "text/plain", "content": content, **file}
    box = fields.pop("box", None) or make.inbox(settings={"allow_private": True})
    talk = make.conversation(box, files=(File(**fields),))
    return talk.messages.get().attachments.get()


def waiting(source: str, **file: Any) -> Attachment:
    return with_file(b"", source=source, **file)


def jobs_waiting() -> list[tuple[int, datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args->>'attachment_id')::bigint, scheduled_at FROM procrastinate_jobs "
            "WHERE task_name = 'fetch_attachment' ORDER BY id"
        )
        return list(cursor.fetchall())


def owner_client(client: Client) -> Client:
    client.force_login(make.owner())
    return client


def read(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


class TestKeeping:
    def test_the_same_file_is_stored_once_however_often_it_comes(self, folder: Folder) -> None:
        first, second = with_file(), with_file()
        assert first.digest == second.digest == hashlib.sha256(b"soup").hexdigest()
        assert [stored.size for stored in folder.listed()] == [4]

    def test_bytes_are_there_before_the_row_commits(self, folder: Folder) -> None:
        with transaction.atomic():
            row = with_file()
            assert folder.size(row.digest) == 4

    def test_a_file_over_the_limit_is_named_and_not_kept(self, settings: Any) -> None:
        settings.ATTACHMENT_LIMIT_BYTES = 3
        row = with_file()
        assert (row.state, row.digest, row.size) == ("too_large", "", 4)

    def test_when_the_store_fails_the_folder_takes_the_file(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attachments, "stores", lambda: (Broken(), folder))
        row = with_file()
        assert folder.size(row.digest) == 4
        assert attachments.content(row.digest) == b"soup"


class Broken:
    """A store that does not answer."""

    title = "the broken store"

    def put(self, digest: str, content: bytes) -> None:
        raise StoreError("It does not answer.")

    def size(self, digest: str) -> int | None:
        raise StoreError("It does not answer.")

    def pieces(self, digest: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        raise StoreError("It does not answer.")

    def remove(self, digest: str) -> None:
        raise StoreError("It does not answer.")

    def listed(self) -> Iterator[Stored]:
        raise StoreError("It does not answer.")


class TestHandingOut:
    def get(self, client: Client, row: Attachment, **headers: str) -> Any:
        return client.get(f"/attachments/{row.pk}/", headers=headers)

    def test_whoever_may_not_see_the_message_does_not_get_the_file(self, client: Client) -> None:
        row = with_file(box=make.inbox(teams=(make.team(),)))
        client.force_login(make.user())
        assert self.get(client, row).status_code == 404
        client.logout()
        assert self.get(client, row).status_code == 302

    def test_what_is_no_plain_picture_or_sound_is_a_download(self, client: Client) -> None:
        row = with_file(b"<script>", name="x.html", content_type="text/html")
        answer = self.get(owner_client(client), row)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert read(answer) == b"<script>"

    @pytest.mark.parametrize(
        ("wish", "status", "span", "body"),
        [
            ("bytes=0-1", 206, "bytes 0-1/10", b"01"),
            ("bytes=7-", 206, "bytes 7-9/10", b"789"),
            ("bytes=-3", 206, "bytes 7-9/10", b"789"),
            ("bytes=5-99", 206, "bytes 5-9/10", b"56789"),
            ("bytes=10-", 416, "bytes */10", b""),
            ("bytes=4-2", 416, "bytes */10", b""),
            ("bytes=0-1,4-5", 200, None, b"0123456789"),
            ("nonsense", 200, None, b"0123456789"),
        ],
    )
    def test_players_get_the_part_they_ask_for(
        self, client: Client, wish: str, status: int, span: str | None, body: bytes
    ) -> None:
        row = with_file(b"0123456789", name="call.mp3", content_type="audio/mpeg")
        answer = self.get(owner_client(client), row, range=wish)
        assert answer.status_code == status
        assert answer.headers.get("Content-Range") == span
        assert read(answer) == body
        if status < 400:
            assert answer.headers["Content-Type"] == "audio/mpeg"
            assert answer.headers["Accept-Ranges"] == "bytes"
            assert answer.headers["Content-Length"] == str(len(body))

    def test_a_part_of_another_version_is_all_of_it(self, client: Client) -> None:
        row = with_file(b"0123456789")
        headers = {"range": "bytes=0-1", "if-range": '"other"'}
        answer = self.get(owner_client(client), row, **headers)
        assert (answer.status_code, read(answer)) == (200, b"0123456789")

    def test_a_file_that_is_gone_or_cannot_be_asked_for_is_said_plainly(
        self, client: Client, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = with_file()
        folder.remove(row.digest)
        gone = self.get(owner_client(client), row)
        assert (gone.status_code, gone.content.decode()) == (
            404,
            "“menu.txt” is missing from the store of attachments.\n",
        )
        monkeypatch.setattr(attachments, "stores", lambda: (Broken(),))
        assert self.get(client, row).status_code == 503

    def test_pictures_inside_html_come_from_us_and_others_stay_out(self, client: Client) -> None:
        html = '<p>Look<img src="cid:a@x" onload="x()"><img src="https://evil.example/p.png"></p>'
        talk = make.conversation(
            text="Look",
            html=html,
            files=(File("a.png", "image/png", PNG, content_id="a@x"),),
        )
        said = talk.messages.get()
        page = owner_client(client).get(f"/messages/{said.pk}/original/").content.decode()
        assert f'<img src="/attachments/{said.attachments.get().pk}/">' in page
        assert "evil" not in page
        assert "onload" not in page


class TestFetching:
    def test_a_file_at_the_place_is_fetched_by_a_job_and_the_thread_tells(
        self, client: Client
    ) -> None:
        with Place() as place:
            place.answers("GET /v.ogg", b"voice", headers={"content-type": "audio/ogg"})
            row = waiting(f"{place.url}/v.ogg", name="v.ogg", content_type="audio/ogg")
            assert jobs_waiting() == [(row.pk, None)]
            talk = f"/conversations/{row.message.conversation_id}/"
            assert "being fetched" in owner_client(client).get(talk).content.decode()
            for _ in range(2):
                fetching.fetch_attachment(attachment_id=row.pk)
            assert len(place.asked) == 1
        row.refresh_from_db()
        assert (row.state, row.size) == ("kept", 5)
        page = client.get(talk).content.decode()
        assert f'<audio controls preload="metadata" src="/attachments/{row.pk}/"' in page

    def test_a_place_that_fails_is_asked_again_later_and_in_the_end_a_person_is_told(
        self, client: Client
    ) -> None:
        with Place() as place:
            place.answers("GET /f", b"", status=503, headers={"retry-after": "600"})
            row = waiting(f"{place.url}/f")
            fetching.fetch_attachment(attachment_id=row.pk)
            row.refresh_from_db()
            _, at = jobs_waiting()[-1]
            assert at is not None
            assert at > datetime.now(UTC) + timedelta(seconds=590)
            assert row.state == "waiting"
            for _ in range(fetching.TRIES):
                fetching.fetch_attachment(attachment_id=row.pk)
        row.refresh_from_db()
        assert row.state == "failed"
        talk = row.message.conversation_id
        page = owner_client(client).get(f"/conversations/{talk}/").content.decode()
        assert "could not be fetched: The place answered 503" in page
        assert client.post(f"/attachments/{row.pk}/fetching/").status_code == 302
        row.refresh_from_db()
        assert (row.state, row.try_count) == ("waiting", 0)

    @pytest.mark.parametrize(
        ("told", "state"),
        [
            ({"status": 404}, "failed"),
            ({"body": b"x" * 101}, "too_large"),
            ({"body": b"<html>", "headers": {"content-type": "text/html"}}, "failed"),
        ],
    )
    def test_what_can_never_be_had_is_not_asked_for_again(
        self, settings: Any, told: dict[str, Any], state: str
    ) -> None:
        settings.ATTACHMENT_LIMIT_BYTES = 100
        with Place() as place:
            place.answers("GET /f", told.pop("body", b""), **told)
            row = waiting(f"{place.url}/f", content_type="image/png")
            fetching.fetch_attachment(attachment_id=row.pk)
        row.refresh_from_db()
        assert row.state == state

    def test_nothing_inside_the_house_is_asked(self) -> None:
        row = waiting("http://127.0.0.1:9/secret", box=make.inbox())
        fetching.fetch_attachment(attachment_id=row.pk)
        row.refresh_from_db()
        assert row.state == "failed"

    def test_a_channel_that_keeps_files_is_asked_itself(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[PlaceError | bytes] = [PlaceError("Slow down."), b"photo"]

        class Keeping:
            kind, title, settings, public, private = "hook", "", (), None, None

            def fetch(self, source: str, account: object) -> bytes:
                assert source == "media:7"
                said = told.pop(0)
                if isinstance(said, bytes):
                    return said
                raise said

            parse = send = may_repeat = check = fetch

        monkeypatch.setattr(fetching, "channel_of", lambda kind: Keeping())
        row = waiting("media:7")
        fetching.fetch_attachment(attachment_id=row.pk)
        fetching.fetch_attachment(attachment_id=row.pk)
        row.refresh_from_db()
        assert attachments.content(row.digest) == b"photo"


class TestTidying:
    NOW = datetime.now(UTC) + timedelta(days=10)

    def test_bytes_of_a_deleted_conversation_go_after_a_day_and_shared_ones_stay(
        self, folder: Folder
    ) -> None:
        shared, alone = with_file(), with_file(b"alone")
        with_file()
        Conversation.objects.filter(
            pk__in=[shared.message.conversation_id, alone.message.conversation_id]
        ).delete()
        assert tidying.tidy(now=self.NOW) == tidying.Tidied(noticed=1, removed=0)
        assert folder.size(alone.digest) == 5
        later = self.NOW + timedelta(days=1, seconds=1)
        assert tidying.tidy(now=later) == tidying.Tidied(noticed=0, removed=1)
        assert folder.size(alone.digest) is None
        assert folder.size(shared.digest) == 4
        assert not Unreferenced.objects.exists()

    def test_what_is_needed_again_in_the_meantime_stays(self, folder: Folder) -> None:
        row = with_file()
        row.message.conversation.delete()
        tidying.tidy(now=self.NOW)
        with_file()
        assert tidying.tidy(now=self.NOW + timedelta(days=2)).removed == 0
        assert folder.size(row.digest) == 4

    def test_young_bytes_are_left_alone(self, folder: Folder) -> None:
        folder.put(hashlib.sha256(b"x").hexdigest(), b"x")
        assert tidying.tidy(now=datetime.now(UTC)) == tidying.Tidied(0, 0)

    def test_what_is_no_digest_is_nobodys(self, folder: Folder) -> None:
        stranger = folder.folder / "ab" / "abc.txt"
        stranger.parent.mkdir(parents=True)
        stranger.write_bytes(b"x")
        tidying.tidy(now=self.NOW)
        tidying.tidy(now=self.NOW + timedelta(days=2))
        assert stranger.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_removed_while_somebody_keeps_the_same_bytes(folder: Folder) -> None:
    now = TestTidying.NOW
    row = with_file()
    row.message.conversation.delete()
    tidying.tidy(now=now)
    box = make.inbox()
    talk = make.conversation(box)
    is_put, may_commit = threading.Event(), threading.Event()

    def keep_again() -> None:
        with transaction.atomic():
            attachments.keep([(talk.messages.get().pk, File("a", "text/plain", b"soup"))])
            is_put.set()
            may_commit.wait(10)
        connection.close()

    keeper = threading.Thread(target=keep_again)
    keeper.start()
    is_put.wait(10)
    assert tidying.tidy(now=now + timedelta(days=2)).removed == 0  # its row is not to be seen yet
    may_commit.set()
    keeper.join()
    assert tidying.tidy(now=now + timedelta(days=2)).removed == 0
    assert attachments.content(row.digest) == b"soup"


class TestMoving:
    @pytest.fixture
    def other(self, tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
        """A second folder in the place of the bucket, and new files go there."""
        other = Folder(tmp_path / "other")
        monkeypatch.setattr(attachments, "store", {"folder": folder, "s3": other}.__getitem__)
        for module in (attachments, tidying):
            monkeypatch.setattr(module, "stores", lambda: (other, folder))
        return other

    def test_everything_moves_and_an_interruption_costs_nothing(
        self, folder: Folder, other: Folder
    ) -> None:
        contents = [b"%d" % n for n in range(20)]
        digests = [hashlib.sha256(content).hexdigest() for content in contents]
        for digest, content in zip(digests, contents, strict=True):
            folder.put(digest, content)

        def interrupt(moved: tidying.Moved) -> None:
            if moved.files == 7:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tidying.move(to="s3", said=interrupt)
        for digest, content in zip(digests, contents, strict=True):
            assert attachments.content(digest) == content
        assert tidying.move(to="s3").files == 13
        assert not list(folder.listed())
        assert {stored.digest for stored in other.listed()} == set(digests)

    def test_a_damaged_file_stays_and_is_named(self, folder: Folder, other: Folder) -> None:
        digest = hashlib.sha256(b"good").hexdigest()
        folder.put(digest, b"bad!")
        assert tidying.move(to="s3").damaged == (digest,)
        assert folder.size(digest) == 4
        assert other.size(digest) is None

    def test_nothing_moves_against_the_way_of_new_files(self, other: Folder) -> None:
        with pytest.raises(tidying.WrongWayError, match="HEARD_ATTACHMENTS=folder"):
            tidying.move(to="folder")


def test_missing_and_damaged_files_are_named(folder: Folder, capsys: Any) -> None:
    good, gone, bad = with_file(b"good"), with_file(b"gone"), with_file(b"fine")
    folder.remove(gone.digest)
    folder.path(bad.digest).write_bytes(b"torn")
    assert [row.pk for row in tidying.missing()] == [gone.pk]
    assert {row.pk for row in tidying.missing(is_thorough=True)} == {gone.pk, bad.pk}
    assert good.digest
    folder.put(gone.digest, b"gone")
    call_command("attachments", "check")
    assert "All attachments are there." in capsys.readouterr().out


def test_a_half_written_file_is_never_taken_for_a_whole_one(folder: Folder) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    part = folder.path(digest).with_suffix(f".{os.getpid()}-1.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"")
    assert not list(folder.listed())
    with pytest.raises(MissingError):
        folder.pieces(digest)


def test_a_reply_whose_file_is_gone_is_not_sent_without_it(folder: Folder) -> None:
    talk = make.conversation()
    reply = talk.messages.create(inbox=talk.inbox, kind="reply", text="Here.", at=make.NOON)
    [row] = attachments.keep([(reply.pk, File("menu.txt", "text/plain", b"soup"))])
    sending = Sending.objects.create(message=reply, not_before=make.NOON, updated_at=make.NOON)
    folder.remove(row.digest)
    deliver(sending_id=sending.pk)
    sending.refresh_from_db()
    assert sending.state == "failed"
    assert sending.reason == "A file of this reply is no longer in the store of attachments."
    folder.put(row.digest, b"soup")
    Sending.objects.filter(pk=sending.pk).update(state="waiting")
    deliver(sending_id=sending.pk)
    sending.refresh_from_db()
    assert sending.state == "sent"
