"""Durations are kept in buckets ten times finer: every day is counted anew when it is asked for."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("meter", "0001_initial"),
        ("conversations", "0007_leaner_rows"),
    ]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO stale_day (inbox_id, day)
            SELECT inbox_id, day FROM day_figures WHERE inbox_id IS NOT NULL;
            DELETE FROM day_figures;
            """,
            migrations.RunSQL.noop,
        ),
    ]
