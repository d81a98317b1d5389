"""Addresses of the inbox, of conversations, of search, and of the settings of answering."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from heard.conversations.views import (
    calls,
    colleagues,
    comment_card,
    composing,
    contact,
    conversation,
    inbox,
    journal,
    ledger,
    notices,
    searching,
    settings,
)

settings_pages: list[URLPattern | URLResolver] = [
    path("inboxes/", settings.inboxes, name="settings_inboxes"),
    path("inboxes/new/", settings.kinds, name="settings_kinds"),
    path("inboxes/new/<slug:kind>/", settings.new_inbox, name="settings_new_inbox"),
    path("inboxes/<int:number>/", settings.inbox, name="settings_inbox"),
    path("inboxes/<int:number>/secret/", settings.inbox_secret, name="settings_inbox_secret"),
    path("inboxes/<int:number>/check/", settings.inbox_check, name="settings_inbox_check"),
    path("inboxes/<int:number>/pause/", settings.inbox_pause, name="settings_inbox_pause"),
    path("inboxes/<int:number>/removal/", settings.inbox_removal, name="settings_inbox_removal"),
    path("inboxes/<int:number>/cards/", comment_card.sheets, name="settings_cards"),
    path("inboxes/<int:number>/cards.pdf", comment_card.sheets_pdf, name="settings_cards_pdf"),
    path("inboxes/<int:number>/codes/", comment_card.renew_codes, name="settings_renew_cards"),
    path("policies/", settings.policies, name="settings_policies"),
    path("policies/new/", settings.policy, name="settings_new_policy"),
    path("policies/<int:number>/", settings.policy, name="settings_policy"),
    path("hours/", settings.hours, name="settings_hours"),
    path("hours/new/", settings.one_hours, name="settings_new_hours"),
    path("hours/<int:number>/", settings.one_hours, name="settings_one_hours"),
    path("people/<int:number>/dismissal/", colleagues.dismiss_person, name="settings_dismiss"),
    path("journal/", journal.journal, name="settings_journal"),
    path("journal/<int:number>/", journal.delivery, name="settings_delivery"),
    path("aside/", journal.journal, {"state": "set_aside"}, name="settings_aside"),
    path("aside/<int:number>/retry/", journal.retry_aside, name="settings_retry_aside"),
]

one_conversation: list[URLPattern | URLResolver] = [
    path("", conversation.conversation, name="conversation"),
    path("thread/", conversation.thread_alone, name="conversation_thread"),
    path("presence/", conversation.presence, name="presence"),
    path("assignment/", conversation.assignment, name="assignment"),
    path("coming/", comment_card.come, name="come"),
    path("snooze/", conversation.snooze, name="snooze"),
    path("waking/", conversation.wake, name="wake"),
    path("resolution/", conversation.resolve, name="resolve"),
    path("reopening/", conversation.reopen, name="reopen"),
    path("promises/", conversation.promises, name="promises"),
    path("contact/note/", contact.contact_note, name="contact_note"),
    path("contact/same/", contact.same_person, name="same_person"),
    path("messages/", composing.create_message, name="create_message"),
    path("draft/", composing.save_draft, name="save_draft"),
]

one_message: list[URLPattern | URLResolver] = [
    path("reading/", conversation.correct, name="correct_reading"),
    path("acknowledgement/", conversation.acknowledge, name="acknowledge"),
    path("acts/", conversation.act_on_message, name="act_on_message"),
    path("original/", conversation.original, name="original"),
    path("undoing/", composing.undo, name="undo_reply"),
    path("retry/", composing.retry, name="retry_reply"),
    path("arrival/", composing.mark_sent, name="mark_reply_sent"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("inbox/", inbox.front, name="inbox"),
    path("inbox/<slug:name>/", inbox.inbox, name="inbox_view"),
    path("inbox/<slug:name>/rows/", inbox.rows, name="inbox_rows"),
    path("inbox/<slug:name>/filters/", inbox.filters, name="inbox_filters"),
    path("conversations/<int:number>/", include(one_conversation)),
    path("messages/<int:message>/", include(one_message)),
    path("promises/<int:promise>/kept/", conversation.keep_promise, name="keep_promise"),
    path(
        "promises/<int:promise>/withdrawal/",
        conversation.withdraw_promise,
        name="withdraw_promise",
    ),
    path("attachments/<int:pk>/", conversation.attachment, name="attachment"),
    path("attachments/<int:pk>/fetching/", conversation.fetch_attachment, name="fetch_attachment"),
    path("calls/", calls.calls_page, name="calls"),
    path("calls/holding/", calls.holding, name="holding"),
    path("search/", searching.search_page, name="search"),
    path("search/count/", searching.search_count, name="search_count"),
    path("ledger/", ledger.ledger_page, name="ledger"),
    path("ledger/fails.csv", ledger.fails_csv, name="fails_csv"),
    path("ledger/fails.json", ledger.fails_json, name="fails_json"),
    path("notices/", notices.notices, name="notices"),
    path("notices/reading/", notices.read_notices, name="read_notices"),
    path("settings/", include(settings_pages)),
]
