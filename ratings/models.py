"""Tables: photos and how a bank sees them, people, dealt cards, what was answered, and each person's fit."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

FEATURES = 256  # numbers that describe a photo; place 0 is the generic score
FOLDS = 5  # of the people: each is served by what the other folds taught, so that nobody's answers come back to them as others'
SHARED = 2  # numbers that others' answers tell of a photo: a mean, and a taste that people share to different degrees


def nothing_shared() -> list[float]:
    """Of a photo, or a person, that nothing was learned of."""
    return [0.0] * (FOLDS * SHARED)


class Value(models.IntegerChoices):
    """What can be answered to a card. A skip says nothing about taste."""

    SKIP = 0, "skip"
    DISLIKE = 1, "dislike"
    LIKE = 2, "like"
    LOVE = 3, "love"


class Bank(models.Model):
    """A bank of task vectors that photos were described with; one is current."""

    hash = models.CharField(primary_key=True, max_length=64)
    card = models.JSONField()
    is_current = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="one_current_bank")]

    def __str__(self) -> str:
        return self.hash


class Person(models.Model):
    """Whoever rates: a guest, or later somebody with an account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    ratings_seq = models.PositiveIntegerField(default=0)  # number of the last event; a fit made of fewer is behind
    refit_queued_at = models.DateTimeField(null=True, blank=True)  # set while one refit waits in the queue
    shares_answers_since = models.DateTimeField(null=True, blank=True)  # null: their answers teach nobody else
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return str(self.id)


class Photo(models.Model):
    """A photo, normalised; its files lie in the media folder under `content_hash`."""

    name = models.CharField(max_length=200)  # the file's name, made safe to show
    sha256 = models.CharField(max_length=64)  # of the normalised pixels
    content_hash = models.CharField(max_length=16)  # part of every file's address, so files can be cached for ever
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    thumbhash = models.CharField(max_length=64)
    alt = models.CharField(max_length=300, blank=True)
    credit = models.CharField(max_length=300, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    licence_url = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(Person, null=True, blank=True, on_delete=models.CASCADE)  # null: everybody's catalogue
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="one_photo_per_owner_and_content", nulls_distinct=False)]

    def __str__(self) -> str:
        return self.name


class Description(models.Model):
    """A photo as a bank sees it."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    bank = models.ForeignKey(Bank, on_delete=models.CASCADE)
    score = models.FloatField()  # generic and person-free: mean 0, sd 1 over the bank's catalogue
    features = HalfVectorField(dimensions=FEATURES)
    shared = HalfVectorField(dimensions=FOLDS * SHARED, default=nothing_shared)  # what others' answers say of it, fold after fold

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bank", "photo"], name="one_description_per_bank_and_photo")]
        indexes = [models.Index(fields=["bank", "-score"], name="generic_order")]

    def __str__(self) -> str:
        return f"{self.photo_id} by {self.bank_id}"


class Presentation(models.Model):
    """A card dealt to a person. The row outlives its answer and says which algorithm dealt it, and why."""

    token = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE)
    algorithm = models.CharField(max_length=20)
    reason = models.JSONField(default=dict)
    position = models.BigIntegerField()  # order in the deck; an undone card goes before all others
    dealt_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    value = models.SmallIntegerField(choices=Value.choices, null=True, blank=True)  # what the events add up to; null: open

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "photo"], name="a_photo_is_dealt_once"),
            models.CheckConstraint(
                condition=Q(value__isnull=True, answered_at__isnull=True) | Q(value__isnull=False, answered_at__isnull=False),
                name="answered_cards_have_a_value",
            ),
        ]
        indexes = [models.Index(fields=["person", "position"], condition=Q(answered_at__isnull=True), name="open_cards")]

    def __str__(self) -> str:
        return str(self.token)


class RatingEvent(models.Model):
    """What a person did, in order. Never changed, never deleted: an undo is an event of its own."""

    class Kind(models.TextChoices):
        SET = "set"
        UNDO = "undo"

    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    seq = models.PositiveIntegerField()
    client_id = models.UUIDField()  # made by the client at the gesture: the same id again is the same event
    kind = models.CharField(max_length=4, choices=Kind.choices)
    presentation = models.ForeignKey(Presentation, on_delete=models.CASCADE)
    value = models.SmallIntegerField(choices=Value.choices)  # given, or taken back
    on_screen_ms = models.PositiveIntegerField(null=True, blank=True)
    modality = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "client_id"], name="a_resent_event_is_the_same_event"),
            models.UniqueConstraint(fields=["person", "seq"], name="events_are_numbered"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.get_value_display()}"


class Population(models.Model):
    """What people who share their answers taught of photos: one version a night. One is current, or none where it does not help."""

    bank = models.ForeignKey(Bank, on_delete=models.CASCADE)
    is_current = models.BooleanField(default=False)
    people = models.PositiveIntegerField()  # who taught
    photos = models.PositiveIntegerField()  # that any of them rated
    weights = models.JSONField(default=list)  # per fold: the mean of a photo that nobody rated is its projected features . these
    report = models.JSONField()  # what it adds for people who had no part in it, and whether the floor passed it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="one_current_population")]

    def __str__(self) -> str:
        return f"version {self.pk}"


class Fit(models.Model):
    """What PAV knows of a person's taste, made from events up to `ratings_seq`."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE)
    bank = models.ForeignKey(Bank, null=True, blank=True, on_delete=models.CASCADE)  # null until the first fit
    version = models.PositiveIntegerField(default=0)  # counts stored fits; a push carries it
    ratings_seq = models.PositiveIntegerField(default=0)
    weights = HalfVectorField(dimensions=FEATURES)  # a photo's personal score is features . weights + its shared . ours
    shared = HalfVectorField(dimensions=FOLDS * SHARED, default=nothing_shared)  # zero outside of the person's own fold
    population = models.ForeignKey(Population, null=True, blank=True, on_delete=models.SET_NULL)  # that `shared` belongs to
    covariance = models.BinaryField(default=bytes)  # personalize.numerics.taste.Covariance
    accuracy = models.JSONField(null=True, blank=True)
    top = models.JSONField(default=list)  # photo ids in order, the first 500
    previous_top = models.JSONField(default=list)  # the same of the version before, to tell who moved
    next_cards = models.JSONField(default=list)  # [{"photo", "algorithm", "reason"}]
    refined = models.JSONField(null=True, blank=True)  # {"photos", "scores"}: the first 500 as the exact model has them, where it speaks
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"version {self.version} of {self.person_id}"


class Refinement(models.Model):
    """An exact fit of a person, made step by step while they rest, and how it compares with the instant one."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE)
    bank = models.ForeignKey(Bank, on_delete=models.CASCADE)
    ratings_seq = models.PositiveIntegerField()  # the answers that it is made of; others since make it stale
    step = models.PositiveSmallIntegerField(default=0)  # steps that are done
    asked_at = models.DateTimeField(null=True, blank=True)  # when its next step was queued; null: finished, or given up
    held_out = models.JSONField(default=list)  # per fold of the answers: scores of those that neither model has seen
    verdict = models.JSONField(null=True, blank=True)  # {"instant", "exact": SROCC, "error", "speaks"}; null until every fold is done
    coefficients = models.BinaryField(default=bytes)  # of the exact fit to all answers: float32, blocks x tasks
    scores = models.JSONField(default=list)  # of the first photos of the ranking, as far as the steps have come: [[photo, score]]

    def __str__(self) -> str:
        return f"step {self.step} of {self.person_id}"


class ModelExport(models.Model):
    """Models of people that an administrator asked for: made one person after the other, packed, and kept for a while."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    kind = models.CharField(max_length=12)  # json, safetensors or onnx
    people = models.JSONField()  # ids, in the order in which they are made
    done = models.PositiveIntegerField(default=0)  # how many of them are made or cannot be
    problems = models.JSONField(default=list)  # [{"person", "detail"}]: those that cannot be, and why
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField()  # when its next step was queued
    size = models.PositiveBigIntegerField(default=0)  # of the archive, in bytes; 0 until it is there
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("export of models")
        verbose_name_plural = _("exports of models")

    def __str__(self) -> str:
        return f"{self.done} of {len(self.people)} as {self.kind}"
