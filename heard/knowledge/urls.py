"""Addresses of what the house knows."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.knowledge import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/facts/", views.facts, name="settings_facts"),
    path("settings/facts/new/", views.fact, name="settings_new_fact"),
    path("settings/facts/<int:number>/", views.fact, name="settings_fact"),
    path("settings/facts/sheet.csv", views.facts_csv, name="settings_facts_csv"),
    path("settings/facts/import/", views.import_facts, name="settings_import_facts"),
]
