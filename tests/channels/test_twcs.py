"""Support tweets: whose inbox they belong to, and what hangs under what."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heard.channels.archives import ArchiveError, Twcs
from heard.channels.base import Incoming, Kind
from tests.channels.files import reasons, write_csv

HEADER = [
    "tweet_id", "author_id", "inbound", "created_at", "text", "response_tweet_id",
    "in_response_to_tweet_id",
]  # fmt: skip
WHEN = "Tue Oct 31 22:10:47 +0000 2017"


def tweets(folder: Path, *rows: tuple[str, str, str, str], companies: tuple[str, ...] = ()) -> Twcs:
    """Rows of id, author, text and the tweet answered; numbers are people."""
    file = write_csv(
        folder / "tweets.csv",
        HEADER,
        *([n, who, str(who.isdigit()), WHEN, text, "", to] for n, who, text, to in rows),
    )
    return Twcs(file, companies)


def filed(archive: Twcs) -> dict[tuple[str, str], Incoming]:
    return {
        (item.inbox, item.value.external_id): item.value
        for item in archive.items()
        if isinstance(item.value, Incoming)
    }


def test_a_question_and_its_answer_are_in_the_inbox_of_the_company(tmp_path: Path) -> None:
    found = filed(
        tweets(tmp_path, ("1", "555", "My order &amp; me", ""), ("2", "Shop", "@555 Sorry!", "1"))
    )
    assert found["Shop", "1"] == Incoming(
        external_id="1",
        at=datetime(2017, 10, 31, 22, 10, 47, tzinfo=UTC),
        text="My order & me",
        sender="555",
        root="1",
        is_public=True,
    )
    reply = found["Shop", "2"]
    assert (reply.kind, reply.sender, reply.parent, reply.root) == (Kind.REPLY, "Shop", "1", "1")
    assert reply.to == ""


def test_a_thread_lends_its_company_to_tweets_that_name_none(tmp_path: Path) -> None:
    found = filed(
        tweets(
            tmp_path,
            ("1", "555", "Nothing works", ""),
            ("2", "556", "@555 same here", "1"),
            ("3", "555", "@556 since when?", "2"),
            ("4", "Shop", "@555 Since ten.", "3"),
            ("5", "557", "@556 and here", "2"),
        )
    )
    assert set(found) == {("Shop", str(number)) for number in range(1, 6)}
    assert {message.root for message in found.values()} == {"1"}


def test_a_tweet_to_two_companies_is_in_both_inboxes(tmp_path: Path) -> None:
    found = filed(
        tweets(
            tmp_path,
            ("1", "555", "@shop or @Rival?", ""),
            ("2", "Shop", "@555 Us.", "1"),
            ("3", "Rival", "@555 Us!", "1"),
            ("4", "555", "@Rival why?", "3"),
        )
    )
    assert set(found) == {
        ("Shop", "1"), ("Rival", "1"), ("Shop", "2"), ("Rival", "3"), ("Rival", "4"),
    }  # fmt: skip


def test_a_broadcast_is_a_post_to_nobody_and_its_answers_are_peoples(tmp_path: Path) -> None:
    found = filed(
        tweets(
            tmp_path,
            ("1", "Shop", "Free cake today!", ""),
            ("2", "555", "@Shop where?", "1"),
            ("3", "556", "@Shop yay", "1"),
            ("4", "Shop", "@555 Everywhere.", "2"),
        )
    )
    post = found["Shop", "1"]
    assert (post.kind, post.to, post.parent, post.root) == (Kind.REPLY, "", "", "1")
    assert found["Shop", "2"].kind is found["Shop", "3"].kind is Kind.INCOMING
    assert found["Shop", "4"].parent == "2"


def test_an_answer_to_a_tweet_outside_the_file_goes_to_whom_it_speaks_to(tmp_path: Path) -> None:
    found = filed(
        tweets(
            tmp_path,
            ("2", "Shop", "@Rival @555, sorry", "1"),
            ("3", "Shop", ".@556: we call you", ""),
            ("4", "555", "@Shop thanks", "2"),
        )
    )
    assert (found["Shop", "2"].to, found["Shop", "2"].root) == ("555", "1")
    assert found["Shop", "3"].to == "556"
    assert found["Shop", "4"].root == "1"


def test_a_tweet_to_a_company_that_never_spoke_is_in_its_inbox(tmp_path: Path) -> None:
    assert list(filed(tweets(tmp_path, ("1", "555", "@Silent hello?", "")))) == [("Silent", "1")]


def test_a_tweet_to_nobody_is_set_aside(tmp_path: Path) -> None:
    assert reasons(tweets(tmp_path, ("1", "555", "hello?", ""))) == [
        "no company is named in it, and none answered"
    ]


def test_only_the_companies_asked_for_are_taken(tmp_path: Path) -> None:
    rows = [
        ("1", "555", "@Shop @Rival hm", ""),
        ("2", "Rival", "@555 hm?", "1"),
        ("3", "556", "hello?", ""),
    ]
    archive = tweets(tmp_path, *rows, companies=("@rival",))
    assert set(filed(archive)) == {("Rival", "1"), ("Rival", "2")}
    assert reasons(archive) == []


def test_tweets_that_answer_each_other_in_a_circle_begin_threads(tmp_path: Path) -> None:
    found = filed(
        tweets(
            tmp_path,
            ("1", "555", "@Shop a", "2"),
            ("2", "556", "@Shop b", "1"),
            ("3", "557", "@Shop c", "3"),
            ("4", "558", "@Shop d", "1"),
        )
    )
    assert {number: message.root for (_, number), message in found.items()} == {
        "1": "1", "2": "2", "3": "3", "4": "4",
    }  # fmt: skip


def test_damaged_rows_are_set_aside_with_their_reason(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "tweets.csv",
        HEADER,
        ["1,2", "555", "True", WHEN, "@Shop x", "", ""],
        ["2", "", "True", WHEN, "@Shop x", "", ""],
        ["3", "555", "True", "cut at a line br", "@Shop x", "", ""],
        ["4", "555", "True", WHEN, " ", "", ""],
        ["5", "555", "True", WHEN, "@Shop fine", "", "8297.0"],
        ["6"],
    )
    assert reasons(Twcs(file)) == [
        "its id is not a number",
        "nobody is named as its author",
        "its date cannot be read",
        "it has no text",
        "nobody is named as its author",
    ]
    assert filed(Twcs(file))["Shop", "5"].parent == "8297"


def test_a_resumed_archive_goes_on_where_it_stopped(tmp_path: Path) -> None:
    archive = tweets(
        tmp_path,
        ("1", "555", "@Shop @Rival hm", ""),
        ("2", "Rival", "@555 hm?", "1"),
        ("3", "Shop", "@555 hm!", "1"),
    )
    whole = list(archive.items())
    assert [item.position for item in whole] == [1, 1, 2, 3]
    assert list(archive.items(after=1)) == whole[2:]
    assert archive.share() == 1


def test_a_file_that_is_not_tweets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no column tweet_id"):
        list(Twcs(write_csv(tmp_path / "x.csv", ["a", "b"])).items())
    with pytest.raises(ArchiveError, match="is empty"):
        list(Twcs(write_csv(tmp_path / "y.csv")).items())
    with pytest.raises(ArchiveError, match="No such file"):
        Twcs(tmp_path / "none.csv")


def test_the_real_sample_is_filed_completely(shared: Path) -> None:
    archive = Twcs(shared / "data/twcs_sample/tweets.csv.gz")
    items = list(archive.items())
    assert {item.position for item in items} == set(range(1, 3_657))
    values = [item.value for item in items]
    kinds = Counter(value.kind for value in values if isinstance(value, Incoming))
    assert kinds[Kind.REPLY] == 1_597
    assert sum(kinds.values()) == len(values)
    assert len({item.inbox for item in items}) == 51
