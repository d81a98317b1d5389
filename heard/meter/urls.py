"""Addresses of the meter: home, and the rows behind its figures."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.meter import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home_page, name="home"),
    path("presence/", views.presence_page, name="presence_map"),
    path("presence/rows/", views.presence_rows, name="presence_rows"),
    path("keepers/<int:number>/", views.keeper_page, name="keeper"),
    path("figures/<slug:name>/", views.figure_page, name="figure"),
    path("pictures/<slug:key>/", views.picture, name="picture"),
]
