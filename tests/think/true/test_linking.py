from __future__ import annotations

import pytest

from heard.think.links import links_in
from tests.think.looking import codes, findings, mended, only


@pytest.mark.parametrize(
    ("draft", "code", "stops"),
    [
        ("See https://elsewhere.example.org/x", "true.foreign_link", True),
        ("See www.elsewhere.org", "true.foreign_link", True),
        ("See elsewhere.org/page.", "true.foreign_link", True),
        ("See https://ourshop.example.evil.com", "true.foreign_link", True),
        ("See https://notourshop.example", "true.foreign_link", True),
        ("See https://bit.ly/3abc", "true.foreign_link", True),
        ("See http://localhost:8000/x", "helpful.inner_link", True),
        ("See http://wiki.internal/page", "helpful.inner_link", True),
        ("See file:///C:/Users/ann/list.pdf", "helpful.inner_link", True),
        ("Open http://192.168.1.1 in a browser", "helpful.inner_link", False),
        ("See http://[::1]/x", "helpful.inner_link", False),
        ("See http//example.com", "helpful.broken_link", False),
        ("See https:/example.com/page", "helpful.broken_link", False),
        ("See https: //example.com", "helpful.broken_link", False),
        ("See ttps://example.com", "helpful.broken_link", False),
        ("See https://https://example.com", "helpful.broken_link", False),
        ("See https://page", "helpful.broken_link", False),
    ],
)
def test_links_that_lead_nowhere_allowed(draft: str, code: str, *, stops: bool) -> None:
    found = [f for f in findings(draft, allowed_domains=("ourshop.example",)) if "link" in f.code]
    assert [(finding.code, finding.stops) for finding in found] == [(code, stops)]


@pytest.mark.parametrize(
    "draft",
    [
        "See https://ourshop.example/help (and the menu).",
        "See https://www.help.ourshop.example/a?b=c#d.",
        "See ourshop.example, it is all there.",
        "Write to ann@elsewhere.org",
        "Version 2.3.org is not a link, e.g. this.Or this.",
        "Open 9.30-17.00, 24/7 on-line",
    ],
)
def test_allowed_links_and_what_is_no_link_are_left_alone(draft: str) -> None:
    assert not {c for c in codes(draft, allowed_domains=("ourshop.example",)) if "link" in c}


def test_without_a_list_every_domain_is_allowed() -> None:
    assert not codes("See https://elsewhere.example.org/x and www.example.net")


def test_a_short_link_hides_where_it_leads() -> None:
    assert codes("See https://bit.ly/3abc") == {"true.short_link"}
    assert not codes("See https://bit.ly/3abc", allowed_domains=("bit.ly",))


def test_a_router_may_be_allowed() -> None:
    assert not codes("Open http://192.168.1.1 now", allowed_domains=("192.168.1.1",))


@pytest.mark.parametrize(
    ("draft", "better"),
    [
        ("See http//example.com/a", "See https://example.com/a"),
        ("See https: //example.com/a.", "See https://example.com/a."),
        ("See https://https://example.com", "See https://example.com"),
        ("See ttps://example.com", "See https://example.com"),
    ],
)
def test_a_broken_link_can_be_mended(draft: str, better: str) -> None:
    assert mended("helpful.broken_link", draft) == better


def test_marks_around_a_link_are_not_of_it() -> None:
    text = "Look (https://example.com/a_(b)), then www.example.com/c."
    assert [text[link.start : link.end] for link in links_in(text)] == [
        "https://example.com/a_(b)",
        "www.example.com/c",
    ]


def test_a_host_in_any_script_is_a_host() -> None:
    assert not codes("Siehe https://münchen.example.de/straße und https://xn--p1ai.xn--p1ai/")
    assert only("true.foreign_link", "https://münchen.de", allowed_domains=("a.de",)).stops
