"""The names of the glossary (docs/glossary.md) for tables, columns, constraints, JSON keys and permissions. Every row stays."""

import pgvector.django.halfvec
from django.db import migrations, models
from django.db.models import Q

import ratings.ranking.models

MODELS = {"person": "rater", "description": "photofeatures", "population": "populationprior", "refinement": "exactrefit"}
VERBOSE_NAMES = {"rater": "rater", "photofeatures": "photo features", "populationprior": "population prior", "exactrefit": "exact refit"}
ACTIONS = ("add", "change", "delete", "view")
OLD_NO_FIT = "There is no fit: this person has not answered anything, or not been fitted with the current bank yet."
NO_FIT = "There is no model: this rater has not rated anything, or has no fit with the current bank yet."


def rename_codenames(apps, names):
    """`names`: for each model its new name, and the name that people read."""
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="ratings")
    for before, (after, label) in names.items():
        for action in ACTIONS:
            permissions.filter(codename=f"{action}_{before}").update(codename=f"{action}_{after}", name=f"Can {action} {label}")


def rename_permissions(apps, schema_editor):
    """RenameModel renames content types; without this, permissions keep their old codenames and staff lose their rights."""
    rename_codenames(apps, {old: (new, VERBOSE_NAMES[new]) for old, new in MODELS.items()})


def rename_permissions_back(apps, schema_editor):
    rename_codenames(apps, {new: (old, old) for old, new in MODELS.items()})


def rename_json_keys(apps, schema_editor):
    ExactRefit, ModelExport = apps.get_model("ratings", "ExactRefit"), apps.get_model("ratings", "ModelExport")
    for refit in ExactRefit.objects.filter(comparison__has_key="speaks"):
        refit.comparison["active"] = refit.comparison.pop("speaks")
        refit.save(update_fields=["comparison"])
    for export in ModelExport.objects.exclude(problems=[]):
        export.problems = [
            {"rater": one["person"], "detail": NO_FIT if one["detail"] == OLD_NO_FIT else one["detail"]} for one in export.problems
        ]
        export.save(update_fields=["problems"])


def rename_json_keys_back(apps, schema_editor):
    ExactRefit, ModelExport = apps.get_model("ratings", "ExactRefit"), apps.get_model("ratings", "ModelExport")
    for refit in ExactRefit.objects.filter(comparison__has_key="active"):
        refit.comparison["speaks"] = refit.comparison.pop("active")
        refit.save(update_fields=["comparison"])
    for export in ModelExport.objects.exclude(problems=[]):
        export.problems = [{"person": one["rater"], "detail": one["detail"]} for one in export.problems]
        export.save(update_fields=["problems"])


def renamed(model, **fields):
    return [migrations.RenameField(model_name=model, old_name=old, new_name=new) for old, new in fields.items()]


class Migration(migrations.Migration):
    dependencies = [
        ("ratings", "0002_sharing_refinement_exports"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        # Constraints and indexes name columns, so they go first and come back with the new names.
        migrations.RemoveConstraint("description", "one_description_per_bank_and_photo"),
        migrations.RemoveIndex("description", "generic_order"),
        migrations.RemoveIndex("presentation", "open_cards"),
        migrations.RemoveConstraint("presentation", "a_photo_is_dealt_once"),
        migrations.RemoveConstraint("presentation", "answered_cards_have_a_value"),
        migrations.RemoveConstraint("ratingevent", "a_resent_event_is_the_same_event"),
        migrations.RemoveConstraint("ratingevent", "events_are_numbered"),
        migrations.RemoveConstraint("population", "one_current_population"),
        migrations.RenameModel("Person", "Rater"),
        migrations.RenameModel("Description", "PhotoFeatures"),
        migrations.RenameModel("Population", "PopulationPrior"),
        migrations.RenameModel("Refinement", "ExactRefit"),
        *renamed("bank", card="metadata"),
        *renamed("rater", shares_answers_since="shares_ratings_since"),
        *renamed("photofeatures", score="generic_score", shared="population_scores"),
        *renamed("presentation", person="rater", answered_at="rated_at"),
        *renamed("ratingevent", person="rater"),
        *renamed("populationprior", people="rater_count", photos="photo_count"),
        *renamed(
            "fit",
            person="rater",
            shared="population_weights",
            population="population_prior",
            next_cards="next_photos",
            refined="exact_order",
        ),
        *renamed("exactrefit", person="rater", asked_at="step_queued_at", verdict="comparison"),
        *renamed("modelexport", kind="file_format", people="raters", done="done_count", asked_at="step_queued_at", size="size_bytes"),
        migrations.AlterModelOptions("rater", {"verbose_name": "rater", "verbose_name_plural": "raters"}),
        migrations.AlterModelOptions("photofeatures", {"verbose_name_plural": "photo features"}),
        migrations.AlterModelOptions("modelexport", {"verbose_name": "model export", "verbose_name_plural": "model exports"}),
        migrations.AlterField(
            "photofeatures",
            "population_scores",
            pgvector.django.halfvec.HalfVectorField(default=ratings.ranking.models.no_population_scores, dimensions=10),
        ),
        migrations.AlterField(
            "fit",
            "population_weights",
            pgvector.django.halfvec.HalfVectorField(default=ratings.ranking.models.no_population_scores, dimensions=10),
        ),
        migrations.AddConstraint(
            "photofeatures", models.UniqueConstraint(fields=("bank", "photo"), name="one_row_of_features_per_bank_and_photo")
        ),
        migrations.AddIndex("photofeatures", models.Index(fields=["bank", "-generic_score"], name="generic_order")),
        migrations.AddIndex(
            "presentation", models.Index(condition=Q(("rated_at__isnull", True)), fields=["rater", "position"], name="open_presentations")
        ),
        migrations.AddConstraint(
            "presentation", models.UniqueConstraint(fields=("rater", "photo"), name="one_presentation_per_rater_and_photo")
        ),
        migrations.AddConstraint(
            "presentation",
            models.CheckConstraint(
                condition=Q(Q(("rated_at__isnull", True), ("value__isnull", True)), Q(("rated_at__isnull", False), ("value__isnull", False)), _connector="OR"),
                name="rated_presentations_have_a_value",
            ),
        ),
        migrations.AddConstraint(
            "ratingevent", models.UniqueConstraint(fields=("rater", "client_id"), name="one_event_per_rater_and_client_id")
        ),
        migrations.AddConstraint("ratingevent", models.UniqueConstraint(fields=("rater", "seq"), name="one_event_per_rater_and_seq")),
        migrations.AddConstraint(
            "populationprior",
            models.UniqueConstraint(condition=Q(("is_current", True)), fields=("is_current",), name="one_current_population_prior"),
        ),
        migrations.RunPython(rename_json_keys, rename_json_keys_back),
        migrations.RunPython(rename_permissions, rename_permissions_back),
    ]
