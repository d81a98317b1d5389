"""Every page stands in the same frame: nothing inline runs, and everybody can read it."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from heard.channels.registry import kinds
from heard.conversations.models import Delivery
from heard.lib.pages import hue, initials
from heard.staff.models import User
from tests import make

TEMPLATES = sorted((settings.HERE / "templates").rglob("*.html"))
CSS = (settings.HERE / "static" / "heard.css").read_text()

FOR_ALL = [
    "settings_profile", "settings_keys", "mfa_index", "mfa_list_webauthn", "usersessions_list",
]  # fmt: skip
FOR_LEADS = [
    "settings_people", "settings_invite", "settings_house", "settings_new_brand",
    "settings_new_place", "settings_teams", "settings_new_team", "settings_inboxes",
    "settings_policies", "settings_new_policy", "settings_hours", "settings_new_hours",
    "settings_aside",
]  # fmt: skip
FOR_STRANGERS = [
    "account_login", "account_request_login_code", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key_done", "account_signup",
    "account_inactive",
]  # fmt: skip
INLINE = re.compile(r"<script(?![^>]*(?:\bsrc=|type=\"application/json\"))|\son[a-z]+=|javascript:")


def whole(page: str) -> bool:
    """Whether this is our page: one heading, a main part, and nothing inline that would run."""
    assert not INLINE.search(page)
    assert page.count("<h1") == 1
    return 'id="main"' in page and "</html>" in page


@pytest.mark.django_db
@pytest.mark.parametrize("name", FOR_STRANGERS)
def test_pages_of_the_door_stand_for_strangers(client: Client, name: str) -> None:
    make.owner()
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert whole(answer.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["owner", "manager", "agent"])
@pytest.mark.parametrize("name", [*FOR_ALL, *FOR_LEADS])
def test_settings_open_for_their_roles_and_no_other(client: Client, role: str, name: str) -> None:
    assert client.get(reverse(name)).status_code == 302
    client.force_login(make.user(role))
    answer = client.get(reverse(name))
    may = role != "agent" or name in FOR_ALL
    assert answer.status_code == (200 if may else 403)
    assert whole(answer.content.decode())


@pytest.mark.django_db
def test_pages_of_one_row_stand(client: Client) -> None:
    client.force_login(make.owner())
    hours = make.hours(timezone="Europe/Berlin", week=[[["09:00", "17:00"]]] * 7, country="DE")
    page_inbox, hook_inbox, old = (
        make.inbox(hours=hours),
        make.inbox(kind="hook"),
        make.inbox(kind="x"),
    )
    addresses = [
        reverse("settings_person", args=[make.user().pk]),
        reverse("settings_person", args=[make.user(is_active=False).pk]),
        reverse("settings_team", args=[make.team().pk]),
        reverse("settings_policy", args=[make.policy(resolution_minutes=600).pk]),
        reverse("settings_one_hours", args=[hours.pk]),
        *(reverse("settings_inbox", args=[row.pk]) for row in (page_inbox, hook_inbox, old)),
        *(reverse("settings_new_inbox", args=[kind]) for kind in ("contact_page", "hook")),
        reverse("settings_inboxes"),
        reverse("settings_hours"),
        reverse("settings_policies"),
    ]
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert whole(answer.content.decode()), address


@pytest.mark.django_db
def test_accounts_are_changed_on_pages_of_ours(client: Client) -> None:
    ann = make.owner(password="a sentence of hers")
    client.post(reverse("account_login"), {"login": ann.email, "password": "a sentence of hers"})
    proof = client.get(reverse("mfa_activate_totp"), follow=True)
    assert "Is it still you?" in proof.content.decode()
    path = reverse("account_reauthenticate")
    client.post(path, {"password": "a sentence of hers"})
    names = [
        "mfa_activate_totp", "mfa_add_webauthn", "account_change_password", "account_logout",
    ]  # fmt: skip
    for name in names:
        answer = client.get(reverse(name))
        assert answer.status_code == 200, name
        assert whole(answer.content.decode()), name


@pytest.mark.django_db
def test_what_is_missing_and_what_is_forbidden_is_said_kindly(client: Client) -> None:
    client.force_login(make.user())
    missing = client.get("/no/such/page/")
    assert missing.status_code == 404
    assert "Not on the menu" in missing.content.decode()
    assert "Not your station" in client.get(reverse("settings_people")).content.decode()
    strict = Client(enforce_csrf_checks=True)
    old = strict.post(reverse("account_login"))
    assert old.status_code == 403
    assert "That page was too old" in old.content.decode()


def test_a_mistake_of_ours_is_confessed_without_help_of_anything() -> None:
    from django.template.loader import get_template

    page = get_template("500.html").render()
    assert "Something burnt" in page
    assert whole(page.replace("<main", '<main id="main"'))


@pytest.mark.django_db
def test_the_rail_offers_settings_and_knows_where_one_is(client: Client) -> None:
    client.force_login(make.owner())
    for name in ("settings_people", "mfa_index"):
        page = client.get(reverse(name)).content.decode()
        assert re.search(r'href="/settings/" aria-current="page"', page)


@pytest.mark.django_db
def test_light_or_dark_is_painted_as_chosen(client: Client) -> None:
    make.owner()
    assert (
        "data-theme" not in client.get(reverse("account_login")).content.decode().split("<head")[0]
    )
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get(reverse("account_login")).content.decode()
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in client.get(reverse("account_login")).content.decode()


@pytest.mark.django_db
def test_what_people_type_is_shown_and_never_run(client: Client) -> None:
    client.force_login(make.owner(name="<script>alert(1)</script>"))
    make.inbox(name='"><img onerror=x>')
    row = Delivery(inbox=make.inbox(), received_at=make.NOON, body=b"<script>x</script>\x00\xff")
    row.state = Delivery.State.SET_ASIDE
    row.save()
    for name in ("settings_people", "settings_inboxes", "settings_aside"):
        assert whole(client.get(reverse(name)).content.decode().replace("onerror=x&gt;", ""))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_sign_that_a_page_shows_is_drawn(path: Path) -> None:
    sprite = (settings.HERE / "static" / "icons.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    assert set(re.findall(r'\bicon\("([a-z-]+)"[,)]', path.read_text())) <= drawn


def test_every_place_of_the_channels_has_its_sign() -> None:
    macros = (settings.HERE / "templates" / "_macros.html").read_text()
    names = re.search(r"channel_names = \{(.*?)\}", macros, re.DOTALL)
    assert names is not None
    sprite = (settings.HERE / "static" / "icons.svg").read_text()
    signs = re.search(r"channel_signs = \{(.*?)\}", macros, re.DOTALL)
    assert signs is not None
    stands_for = dict(re.findall(r'"([a-z_]+)": "([a-z_]+)"', signs[1]))
    for kind in [*re.findall(r'"([a-z_]+)":', names[1]), "other"]:
        assert f'id="ch-{stands_for.get(kind, kind)}"' in sprite
    assert set(kinds()) <= set(re.findall(r'"([a-z_]+)":', names[1]))


def test_everything_that_a_page_loads_is_in_the_house() -> None:
    for name in ("heard.css", "heard.js", "icons.svg", "mark.svg", "django_htmx/htmx-2.min.js"):
        assert finders.find(name), name
    assert "http" not in re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)


def shades(name: str) -> tuple[str, str]:
    found = re.search(rf"--{name}: light-dark\((#[0-9a-f]{{6}}), (#[0-9a-f]{{6}})\)", CSS)
    assert found is not None, name
    return found[1], found[2]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


SURFACES = ("paper", "cloth", "linen", "wash", "red-wash")
INKS = ("ink", "ink-soft", "ink-faint", "brass", "red")


@pytest.mark.parametrize(
    ("ink", "surface", "least"),
    [
        *((ink, surface, 4.5) for ink, surface in product(INKS, SURFACES)),
        ("on-saffron", "saffron", 4.5),
        ("on-red", "red", 4.5),
        ("edge", "paper", 3.0),
        ("edge", "cloth", 3.0),
    ],
)
def test_every_ink_reads_on_every_surface_in_light_and_dark(
    ink: str, surface: str, least: float
) -> None:
    for front, back in zip(shades(ink), shades(surface), strict=True):
        assert contrast(front, back) >= least


@given(st.text(max_size=40))
def test_every_name_has_initials_and_a_colour(name: str) -> None:
    assert 1 <= len(initials(name)) <= 6
    assert 0 <= hue(name) <= 7
    assert hue(name) == hue(name)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lindqvist", "AL"), ("Ada van der Berg", "AB"), ("Bo", "B"), ("ann@x.example", "A"),
     ("", "?"), ("  ", "?"), ("@@@", "?"), ("Élise O'Neil", "ÉO"), ("\U0001f600 Kim", "K")],
)  # fmt: skip
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.django_db
def test_nobody_is_shown_a_page_of_a_person_who_has_gone(client: Client) -> None:
    client.force_login(make.owner())
    gone = make.user()
    User.objects.filter(pk=gone.pk).delete()
    assert client.get(reverse("settings_person", args=[gone.pk])).status_code == 404
