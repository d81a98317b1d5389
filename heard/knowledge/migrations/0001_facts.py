"""Facts of the house."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("staff", "0002_api_token"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HouseFact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=120)),
                ("words", models.CharField(blank=True, db_default="", default="", max_length=300)),
                ("value", models.CharField(max_length=300)),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z]{2,3}\\Z", "Two letters: en, de, fr, es, pt, it …"
                            )
                        ],
                    ),
                ),
                ("valid_until", models.DateField(blank=True, null=True)),
                ("said_at", models.DateTimeField()),
                (
                    "brand",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="staff.brand",
                    ),
                ),
                (
                    "place",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="staff.place",
                    ),
                ),
                (
                    "said_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "house_fact",
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("subject"),
                        models.F("brand"),
                        models.F("place"),
                        models.F("language"),
                        name="one_fact_a_subject_and_scope",
                        nulls_distinct=False,
                        violation_error_message="There is a fact about this already, for the same scope.",
                    )
                ],
            },
        ),
    ]
