"""What the inbox needs: indexes by inbox, the words of messages, names and handles to search."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        ("conversations", "0002_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Vocabulary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("up_to", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "vocabulary",
            },
        ),
        migrations.CreateModel(
            name="Word",
            fields=[
                ("text", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("count", models.BigIntegerField(db_default=1)),
            ],
            options={
                "db_table": "word",
            },
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                models.F("inbox"),
                models.OrderBy(models.F("last_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="conversation_inbox_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                models.F("inbox"),
                models.OrderBy(models.F("last_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status", "open")),
                name="conversation_inbox_open",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("status", "open"), ("waiting_since__isnull", False)),
                fields=["inbox", "waiting_since", "id"],
                name="conversation_inbox_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("status", "open")),
                fields=["inbox", "due_at", "id"],
                name="conversation_inbox_due",
            ),
        ),
        migrations.AddIndex(
            model_name="word",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["text"], name="word_trigrams", opclasses=["gin_trgm_ops"]
            ),
        ),
        # Here and not in contacts, because the search configuration is made by this area.
        migrations.RunSQL(
            "CREATE INDEX contact_words ON contact USING gin (to_tsvector('public.heard_simple', translate(name, '@._-/+', '      ')))",
            "DROP INDEX contact_words",
        ),
        migrations.RunSQL(
            "CREATE INDEX handle_words ON handle USING gin "
            "(to_tsvector('public.heard_simple', "
            "translate(address || ' ' || name, '@._-/+', '      ')))",
            "DROP INDEX handle_words",
        ),
    ]
