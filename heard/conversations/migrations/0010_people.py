"""Let merges and splits be undone, and count what each contact is to us."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0002_joining"),
        ("conversations", "0009_stores_and_spots"),
        ("staff", "0002_api_token"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bond",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.CharField(db_default="", max_length=12)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("conversations", models.IntegerField(db_default=0)),
                ("messages", models.IntegerField(db_default=0)),
                ("visit_count", models.IntegerField(db_default=0)),
                ("praise_count", models.IntegerField(db_default=0)),
                ("recommend_count", models.IntegerField(db_default=0)),
                ("avoid_count", models.IntegerField(db_default=0)),
                ("fail_count", models.IntegerField(db_default=0)),
                ("recommended_at", models.DateTimeField(null=True)),
                ("warned_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("pleased_at", models.DateTimeField(null=True)),
                ("last_mood", models.CharField(db_default="", max_length=8)),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "db_table": "bond",
            },
        ),
        migrations.CreateModel(
            name="Merging",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("moved", models.JSONField(default=dict)),
                ("before", models.JSONField(default=dict)),
                ("clocks", models.JSONField(default=list)),
                ("undone_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "merging",
            },
        ),
        migrations.CreateModel(
            name="Met",
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
                "db_table": "met",
            },
        ),
        migrations.CreateModel(
            name="Splitting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_at", models.DateTimeField()),
                ("at", models.DateTimeField()),
                ("clocks", models.JSONField(default=list)),
                ("undone_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "splitting",
            },
        ),
        migrations.RemoveConstraint(
            model_name="conversation",
            name="one_conversation_a_contact_and_root",
        ),
        migrations.AddField(
            model_name="conversation",
            name="merged_into",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="conversations.conversation",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="part",
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="message",
            name="handle",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="contacts.handle",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)),
                fields=["merged_into"],
                name="conversation_merged",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=("inbox", "root", "contact", "part"),
                name="one_conversation_a_contact_and_root",
                nulls_distinct=False,
            ),
        ),
        migrations.AddField(
            model_name="bond",
            name="contact",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="bonds",
                to="contacts.contact",
            ),
        ),
        migrations.AddField(
            model_name="bond",
            name="inbox",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, to="conversations.inbox"
            ),
        ),
        migrations.AddField(
            model_name="merging",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="merging",
            name="gone",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="conversations.conversation",
            ),
        ),
        migrations.AddField(
            model_name="merging",
            name="joining",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="contacts.joining",
            ),
        ),
        migrations.AddField(
            model_name="merging",
            name="kept",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mergings",
                to="conversations.conversation",
            ),
        ),
        migrations.AddField(
            model_name="splitting",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="splitting",
            name="part",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="conversations.conversation",
            ),
        ),
        migrations.AddField(
            model_name="splitting",
            name="source",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="splittings",
                to="conversations.conversation",
            ),
        ),
        migrations.AddIndex(
            model_name="bond",
            index=models.Index(
                condition=models.Q(("word", ""), _negated=True),
                fields=["counted_at"],
                name="bond_to_count_again",
            ),
        ),
        migrations.AddConstraint(
            model_name="bond",
            constraint=models.UniqueConstraint(
                fields=("contact", "inbox"), name="one_bond_a_contact_and_inbox"
            ),
        ),
    ]
