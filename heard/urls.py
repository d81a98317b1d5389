"""Every address of the product."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from heard.conversations.views import comment_card, contact_page, hooks, posting, widget

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("heard.api")),
    path("hooks/<slug:token>/", hooks.hook, name="hook"),
    path("ask/<slug:slug>/", contact_page.ask, name="contact_page"),
    path("ask/<slug:slug>/embed.js", contact_page.embed_script, name="contact_page_script"),
    path("ask/thread/<slug:token>/", contact_page.thread, name="contact_thread"),
    path(
        "ask/thread/<slug:token>/messages/",
        contact_page.thread_messages,
        name="contact_thread_messages",
    ),
    path(
        "ask/thread/<slug:token>/files/<int:number>/",
        contact_page.thread_file,
        name="contact_thread_file",
    ),
    path("widget/<slug:slug>/", widget.frame, name="widget"),
    path("widget/<slug:slug>/messages/", widget.messages, name="widget_messages"),
    path("widget/<slug:slug>/preview/", widget.preview, name="widget_preview"),
    path("before-you-post/", posting.own_post, name="own_post"),
    path("t/said/<slug:token>/", comment_card.said, name="card_said"),
    path("t/said/<slug:token>/now/", comment_card.said_now, name="card_said_now"),
    path("t/<slug:code>/", comment_card.card, name="card"),
    path("", include("heard.meter.urls")),
    path("", include("heard.staff.urls")),
    path("", include("heard.knowledge.urls")),
    path("", include("heard.assistant.urls")),
    path("", include("heard.conversations.urls")),
    path("welcome/", include("heard.welcome.urls")),
]
