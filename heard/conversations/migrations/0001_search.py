"""Full-text search that knows languages and forgives accents.

`heard_search` is declared immutable so that a generated column may use it: its dictionaries are ours
and change only by a migration.
"""

from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations

STEMMED = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}

CONFIGURATIONS = [
    statement
    for code, name in {**STEMMED, "simple": "simple"}.items()
    for statement in (
        f"CREATE TEXT SEARCH CONFIGURATION public.heard_{code} (COPY = pg_catalog.{name})",
        f"""ALTER TEXT SEARCH CONFIGURATION public.heard_{code}
        ALTER MAPPING FOR hword, hword_part, word
        WITH public.unaccent, pg_catalog.{name if name == "simple" else name + "_stem"}""",
    )
]

CASES = " ".join(f"WHEN '{code}' THEN 'public.heard_{code}'::regconfig" for code in STEMMED)

FUNCTIONS = f"""
CREATE FUNCTION public.heard_language(language text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE language {CASES} ELSE 'public.heard_simple'::regconfig END $$;

CREATE FUNCTION public.heard_search(language text, subject text, body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.to_tsvector(
    public.heard_language(language),
    pg_catalog.left(subject, 300) || ' ' || pg_catalog.left(body, 50000)
) $$;
"""

REMOVE = ["DROP FUNCTION public.heard_search", "DROP FUNCTION public.heard_language"] + [
    f"DROP TEXT SEARCH CONFIGURATION public.heard_{code}" for code in (*STEMMED, "simple")
]


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        UnaccentExtension(),
        TrigramExtension(),
        migrations.RunSQL([*CONFIGURATIONS, FUNCTIONS], REMOVE),
    ]
