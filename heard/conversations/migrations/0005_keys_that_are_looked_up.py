"""Index the keys that deletions and panels look up."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        ("conversations", "0004_notes_never_leave"),
    ]

    operations = [
        migrations.AlterField(
            model_name="clock",
            name="message",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, to="conversations.message"
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="contact",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, to="contacts.contact"
            ),
        ),
    ]
