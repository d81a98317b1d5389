"""Addresses of the assistant's settings."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.assistant import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/assistant/", views.assistant, name="settings_assistant"),
    path("settings/assistant/test/", views.try_assistant, name="settings_assistant_test"),
    path("settings/assistant/log/", views.log, name="settings_assistant_log"),
]
