"""Projections know how many of their columns are scores, so that photos can be compared on the axes alone."""

import json

from django.db import migrations, models
from safetensors.numpy import load


def count_heads(apps, schema_editor):
    Projection = apps.get_model("ratings", "Projection")
    for projection in Projection.objects.exclude(data=b"").iterator(chunk_size=1):
        names = load(bytes(projection.data)).get("projection/directions")
        if names is not None:
            projection.head_count = len(json.loads(names.tobytes()))
            projection.save(update_fields=["head_count"])


class Migration(migrations.Migration):
    dependencies = [("ratings", "0011_task_shares")]

    operations = [
        migrations.AddField("Projection", "head_count", models.PositiveSmallIntegerField(default=1)),
        migrations.RunPython(count_heads, migrations.RunPython.noop),
    ]
