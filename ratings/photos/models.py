"""Photo table."""

from django.db import models

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
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="one_photo_per_owner_and_content", nulls_distinct=False)]

    def __str__(self) -> str:
        return self.name
