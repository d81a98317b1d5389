"""Who is asking: the session and its person, read anew with every request.

Django builds the same two statements for every page, which costs more than PostgreSQL's answer.
"""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from heard.lib.statements import fetch
from heard.staff.models import User

SESSION = """
    SELECT session_key, session_data, expire_date FROM django_session
    WHERE session_key = %s AND expire_date > %s
"""
PERSON_FIELDS = [field.attname for field in User._meta.concrete_fields]  # noqa: SLF001
PERSON = f"SELECT {', '.join(PERSON_FIELDS)} FROM staff_user WHERE id = %s"


class SessionStore(db.SessionStore):
    """Sessions in the database, so that to end one ends it everywhere at once."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        for key, data, expires in fetch(SESSION, [self.session_key, timezone.now()]):
            return self.model(session_key=key, session_data=data, expire_date=expires)
        self._session_key = None
        return None


class SignIn(AuthenticationBackend):  # type: ignore[misc]
    """Sign-in as allauth does it; whoever has left the house is nobody with the next request."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, None if there is none who may come in."""
        for row in fetch(PERSON, [user_id]):
            user = User.from_db("default", PERSON_FIELDS, row)
            return user if user.is_active else None
        return None
