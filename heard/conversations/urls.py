"""Addresses of conversations: the settings of answering."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from heard.conversations.views import settings

settings_pages: list[URLPattern | URLResolver] = [
    path("inboxes/", settings.inboxes, name="settings_inboxes"),
    path("inboxes/new/<slug:kind>/", settings.new_inbox, name="settings_new_inbox"),
    path("inboxes/<int:number>/", settings.inbox, name="settings_inbox"),
    path("inboxes/<int:number>/secret/", settings.inbox_secret, name="settings_inbox_secret"),
    path("policies/", settings.policies, name="settings_policies"),
    path("policies/new/", settings.policy, name="settings_new_policy"),
    path("policies/<int:number>/", settings.policy, name="settings_policy"),
    path("hours/", settings.hours, name="settings_hours"),
    path("hours/new/", settings.one_hours, name="settings_new_hours"),
    path("hours/<int:number>/", settings.one_hours, name="settings_one_hours"),
    path("aside/", settings.aside, name="settings_aside"),
    path("aside/<int:number>/retry/", settings.retry_aside, name="settings_retry_aside"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/", include(settings_pages)),
]
