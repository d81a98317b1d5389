"""Addresses of the meter: home, the rows behind its figures, and how the reader learns."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from heard.meter import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home_page, name="home"),
    path("presence/", views.presence_page, name="presence_map"),
    path("presence/rows/", views.presence_rows, name="presence_rows"),
    path("keepers/<int:number>/", views.keeper_page, name="keeper"),
    path("figures/<slug:name>/", views.figure_page, name="figure"),
    path("settings/reading/", views.reading_page, name="settings_reading"),
    path("settings/reading/learning/", views.learn_now, name="learn_now"),
    path("settings/reading/labels/<slug:head>/", views.labels_page, name="settings_labels"),
    path("settings/reading/refits/<int:number>/revert/", views.revert_refit, name="revert_refit"),
    path("worth/", views.worth_page, name="worth"),
    path("worth/rows/", views.worth_rows, name="worth_rows"),
    path("pictures/<slug:key>/", views.picture, name="picture"),
]
