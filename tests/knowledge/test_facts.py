"""Facts of the house are kept, found, changed, and carried in and out as a sheet."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from heard.events.models import Event
from heard.knowledge.models import HouseFact
from heard.knowledge.sheets import MOST_LINES, SheetError, lines_of, sheet_of
from heard.staff.models import Place
from tests import make

FACTS = reverse("settings_facts")


def fact(**fields: Any) -> HouseFact:
    fields = {"subject": "Day ticket", "value": "€ 12.50", "said_at": make.NOON, **fields}
    return HouseFact.objects.create(**fields)


def sheet(text: str) -> dict[str, SimpleUploadedFile]:
    return {"sheet": SimpleUploadedFile("facts.csv", text.encode())}


@pytest.mark.django_db
def test_a_fact_is_kept_in_the_name_of_who_said_it(client: Client) -> None:
    ann = make.manager()
    client.force_login(ann)
    assert "Nothing is written down yet" in client.get(FACTS).content.decode()
    said = {"subject": "Parking", "value": "behind the house, free", "language": "EN"}
    assert client.post(reverse("settings_new_fact"), said).status_code == 302
    kept = HouseFact.objects.get()
    assert (kept.said_by, kept.language) == (ann, "en")
    assert Event.objects.get(name="housefact.added").actor_id == ann.pk
    page = client.get(FACTS).content.decode()
    assert "behind the house, free" in page
    assert ann.name in page


@pytest.mark.django_db
def test_a_changed_fact_is_said_anew_and_a_removed_one_is_gone(client: Client) -> None:
    client.force_login(bo := make.manager())
    row = fact()
    client.post(reverse("settings_fact", args=[row.pk]), {"subject": "Day ticket", "value": "€ 14"})
    row.refresh_from_db()
    assert (row.value, row.said_by) == ("€ 14", bo)
    client.post(reverse("settings_fact", args=[row.pk]), {"remove": "1"})
    assert not HouseFact.objects.exists()
    assert Event.objects.get(name="housefact.removed").data == {"name": "Day ticket: € 14"}


@pytest.mark.django_db
def test_one_subject_has_one_fact_in_each_scope(client: Client) -> None:
    client.force_login(make.manager())
    fact()
    again = {"subject": "day TICKET", "value": "€ 9"}
    page = client.post(reverse("settings_new_fact"), again)
    assert page.status_code == 422
    assert "about this already" in page.content.decode()
    harbour = Place.objects.create(name="Harbour")
    client.post(reverse("settings_new_fact"), {**again, "place": harbour.pk})
    assert HouseFact.objects.count() == 2


@pytest.mark.django_db
def test_agents_do_not_change_what_is_so(client: Client) -> None:
    client.force_login(make.user())
    for name in ("settings_facts", "settings_new_fact", "settings_facts_csv"):
        assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse("settings_import_facts")).status_code == 403


@pytest.mark.django_db
def test_facts_are_found_by_their_words_and_the_old_ones_marked(client: Client) -> None:
    client.force_login(make.manager())
    fact(words="entry, admission", valid_until=date(2020, 1, 1))
    fact(subject="Parking", value="free")
    page = client.get(FACTS, {"q": "admission"}).content.decode()
    assert "Day ticket" in page
    assert "Parking" not in page
    assert "out of date" in page
    assert "No fact has these words" in client.get(FACTS, {"q": "xyz"}).content.decode()


@pytest.mark.django_db
def test_the_page_asks_the_same_however_many_facts(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make.manager())
    place = Place.objects.create(name="Harbour", brand=make.brand())
    for number in range(30):
        fact(subject=f"Subject {number}", place=place, said_by=make.user())
    with django_assert_max_num_queries(5):
        client.get(FACTS)


@pytest.mark.django_db
def test_what_holds_here_today_is_the_houses_the_brands_and_the_places() -> None:
    maple, oak = make.brand(), make.brand()
    harbour = Place.objects.create(name="Harbour", brand=maple)
    fact(subject="everywhere")
    fact(subject="maple", brand=maple)
    fact(subject="oak", brand=oak)
    fact(subject="harbour", place=harbour)
    fact(subject="over", valid_until=date(2026, 3, 3))
    fact(subject="last day", valid_until=date(2026, 3, 4))
    here = HouseFact.objects.about(brand_id=maple.pk, place_id=harbour.pk)
    found = set(here.valid_on(date(2026, 3, 4)).values_list("subject", flat=True))
    assert found == {"everywhere", "maple", "harbour", "last day"}


@pytest.mark.django_db
def test_a_sheet_brings_new_facts_and_changes_known_ones(client: Client) -> None:
    client.force_login(ann := make.manager())
    Place.objects.create(name="Harbour")
    fact()
    fact(subject="Wifi", value="free")
    page = client.post(
        reverse("settings_import_facts"),
        sheet(
            "Subject;Value;Place;Valid until\nday ticket;€ 14;;\nWifi;free\n"
            "Parking;€ 3 an hour;harbour;2027-01-31\n;;;\n"
        ),
        follow=True,
    )
    assert "1 new, 1 changed, 1 as they were" in page.content.decode()
    assert HouseFact.objects.get(subject="day ticket").value == "€ 14"
    parking = HouseFact.objects.get(subject="Parking")
    assert parking.place is not None
    assert (parking.valid_until, parking.said_by) == (date(2027, 1, 31), ann)
    written = Event.objects.get(name="housefact.imported")
    assert written.data == {"new": 1, "changed": 1, "same": 1}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "subject and value are needed"),
        ("subject,price\na,b", "subject and value are needed"),
        ("subject,value\nWifi,", "Line 2: subject and value"),
        ("subject,value,place\nWifi,free,Moon", "Line 2: no place is called Moon"),
        ("subject,value,brand\nWifi,free,Moon", "Line 2: no brand is called Moon"),
        ("subject,value,language\nWifi,free,english", "is no language"),
        ("subject,value,valid_until\nWifi,free,soon", "is no day"),
        ("subject,value\nWifi,free\nwifi,€ 5", "Line 3: wifi stands there twice"),
        (f"subject,value\n{'w' * 200},free", "is too long"),
        ("subject,value\n" + "a,b\n" * (MOST_LINES + 1), "too long"),
        ("subject,value\n" + "\n".join(f"w{n}," for n in range(30)), "And 20 more lines"),
    ],
)
def test_a_sheet_with_a_fault_is_left_alone_and_says_where(
    client: Client, text: str, why: str
) -> None:
    client.force_login(make.manager())
    page = client.post(reverse("settings_import_facts"), sheet("subject,value\nPhone,1"))
    page = client.post(reverse("settings_import_facts"), sheet(text))
    assert page.status_code == 422
    assert why in page.content.decode()
    assert HouseFact.objects.count() == 1


@pytest.mark.django_db
def test_what_goes_out_comes_back_the_same(client: Client) -> None:
    client.force_login(make.manager())
    maple = make.brand(name="Maple")
    fact(subject="Phone", value="+44 20 7946 0000", words='hotline, "help, line"', brand=maple)
    fact(subject="=1+1", value="'quoted", language="de", valid_until=date(2027, 1, 1))
    response = client.get(reverse("settings_facts_csv"))
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert [row[0] for row in csv.reader(StringIO(text))] == ["subject", "'=1+1", "Phone"]
    page = client.post(reverse("settings_import_facts"), sheet(text), follow=True)
    assert "0 new, 0 changed, 2 as they were" in page.content.decode()


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda t: f"subject,value\n{t}".encode())
)
def test_any_bytes_are_lines_or_a_sentence(raw: bytes) -> None:
    try:
        lines = lines_of(raw)
    except SheetError:
        return
    assert all(line.subject and line.value for line in lines)


CELLS = (
    st.text(min_size=1, max_size=40)
    .map(str.strip)
    .filter(lambda text: text and "\r" not in text and "\0" not in text)
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_a_sheet_is_read_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    facts = [HouseFact(subject=subject, value=value) for subject, value in pairs]
    lines = lines_of("".join(sheet_of(facts)).encode("utf-8", "surrogatepass"))
    assert [(line.subject, line.value) for line in lines] == pairs
