"""Where forgetting stands, for messages and deliveries each."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0014_needs_told_and_contents_forgotten")]

    operations = [
        migrations.RenameField(model_name="forgotten", old_name="up_to", new_name="message"),
        migrations.AddField(
            model_name="forgotten", name="delivery", field=models.BigIntegerField(default=0)
        ),
    ]
