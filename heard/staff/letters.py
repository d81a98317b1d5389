"""Mails of the door leave by the worker.

So a page neither waits for a mail server nor shows by its pace whether somebody is known here.
"""

from __future__ import annotations

from django.core.mail import EmailMessage, EmailMultiAlternatives
from procrastinate import RetryStrategy

from heard.lib.jobs import jobs


def post(letter: EmailMessage) -> None:
    """Queue a mail in the transaction of the deed that caused it."""
    html = next((body for body, kind in _alternatives(letter) if kind == "text/html"), "")
    send_letter.defer(
        subject=str(letter.subject), text=str(letter.body), html=str(html), to=list(letter.to)
    )


@jobs.task(
    name="send_letter", queue="default", retry=RetryStrategy(max_attempts=4, exponential_wait=5)
)
def send_letter(*, subject: str, text: str, html: str, to: list[str]) -> None:
    """Send one; what a mail server refuses for the moment is tried again for some minutes."""
    letter = EmailMultiAlternatives(subject, text, to=to)
    if html:
        letter.attach_alternative(html, "text/html")
    letter.send()


def _alternatives(letter: EmailMessage) -> list[tuple[object, str]]:
    return list(getattr(letter, "alternatives", ()))
