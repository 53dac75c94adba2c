"""Tables of uploads: files on their way, and the originals of own photos."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ratings.albums.models import Album
from ratings.photos.models import Photo
from ratings.raters.models import Rater


class Upload(models.Model):
    """One file on its way into an album. Its bytes lie in the media folder until it is taken in, or refused."""

    class State(models.TextChoices):
        SENDING = "sending", _("sending")  # the browser sends it; space is reserved
        WAITING = "waiting", _("waiting")  # whole, waits for a worker
        READING = "reading", _("reading")  # a worker reads it
        DONE = "done", _("done")  # a photo of the album
        REFUSED = "refused", _("refused")  # listed with the reason until dismissed

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Rater, on_delete=models.CASCADE)
    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    name = models.CharField(max_length=200)  # safe to display
    size_bytes = models.PositiveBigIntegerField()  # as the browser said; nothing longer is stored
    state = models.CharField(max_length=8, choices=State.choices, default=State.SENDING)
    attempts = models.PositiveSmallIntegerField(default=0)  # times that a worker began to read it
    reason = models.CharField(max_length=40, blank=True)  # code of a refusal (`ratings.photos.refusals`)
    reason_values = models.JSONField(default=dict)
    photo = models.ForeignKey(Photo, null=True, blank=True, on_delete=models.SET_NULL)
    was_known = models.BooleanField(default=False)  # the owner had the photo before
    created_at = models.DateTimeField(auto_now_add=True)
    received_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # when a worker last began to read it

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [
            models.Index(fields=["owner", "album"], name="uploads_of_an_album"),
            models.Index(fields=["received_at"], condition=Q(state="waiting"), name="uploads_that_wait"),
        ]

    def __str__(self) -> str:
        return str(self.id)  # names of private files are nobody's business in the administration


class Original(models.Model):
    """A file that a rater brought, by the hash of its bytes: the same file again is the same photo. A photo may have several.

    The file itself is kept, in the photo's folder, where an album of the photo keeps originals.
    """

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    owner = models.ForeignKey(Rater, on_delete=models.CASCADE)
    sha256 = models.CharField(max_length=64)  # of the file's bytes
    name = models.CharField(max_length=200)  # as brought, safe to display
    stem = models.CharField(max_length=200)  # of the name, in lower case: a raw file and a JPEG of one shot share it
    is_raw = models.BooleanField(default=False)
    size_bytes = models.PositiveBigIntegerField()
    file = models.CharField(max_length=60, blank=True)  # in the photo's folder; empty: not kept
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("original")
        verbose_name_plural = _("originals")
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="one_original_per_owner_and_content")]
        indexes = [models.Index(fields=["owner", "stem"], name="originals_by_stem")]

    def __str__(self) -> str:
        return str(self.pk)
