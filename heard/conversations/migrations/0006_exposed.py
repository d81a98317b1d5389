"""Find at once what the public sees unanswered."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        ("conversations", "0005_keys_that_are_looked_up"),
        ("staff", "0002_api_token"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("is_public", True), ("need", "answer"), ("status", "open")),
                fields=["waiting_since", "id"],
                name="conversation_exposed",
            ),
        ),
    ]
