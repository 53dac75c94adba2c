"""Table of downloads."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from ratings.albums.models import Album
from ratings.jobs import JobState
from ratings.raters.models import Rater


class Download(models.Model):
    """A ZIP of own photos that their owner asked for: packed by a worker, kept for a day."""

    State = JobState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Rater, on_delete=models.CASCADE)
    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    photos = models.JSONField()  # ids, best first
    choices = models.JSONField()  # downloads.services.Choices
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    done_count = models.PositiveIntegerField(default=0)  # photos packed, or left out
    left_out = models.PositiveIntegerField(default=0)  # photos that were deleted meanwhile, or whose files are lost
    reduced = models.PositiveIntegerField(default=0)  # photos packed with at most 2048 pixels although originals were asked for
    problem = models.CharField(max_length=300, blank=True)  # why it failed
    size_bytes = models.PositiveBigIntegerField(default=0)  # of the ZIP: as reckoned, then as packed
    step_at = models.DateTimeField()  # of the last progress
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("download")
        verbose_name_plural = _("downloads")

    def __str__(self) -> str:
        return str(self.id)
