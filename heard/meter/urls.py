"""Addresses of the meter: home, and the rows behind its figures."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.meter import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home_page, name="home"),
    path("figures/<slug:name>/", views.figure_page, name="figure"),
    path("pictures/<slug:key>/", views.picture, name="picture"),
]
