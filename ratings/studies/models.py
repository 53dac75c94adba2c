"""Tables of rating studies. Participants are no raters: no trial reaches a taste fit, the ratings CSV or the population prior."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ratings.jobs import JobState
from ratings.photos.models import Photo


class Study(models.Model):
    """One study of a researcher. What may change after opening is here; everything else is in its frozen design."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PREVIEW = "preview", _("preview")
        PILOT = "pilot", _("pilot")
        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")
        ARCHIVED = "archived", _("archived")

    slug = models.SlugField(max_length=50, unique=True)  # part of the link that participants get
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="studies")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    draft = models.TextField()  # the YAML as it is edited; not used any more once the design is frozen
    design = models.ForeignKey("StudyDesign", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    places = models.PositiveIntegerField(default=0)  # participants wanted; with the two below, what may change after opening
    ends_at = models.DateTimeField(null=True, blank=True)
    contact = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("study")
        verbose_name_plural = _("studies")

    def __str__(self) -> str:
        return self.slug

    @property
    def is_frozen(self) -> bool:
        """Whether the design was opened, which no later state takes back."""
        return self.state in (self.State.OPEN, self.State.PAUSED, self.State.CLOSED, self.State.ARCHIVED)


class StudyDesign(models.Model):
    """A design that participants have seen, as it was. Never changed."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="designs")
    text = models.TextField()  # the YAML file, to the byte
    hash = models.CharField(max_length=64)  # SHA-256 of the text
    consent_hashes = models.JSONField()  # language -> SHA-256 of what the consent page says
    versions = models.JSONField()  # PAV, bank, projection
    is_opening = models.BooleanField(default=False)  # the one that data for publication is collected with
    frozen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("study design")
        verbose_name_plural = _("study designs")
        constraints = [models.UniqueConstraint(fields=["study", "hash", "is_opening"], name="one_study_design_per_text")]

    def __str__(self) -> str:
        return f"{self.study_id} {self.hash[:12]}"


class StudyPhoto(models.Model):
    """A photo that a study shows. The photo cannot be deleted while the study needs it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="photos")
    photo = models.ForeignKey(Photo, on_delete=models.PROTECT)
    sha256 = models.CharField(max_length=64)
    category = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("photo of a study")
        verbose_name_plural = _("photos of studies")
        constraints = [models.UniqueConstraint(fields=["study", "photo"], name="one_study_photo_per_photo")]

    def __str__(self) -> str:
        return f"{self.study_id} {self.sha256[:12]}"


class Participant(models.Model):
    """One run through a study, from the consent on. Of one that was withdrawn, `participation_services.ERASED` is empty."""

    class Mode(models.TextChoices):
        PREVIEW = "preview", _("preview")  # deleted with the preview
        PILOT = "pilot", _("pilot")
        MAIN = "main", _("study")

    class State(models.TextChoices):
        UNDER_WAY = "under_way", _("under way")
        COMPLETED = "completed", _("completed")
        SCREENED_OUT = "screened_out", _("screened out")
        CHECKS_FAILED = "checks_failed", _("comprehension not passed")
        LEFT = "left", _("left")
        FAULT = "fault", _("technical fault")
        WITHDRAWN = "withdrawn", _("withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="participants")
    design = models.ForeignKey(StudyDesign, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=8, choices=Mode.choices)
    number = models.PositiveIntegerField()
    pseudonym = models.CharField(max_length=12, blank=True)  # in exports; says nothing about the same person in another study
    withdrawal_code = models.CharField(max_length=19, unique=True)
    language = models.CharField(max_length=20, blank=True)
    consent_hash = models.CharField(max_length=64, blank=True)
    consented_at = models.DateTimeField(auto_now_add=True, null=True)
    condition = models.CharField(max_length=60, blank=True)
    row = models.PositiveIntegerField()  # how many were dealt into this condition before: the row of a Latin square
    photos = models.JSONField(default=list)  # places in the design's list, where each participant gets a share; empty: all
    chances = models.JSONField(default=list)  # the probability of each of these
    state = models.CharField(max_length=13, choices=State.choices, default=State.UNDER_WAY)
    step = models.CharField(max_length=20, blank=True)  # of the run, see `ratings.studies.steps`
    next_place = models.PositiveIntegerField(default=0)  # in the participant's trials
    comprehension_tries = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField()  # then the places of somebody who went away are given to others
    released = models.BooleanField(default=False)  # does not count: the places are others' to fill
    page = models.UUIDField(null=True, blank=True)  # the tab that shows the trials
    page_seen_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    crowd_status = models.CharField(max_length=20, blank=True)  # what Prolific's table of submissions says
    fault_note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.UniqueConstraint(fields=["study", "mode", "number"], name="one_participant_per_number"),
            models.UniqueConstraint(fields=["study", "pseudonym"], condition=~Q(pseudonym=""), name="one_participant_per_pseudonym"),
        ]
        indexes = [models.Index(fields=["study", "mode", "state"], name="participants_by_state")]

    def __str__(self) -> str:
        return f"{self.study_id} {self.number}"


class ParticipantIdentity(models.Model):
    """The id by which a participant came. Apart from everything else; deleted at the retention date, exported only when asked for."""

    participant = models.OneToOneField(Participant, primary_key=True, on_delete=models.CASCADE, related_name="identity")
    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10)  # prolific, invitation
    external_id = models.CharField(max_length=100)
    external_study = models.CharField(max_length=100, blank=True)
    external_session = models.CharField(max_length=100, blank=True)
    mode = models.CharField(max_length=8)
    erase_on = models.DateField()

    class Meta:
        verbose_name = _("identity of a participant")
        verbose_name_plural = _("identities of participants")
        constraints = [models.UniqueConstraint(fields=["study", "mode", "kind", "external_id"], name="one_run_per_study_and_id")]

    def __str__(self) -> str:
        return str(self.participant_id)


class BarredId(models.Model):
    """A keyed hash of an id that may not take part in a study, or not again; the id itself is not kept."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="barred")
    key = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("barred id")
        verbose_name_plural = _("barred ids")
        constraints = [models.UniqueConstraint(fields=["study", "key"], name="one_barred_id_per_study")]

    def __str__(self) -> str:
        return self.key[:12]


class StudyInvitation(models.Model):
    """A code by which one person may take part, once."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="invitations")
    code = models.CharField(max_length=20, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("invitation to a study")
        verbose_name_plural = _("invitations to studies")

    def __str__(self) -> str:
        return self.code


class Trial(models.Model):
    """One showing of one photo to a participant, and what came of it. Append-only: after an undo the next attempt is a row of its own.

    Times are milliseconds on the clock of the page, as the browser gave them; `time_origin` is when that clock was 0, in UTC.
    """

    class Phase(models.TextChoices):
        PRACTICE = "practice", _("practice")
        MAIN = "main", _("trial")
        CHECK = "check", _("instructed check")

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE)
    client_id = models.UUIDField()  # made by the browser; the same id again is the same answer
    place = models.PositiveIntegerField()  # in everything that the participant is shown
    attempt = models.PositiveSmallIntegerField(default=0)
    phase = models.CharField(max_length=8, choices=Phase.choices)
    block = models.CharField(max_length=60, blank=True)
    position = models.PositiveIntegerField()  # within the phase's trials, from 1
    photo = models.ForeignKey(StudyPhoto, null=True, blank=True, on_delete=models.PROTECT, related_name="+")  # null: a check
    photo_before = models.ForeignKey(StudyPhoto, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    repeat_of = models.PositiveIntegerField(null=True, blank=True)  # position of the first trial of this photo
    dealt_by = models.CharField(max_length=20)
    probability = models.FloatField(null=True, blank=True)  # that this participant got this photo
    check_value = models.SmallIntegerField(null=True, blank=True)
    value = models.SmallIntegerField(null=True, blank=True)
    skipped = models.BooleanField(default=False)
    timed_out = models.BooleanField(default=False)
    changes = models.JSONField(default=list)  # [time, value] of each choice before the last
    time_origin = models.FloatField()
    shown_ms = models.FloatField()
    first_input_ms = models.FloatField(null=True, blank=True)
    answer_ms = models.FloatField()
    swipe_start_ms = models.FloatField(null=True, blank=True)
    swipe_release_ms = models.FloatField(null=True, blank=True)
    hidden = models.JSONField(default=list)  # [from, to] of each time that the page was out of sight
    viewport_width = models.PositiveIntegerField()
    viewport_height = models.PositiveIntegerField()
    shown_width = models.FloatField(null=True, blank=True)  # CSS pixels
    shown_height = models.FloatField(null=True, blank=True)
    device_pixel_ratio = models.FloatField()
    derivative = models.PositiveIntegerField(null=True, blank=True)  # width of the file that was shown, pixels
    orientation = models.CharField(max_length=20, blank=True)
    input_kind = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        constraints = [
            models.UniqueConstraint(fields=["participant", "client_id"], name="one_trial_per_client_id"),
            models.UniqueConstraint(fields=["participant", "place", "attempt"], name="one_trial_per_place_and_attempt"),
            models.CheckConstraint(
                condition=Q(value__isnull=False, skipped=False, timed_out=False)
                | (Q(value__isnull=True) & (Q(skipped=True) | Q(timed_out=True))),
                name="trials_without_a_value_say_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.place}"


class TrialEvent(models.Model):
    """What happened around the trials: an undo, a break, a photo that could not be loaded, a page that was opened again."""

    class Kind(models.TextChoices):
        UNDO = "undo"
        BREAK = "break"
        RESUME = "resume"
        PHOTO_FAILED = "photo_failed"
        REFUSED = "refused"

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE)
    client_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    place = models.PositiveIntegerField()
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("event of a trial")
        verbose_name_plural = _("events of trials")
        constraints = [models.UniqueConstraint(fields=["participant", "client_id"], name="one_trial_event_per_client_id")]

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


class StudyAnswer(models.Model):
    """An answer to a question, not to a photo."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="answers")
    step = models.CharField(max_length=20)
    attempt = models.PositiveSmallIntegerField(default=1)  # of comprehension questions
    question = models.CharField(max_length=60)
    row = models.CharField(max_length=60, blank=True)  # of a matrix
    value = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["participant", "step", "attempt", "question", "row"], name="one_study_answer_per_question")
        ]

    def __str__(self) -> str:
        return f"{self.question} {self.value}"


class Exclusion(models.Model):
    """A researcher's decision that a participant does not count, with the reason. The participant's rows stay."""

    participant = models.OneToOneField(Participant, on_delete=models.CASCADE, related_name="exclusion")
    reason = models.CharField(max_length=500)
    excluded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")

    def __str__(self) -> str:
        return self.reason


class StudyAnalysis(models.Model):
    """The newest analysis of agreement of a study's cleaned trials, made by a worker. A withdrawal deletes it."""

    State = JobState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="analysis")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    queued_at = models.DateTimeField()  # of the task
    problem = models.TextField(blank=True)  # why there is no result, or not all of it
    files = models.JSONField(default=dict)  # name -> text: agreement.json, report.md
    created_at = models.DateTimeField(auto_now_add=True)
    began_at = models.DateTimeField(null=True, blank=True)  # the time of its data

    class Meta:
        verbose_name = _("analysis of a study")
        verbose_name_plural = _("analyses of studies")

    def __str__(self) -> str:
        return f"{self.study_id} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)


class StudyLog(models.Model):
    """What happened in a study, in order: states, changes after opening, who was dealt what, whose places were released.

    Append-only, except that a withdrawal leaves only the number, and the design that it was dealt, in the lines about the participant.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="log")
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("study log")
        verbose_name_plural = _("study log")

    def __str__(self) -> str:
        return self.kind
