"""Look bonds up by contact alone; an undone split leaves no row."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0012_numbered_threads"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="splitting",
            name="undone_at",
        ),
        migrations.AlterField(
            model_name="bond",
            name="inbox",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="conversations.inbox",
            ),
        ),
    ]
