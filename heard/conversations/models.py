"""Inboxes, what arrived in them, the conversations it became, and the clocks that run over them.

Rows of `Message`, `Resolution`, `Acknowledgement` and `Promise` are what happened. Most of
`Conversation` and all of `Clock` follow from them and are kept by `settling.settle` alone, so that
the order in which things arrive does not matter.
"""

from __future__ import annotations

import secrets
from typing import Self

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from heard.contacts.models import Contact, Handle, Joining
from heard.knowledge.models import SavedAnswer
from heard.staff.models import Brand, Place, Team, User


def new_token() -> str:
    """A secret that may stand in an address: 128 bits, URL-safe."""
    return secrets.token_urlsafe(16)


class Hours(models.Model):
    """When a place answers; `week`, `closed` and `extra` are read by `hours.from_json`."""

    name = models.CharField(max_length=120, unique=True)
    timezone = models.CharField(max_length=60, default="UTC")
    week = models.JSONField(default=list)
    country = models.CharField(max_length=2, blank=True, default="")
    subdivision = models.CharField(max_length=10, blank=True, default="")
    closed = models.JSONField(default=list)
    extra = models.JSONField(default=dict)
    is_sample = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "opening_hours"

    def __str__(self) -> str:
        return self.name


class Policy(models.Model):
    """What we promise: minutes of open time for each kind of clock; empty means no such clock."""

    name = models.CharField(max_length=120, unique=True)
    first_response_minutes = models.PositiveIntegerField(null=True, blank=True, default=240)
    next_response_minutes = models.PositiveIntegerField(null=True, blank=True, default=480)
    resolution_minutes = models.PositiveIntegerField(null=True, blank=True, default=None)
    recognition_minutes = models.PositiveIntegerField(null=True, blank=True, default=1440)
    warn_assignee_percent = models.PositiveSmallIntegerField(default=50)
    warn_manager_percent = models.PositiveSmallIntegerField(default=80)
    cool_down_minutes = models.PositiveIntegerField(default=5, db_default=5)
    """For how long a hot reply to a public place rests."""
    is_sample = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "sla_policy"

    def __str__(self) -> str:
        return self.name


class InboxQuerySet(models.QuerySet["Inbox"]):
    """Which inboxes."""

    def visible_to(self, user: User) -> Self:
        """An owner sees all; others what is open to everybody or to one of their teams."""
        if user.is_owner:
            return self
        return self.filter(Q(teams=None) | Q(teams__members=user)).distinct()


class Inbox(models.Model):
    """One connected account of a channel; its keeper answers for it."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=30)
    slug = models.SlugField(max_length=120, unique=True)
    token = models.CharField(max_length=40, unique=True, default=new_token)
    secret = models.TextField(blank=True, default="")
    """Sealed by `lib.sealing`; the signing secret or the credentials of the place."""
    settings = models.JSONField(default=dict, blank=True)
    address = models.CharField(max_length=320, blank=True, default="")
    brand = models.ForeignKey(Brand, on_delete=models.SET_NULL, null=True, blank=True)
    place = models.ForeignKey(Place, on_delete=models.SET_NULL, null=True, blank=True)
    keeper = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="keeps"
    )
    teams = models.ManyToManyField(Team, blank=True, related_name="inboxes")
    hours = models.ForeignKey(Hours, on_delete=models.PROTECT, null=True, blank=True)
    """Empty: every hour counts."""
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT)
    is_public = models.BooleanField(default=False)
    is_sample = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    last_heard_at = models.DateTimeField(null=True)

    objects = InboxQuerySet.as_manager()

    class Meta:
        db_table = "inbox"

    def __str__(self) -> str:
        return self.name


class Listening(models.Model):
    """How it goes with hearing one inbox: where to go on asking, and what went wrong last.

    An inbox that is only delivered to has one too, for its health. `cursor` is the channel's own
    word, kept in the transaction that kept what it brought.
    """

    class State(models.TextChoices):
        """What somebody who answers for the inbox must know first."""

        NEW = "new", _("not heard yet")
        WELL = "well", _("well")
        TROUBLED = "troubled", _("troubled")
        NEEDS_PERSON = "needs_person", _("needs somebody")

    inbox = models.OneToOneField(
        Inbox, on_delete=models.CASCADE, primary_key=True, related_name="listening"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    reason = models.CharField(max_length=300, blank=True, default="")
    since = models.DateTimeField()
    """Since when it stands like this."""
    cursor = models.TextField(blank=True, default="")
    asked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    """Not asked before this moment."""
    error_count = models.IntegerField(default=0)
    """Failures in a row."""
    account = models.CharField(max_length=200, blank=True, default="")
    """Whom the place takes us for."""
    warnings = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)
    quota_left = models.BigIntegerField(null=True)
    quota_of = models.BigIntegerField(null=True)
    quota_renewed_at = models.DateTimeField(null=True)
    lag_seconds = models.FloatField(null=True)
    """From being said to being heard, of the latest batch."""
    quiet_told_at = models.DateTimeField(null=True)
    """When somebody was told that it is quieter than it should be; empty while it is not."""

    class Meta:
        db_table = "listening"

    def __str__(self) -> str:
        return f"{self.inbox_id}: {self.state}"


class ImportRun(models.Model):
    """One archive brought in; `position` is how far it came, so that it can go on from there."""

    archive = models.CharField(max_length=30)
    source = models.TextField()
    digest = models.CharField(max_length=64)
    options = models.JSONField(default=dict)
    position = models.BigIntegerField(default=0)
    taken_count = models.BigIntegerField(default=0)
    known_count = models.BigIntegerField(default=0)
    set_aside_count = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "import_run"

    def __str__(self) -> str:
        return f"{self.archive} {self.source}"


class Delivery(models.Model):
    """What arrived, as it arrived: stored before it is understood, and can be taken in again."""

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", _("waiting")
        TAKEN = "taken", _("taken in")
        SET_ASIDE = "set_aside", _("set aside")

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, null=True, db_index=False)
    external_id = models.CharField(max_length=200, db_default="")
    received_at = models.DateTimeField()
    headers = models.JSONField(default=dict, db_default={})
    body = models.BinaryField()
    where = models.CharField(max_length=200, db_default="")
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.WAITING)
    reason = models.CharField(max_length=300, db_default="")
    message_count = models.IntegerField(db_default=0)
    try_count = models.SmallIntegerField(db_default=0)

    class Meta:
        db_table = "delivery"
        constraints = [
            models.UniqueConstraint(
                fields=["inbox", "external_id"],
                condition=~Q(external_id=""),
                name="a_delivery_is_kept_once",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="delivery_waiting"),
            models.Index(fields=["run"], condition=Q(run__isnull=False), name="delivery_of_run"),
            models.Index(
                fields=["-received_at"], condition=Q(state="set_aside"), name="delivery_set_aside"
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def is_emptied(self) -> bool:
        """Whether what it held is not kept any longer."""
        return not self.body and not self.headers


class Flood(models.Model):
    """The same words said many times: a campaign that is copied, a program, somebody who repeats.

    Kept by `sifting`. `first` is the message that began it, be it still there or not; `signature`
    and `size` are its print (`reading.likeness`), by which later copies are known.
    """

    first = models.BigIntegerField(unique=True)
    size = models.IntegerField()
    signature = models.BinaryField()
    started_at = models.DateTimeField()
    last_at = models.DateTimeField()
    dissolved_at = models.DateTimeField(null=True)
    """When somebody said that these are not the same: nothing joins it any more."""

    class Meta:
        db_table = "flood"
        indexes = [models.Index(fields=["-last_at"], name="flood_latest")]

    def __str__(self) -> str:
        return f"flood {self.pk}"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Which conversations. Every view starts from `visible_to`."""

    def visible_to(self, user: User) -> Self:
        """What this person may see: the conversations of the inboxes they may see.

        What was merged into another is seen there and nowhere else.
        """
        if user.is_owner:
            return self.filter(merged_into=None)
        inboxes = Inbox.objects.visible_to(user).values_list("pk", flat=True)
        return self.filter(merged_into=None, inbox_id__in=list(inboxes))

    def open(self) -> Self:
        """Neither resolved nor asleep."""
        return self.filter(status=Conversation.Status.OPEN)


class Conversation(models.Model):
    """The messages between one contact and one inbox under one thread root.

    `contact` is empty for posts of ours to nobody in particular and for replies whose question has
    not arrived. `is_history` marks what came closed from an archive.

    Only people's deeds change `assignee`, `team`, `snoozed_until`; all else is kept by
    `settling.settle`.
    """

    class Status(models.TextChoices):
        """Where it stands."""

        OPEN = "open", _("open")
        SNOOZED = "snoozed", _("snoozed")
        RESOLVED = "resolved", _("resolved")

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, null=True, related_name="conversations", db_index=False
    )
    root = models.CharField(max_length=300)
    part = models.SmallIntegerField(db_default=0)
    """0, or which part of the thread this is, where people have split it."""
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    """Where its messages are now, after people have merged it; the row waits to be undone."""
    token = models.CharField(max_length=40, db_default="")
    """The private link of the contact page; empty elsewhere."""
    subject = models.CharField(max_length=300, db_default="")
    is_public = models.BooleanField(db_default=False)
    is_history = models.BooleanField(db_default=False)
    status = models.CharField(max_length=10, choices=Status.choices, db_default=Status.OPEN)
    assignee = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned",
        db_index=False,
    )
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, db_index=False)
    snoozed_until = models.DateTimeField(null=True)
    snoozed_at = models.DateTimeField(null=True)

    started_at = models.DateTimeField(null=True)
    """The first message, incoming or reply."""
    last_at = models.DateTimeField(null=True)
    """The last message, incoming or reply."""
    first_incoming_at = models.DateTimeField(null=True)
    last_incoming_at = models.DateTimeField(null=True)
    started_by_contact = models.BooleanField(db_default=False)
    first_reply_seconds = models.FloatField(null=True)
    """From the first incoming message to the first later reply; empty while there is none."""
    incoming_count = models.IntegerField(db_default=0)
    reply_count = models.IntegerField(db_default=0)

    need = models.CharField(max_length=12, db_default="nothing")
    """The strongest need that is still unmet."""
    waiting_since = models.DateTimeField(null=True)
    """Start of the oldest unmet clock on an incoming message."""
    due_at = models.DateTimeField(null=True)
    """When the next unmet clock falls, or fell, due; `due_from` is when that clock started."""
    due_from = models.DateTimeField(null=True)
    due_kind = models.CharField(max_length=20, db_default="")
    promised_at = models.DateTimeField(null=True)
    """When the earliest open promise falls due."""
    closes_at = models.DateTimeField(null=True)
    """Until when the place lets us write, counted from the contact's last message."""

    first_mood = models.CharField(max_length=8, db_default="")
    last_mood = models.CharField(max_length=8, db_default="")
    is_turned = models.BooleanField(null=True)
    """Began negative: did it end positive or thankful? Empty when it did not begin negative."""
    is_urgent = models.BooleanField(db_default=False)

    contact_name = models.CharField(max_length=200, db_default="")
    preview = models.CharField(max_length=200, db_default="")
    last_kind = models.CharField(max_length=8, db_default="")
    """As `Message.Kind`; "shared" or "quoted" where it only passes on or quotes other words."""
    flood = models.ForeignKey(
        Flood, on_delete=models.SET_NULL, null=True, related_name="conversations", db_index=False
    )
    """Set while all that the contact said here is of one flood: then lists fold it."""

    objects = ConversationQuerySet.as_manager()

    class Meta:
        db_table = "conversation"
        constraints = [
            # The root leads: whatever the database believes of an inbox, a root is found at once.
            models.UniqueConstraint(
                fields=["root", "inbox", "contact", "part"],
                nulls_distinct=False,
                name="one_conversation_a_contact_and_root",
            ),
        ]
        # Those that lists walk end with the flood: what is folded is passed without a look at it.
        indexes = [
            models.Index(F("last_at").desc(), F("id").desc(), name="conversation_newest"),
            models.Index(
                F("last_at").desc(),
                F("id").desc(),
                F("flood"),
                condition=Q(status="open"),
                name="conversation_open",
            ),
            models.Index(
                fields=["assignee", "-last_at", "-id"],
                condition=Q(status="open", assignee__isnull=False),
                name="conversation_mine",
            ),
            models.Index(
                F("last_at").desc(),
                F("id").desc(),
                F("flood"),
                condition=Q(status="open", assignee__isnull=True),
                name="conversation_unassigned",
            ),
            models.Index(
                fields=["waiting_since", "id", "flood"],
                condition=Q(status="open", waiting_since__isnull=False),
                name="conversation_waiting",
            ),
            models.Index(
                fields=["due_at", "id", "flood"],
                condition=Q(status="open", due_at__isnull=False),
                name="conversation_due",
            ),
            models.Index(
                fields=["waiting_since", "id"],
                condition=Q(status="open", is_public=True, need="answer"),
                name="conversation_exposed",
            ),
            models.Index(
                fields=["promised_at", "id"],
                condition=Q(promised_at__isnull=False),
                name="conversation_promised",
            ),
            models.Index(
                fields=["closes_at", "id", "flood"],
                condition=Q(status="open", closes_at__isnull=False),
                name="conversation_closing",
            ),
            models.Index(
                fields=["snoozed_until"], condition=Q(status="snoozed"), name="conversation_asleep"
            ),
            models.Index(
                F("inbox"), F("last_at").desc(), F("id").desc(), name="conversation_inbox_newest"
            ),
            models.Index(
                F("inbox"),
                F("last_at").desc(),
                F("id").desc(),
                F("flood"),
                condition=Q(status="open"),
                name="conversation_inbox_open",
            ),
            models.Index(
                fields=["inbox", "waiting_since", "id", "flood"],
                condition=Q(status="open", waiting_since__isnull=False),
                name="conversation_inbox_waiting",
            ),
            models.Index(
                fields=["inbox", "due_at", "id", "flood"],
                condition=Q(status="open", due_at__isnull=False),
                name="conversation_inbox_due",
            ),
            models.Index(
                fields=["assignee"],
                condition=Q(assignee__isnull=False),
                name="conversation_assigned",
            ),
            models.Index(
                fields=["team"], condition=Q(team__isnull=False), name="conversation_of_team"
            ),
            models.Index(fields=["contact", "-last_at"], name="conversation_of_contact"),
            models.Index(fields=["inbox", "started_at"], name="conversation_of_inbox"),
            models.Index(
                fields=["first_reply_seconds"],
                condition=Q(started_by_contact=True, first_reply_seconds__isnull=False),
                name="conversation_first_reply",
            ),
            models.Index(
                fields=["token"], condition=~Q(token=""), name="conversation_private_link"
            ),
            models.Index(
                F("flood"),
                F("last_at").desc(),
                F("id").desc(),
                condition=Q(flood__isnull=False),
                name="conversation_flooded",
            ),
            models.Index(
                fields=["flood"],
                condition=Q(status="open", flood__isnull=False),
                name="conversation_folded",
            ),
            models.Index(
                fields=["merged_into"],
                condition=Q(merged_into__isnull=False),
                name="conversation_merged",
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Message(models.Model):
    """Something said: *incoming*, a *reply* of ours, or a *note* that never leaves the house.

    The reading lies in the same row. `read_by` is "" when it was not read, "model", or "person"
    once somebody has corrected it: then no model changes it again.
    """

    class Kind(models.TextChoices):
        """Which way it went."""

        INCOMING = "incoming", _("incoming")
        REPLY = "reply", _("reply")
        NOTE = "note", _("note")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    """The conversation's inbox again, for the one unique key; the conversation guards it."""
    kind = models.CharField(max_length=8, choices=Kind.choices)
    external_id = models.CharField(max_length=300, db_default="")
    parent = models.CharField(max_length=300, db_default="")
    up = models.CharField(max_length=300, db_default="")
    """Under which external id it hangs in its thread: its root or parent, as the place named it."""
    at = models.DateTimeField()
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, db_index=False, db_constraint=False
    )
    """Who wrote what is incoming: the contact of the conversation, which guards it."""
    handle = models.ForeignKey(
        Handle,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    """Under which handle it was written, or to which: so it finds back when a join is undone."""
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    author_name = models.CharField(max_length=200, db_default="")
    subject = models.CharField(max_length=300, db_default="")
    text = models.TextField()
    html = models.TextField(db_default="")
    is_public = models.BooleanField(db_default=False)
    is_automatic = models.BooleanField(db_default=False)
    is_history = models.BooleanField(db_default=False)
    """Came from an archive: nobody is warned about it."""
    extra = models.JSONField(null=True)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    """When it was changed, or taken back, at the place; `Change` has what it said before."""

    language = models.CharField(max_length=3, db_default="")
    mood = models.CharField(max_length=8, db_default="")
    mood_negative = models.FloatField(null=True)
    mood_positive = models.FloatField(null=True)
    need = models.CharField(max_length=12, db_default="")
    stance = models.CharField(max_length=10, db_default="")
    urgency = models.CharField(max_length=6, db_default="")
    urgency_reason = models.CharField(max_length=120, db_default="")
    read_by = models.CharField(max_length=6, db_default="")
    need_by = models.CharField(max_length=6, db_default="")
    """"place" where the place itself told what is asked of us: then no reading changes it."""
    heard_at = models.DateTimeField(db_default=Now())
    """When it came into the house; what was there before this was written down, came then."""
    emptied_at = models.DateTimeField(null=True)
    """When `forgetting` took its words, because its inbox keeps none for longer."""

    search = models.GeneratedField(
        expression=Func(
            F("language"),
            F("subject"),
            F("text"),
            function="heard_search",
            output_field=SearchVectorField(),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "message"
        constraints = [
            models.UniqueConstraint(
                fields=["inbox", "external_id", "kind"],
                condition=~Q(external_id=""),
                name="a_message_arrives_once",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "at", "id"], name="message_of_conversation"),
            models.Index(
                fields=["contact"], condition=Q(contact__isnull=False), name="message_of_contact"
            ),
            models.Index(F("at").desc(), F("id").desc(), name="message_newest"),
            models.Index(
                fields=["at", "inbox", "contact", "stance"],
                condition=Q(kind="incoming", is_public=True, stance__in=["avoid", "recommend"]),
                name="message_voice",
            ),
            GinIndex(fields=["search"], name="message_search"),
            models.Index(
                F("author"),
                F("at").desc(),
                condition=Q(kind="reply", author__isnull=False),
                name="message_of_author",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class Flooded(models.Model):
    """That a message is of a flood."""

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="flooded"
    )
    flood = models.ForeignKey(Flood, on_delete=models.CASCADE, related_name="messages")
    taken_out_at = models.DateTimeField(null=True)
    """When somebody said that it is not the same as the others: from then on it is not."""

    class Meta:
        db_table = "flooded"

    def __str__(self) -> str:
        return f"{self.message_id} of {self.flood_id}"


class Print(models.Model):
    """The print of one of the newest messages (`reading.likeness`), to know copies of it by."""

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    at = models.DateTimeField()
    founder = models.BigIntegerField()
    """The message of which it is a copy, or its own."""
    size = models.IntegerField()
    signature = models.BinaryField()

    class Meta:
        db_table = "print"

    def __str__(self) -> str:
        return f"print of {self.message_id}"


class Sifted(models.Model):
    """The one row that says up to which message floods have been looked for."""

    up_to = models.BigIntegerField(default=0)

    class Meta:
        db_table = "sifted"

    def __str__(self) -> str:
        return f"up to {self.up_to}"


class Change(models.Model):
    """What a place told about a message after it was written, kept though the message be unknown.

    `changing.apply` brings the message into line with all of these, whatever came first.
    """

    class What(models.TextChoices):
        """What happened to it. `WRITTEN` holds the first words of one that was edited."""

        WRITTEN = "written", _("written")
        EDITED = "edited", _("edited")
        DELETED = "deleted", _("taken back")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        FAILED = "failed", _("failed")
        LIKE = "like", _("like")
        SHARE = "share", _("share")
        THANK = "thank", _("thank-you")

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    external_id = models.CharField(max_length=300)
    kind = models.CharField(max_length=8, choices=Message.Kind.choices)
    what = models.CharField(max_length=9, choices=What.choices)
    at = models.DateTimeField()
    text = models.TextField(db_default="")
    html = models.TextField(db_default="")
    told = models.JSONField(null=True)
    """What an edit tells besides words: `extra`, `need`, `language`; of `WRITTEN`, what was."""
    heard_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "change"
        constraints = [
            models.UniqueConstraint(
                fields=["inbox", "external_id", "kind", "what", "at"],
                name="a_change_is_told_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.external_id}"


class Act(models.Model):
    """Something that we do to a message at its place besides answering: done twice is done once."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="acts")
    kind = models.CharField(max_length=8)
    """One of `channels.base.Act`."""
    text = models.TextField(blank=True, default="")
    """What an edit changes it to."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")
    try_count = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField()
    by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "act"
        constraints = [
            models.UniqueConstraint(
                fields=["message", "kind"],
                condition=~Q(kind="edit"),
                name="an_act_is_done_once",
            ),
        ]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="waiting"), name="act_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class Merging(models.Model):
    """Two conversations were made one: what it takes to undo it.

    `moved` names by table the rows that came from `gone`, `before` what `kept` was, and `clocks`
    are those of both as they stood. `joining` is set where it followed from a join of people. No
    constraint guards the rows: what threads show to be one is removed by plain statements.
    """

    gone = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    kept = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="mergings", db_constraint=False
    )
    joining = models.ForeignKey(Joining, on_delete=models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    moved = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    clocks = models.JSONField(default=list)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "merging"

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"


class Splitting(models.Model):
    """A conversation was split: what is at or after `from_at` went to a part of its own."""

    source = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="splittings", db_constraint=False
    )
    part = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    from_at = models.DateTimeField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    clocks = models.JSONField(default=list)

    class Meta:
        db_table = "splitting"

    def __str__(self) -> str:
        return f"{self.part_id} from {self.source_id}"


class Bond(models.Model):
    """What was heard of one contact in one inbox, counted, and what they are to us by that alone.

    Kept by `recognising`. The counts of `…_count` are those of the last year.
    """

    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="bonds", db_index=False
    )
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    word = models.CharField(max_length=12, db_default="")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    conversations = models.IntegerField(db_default=0)
    """All that they ever began or were part of."""
    messages = models.IntegerField(db_default=0)
    """All that they ever said."""
    visit_count = models.IntegerField(db_default=0)
    """Days on which they spoke."""
    praise_count = models.IntegerField(db_default=0)
    recommend_count = models.IntegerField(db_default=0)
    avoid_count = models.IntegerField(db_default=0)
    fail_count = models.IntegerField(db_default=0)
    recommended_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    pleased_at = models.DateTimeField(null=True)
    """When they were last happy or thankful."""
    last_mood = models.CharField(max_length=8, db_default="")
    counted_at = models.DateTimeField()

    class Meta:
        db_table = "bond"
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "inbox"], name="one_bond_a_contact_and_inbox"
            ),
        ]
        indexes = [
            models.Index(fields=["counted_at"], condition=~Q(word=""), name="bond_to_count_again"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.inbox_id}: {self.word}"


class Met(models.Model):
    """The one row that says up to which message people have been looked at."""

    up_to = models.BigIntegerField(default=0)

    class Meta:
        db_table = "met"

    def __str__(self) -> str:
        return f"up to {self.up_to}"


class Attachment(models.Model):
    """A file of a message; the bytes lie under their digest in the store of attachments.

    Without a digest the bytes are not here: `state` and `reason` say why.
    """

    class State(models.TextChoices):
        """Where the bytes are."""

        KEPT = "kept", _("kept")
        WAITING = "waiting", _("being fetched")
        FAILED = "failed", _("could not be fetched")
        TOO_LARGE = "too_large", _("too large to keep")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=120)
    size = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    content_id = models.CharField(max_length=300, db_default="")
    """The name by which the message's HTML shows it (RFC 2392, without brackets)."""
    source = models.TextField(db_default="")
    """Where the bytes lie at the place, in the channel's own words."""
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.KEPT)
    reason = models.CharField(max_length=300, db_default="")
    try_count = models.SmallIntegerField(db_default=0)

    class Meta:
        db_table = "attachment"
        indexes = [
            models.Index(fields=["digest"], condition=~Q(digest=""), name="attachment_digest"),
            models.Index(fields=["id"], condition=Q(state="waiting"), name="attachment_waiting"),
        ]

    def __str__(self) -> str:
        return self.name


class Unreferenced(models.Model):
    """Bytes in the store that no attachment names any more, and since when that is known."""

    digest = models.CharField(max_length=64, primary_key=True)
    since = models.DateTimeField()

    class Meta:
        db_table = "unreferenced"

    def __str__(self) -> str:
        return self.digest


class Spot(models.Model):
    """A table, a room, a counter where a comment card lies: whoever scans its code is there."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, related_name="spots")
    name = models.CharField(max_length=60)
    code = models.CharField(max_length=16, unique=True)
    position = models.IntegerField()
    renewed_at = models.DateTimeField()

    class Meta:
        db_table = "spot"
        constraints = [
            models.UniqueConstraint(fields=["inbox", "name"], name="one_spot_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Correction(models.Model):
    """A person's word against a reading; from then on that message's reading is theirs."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="corrections")
    head = models.CharField(max_length=10)
    was = models.CharField(max_length=12)
    now = models.CharField(max_length=12)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "correction"

    def __str__(self) -> str:
        return f"{self.head}: {self.was} -> {self.now}"


class SecondReading(models.Model):
    """What a tier of the assistant says of a message that the shipped reader was unsure of.

    A suggestion: it changes nothing until a colleague takes it, which is a correction of theirs.
    """

    class Tier(models.TextChoices):
        """Who says it."""

        SERVER = "server", _("the server")
        MINILM = "minilm", _("MiniLM")

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("to be asked about")
        NONE = "none", _("nothing usable was said")
        SAME = "same", _("reads it the same")
        OPEN = "open", _("reads it otherwise")
        TAKEN = "taken", _("taken")
        REFUSED = "refused", _("refused")

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="second_reading")
    tier = models.CharField(max_length=8, choices=Tier.choices, default=Tier.SERVER)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    need = models.CharField(max_length=12, blank=True, default="")
    stance = models.CharField(max_length=10, blank=True, default="")
    mood = models.CharField(max_length=8, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    """Why nothing usable was said."""
    at = models.DateTimeField()
    """When it was found unsure, then when it was answered."""
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "second_reading"
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="second_reading_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.tier} on {self.message_id}: {self.state}"


class Doubted(models.Model):
    """The one row that says up to which message unsure readings have been looked for."""

    up_to = models.BigIntegerField(default=0)

    class Meta:
        db_table = "doubted"

    def __str__(self) -> str:
        return f"up to {self.up_to}"


class Enquiry(models.Model):
    """A reading that somebody is asked about, because to know it would teach the reader most."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="enquiry")
    head = models.CharField(max_length=10)
    asked_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    """When somebody said what is so, or that they would not now."""
    is_dismissed = models.BooleanField(db_default=False)

    class Meta:
        db_table = "enquiry"
        indexes = [
            models.Index(
                fields=["asked_at"], condition=Q(answered_at__isnull=True), name="enquiry_open"
            ),
            models.Index(fields=["by", "answered_at"], name="enquiry_answered_by"),
        ]

    def __str__(self) -> str:
        return f"{self.head} of message {self.message_id}"


class Resolution(models.Model):
    """Somebody called the conversation done. A later need opens it again."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="resolutions"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)

    class Meta:
        db_table = "resolution"

    def __str__(self) -> str:
        return f"resolved {self.at:%Y-%m-%d %H:%M}"


class Acknowledgement(models.Model):
    """Recognition without words: a like, a share, a thank-you."""

    class Kind(models.TextChoices):
        """How we acknowledged."""

        LIKE = "like", _("like")
        SHARE = "share", _("share")
        THANK = "thank", _("thank-you")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="acknowledgements"
    )
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "acknowledgement"
        constraints = [
            models.UniqueConstraint(
                fields=["message", "kind"], name="a_message_is_acknowledged_once_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


class Sighting(models.Model):
    """Somebody of the house opened the conversation."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="sightings", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        db_table = "sighting"
        indexes = [models.Index(fields=["conversation", "at"], name="sighting_of_conversation")]

    def __str__(self) -> str:
        return f"seen {self.at:%Y-%m-%d %H:%M}"


class Clock(models.Model):
    """What we owe and until when. See "What the figures mean" in ARCHITECTURE.md.

    It runs while `met_at`, `ended_at` and `failed_at` are all empty; `next_at` is when the sweep
    must look at it again (a warning or the due time), empty when it need not. A failed clock that
    is met afterwards is *late*; until then the fail is *unanswered*. `ended_at` is a promise that
    was withdrawn in time. To resolve a conversation does not meet a clock that waits for an answer.
    """

    class Kind(models.TextChoices):
        """What is owed."""

        FIRST_RESPONSE = "first_response", _("first response")
        NEXT_RESPONSE = "next_response", _("next response")
        RECOGNITION = "recognition", _("recognition")
        RESOLUTION = "resolution", _("resolution")
        PROMISE = "promise", _("promise")

    class Fail(models.TextChoices):
        """Which kind of fail it became."""

        SERVICE = "service", _("service")
        RECOGNITION = "recognition", _("recognition")

    class Sighting(models.TextChoices):
        """Had anybody of the house opened the conversation when the clock fell due?"""

        UNSEEN = "unseen", _("nobody saw it")
        SEEN = "seen", _("seen and left")
        UNKNOWN = "unknown", _("not known")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="clocks", db_index=False
    )
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, db_constraint=False)
    """The message that started it; empty for promises. Like the inbox it is the conversation's,
    which guards both: to look each up again is a third of what it costs to file a clock."""
    kind = models.CharField(max_length=16, choices=Kind.choices)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    warn_assignee_at = models.DateTimeField(null=True)
    warn_manager_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    met_at = models.DateTimeField(null=True)
    met_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    open_minutes = models.FloatField(null=True)
    """Opening-hours time from start to `met_at`."""
    ended_at = models.DateTimeField(null=True)
    is_paused = models.BooleanField(db_default=False)
    """A resolution clock while we wait for the contact."""
    failed_at = models.DateTimeField(null=True)
    fail = models.CharField(max_length=12, choices=Fail.choices, db_default="")
    sighting = models.CharField(max_length=8, choices=Sighting.choices, db_default="")
    keeper = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    """Who answered for it when it fell due: the assignee, else the inbox's keeper."""
    is_history = models.BooleanField(db_default=False)
    promise = models.ForeignKey("Promise", on_delete=models.CASCADE, null=True, db_index=False)

    class Meta:
        db_table = "clock"
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "kind", "message", "promise"],
                nulls_distinct=False,
                name="one_clock_a_kind_and_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(next_at__isnull=False), name="clock_running"
            ),
            models.Index(
                F("failed_at").desc(),
                F("id").desc(),
                condition=Q(failed_at__isnull=False),
                name="clock_failed",
            ),
            models.Index(
                fields=["inbox", "-failed_at"],
                condition=Q(failed_at__isnull=False),
                name="clock_failed_of_inbox",
            ),
            models.Index(fields=["inbox", "started_at"], name="clock_of_inbox"),
            models.Index(
                RawSQL("(extract(epoch FROM met_at - started_at)::float8)", ()),
                condition=Q(kind="first_response", met_at__isnull=False),
                name="clock_response_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} due {self.due_at:%Y-%m-%d %H:%M}"


class Call(models.Model):
    """A telephone call, worked out from its events by `taking.take` and by nothing else.

    Somebody is on hold now while `hold_since` is filled; `hold_seconds` are the waits that are
    over. `events` is all that was told of it, by name. `message` is where it stands in its thread.
    """

    class Outcome(models.TextChoices):
        """What became of it; the first four are of calls that go on."""

        RINGING = "ringing", _("ringing")
        WAITING = "waiting", _("waiting")
        TALKING = "talking", _("talking")
        HELD = "held", _("on hold")
        ANSWERED = "answered", _("answered")
        ABANDONED = "abandoned", _("hung up while waiting")
        MISSED = "missed", _("nobody answered")
        VOICEMAIL = "voicemail", _("voicemail")

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    external_id = models.CharField(max_length=300)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")
    caller = models.CharField(max_length=320, db_default="")
    caller_name = models.CharField(max_length=200, db_default="")
    called = models.CharField(max_length=100, db_default="")
    queue = models.CharField(max_length=120, db_default="")
    agent = models.CharField(max_length=200, db_default="")
    is_outgoing = models.BooleanField(db_default=False)
    is_history = models.BooleanField(db_default=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    started_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    hold_seconds = models.FloatField(db_default=0)
    hold_since = models.DateTimeField(null=True)
    talk_seconds = models.FloatField(null=True)
    recording = models.ForeignKey(
        Attachment, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    events = models.JSONField(default=dict)
    alarmed_at = models.DateTimeField(null=True)
    """When somebody was told that the hold is longer than it may be."""

    class Meta:
        db_table = "call"
        constraints = [
            models.UniqueConstraint(fields=["inbox", "external_id"], name="a_call_is_kept_once"),
        ]
        indexes = [
            models.Index(F("started_at").desc(), F("id").desc(), name="call_newest"),
            models.Index(
                fields=["hold_since"], condition=Q(hold_since__isnull=False), name="call_on_hold"
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.external_id}"


class Promise(models.Model):
    """Something we said we would do by a moment. `kept_at` or `withdrawn_at` ends it."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="promises"
    )
    text = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    kept_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "promise"

    def __str__(self) -> str:
        return self.text


class Sending(models.Model):
    """The outbox: one row for each reply that must leave the house, sent once or shown why not."""

    class State(models.TextChoices):
        """What is known about it; `UNKNOWN` asks a person."""

        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("not known")

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="sending")
    state = models.CharField(max_length=8, choices=State.choices, db_default=State.WAITING)
    not_before = models.DateTimeField()
    try_count = models.SmallIntegerField(db_default=0)
    reason = models.CharField(max_length=300, db_default="")
    updated_at = models.DateTimeField()
    is_private = models.BooleanField(db_default=False)
    """To the person alone, though what it answers is public."""
    template = models.CharField(max_length=120, db_default="")
    copies = models.JSONField(null=True)
    """The addresses that get a copy; empty is none."""
    after = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, related_name="followed_by"
    )
    """The part of a numbered thread that must have arrived before this one leaves."""
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    """As the place told; places that tell nothing leave them empty: unknown, not unread."""

    class Meta:
        db_table = "sending"
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=Q(state__in=["waiting", "sending"]),
                name="sending_due",
            ),
            models.Index(fields=["-updated_at"], name="sending_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.message_id}"


class Draft(models.Model):
    """What somebody has begun to write, so that nothing typed is lost."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    author = models.ForeignKey(User, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, default=Message.Kind.REPLY)
    text = models.TextField()
    updated_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    newest = models.BigIntegerField(db_default=0)
    """The newest reply there was when it was begun, and when that was: see `crossing`."""

    class Meta:
        db_table = "draft"
        constraints = [
            models.UniqueConstraint(fields=["conversation", "author"], name="one_draft_each"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.author_id}"


class Drafted(models.Model):
    """A draft that a colleague has asked the model server for. Its words are kept for a day.

    `sources` name what it leans on: kind, id and title, and whether the server says it used it.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("being drafted")
        READY = "ready", _("drafted")
        NOTHING = "nothing", _("nothing usable came")
        LEFT = "left", _("its words are not kept any longer")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    text = models.TextField(blank=True, default="")
    sources = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True, default="")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    reply = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    """What was sent after it, unless that was undone."""

    class Meta:
        db_table = "drafted"
        indexes = [
            models.Index(fields=["asked_at"], condition=~Q(text=""), name="drafted_with_words"),
            models.Index(
                fields=["reply"], condition=Q(reply__isnull=False), name="drafted_before_reply"
            ),
        ]

    def __str__(self) -> str:
        return f"drafted for {self.by_id}: {self.state}"


class Review(models.Model):
    """A reply that is written and may not leave yet: it waits for a second pair of eyes.

    It is neither a message nor in the outbox before it is let out. One that only *rests*, because
    it is hot, goes by itself at `rests_until`; one that was *asked* about goes when somebody else
    has approved it. Its words never change: who writes others hands in another review.
    """

    class State(models.TextChoices):
        """Where it stands; the first two are open."""

        RESTING = "resting", _("resting")
        ASKED = "asked", _("asked")
        RETURNED = "returned", _("returned")
        WITHDRAWN = "withdrawn", _("withdrawn")
        GONE = "gone", _("gone out")

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="reviews")
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices)
    text = models.TextField()
    changed_text = models.TextField(db_default="")
    """What went out instead, where whoever approved it has changed it."""
    at = models.DateTimeField()
    rests_until = models.DateTimeField()
    """When it has cooled down: a resting one goes then; where nobody else can look, its author may
    confirm it from then on."""
    reasons = models.JSONField(default=list)
    """Why somebody must look, as pairs of a code and what was seen."""
    signs = models.JSONField(default=list)
    """Its signs of heat, as pairs of a code and the words that were seen."""
    findings = models.JSONField(default=list)
    """What the check found when it was handed in."""
    overruled = models.JSONField(default=list)
    manner = models.JSONField(default=dict)
    shown = models.JSONField(default=dict)
    """The findings that its author had seen, by code with their light."""
    promise_text = models.CharField(max_length=200, db_default="")
    promised_at = models.DateTimeField(null=True)
    newest = models.BigIntegerField(db_default=0)
    """The newest reply there was when it was handed in."""
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    """Who approved it or gave it back."""
    word = models.CharField(max_length=1000, db_default="")
    """What they said when they gave it back."""
    ended_at = models.DateTimeField(null=True)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "review"
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "author"],
                condition=Q(state__in=["resting", "asked"]),
                name="one_open_review_each",
            ),
        ]
        indexes = [
            models.Index(
                fields=["rests_until"], condition=Q(state="resting"), name="review_resting"
            ),
            models.Index(fields=["author", "-at"], name="review_of_author"),
        ]

    def __str__(self) -> str:
        return f"review of {self.author_id}: {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.state in (Review.State.RESTING, Review.State.ASKED)


class SecondEyes(models.Model):
    """The one row that says which replies need a second pair of eyes; empty is never."""

    public_red = models.BooleanField(default=True)
    """A public reply sent in spite of a red finding."""
    reach_above = models.PositiveIntegerField(null=True, blank=True, default=10_000)
    """Readers of the contact."""
    legal_words = models.BooleanField(default=True)
    more_legal_words = models.TextField(blank=True, default="")
    refund_above = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, default=200
    )
    """In whatever currency it stands there."""
    first_replies = models.PositiveSmallIntegerField(null=True, blank=True, default=None)
    """So many of each new agent."""
    only_leads = models.BooleanField(default=False)
    """Only who leads may look, as long as there is somebody else who leads."""

    class Meta:
        db_table = "second_eyes"

    def __str__(self) -> str:
        return "what needs a second pair of eyes"


class ScandalFlag(models.Model):
    """While it flies, no reply of a brand, an inbox or (neither) the house leaves unseen."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, blank=True)
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, null=True, blank=True)
    word = models.CharField(max_length=200)
    """What it is about."""
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    until = models.DateTimeField()

    class Meta:
        db_table = "scandal_flag"
        indexes = [models.Index(fields=["until"], name="scandal_flag_flying")]

    def __str__(self) -> str:
        return self.word


class TooClose(models.Model):
    """Somebody has said of a conversation: I am too close to this. It is not offered to them.

    No constraint guards it: what threads show to be one is removed by plain statements.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "too_close"
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="too_close_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} to {self.conversation_id}"


class Presence(models.Model):
    """Who looks at a conversation or types in it just now."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    at = models.DateTimeField()
    is_typing = models.BooleanField(default=False)

    class Meta:
        db_table = "presence"
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="one_presence_each"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.conversation_id}"


class Notice(models.Model):
    """Something a colleague should hear: a clock that runs out, a fail, a failed sending.

    It is about a conversation, or about an `inbox` that has fallen silent or is not let in.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, null=True)
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, null=True, db_index=False)
    kind = models.CharField(max_length=30)
    text = models.CharField(max_length=300, db_default="")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notice"
        indexes = [
            models.Index(
                fields=["user", "-at"], condition=Q(read_at__isnull=True), name="notice_unread"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"


class PostingPage(models.Model):
    """The one row that says whether people outside may have their own posts checked, too."""

    is_open = models.BooleanField(default=False)
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "posting_page"

    def __str__(self) -> str:
        return "open" if self.is_open else "closed"


class CheckedPost(models.Model):
    """A post in the company's name of which somebody had it written down that it was checked.

    `codes` are the findings that stood when it was. `message` is the post as it was heard at the
    place afterwards, by its very words.
    """

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    text = models.TextField()
    codes = models.JSONField(default=list)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "checked_post"
        indexes = [models.Index(fields=["inbox", "-at"], name="checked_post_of_inbox")]

    def __str__(self) -> str:
        return f"{self.inbox_id} {self.at:%Y-%m-%d %H:%M}"


class Alarm(models.Model):
    """Words of our own, said directly at a place, that do harm; and what somebody did about it.

    `found` has the code, the sentence and the place in the words of each finding.
    """

    class Answer(models.TextChoices):
        """What was done; empty while nobody has looked."""

        TAKEN_DOWN = "taken_down", _("taken down")
        ANSWERED = "answered", _("answered for")
        FINE = "fine", _("fine as it is")
        GONE = "gone", _("gone from the place")

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="alarm")
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    found = models.JSONField(default=list)
    raised_at = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True, default="")
    word = models.CharField(max_length=300, blank=True, default="")
    answered_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alarm"
        indexes = [
            models.Index(F("raised_at").desc(), F("id").desc(), name="alarm_newest"),
            models.Index(fields=["inbox"], condition=Q(answer=""), name="alarm_open"),
        ]

    def __str__(self) -> str:
        return f"{self.answer or 'open'} {self.message_id}"


class FindingSeen(models.Model):
    """A finding that somebody saw while they wrote, what they thought of it, and what became of it.

    `message` is the reply that left; empty while none has. `was_kept`: the words that it was about
    went out all the same. No constraint guards the conversation: threads that are shown to be one
    remove rows by plain statements.
    """

    class Felt(models.TextChoices):
        """What whoever saw it said of it; empty is nothing."""

        USEFUL = "useful", _("useful")
        NOT_HERE = "not_here", _("not here")

    code = models.CharField(max_length=40)
    light = models.CharField(max_length=5)
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")
    was_kept = models.BooleanField(db_default=False)
    felt = models.CharField(max_length=8, choices=Felt.choices, db_default="")
    by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()

    class Meta:
        db_table = "finding_seen"
        indexes = [models.Index(fields=["code", "-at", "-id"], name="finding_seen_of_rule")]

    def __str__(self) -> str:
        return f"{self.code} {self.felt}"


class Rule(models.Model):
    """What this house has made of one rule of the check: what a manager chose, else what follows.

    `most` is the most that it shows (`Light`), empty as it was made: `weighing.weigh` keeps it.
    `choice` goes before it.
    """

    class Choice(models.TextChoices):
        """Empty: it softens itself."""

        FIRM = "firm", _("as it was made")
        AMBER = "amber", _("warns at most")
        GREEN = "green", _("says nothing")

    code = models.CharField(max_length=40, primary_key=True)
    choice = models.CharField(max_length=5, choices=Choice.choices, blank=True, default="")
    most = models.CharField(max_length=5, blank=True, default="")
    counted_since = models.DateTimeField(null=True)
    """Rows before this moment do not count: somebody has put the rule back then."""
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "think_rule"

    def __str__(self) -> str:
        return f"{self.code} {self.choice or self.most}"


class Word(models.Model):
    """A word that messages hold, without accents: what a misspelt one may have meant."""

    text = models.CharField(max_length=40, primary_key=True)
    count = models.BigIntegerField(db_default=1)
    """In how many messages."""

    class Meta:
        db_table = "word"
        indexes = [
            GinIndex(fields=["text"], opclasses=["gin_trgm_ops"], name="word_trigrams"),
        ]

    def __str__(self) -> str:
        return self.text


class Forgotten(models.Model):
    """Up to which row an inbox that keeps contents for a time alone has been emptied."""

    inbox = models.OneToOneField(
        Inbox, on_delete=models.CASCADE, primary_key=True, related_name="forgotten"
    )
    message = models.BigIntegerField(default=0)
    delivery = models.BigIntegerField(default=0)

    class Meta:
        db_table = "forgotten"

    def __str__(self) -> str:
        return f"{self.inbox_id} up to {self.message}"


class Vocabulary(models.Model):
    """The one row that says up to which message `Word` has been filled."""

    up_to = models.BigIntegerField(default=0)

    class Meta:
        db_table = "vocabulary"

    def __str__(self) -> str:
        return f"up to {self.up_to}"


class Exchange(models.Model):
    """A question and the reply that it got, as numbers: to be found when the like is asked again.

    `terms` and `vector` are those of the question (`knowledge.shelf`); no word of it is kept here.
    `answer` is the saved answer that the reply was.
    """

    reply = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    """The last message that it answers."""
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    answer = models.ForeignKey(SavedAnswer, on_delete=models.SET_NULL, null=True, related_name="+")
    terms = models.BinaryField()
    vector = models.BinaryField()

    class Meta:
        db_table = "exchange"

    def __str__(self) -> str:
        return f"{self.question_id} got {self.reply_id}"


class Taking(models.Model):
    """Somebody took a saved answer into a draft; `message` is the reply that it became."""

    answer = models.ForeignKey(SavedAnswer, on_delete=models.CASCADE, related_name="takings")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_constraint=False)
    """Where it was taken; a thread may show that it is another one by now."""
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        db_table = "taking"

    def __str__(self) -> str:
        return f"{self.answer_id} in {self.conversation_id}"


class Remembered(models.Model):
    """The one row that says up to which message exchanges are kept, and when all were made anew."""

    up_to = models.BigIntegerField(default=0)
    renewed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "remembered"

    def __str__(self) -> str:
        return f"up to {self.up_to}"


class StaleDay(models.Model):
    """A day of an inbox whose roll-up no longer follows the rows: counted again when asked.

    It may stand here many times: nobody who takes messages in has to wait for whoever counts.
    """

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()

    class Meta:
        db_table = "stale_day"

    def __str__(self) -> str:
        return f"{self.inbox_id} {self.day}"
