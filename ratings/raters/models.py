"""Table of raters."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Rater(models.Model):
    """Whoever rates: a guest, or a user with an account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    ratings_seq = models.PositiveIntegerField(default=0)  # number of the last rating event; a fit with a lower number is behind
    refit_queued_at = models.DateTimeField(null=True, blank=True)  # set while a refit waits in the queue
    shares_ratings_since = models.DateTimeField(null=True, blank=True)  # null: no consent to share ratings
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("rater")
        verbose_name_plural = _("raters")

    def __str__(self) -> str:
        return str(self.id)
