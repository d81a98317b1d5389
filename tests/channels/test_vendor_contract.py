"""What every vendor's channel must do, whoever the vendor is. The rows are in `vendors.py`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from heard.channels import registry
from heard.channels.base import (
    Acted,
    Confirmed,
    Deleted,
    Edited,
    Fetching,
    Hooked,
    Incoming,
    Kind,
    NotUnderstoodError,
    PlaceError,
    Polled,
    RefusedError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import (
    NOW,
    VENDORS,
    Vendor,
    as_bytes,
    delivered,
    salted,
    shaken,
)

DOCS = Path(__file__).parents[2] / "docs" / "channels"
every = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.kind)
signed = pytest.mark.parametrize(
    "vendor", [v for v in VENDORS if v.sign], ids=lambda vendor: vendor.kind
)


def channel(vendor: Vendor) -> Any:
    found = registry.channel_of(vendor.kind)
    assert found is not None
    return found


def heard(vendor: Vendor, body: bytes) -> list[Any]:
    return list(channel(vendor).parse(delivered(body), vendor.account()))


def headers(vendor: Vendor, body: bytes) -> dict[str, str]:
    assert vendor.sign is not None
    return dict(vendor.sign(body, NOW))


@every
def test_it_keeps_to_the_contract_and_has_its_page(vendor: Vendor) -> None:
    module = channel(vendor)
    assert isinstance(module, Hooked | Polled)
    sides = [side for side in (module.public, module.private) if side is not None]
    assert sides
    assert isinstance(module, Acted) == any(side.acts for side in sides)
    assert module.kind == vendor.kind
    page = (DOCS / f"{vendor.kind}.md").read_text().lower()
    assert "not yet run against the live service" in page
    for setting in module.settings:
        assert setting.label
        assert (setting.name in vendor.secrets) <= setting.is_secret


@signed
def test_a_good_signature_passes(vendor: Vendor) -> None:
    for path in vendor.payloads():
        body = path.read_bytes()
        channel(vendor).authenticate(
            delivered(body, headers=headers(vendor, body)), vendor.account()
        )


@signed
def test_a_delivery_is_confirmed_with_the_200_that_vendors_wait_for(vendor: Vendor) -> None:
    module = channel(vendor)
    assert isinstance(module, Confirmed)
    assert module.confirm(delivered(b"{}"), vendor.account()).status == 200


@signed
def test_a_signature_over_other_bytes_is_refused(vendor: Vendor) -> None:
    body = vendor.body(vendor.message)
    if not vendor.is_over_bytes:
        pytest.skip("the vendor sends a secret, not a signature")
    with pytest.raises(RefusedError):
        channel(vendor).authenticate(
            delivered(body + b" ", headers=headers(vendor, body)), vendor.account()
        )


@signed
@pytest.mark.parametrize("wrong", ["", "sha256=", "x", "é", "t=1,s=2", "sha256=" + "0" * 64])
def test_a_bad_or_missing_signature_is_refused(vendor: Vendor, wrong: str) -> None:
    body = vendor.body(vendor.message)
    good = headers(vendor, body)
    for given in (
        {**good, vendor.proof: wrong},
        {k: v for k, v in good.items() if k != vendor.proof},
    ):
        with pytest.raises(RefusedError):
            channel(vendor).authenticate(delivered(body, headers=given), vendor.account())


@signed
def test_nothing_passes_an_inbox_without_its_secret(vendor: Vendor) -> None:
    body = vendor.body(vendor.message)
    account = replace(vendor.account(), secret="", secrets={})
    with pytest.raises(RefusedError):
        channel(vendor).authenticate(delivered(body, headers=headers(vendor, body)), account)


@pytest.mark.parametrize("vendor", [v for v in VENDORS if v.is_dated], ids=lambda v: v.kind)
def test_an_old_delivery_is_not_taken_again(vendor: Vendor) -> None:
    body = vendor.body(vendor.message)
    late = delivered(body, headers=headers(vendor, body), at=NOW + timedelta(minutes=11))
    with pytest.raises(RefusedError):
        channel(vendor).authenticate(late, vendor.account())


@every
def test_a_message_is_heard(vendor: Vendor) -> None:
    said = heard(vendor, vendor.body(vendor.message))
    [message] = [one for one in said if isinstance(one, Incoming)]
    assert (message.external_id, message.kind) == (vendor.heard_as, Kind.INCOMING)
    assert message.text
    assert message.sender
    assert message.at <= NOW
    assert message.at.tzinfo is not None


@every
def test_delivered_twice_and_in_any_order_it_says_the_same(vendor: Vendor) -> None:
    bodies = [path.read_bytes() for path in vendor.payloads()]
    forth = [heard(vendor, body) for body in bodies]
    back = [heard(vendor, body) for body in reversed(bodies)]
    assert forth == list(reversed(back))
    for said in forth:
        named = [one.external_id for one in said if isinstance(one, Incoming)]
        assert len(named) == len(set(named))


@every
def test_what_our_side_said_comes_back_under_the_id_that_sending_answered(vendor: Vendor) -> None:
    if vendor.echo is None:
        pytest.skip("the vendor does not tell us our own words")
    [reply] = [
        one
        for one in heard(vendor, vendor.body(vendor.echo))
        if isinstance(one, Incoming) and one.kind is Kind.REPLY
    ]
    assert reply.external_id == vendor.sent_as


@every
def test_an_edit_is_followed(vendor: Vendor) -> None:
    if vendor.edited is None:
        pytest.skip("the vendor does not tell of edits")
    said = heard(vendor, vendor.body(vendor.edited))
    assert (vendor.changed_as or vendor.heard_as) in {
        one.external_id for one in said if isinstance(one, Edited) and one.text
    }


@every
def test_what_is_taken_back_is_followed(vendor: Vendor) -> None:
    if vendor.deleted is None:
        pytest.skip("the vendor does not tell of what is taken back")
    said = heard(vendor, vendor.body(vendor.deleted))
    assert (vendor.deleted_as or vendor.changed_as or vendor.heard_as) in {
        one.external_id for one in said if isinstance(one, Deleted)
    }


@every
def test_fields_of_tomorrow_change_nothing(vendor: Vendor) -> None:
    for path in vendor.payloads():
        value = json.loads(path.read_bytes())
        plain, strange = heard(vendor, as_bytes(value)), heard(vendor, as_bytes(salted(value)))
        assert [_without_raw(one) for one in strange] == [_without_raw(one) for one in plain]


def _without_raw(one: Any) -> Any:
    return replace(one, raw="") if isinstance(one, SetAside) else one


@every
def test_a_body_that_breaks_off_is_not_understood(vendor: Vendor) -> None:
    for path in vendor.payloads():
        body = path.read_bytes().rstrip()
        for cut in (0, 1, len(body) // 2, len(body) - 1):
            with pytest.raises(NotUnderstoodError):
                heard(vendor, body[:cut])
    for other in (b"[]", b"7", b"null", b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(NotUnderstoodError):
            heard(vendor, other)


@every
def test_anything_of_the_wrong_shape_is_set_aside_or_not_understood(vendor: Vendor) -> None:
    for path in vendor.payloads():
        for value in shaken(json.loads(path.read_bytes())):
            try:
                said = heard(vendor, as_bytes(value))
            except NotUnderstoodError:
                continue
            for one in said:
                if isinstance(one, SetAside):
                    assert one.reason
                elif isinstance(one, Incoming):
                    assert 0 < len(one.external_id) <= 300
                    assert isinstance(one.text, str)
                    assert one.sender
                    assert one.at <= NOW


@every
def test_a_reply_is_handed_over_once(vendor: Vendor) -> None:
    with Place() as place:
        vendor.prepares(place)
        place.answers(vendor.call, vendor.taken)
        receipt = channel(vendor).send(vendor.reply, vendor.account(api_url=place.url))
    assert (receipt.state, receipt.external_id) == (SendState.SENT, vendor.sent_as)
    calls = [f"{one.method} {one.path}" for one in place.asked]
    assert calls.count(vendor.call) == 1
    sent = b"".join(one.body for one in place.asked).decode(errors="replace")
    assert vendor.reply.text in sent or vendor.reply.text in unquote_plus(sent)


@every
def test_a_place_that_asks_to_slow_down_is_heeded(vendor: Vendor) -> None:
    said = vendor.limited
    with Place() as place:
        vendor.prepares(place)
        for call in (vendor.call, vendor.checks):
            place.answers(call, said.body, status=said.status, headers=said.headers)
        receipt = channel(vendor).send(vendor.reply, vendor.account(api_url=place.url))
        with pytest.raises(PlaceError) as trouble:
            channel(vendor).check(vendor.account(api_url=place.url))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)
    assert receipt.retry_after_seconds == vendor.wait_seconds
    assert trouble.value.retry_after_seconds == vendor.wait_seconds
    assert not trouble.value.needs_person


@every
def test_credentials_that_ended_need_a_person(vendor: Vendor) -> None:
    said = vendor.expired
    with Place() as place:
        vendor.prepares(place)
        place.answers(vendor.call, said.body, status=said.status)
        place.answers(vendor.checks, said.body, status=said.status)
        receipt = channel(vendor).send(vendor.reply, vendor.account(api_url=place.url))
        with pytest.raises(PlaceError) as trouble:
            channel(vendor).check(vendor.account(api_url=place.url))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
    assert len(receipt.reason.split()) > 3
    assert trouble.value.needs_person


@every
def test_a_line_that_breaks_leaves_it_open_whether_it_was_said(vendor: Vendor) -> None:
    with Place() as place:
        vendor.prepares(place)
        place.breaks_off(vendor.call)
        receipt = channel(vendor).send(vendor.reply, vendor.account(api_url=place.url))
    assert receipt.state is SendState.UNKNOWN
    assert receipt.reason


@every
def test_a_place_that_nobody_reaches_is_tried_again(vendor: Vendor) -> None:
    with Place() as place:
        address = place.url
    receipt = channel(vendor).send(vendor.reply, vendor.account(api_url=address))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)


@every
def test_a_text_that_is_too_long_is_refused_before_it_leaves(vendor: Vendor) -> None:
    module = channel(vendor)
    side = module.public or module.private
    with Place() as place:
        long = replace(vendor.reply, text="x" * ((side.length or 100_000) + 1))
        receipt = module.send(long, vendor.account(api_url=place.url))
    assert (receipt.state, receipt.is_final, place.asked) == (SendState.FAILED, True, [])


@every
def test_its_places_are_not_inside_the_house(vendor: Vendor) -> None:
    account = replace(vendor.account(api_url="http://127.0.0.1:9"), allow_private=False)
    receipt = channel(vendor).send(vendor.reply, account)
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
    if isinstance(channel(vendor), Fetching):
        with pytest.raises(PlaceError):
            channel(vendor).fetch("http://127.0.0.1:9/x", account)
