"""Projections: versions of the features. Every bank becomes one, and features, fits, priors and exact refits belong to it. Every row stays."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q

TABLES = ("photofeatures", "fit", "populationprior", "exactrefit")


def fire_triggers(schema_editor):
    """Foreign keys are checked at the end of a transaction; PostgreSQL refuses to alter a table whose rows wait for that."""
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")


def make_projections(apps, schema_editor):
    """One projection per bank. Its features came from the bank's own network, so it has no data."""
    schema_editor.execute(
        """INSERT INTO ratings_projection (bank_id, state, extractors, photo_count, data, generic_coefficients, problem, created_at, activated_at)
        SELECT hash, CASE WHEN is_current THEN 'current' ELSE 'kept' END, '', 0, '', '[]', '', created_at, created_at
        FROM ratings_bank ORDER BY created_at"""
    )
    schema_editor.execute("UPDATE ratings_bank SET registered_at = CASE WHEN is_current THEN now() ELSE created_at END")
    for table in TABLES:
        schema_editor.execute(
            f"UPDATE ratings_{table} t SET projection_id = v.id FROM ratings_projection v WHERE v.bank_id = t.bank_id"  # noqa: S608 (constants)
        )
    fire_triggers(schema_editor)


def make_projections_back(apps, schema_editor):
    """Of each bank, one projection stays: the current one, or else the newest."""
    schema_editor.execute(
        """DELETE FROM ratings_photofeatures WHERE projection_id NOT IN (
            SELECT DISTINCT ON (bank_id) id FROM ratings_projection ORDER BY bank_id, state = 'current' DESC, id DESC)"""
    )
    for table in TABLES:
        schema_editor.execute(
            f"UPDATE ratings_{table} t SET bank_id = v.bank_id FROM ratings_projection v WHERE v.id = t.projection_id"  # noqa: S608 (constants)
        )
    schema_editor.execute(
        "UPDATE ratings_bank SET is_current = TRUE WHERE hash = (SELECT bank_id FROM ratings_projection WHERE state = 'current')"
    )
    fire_triggers(schema_editor)


def lengthen_weights(apps, schema_editor):
    """Weights of a population prior get a place 0, for the generic score."""
    PopulationPrior = apps.get_model("ratings", "PopulationPrior")
    for prior in PopulationPrior.objects.all():
        prior.weights = [[0.0, *fold] if fold else fold for fold in prior.weights]
        prior.save(update_fields=["weights"])
    fire_triggers(schema_editor)


def shorten_weights(apps, schema_editor):
    PopulationPrior = apps.get_model("ratings", "PopulationPrior")
    for prior in PopulationPrior.objects.all():
        prior.weights = [fold[1:] for fold in prior.weights]
        prior.save(update_fields=["weights"])
    fire_triggers(schema_editor)


def to_projection(**options):
    return models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="ratings.projection", **options)


def to_bank(**options):
    return models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="ratings.bank", **options)


class Migration(migrations.Migration):
    dependencies = [("ratings", "0003_names")]

    operations = [
        migrations.CreateModel(
            name="Projection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("filling", "filling"), ("current", "current"), ("kept", "kept"), ("retired", "retired")],
                        default="filling",
                        max_length=8,
                    ),
                ),
                ("extractors", models.CharField(blank=True, max_length=16)),
                ("photo_count", models.PositiveIntegerField(default=0)),
                ("data", models.BinaryField(default=bytes)),
                ("generic_coefficients", models.JSONField(default=list)),
                ("problem", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("activated_at", models.DateTimeField(blank=True, null=True)),
                ("bank", to_bank()),
            ],
        ),
        migrations.CreateModel(
            name="RawFeatures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("extractors", models.CharField(max_length=16)),
                ("data", models.BinaryField()),
                ("photo", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="ratings.photo")),
            ],
            options={"verbose_name_plural": "raw features"},
        ),
        # Half-precision numbers do not compress, and trying costs more than writing them.
        migrations.RunSQL("ALTER TABLE ratings_rawfeatures ALTER COLUMN data SET STORAGE EXTERNAL", migrations.RunSQL.noop),
        migrations.AddConstraint(
            "rawfeatures", models.UniqueConstraint(fields=("extractors", "photo"), name="one_raw_vector_per_extractors_and_photo")
        ),
        migrations.AddField("bank", "extractors", models.CharField(blank=True, max_length=16)),
        migrations.AddField("bank", "registered_at", models.DateTimeField(default=django.utils.timezone.now)),
        *[migrations.AddField(table, "projection", to_projection(null=True)) for table in TABLES],
        # Constraints and indexes name columns, so they go first and come back with the new ones.
        migrations.RemoveConstraint("photofeatures", "one_row_of_features_per_bank_and_photo"),
        migrations.RemoveIndex("photofeatures", "generic_order"),
        migrations.RemoveConstraint("bank", "one_current_bank"),
        # In reverse, `bank` of each table is empty until this has run.
        *[migrations.AlterField(table, "bank", to_bank(null=True)) for table in ("photofeatures", "populationprior")],
        migrations.RunPython(make_projections, make_projections_back),
        migrations.RunPython(lengthen_weights, shorten_weights),
        *[migrations.RemoveField(table, "bank") for table in ("photofeatures", "fit", "populationprior")],
        migrations.RemoveField("bank", "is_current"),
        *[migrations.AlterField(table, "projection", to_projection()) for table in ("photofeatures", "populationprior", "exactrefit")],
        migrations.AlterField("fit", "projection", to_projection(null=True, blank=True)),
        migrations.AddField("fit", "carried_over", models.BooleanField(default=False)),
        migrations.AddField("fit", "coefficients", models.JSONField(default=list)),
        migrations.AddConstraint(
            "projection", models.UniqueConstraint(condition=Q(("state", "current")), fields=("state",), name="one_current_projection")
        ),
        migrations.AddConstraint(
            "projection", models.UniqueConstraint(condition=Q(("state", "filling")), fields=("state",), name="one_filling_projection")
        ),
        migrations.AddConstraint(
            "photofeatures", models.UniqueConstraint(fields=("projection", "photo"), name="one_row_of_features_per_projection_and_photo")
        ),
        migrations.AddIndex("photofeatures", models.Index(fields=["projection", "-generic_score"], name="generic_order")),
    ]
