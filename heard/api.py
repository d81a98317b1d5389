"""The API at `/api/v1/`: what each area offers to programs, and one shape of refusals."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Swagger

from heard.conversations.api import Refused
from heard.conversations.api import router as conversations
from heard.staff.api import router as staff

api = NinjaAPI(
    title="heard",
    version="1",
    description="Everything a program may do here. Tokens are made with `heard token add`.",
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", staff)
api.add_router("", conversations)


def _wrong(request: HttpRequest, status: int, code: str, message: str, **more: Any) -> HttpResponse:
    return api.create_response(request, {"code": code, "message": message} | more, status=status)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return _wrong(request, error.status, error.code, str(error), **error.more)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, _: AuthenticationError) -> HttpResponse:
    answer = _wrong(request, 401, "no_token", "Send a good token: Authorization: Bearer heard_…")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(PermissionDenied)
def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return _wrong(request, 403, "out_of_scope", str(error))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, _: Http404) -> HttpResponse:
    return _wrong(request, 404, "not_found", "There is no such thing, or it is not yours to see.")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [
        {"where": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
        for one in error.errors
    ]
    return _wrong(request, 422, "invalid", "Some of this cannot be right.", problems=problems)


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _wrong(request, error.status_code, "unreadable", str(error))


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, _: RequestDataTooBig) -> HttpResponse:
    return _wrong(request, 413, "too_large", "This is too large; send fewer messages at once.")


def docs(request: HttpRequest) -> HttpResponse:
    """The API as a page to read and to try, served from here alone."""
    return Swagger().render_page(request, api)


urlpatterns: list[URLPattern | URLResolver] = [
    path("docs/", docs, name="api_docs"),
    path("v1/", api.urls),
]
