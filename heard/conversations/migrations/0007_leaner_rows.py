"""Drop indexes and look-ups that others serve as well: filing costs by each of them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        ("conversations", "0006_exposed"),
        ("staff", "0002_api_token"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="message",
            name="message_under",
        ),
        migrations.AlterField(
            model_name="clock",
            name="inbox",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="conversations.inbox",
            ),
        ),
        migrations.AlterField(
            model_name="clock",
            name="message",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="conversations.message",
            ),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="assignee",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="assigned",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="contact",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="conversations",
                to="contacts.contact",
            ),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="inbox",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="conversations.inbox",
            ),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="staff.team",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="conversations.importrun",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="contact",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="contacts.contact",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("assignee__isnull", False)),
                fields=["assignee"],
                name="conversation_assigned",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("team__isnull", False)),
                fields=["team"],
                name="conversation_of_team",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("run__isnull", False)), fields=["run"], name="delivery_of_run"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("contact__isnull", False)),
                fields=["contact"],
                name="message_of_contact",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE conversation RESET (fillfactor)",
            "ALTER TABLE conversation SET (fillfactor = 80)",
        ),
    ]
