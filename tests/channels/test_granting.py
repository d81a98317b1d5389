"""Signing in by OAuth 2, against a real provider: a person, its pages, a code, a lasting key."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from heard.channels import granting
from heard.channels.base import Account, PlaceError
from heard.channels.email import oauth
from tests.journeys.browser import browsing, chromium
from tests.servers import running


def mailbox(**settings: str) -> Account:
    about = {"address": "care@shop.example", "client_id": "app", **settings}
    return Account("Mail", settings=about, secrets={"client_secret": "hush"}, allow_private=True)


def test_the_way_to_each_vendor_has_what_its_documents_ask_for() -> None:
    for vendor, host, wanted in (
        ("google", "accounts.google.com", {"access_type": "offline", "prompt": "consent"}),
        ("microsoft", "login.microsoftonline.com", {}),
    ):
        grant = oauth.grant(mailbox(sign_in=vendor))
        assert grant is not None
        way = urlsplit(
            granting.way_of(grant, redirect="https://h.example/b", state="s", verifier="v")
        )
        asked = {name: values[0] for name, values in parse_qs(way.query).items()}
        assert way.hostname == host
        assert asked["response_type"] == "code"
        assert asked["login_hint"] == "care@shop.example"
        assert asked["code_challenge_method"] == "S256"
        assert wanted.items() <= asked.items()
    assert oauth.grant(mailbox()) is None
    with pytest.raises(PlaceError, match="client ID"):
        oauth.grant(mailbox(sign_in="google", client_id=""))


@pytest.mark.journey
@pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium")
def test_a_person_signs_in_at_a_real_provider_and_its_key_lasts() -> None:
    sso = running("sso")
    account = Account(
        "Mail",
        settings={
            "address": "agent@care.test",
            "sign_in": "microsoft",
            "client_id": sso["CLIENT_ID"],
            "authorize_url": f"{sso['URL']}/oauth/authorize",
            "token_url": f"{sso['URL']}/oauth/token",
        },
        secrets={"client_secret": sso["CLIENT_SECRET"]},
        allow_private=True,
    )
    grant = oauth.grant(account)
    assert grant is not None
    # This provider knows no rights of a mailbox, and wants the client's words in the header.
    grant = replace(grant, scope="openid profile", is_basic=True, more={"nonce": "n0nce"})
    verifier = granting.new_verifier()
    back = sso["REDIRECT_URI"]
    way = granting.way_of(grant, redirect=back, state="st4te", verifier=verifier)
    with browsing() as browser:
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.route(f"{back}*", lambda route: route.fulfill(body="You are back."))
        page.goto(way)
        page.locator("input[name=login]").fill(sso["USER"])
        page.locator("[type=submit]").last.click()
        page.locator("input[name=password]").fill(sso["PASSWORD"])
        page.locator("[type=submit]").last.click()
        consent = page.locator("button[value=accept]")  # asked for once, then remembered
        consent.or_(page.get_by_text("You are back.")).first.wait_for()
        if consent.is_visible():
            consent.click()
        page.wait_for_url(f"{back}*")
        came = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert came["state"] == "st4te"

    def key(code: str, verifier: str) -> str:
        return granting.refresh_token(
            grant, code=code, redirect=back, verifier=verifier, account=account
        )

    with pytest.raises(PlaceError):
        key(came["code"], "somebody-else-who-saw-the-code-in-the-address")
    lasting = key(came["code"], verifier)
    assert lasting
    with pytest.raises(PlaceError):
        key(came["code"], verifier)
