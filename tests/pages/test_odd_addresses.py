"""Addresses that people and programs make up get a page or a plain no, never a fault."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import make

pytestmark = pytest.mark.django_db

ODD = (
    "/figures/responses/?until=9999-12-31",
    "/figures/avoid/?since=0001-01-01&until=9999-12-31",
    "/figures/responses/?until=0001-01-01",
    "/search/?q=x&until=9999-12-31",
    "/search/?q=x&since=0001-01-01",
    "/settings/journal/?before=²",
    "/settings/journal/?before=99999999999999999999999999",
    "/inbox/closing/?after=x",
    "/settings/inboxes/new/nowhere/",
)


@pytest.mark.parametrize("address", ODD)
def test_an_odd_address_is_no_fault(client: Client, address: str) -> None:
    make.conversation()
    client.force_login(make.owner())
    assert client.get(address).status_code in {200, 302, 404, 422}
