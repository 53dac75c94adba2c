"""Table of model exports."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ratings.jobs import JobState


class ModelExport(models.Model):
    """An archive of raters' models that an administrator asked for: made one rater at a time, packed, kept for a week."""

    State = JobState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    file_format = models.CharField(max_length=12)  # json, safetensors or onnx
    raters = models.JSONField()  # ids, in the order in which their models are made
    done_count = models.PositiveIntegerField(default=0)  # raters whose model is made or cannot be made
    problems = models.JSONField(default=list)  # exports.services.Problem: why a rater's model cannot be made
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    step_queued_at = models.DateTimeField()  # of the next step
    size_bytes = models.PositiveBigIntegerField(default=0)  # of the archive; 0 before it is ready
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("model export")
        verbose_name_plural = _("model exports")

    def __str__(self) -> str:
        return f"{self.done_count} of {len(self.raters)} as {self.file_format}"
