"""Who may use the API: programs with a token, as far as its scopes and its person reach."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from ninja.security import HttpBearer

from heard.staff.models import ApiToken, Scope, User
from heard.staff.tokens import token_of

router = Router(tags=["You"])


class ApiRequest(HttpRequest):
    """A request of a program with a token."""

    auth: ApiToken
    user: User


class Needs(HttpBearer):
    """`Authorization: Bearer heard_…` with one of these scopes."""

    openapi_name = "token"

    def __init__(self, *scopes: Scope) -> None:
        super().__init__()
        self.scopes = frozenset(scope.value for scope in scopes)

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token; None when there is no such one (401). Raises `PermissionDenied` (403)."""
        found = token_of(token, now=timezone.now())
        if found is None:
            return None
        if self.scopes.isdisjoint(found.scopes):
            raise PermissionDenied(
                f"This token has not the scope {' or '.join(sorted(self.scopes))}."
            )
        request.user = found.user
        return found


class Me(Schema):
    """For whom the token acts, and how far it reaches."""

    user: str
    email: str
    role: str
    scopes: list[str]


@router.get("/me", auth=Needs(*Scope), response=Me, summary="For whom this token acts")
def me(request: ApiRequest) -> Me:
    """A call that changes nothing: try a token with it."""
    person = request.user
    return Me(user=person.name, email=person.email, role=person.role, scopes=request.auth.scopes)
