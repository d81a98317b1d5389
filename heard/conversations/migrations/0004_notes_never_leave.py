"""The outbox takes replies and nothing else, whoever writes into it."""

from django.db import migrations

GUARD = """
CREATE FUNCTION heard_only_replies_leave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT kind FROM message WHERE id = NEW.message_id) IS DISTINCT FROM 'reply' THEN
        RAISE EXCEPTION 'only a reply may leave the house'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'only_replies_leave';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER only_replies_leave BEFORE INSERT OR UPDATE OF message_id ON sending
    FOR EACH ROW EXECUTE FUNCTION heard_only_replies_leave();
"""


class Migration(migrations.Migration):
    """One trigger on `sending`."""

    dependencies = [("conversations", "0003_inbox")]

    operations = [
        migrations.RunSQL(
            GUARD,
            "DROP TRIGGER only_replies_leave ON sending; DROP FUNCTION heard_only_replies_leave();",
        )
    ]
