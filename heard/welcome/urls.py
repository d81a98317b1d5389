"""Addresses of the first start."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.welcome import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.closed, name="welcome_closed"),
    path("sample/progress/", views.sample_progress, name="welcome_sample_progress"),
    path("sample/removal/", views.remove_sample, name="welcome_remove_sample"),
    path("<str:token>/", views.welcome, name="welcome"),
    path("<str:token>/own/", views.own_company, name="welcome_own"),
    path("<str:token>/sample/", views.sample_company, name="welcome_sample"),
]
