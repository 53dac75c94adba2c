"""Projections without a score for everyone, of banks without task vectors."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("ratings", "0009_studies")]

    operations = [migrations.AddField("projection", "has_generic_score", models.BooleanField(default=True))]
