"""Tables of raters: guests and accounts, merged guests, invitations."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Rater(models.Model):
    """A guest or a user with an account, who rates photos."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    ratings_seq = models.PositiveIntegerField(default=0)  # number of the last rating event; a fit with a lower number is behind
    refit_queued_at = models.DateTimeField(null=True, blank=True)  # set while a refit waits in the queue
    withheld_prior = models.BigIntegerField(null=True, blank=True)  # id of the population prior that has learned from a merged guest
    shares_ratings_since = models.DateTimeField(null=True, blank=True)  # null: no consent to share ratings
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("rater")
        verbose_name_plural = _("raters")

    def __str__(self) -> str:
        return str(self.id)


class MergedGuest(models.Model):
    """A guest whose ratings have moved to an account. The row of the guest is gone."""

    guest = models.UUIDField(primary_key=True)
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE)
    first_seq = models.PositiveIntegerField()  # number that the guest's first event got; the others follow
    event_count = models.PositiveIntegerField()
    merged_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("merged guest")
        verbose_name_plural = _("merged guests")

    def __str__(self) -> str:
        return str(self.guest)


class Invitation(models.Model):
    """A link by which one person may make an account, once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    note = models.CharField(max_length=200, blank=True, help_text=_("For whom; only administrators see it."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitations")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_by = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitation")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.CheckConstraint(condition=Q(used_by__isnull=True) | Q(used_at__isnull=False), name="used_invitations_have_a_time")
        ]

    def __str__(self) -> str:
        return self.note or str(self.id)
