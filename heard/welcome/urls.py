"""Addresses of the first start."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.welcome import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.closed, name="welcome_closed"),
    path("<str:token>/", views.welcome, name="welcome"),
    path("<str:token>/own/", views.own_company, name="welcome_own"),
]
