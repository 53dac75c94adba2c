"""Table of analyses of agreement."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ratings.jobs import JobState


class AgreementAnalysis(models.Model):
    """One analysis of the ratings that were there when a worker made it, with everything that its page shows."""

    State = JobState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    queued_at = models.DateTimeField()  # of the task
    rating_count = models.PositiveIntegerField(default=0)
    left_out_count = models.PositiveIntegerField(default=0)  # ratings of photos that the taste model chose
    problem = models.TextField(blank=True)  # why there is no result
    files = models.JSONField(default=dict)  # name -> text: page.txt, agreement.json, report.md, plots as SVG
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreement")

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)
