"""The roll-ups."""

import django.db.models.deletion
from django.db import migrations, models

COUNTED = (
    "incoming", "reply", "conversations", "started_by_contact", "answered", "negative", "turned",
    "response_clocks", "response_met", "response_within", "response_missed", "service_unanswered", "service_late",
    "recognition_unanswered", "recognition_late", "recommend", "avoid",
)  # fmt: skip


class Migration(migrations.Migration):
    initial = True
    dependencies = [("conversations", "0002_initial")]
    operations = [
        migrations.CreateModel(
            name="DayFigures",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                *[(name, models.IntegerField(db_default=0)) for name in COUNTED],
                ("first_reply_spread", models.BinaryField(db_default=b"")),
                ("response_spread", models.BinaryField(db_default=b"")),
                (
                    "inbox",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="conversations.inbox",
                    ),
                ),
            ],
            options={
                "db_table": "day_figures",
                "indexes": [models.Index(fields=["day"], name="day_figures_of_day")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["inbox", "day"],
                        name="one_row_a_day_and_inbox",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Drawing",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=30)),
                ("data", models.JSONField()),
                ("svg", models.TextField(db_default="")),
                ("asked_at", models.DateTimeField()),
            ],
            options={"db_table": "drawing"},
        ),
    ]
