"""Saved answers are written, proposed, taken over, put away, and carried in and out of files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as some

from heard.events.models import Event
from heard.knowledge import carrying, saving
from heard.knowledge.models import SavedAnswer
from heard.staff.models import Place, User
from tests import make
from tests.conversations.asking import ask, browser

pytestmark = pytest.mark.django_db

LIST = reverse("settings_answers")
NEW = reverse("settings_new_answer")
HOURS = {"title": "When we open", "short": "hours", "text": "We are open {opening hours today}."}


def answer(*, by: User | None = None, **fields: Any) -> SavedAnswer:
    return saving.keep(SavedAnswer(**(HOURS | fields)), by=by, now=make.NOON)


def kept_now() -> list[tuple[Any, ...]]:
    """What is kept, but for who said it when."""
    columns = ("short", "title", "text", "language", "place", "team", "kinds")
    return list(SavedAnswer.objects.order_by("short").values_list(*columns))


def test_a_manager_writes_one_and_its_gaps_get_their_names() -> None:
    ann = make.manager()
    said = HOURS | {"short": "/hours", "text": "Hi {{contact.name}},\r\nopen {hours today}."}
    assert browser(ann).post(NEW, said).status_code == 302
    kept = SavedAnswer.objects.get()
    assert (kept.short, kept.said_by) == ("hours", ann)
    assert kept.text == "Hi {contact name},\nopen {opening hours today}."
    assert Event.objects.get(name="answer.kept").data == {"short": "hours"}
    assert "When we open" in browser(ann).get(LIST).content.decode()


def test_each_wording_is_remembered_with_who_said_it() -> None:
    ann, bo = make.manager(name="Ann Lee"), make.manager(name="Bo Lind")
    row = answer(by=ann)
    again = HOURS | {"text": "We open at nine."}
    browser(bo).post(reverse("settings_answer", args=[row.pk]), again)
    browser(bo).post(reverse("settings_answer", args=[row.pk]), again | {"language": "en"})
    said = [(it.by, it.text) for it in row.wordings.order_by("pk")]
    assert said == [(ann, HOURS["text"]), (bo, "We open at nine.")]
    page = browser(bo).get(reverse("settings_answer", args=[row.pk])).content.decode()
    assert "What it said before" in page
    assert "Ann Lee" in page


def test_a_short_name_is_taken_once_in_its_scope() -> None:
    answer()
    client = browser(make.owner())
    page = client.post(NEW, HOURS | {"short": "HOURS"})
    assert page.status_code == 422
    assert "taken already" in page.content.decode()
    assert client.post(NEW, HOURS | {"language": "de"}).status_code == 302


def test_what_was_put_away_stays_and_can_come_back_while_its_name_is_free() -> None:
    row, client = answer(), browser(make.owner())
    address = reverse("settings_answer_archive", args=[row.pk])
    client.post(address)
    assert not SavedAnswer.objects.in_use().exists()
    assert "When we open" in client.get(f"{LIST}?away=1").content.decode()
    other = answer()
    client.post(address)
    assert not SavedAnswer.objects.in_use().filter(pk=row.pk).exists()
    saving.put_away(other, by=None, now=make.NOON)
    client.post(address)
    assert SavedAnswer.objects.in_use().get() == row


def test_a_team_keeps_its_answers_to_itself() -> None:
    mine, theirs = make.team(), make.team()
    row = answer(team=theirs)
    manager = make.manager(teams=(mine,))
    client = browser(manager)
    assert "When we open" not in client.get(LIST).content.decode()
    assert client.get(reverse("settings_answer", args=[row.pk])).status_code == 404
    assert client.post(reverse("settings_answer_archive", args=[row.pk])).status_code == 404
    assert client.post(NEW, HOURS | {"team": theirs.pk}).status_code == 422
    assert "When we open" in browser(make.owner()).get(LIST).content.decode()
    assert (
        b"When we open" not in client.get(reverse("settings_answers_file", args=["csv"])).getvalue()
    )


def test_agents_do_not_write_them() -> None:
    row, client = answer(), browser(make.user())
    for address in (LIST, NEW, reverse("settings_answer", args=[row.pk])):
        assert client.get(address).status_code == 403


def test_how_it_would_read_is_tried_on_a_real_conversation() -> None:
    opened = ask(make.inbox(), sender_name="Mira Sand")
    client = browser(make.owner())
    address = reverse("settings_try_answer")
    said = {"text": "Hi {contact name}, {day ticket}", "conversation": opened.pk}
    page = client.post(address, said).content.decode()
    assert "Hi Mira, {day ticket}" in page
    assert "Not known there: day ticket" in page
    hidden = ask(make.inbox(teams=(make.team(),)))
    manager = browser(make.manager())
    assert manager.post(address, said | {"conversation": hidden.pk}).status_code == 404


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_goes_out_comes_in_again_as_it_was(form: str) -> None:
    place = Place.objects.create(name="Harbour")
    answer(place=place, language="en", kinds=["email", "widget"], team=make.team(name="Shop"))
    answer(short="formula", title="=SUM(A1)", text="-1 is\n“odd”, {order}")
    client = browser(make.owner())
    written = client.get(reverse("settings_answers_file", args=[form])).getvalue()
    before = kept_now()
    SavedAnswer.objects.all().delete()
    file = SimpleUploadedFile(f"answers.{form}", written)
    assert client.post(reverse("settings_import_answers"), {"file": file}).status_code == 302
    after = kept_now()
    assert after == before
    again = carrying.bring_in(carrying.read(written.decode()), by=None, now=make.NOON)
    assert again == carrying.Carried(same=2)


def test_files_of_other_programs_are_read() -> None:
    canned = '[{"short_code": "hello", "content": "Hi {{contact.name}}!"}]'
    macros = json.dumps(
        {
            "macros": [
                {
                    "title": "Refund::On its way",
                    "actions": [
                        {"field": "status", "value": "solved"},
                        {
                            "field": "comment_value",
                            "value": "Dear {{ticket.requester.first_name}}, done.",
                        },
                    ],
                }
            ]
        }
    )
    for file in (canned, macros, "Name;Body\nThanks;Thank you, {{ current_user.name }}\n"):
        assert carrying.bring_in(carrying.read(file), by=None, now=make.NOON).added == 1
    said = dict(SavedAnswer.objects.values_list("short", "text"))
    assert said["hello"] == "Hi {contact name}!"
    assert said["refund-on-its"] == "Dear {contact name}, done."
    assert said["thanks"] == "Thank you, {agent name}"


def test_a_row_that_cannot_be_kept_is_said_and_the_others_are_kept() -> None:
    rows = "short,title,text,place\na,A,Yes,Nowhere\nb,B,,\nc d!,C,No,\nd,D,Fine,\n"
    file = SimpleUploadedFile("answers.csv", rows.encode())
    page = browser(make.owner()).post(reverse("settings_import_answers"), {"file": file})
    assert page.status_code == 422
    assert SavedAnswer.objects.get().short == "d"
    for words in ("Row 1: there is no place “Nowhere”", "Row 2:", "Row 3:"):
        assert words in page.content.decode()


@pytest.mark.parametrize("content", ["", "[1]", "{", "title,short\nA,a\n", '"'])
def test_a_file_of_something_else_is_refused(content: str) -> None:
    with pytest.raises(carrying.UnreadableError):
        carrying.read(content)


@given(content=some.text())
def test_no_file_is_too_odd_to_be_told_so(content: str) -> None:
    try:
        rows = carrying.read(content)
    except carrying.UnreadableError:
        return
    assert all(set(row) == set(carrying.COLUMNS) for row in rows)


def test_the_command_lists_carries_out_and_in(tmp_path: Path) -> None:
    answer(language="en")
    told, written = io.StringIO(), io.StringIO()
    call_command("answers", "list", stdout=told)
    assert "/hours  When we open  (en; used 0 times)" in told.getvalue()
    call_command("answers", "export", "--json", stdout=written)
    file = tmp_path / "answers.json"
    file.write_text(written.getvalue().replace("We are", "We will be"))
    told = io.StringIO()
    call_command("answers", "import", str(file), stdout=told)
    assert "0 new, 1 changed, 0 as they were." in told.getvalue()
    file.write_text('[{"short": "x", "title": "X"}]')
    with pytest.raises(CommandError, match="1 could not"):
        call_command("answers", "import", str(file), stdout=told, stderr=told)
