"""The root leads the index by which a conversation is found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0015_contents_and_deliveries_forgotten")]

    operations = [
        migrations.RemoveConstraint(
            model_name="conversation", name="one_conversation_a_contact_and_root"
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=["root", "inbox", "contact", "part"],
                nulls_distinct=False,
                name="one_conversation_a_contact_and_root",
            ),
        ),
    ]
