"""Tables of the deck: presentations and rating events."""

import uuid

from django.db import models
from django.db.models import Q

from ratings.photos.models import Photo
from ratings.raters.models import Rater


class Value(models.IntegerChoices):
    """The values of a rating. A skip carries no information about taste."""

    SKIP = 0, "skip"
    DISLIKE = 1, "dislike"
    LIKE = 2, "like"
    LOVE = 3, "love"


class Presentation(models.Model):
    """One showing of one photo to a rater, with its current rating, the algorithm that chose it and why."""

    token = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    algorithm = models.CharField(max_length=20)
    reason = models.JSONField(default=dict)  # ranking.json_columns.Reason
    position = models.BigIntegerField()  # order in the deck; undo puts a presentation before all others
    dealt_at = models.DateTimeField(auto_now_add=True)
    rated_at = models.DateTimeField(null=True, blank=True)
    value = models.SmallIntegerField(choices=Value.choices, null=True, blank=True)  # current rating, from the events; null: open

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rater", "photo"], name="one_presentation_per_rater_and_photo"),
            models.CheckConstraint(
                condition=Q(value__isnull=True, rated_at__isnull=True) | Q(value__isnull=False, rated_at__isnull=False),
                name="rated_presentations_have_a_value",
            ),
        ]
        indexes = [models.Index(fields=["rater", "position"], condition=Q(rated_at__isnull=True), name="open_presentations")]

    def __str__(self) -> str:
        return str(self.token)


class RatingEvent(models.Model):
    """One action of a rater. Append-only: an undo is an event of its own."""

    class Kind(models.TextChoices):
        SET = "set"
        UNDO = "undo"

    rater = models.ForeignKey(Rater, on_delete=models.CASCADE)
    seq = models.PositiveIntegerField()
    client_id = models.UUIDField()  # made by the browser at the gesture; the same id again is the same event
    kind = models.CharField(max_length=4, choices=Kind.choices)
    presentation = models.ForeignKey(Presentation, on_delete=models.CASCADE)
    value = models.SmallIntegerField(choices=Value.choices)  # given, or undone
    on_screen_ms = models.PositiveIntegerField(null=True, blank=True)
    modality = models.CharField(max_length=10, blank=True)
    superseded = models.BooleanField(default=False)  # history of a photo that was rated twice, by a guest and the account they became
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rater", "client_id"], name="one_event_per_rater_and_client_id"),
            models.UniqueConstraint(fields=["rater", "seq"], name="one_event_per_rater_and_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.get_value_display()}"
