import pytest

from heard.reading import Need, read
from heard.reading.tokens import bounded


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("Where is it?\n\nMany thanks,\nJo", "Where is it?"),
        ("Where is it?\r\n\r\nThanks in advance\r\nJo Smith\r\n", "Where is it?"),
        ("Help\n\nKind regards,\n\nAnn Lee\nLee & Lee Ltd", "Help"),
        ("Help\nYours sincerely, \n A. Lee", "Help"),
        ("Thanks,\nJo", "Thanks,\nJo"),
        ("It works!\n\nThanks for your help\nJo", "It works!\n\nThanks for your help\nJo"),
        ("Thanks,\nJo\n\n" + "Where is it? " * 9, "Thanks,\nJo\n\n" + "Where is it? " * 9),
    ],
)
def test_a_closing_is_not_read(text: str, is_read: str) -> None:
    assert bounded(text) == is_read


def test_good_manners_do_not_make_a_question_into_thanks() -> None:
    letter = "Dear team,\n\nThe lid of order 55 is missing.\n\nMany thanks,\nJo"
    assert read([letter])[0].need is Need.ANSWER
    assert read(["Many thanks,\nJo"])[0].need is Need.RECOGNITION
