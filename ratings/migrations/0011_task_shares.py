"""What task vectors say of a rater, stored with the exact fit."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("ratings", "0010_generic_scores")]

    operations = [migrations.AddField("exactrefit", "task_shares", models.JSONField(null=True, blank=True))]
