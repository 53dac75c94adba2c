"""Tables of the ranking: banks, projections, raw and stored features of photos, population priors, fits and exact refits.

`json_columns.py` has the types of their JSON columns.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from ratings.photos.models import Photo
from ratings.raters.models import Rater

FEATURES = 256  # numbers per photo; place 0 is the generic score
FOLDS = 5  # of raters: a fold uses what the other folds taught, so no rater's ratings return to them as the population's
SCORES = 2  # population scores per photo and fold: the mean rating, and a taste that raters share to different degrees


def no_population_scores() -> list[float]:
    """Population scores of a photo, or their weights in a fit, before anything was learned."""
    return [0.0] * (FOLDS * SCORES)


class Bank(models.Model):
    """A bank. The current one is the bank of the current projection."""

    hash = models.CharField(primary_key=True, max_length=64)
    metadata = models.JSONField()
    extractors = models.CharField(max_length=16, blank=True)  # hash of what computes raw vectors; empty in rows from version 0.1
    registered_at = models.DateTimeField(default=timezone.now)  # the newest is the installed bank, also where another one is current
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.hash


class State(models.TextChoices):
    """The life of a projection, from left to right. A kept one can fill again."""

    FILLING = "filling", _("filling")  # photos get its features in the background
    CURRENT = "current", _("current")  # photos are ranked by it
    KEPT = "kept", _("kept")  # the one before, which can come back
    RETIRED = "retired", _("retired")  # its rows of features are deleted by the sweeper


class Projection(models.Model):
    """A version of the features: the linear map from a photo's raw vector to the 256 numbers that it is ranked by."""

    bank = models.ForeignKey(Bank, on_delete=models.CASCADE)
    state = models.CharField(max_length=8, choices=State, default=State.FILLING)
    extractors = models.CharField(max_length=16, blank=True)  # of the raw vectors it applies to, 16 hex digits; empty: none, see `data`
    photo_count = models.PositiveIntegerField(default=0)  # photos with raw vectors when it was learned; 0: it came with the bank
    # personalize.files.taste_parts.projection_to_bytes; large, so lists leave it out. Empty in retired rows, in rows migrated from version
    # 0.1, whose features came from the bank's own network, and where a bank brings none, until it is learned from the first photos.
    data = models.BinaryField(default=bytes)
    head_count = models.PositiveSmallIntegerField(default=1)  # first columns of the features, before the axes: generic score and task heads
    has_generic_score = models.BooleanField(default=True)  # otherwise photos are in order of date for everyone
    generic_coefficients = models.JSONField(default=list)  # of the task heads, where raters taught the generic score
    problem = models.TextField(blank=True)  # why learning from these photos failed; such a row is retired from the start
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state=State.CURRENT), name="one_current_projection"),
            models.UniqueConstraint(fields=["state"], condition=Q(state=State.FILLING), name="one_filling_projection"),
        ]

    def __str__(self) -> str:
        return f"version {self.pk}"


class RawFeatures(models.Model):
    """The raw vector of a photo, from one set of extractors. In a table of its own, so that rankings need not read past it."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    extractors = models.CharField(max_length=16)  # hash of what computed it, 16 hex digits
    data = models.BinaryField()  # float16, little-endian

    class Meta:
        verbose_name_plural = "raw features"
        constraints = [models.UniqueConstraint(fields=["extractors", "photo"], name="one_raw_vector_per_extractors_and_photo")]

    def __str__(self) -> str:
        return f"{self.photo_id} by {self.extractors}"


class PhotoFeatures(models.Model):
    """The features of a photo in one projection."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    projection = models.ForeignKey(Projection, on_delete=models.CASCADE)
    # Of the photo, kept by triggers of the database: a ranking reads the rows of its scope, and not past those of other owners.
    owner = models.UUIDField(null=True, blank=True, editable=False)
    generic_score = models.FloatField()  # the same for every rater: mean 0, SD 1 over the catalogue that the projection was learned from
    features = HalfVectorField(dimensions=FEATURES)
    population_scores = HalfVectorField(dimensions=FOLDS * SCORES, default=no_population_scores)  # fold after fold

    class Meta:
        verbose_name_plural = "photo features"
        constraints = [models.UniqueConstraint(fields=["projection", "photo"], name="one_row_of_features_per_projection_and_photo")]
        indexes = [
            models.Index(fields=["projection", "-generic_score"], name="generic_order"),
            models.Index(fields=["projection", "owner"], name="features_by_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.photo_id} by version {self.projection_id}"


class PopulationPrior(models.Model):
    """What raters who share their ratings teach about photos: one version per night. At most one is current, none if it does not help."""

    projection = models.ForeignKey(Projection, on_delete=models.CASCADE)
    is_current = models.BooleanField(default=False)
    rater_count = models.PositiveIntegerField()  # raters it was learned from
    photo_count = models.PositiveIntegerField()  # photos that any of them rated
    weights = models.JSONField(default=list)  # per fold: the mean rating of an unrated photo is its features . weights
    report = models.JSONField()  # StoredPriorReport: the gain for held-out raters, and whether it is used
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="one_current_population_prior")]

    def __str__(self) -> str:
        return f"version {self.pk}"


class Fit(models.Model):
    """A rater's fitted model, from the rating events up to `ratings_seq`. A rater has none before the first rating."""

    rater = models.OneToOneField(Rater, primary_key=True, on_delete=models.CASCADE)
    projection = models.ForeignKey(Projection, null=True, blank=True, on_delete=models.CASCADE)  # of `weights`
    carried_over = models.BooleanField(default=False)  # `weights` were mapped from the projection before; the sweeper refits them
    version = models.PositiveIntegerField(default=0)  # counts stored fits; pushes carry it
    ratings_seq = models.PositiveIntegerField(default=0)
    # A photo's personal score is features . weights + population_scores . population_weights.
    weights = HalfVectorField(dimensions=FEATURES)
    population_weights = HalfVectorField(dimensions=FOLDS * SCORES, default=no_population_scores)  # zero outside the rater's own fold
    population_prior = models.ForeignKey(PopulationPrior, null=True, blank=True, on_delete=models.SET_NULL)  # of `population_weights`
    covariance = models.BinaryField(default=bytes)  # personalize.numerics.taste.Covariance; empty where `carried_over`
    coefficients = models.JSONField(default=list)  # StoredCoefficient of the generic score, then of each task head
    accuracy = models.JSONField(null=True, blank=True)  # StoredAccuracy
    next_photos = models.JSONField(default=dict)  # by `Scope.key`, a list of NextPhoto: what to present next
    exact_order = models.JSONField(null=True, blank=True)  # ExactOrder of the catalogue, where the exact model is active
    # The model of the version before, in the same projection, to show how far photos moved. Null: unknown.
    previous_weights = HalfVectorField(dimensions=FEATURES, null=True, blank=True)
    previous_population_weights = HalfVectorField(dimensions=FOLDS * SCORES, default=no_population_scores)
    previous_exact_order = models.JSONField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"version {self.version} of {self.rater_id}"


class ExactRefit(models.Model):
    """A rater's exact refit, made step by step while the rater pauses, and its comparison with the instant fit."""

    rater = models.OneToOneField(Rater, primary_key=True, on_delete=models.CASCADE)
    bank = models.ForeignKey(Bank, on_delete=models.CASCADE)  # of `coefficients`
    projection = models.ForeignKey(Projection, on_delete=models.CASCADE)  # of the instant fit it is compared with
    ratings_seq = models.PositiveIntegerField()  # the ratings it is made from; a later rating makes it stale
    step = models.PositiveSmallIntegerField(default=0)  # steps done
    step_queued_at = models.DateTimeField(null=True, blank=True)  # of the next step; null: finished or abandoned
    held_out = models.JSONField(default=list)  # HeldOut of each fold done
    comparison = models.JSONField(null=True, blank=True)  # StoredComparison; null until every fold is done
    coefficients = models.BinaryField(default=bytes)  # of the fit to all ratings: float32, blocks x tasks
    task_shares = models.JSONField(null=True, blank=True)  # StoredTaskShare by task, of these coefficients
    scores = models.JSONField(default=list)  # [[photo id, score]] of the first photos, as far as the steps have come

    def __str__(self) -> str:
        return f"step {self.step} of {self.rater_id}"
