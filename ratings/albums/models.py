"""Tables of albums."""

import uuid

from django.db import models

from ratings.photos.models import Photo
from ratings.raters.models import Rater


class Album(models.Model):
    """A rater's album. A photo may be in several."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Rater, on_delete=models.CASCADE)
    name = models.CharField(max_length=120)
    cover = models.ForeignKey(Photo, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")  # null: the photo that came last
    keeps_originals = models.BooleanField(default=True)  # of photos that are brought into it
    revision = models.BigIntegerField(default=0)  # rises when photos come, go or can be ranked; see ratings.photos.scopes
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)  # pages of the administration show it, and names are private


class AlbumPhoto(models.Model):
    """A photo in an album."""

    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["album", "photo"], name="one_row_per_album_and_photo")]

    def __str__(self) -> str:
        return f"{self.photo_id} in {self.album_id}"
