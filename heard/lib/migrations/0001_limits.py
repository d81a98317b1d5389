"""What strangers tried, counted for the whole house. Not logged: a crash may forget the counts."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE attempts (
                key text PRIMARY KEY,
                count integer NOT NULL,
                ends_at timestamptz NOT NULL
            );
            CREATE INDEX attempts_over ON attempts (ends_at);
            """,
            "DROP TABLE attempts",
        ),
        # As Django's createcachetable makes it; sign-in counts there.
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE cache_entry (
                cache_key varchar(255) PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX cache_entry_expires ON cache_entry (expires);
            """,
            "DROP TABLE cache_entry",
        ),
    ]
