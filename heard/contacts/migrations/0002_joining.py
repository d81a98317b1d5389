"""Let a join of two contacts be undone; keep what they are to us, and who may be one person."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Joining",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("proof", models.CharField(db_default="", max_length=20)),
                ("reasons", models.JSONField(default=list)),
                ("handles", models.JSONField(default=list)),
                ("moved", models.JSONField(default=dict)),
                ("before", models.JSONField(default=dict)),
                ("undone_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "joining",
            },
        ),
        migrations.CreateModel(
            name="Likeness",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("score", models.FloatField()),
                ("reasons", models.JSONField(default=list)),
                ("found_at", models.DateTimeField()),
                ("dismissed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "likeness",
            },
        ),
        migrations.CreateModel(
            name="Trace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sort", models.CharField(max_length=10)),
                ("value", models.CharField(max_length=120)),
            ],
            options={
                "db_table": "trace",
            },
        ),
        migrations.AddField(
            model_name="contact",
            name="bond",
            field=models.CharField(db_default="first_time", max_length=12),
        ),
        migrations.AddField(
            model_name="contact",
            name="into",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="contacts.contact",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                django.db.models.functions.text.Lower("name"), name="contact_called"
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("into__isnull", False)), fields=["into"], name="contact_joined"
            ),
        ),
        migrations.AddIndex(
            model_name="handle",
            index=models.Index(
                django.db.models.functions.text.Lower(
                    models.Func(
                        models.Func(models.F("address"), models.Value("@"), function="ltrim"),
                        models.Value("@"),
                        models.Value(1),
                        function="split_part",
                    )
                ),
                name="handle_word",
            ),
        ),
        migrations.AddField(
            model_name="joining",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="joining",
            name="gone",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contacts.contact"
            ),
        ),
        migrations.AddField(
            model_name="joining",
            name="kept",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="joinings",
                to="contacts.contact",
            ),
        ),
        migrations.AddField(
            model_name="joining",
            name="undone_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="likeness",
            name="dismissed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="likeness",
            name="one",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="contacts.contact",
            ),
        ),
        migrations.AddField(
            model_name="likeness",
            name="other",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contacts.contact"
            ),
        ),
        migrations.AddField(
            model_name="trace",
            name="contact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="traces",
                to="contacts.contact",
            ),
        ),
        migrations.AddConstraint(
            model_name="joining",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at", None)), fields=("gone",), name="one_is_joined_once"
            ),
        ),
        migrations.AddIndex(
            model_name="likeness",
            index=models.Index(
                models.OrderBy(models.F("score"), descending=True),
                models.F("id"),
                condition=models.Q(("dismissed_at", None)),
                name="likeness_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="likeness",
            constraint=models.UniqueConstraint(fields=("one", "other"), name="one_likeness_a_pair"),
        ),
        migrations.AddConstraint(
            model_name="likeness",
            constraint=models.CheckConstraint(
                condition=models.Q(("one__lt", models.F("other"))),
                name="a_likeness_is_kept_one_way",
            ),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(fields=["sort", "value"], name="trace_value"),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.UniqueConstraint(
                fields=("contact", "sort", "value"), name="one_trace_a_contact_and_value"
            ),
        ),
    ]
