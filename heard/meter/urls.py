"""Addresses of the meter: home."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.meter import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home_page, name="home"),
    path("pictures/<slug:key>/", views.picture, name="picture"),
]
