"""Tables of photos."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ratings.raters.models import Rater


class Photo(models.Model):
    """A normalised photo; its files are in the media folder (`ratings.photos.files`)."""

    name = models.CharField(max_length=200)  # file name as imported, safe to display
    sha256 = models.CharField(max_length=64)  # of the normalised pixels
    content_hash = models.CharField(max_length=16)  # in every file's URL, so browsers may cache files forever; random for own photos
    folder = models.CharField(max_length=32, blank=True)  # of an own photo's files: a random name; empty: the folder named by `sha256`
    stored_bytes = models.PositiveBigIntegerField(default=0)  # of an own photo: its files, with the originals that are kept
    file_rating = models.SmallIntegerField(null=True, blank=True)  # stars that its file brought along, -1 (rejected) to 5
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    thumbhash = models.CharField(max_length=64)
    alt = models.CharField(max_length=300, blank=True)
    credit = models.CharField(max_length=300, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    licence_url = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(Rater, null=True, blank=True, on_delete=models.CASCADE)  # null: the shared catalogue
    taken_at = models.DateTimeField(null=True, blank=True)  # by the camera's clock, read as UTC; null: unknown
    binned_at = models.DateTimeField(null=True, blank=True)  # null: not in its owner's bin
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sha256"], name="one_photo_per_owner_and_content", nulls_distinct=False),
            models.CheckConstraint(condition=Q(binned_at=None) | Q(owner__isnull=False), name="only_owned_photos_are_binned"),
        ]
        indexes = [
            models.Index(fields=["binned_at"], condition=Q(binned_at__isnull=False), name="binned_photos"),
        ]

    def __str__(self) -> str:
        return self.name


class Catalogue(models.Model):
    """The photos without an owner. Its one row, made by the first change, counts their changes."""

    revision = models.BigIntegerField(default=0)  # rises when photos come, go or can be ranked

    def __str__(self) -> str:
        return f"revision {self.revision}"


class PhotoView(models.Model):
    """An administrator opened a rater's own photo, and said why. Append-only."""

    photo = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL)
    photo_number = models.BigIntegerField()  # stays when the photo is deleted
    owner = models.UUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("opened photo")
        verbose_name_plural = _("opened photos")

    def __str__(self) -> str:
        return f"{self.photo_number}: {self.reason}"
