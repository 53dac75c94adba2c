"""Model exports: requested by administrators, made one rater at a time, packed, downloaded by a signed link.

Every step names how many raters were done before it, so a step that runs twice, or late, changes nothing.
"""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypedDict
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from ratings import job_services, jobs
from ratings.errors import RatingError
from ratings.exports.models import ModelExport
from ratings.raters.models import Rater

MOST_UNFINISHED = 3  # exports of one administrator
KEPT_DAYS = 7
GIVE_UP_HOURS = 24
LINK_SECONDS = 3600
SALT = "ratings.model_exports.link"

# Stored untranslated; translated where it is shown.
NO_FIT = gettext_noop("There is no model: this rater has not rated anything, or has no fit with the current bank yet.")
NEEDS_PYTORCH = gettext_noop(
    "The exact model ranks this rater’s photos, and only a worker with PyTorch can export it. Install it on a worker with "
    "./pav install research and export again, or export the instant model with ./pav export_model --rater ID --fit instant."
)


@dataclass(frozen=True)
class FileFormat:
    """A file format that administrators choose from."""

    title: str
    about: Promise
    most: int  # raters in one export


FORMATS = {
    "json": FileFormat("JSON", _("The numbers of a fit, about 100 kilobytes. Needs PAV and the same bank."), 500),
    "safetensors": FileFormat(
        "safetensors", _("The same numbers in 30 kilobytes. An exact fit contains its whole network, and needs PAV without a bank."), 50
    ),
    "onnx": FileFormat(
        "ONNX", _("Everything from the photo to the score, for any program that runs ONNX. Takes 5 to 20 seconds per rater."), 50
    ),
}

State = ModelExport.State
AnyUser = User | AnonymousUser


class Problem(TypedDict):
    """Why the model of a rater cannot be made; as stored in `ModelExport.problems`."""

    rater: str
    detail: str


class NoRaters(RatingError):
    sentence = _("Choose at least one rater.")


class UnknownFormat(RatingError):
    sentence = _("Choose one of the formats.")


class TooManyRaters(RatingError):
    sentence = _("That is more raters than one export of this format can hold. Choose fewer, or choose JSON.")


class TooManyExports(RatingError):
    status = 429
    sentence = _("Some of your exports are not finished yet. Wait for them, or delete one.")


class InvalidLink(RatingError):
    status = 403
    sentence = _("This link has expired or belongs to someone else. Open the export's page to get a new one.")


class FileGone(RatingError):
    status = 404
    sentence = _("This export's file is gone: files are kept for a week. Export the models again.")


def request_export(*, user_id: int, file_format: str, raters: Sequence[UUID]) -> ModelExport:
    """Request the models of some raters.

    Raises:
        NoRaters, UnknownFormat, TooManyRaters, TooManyExports: each says what to do.
    """
    known = list(Rater.objects.filter(id__in=raters).order_by("created_at", "id").values_list("id", flat=True))
    if not known:
        raise NoRaters
    if file_format not in FORMATS:
        raise UnknownFormat
    if len(known) > FORMATS[file_format].most:
        raise TooManyRaters
    with transaction.atomic():
        # One at a time: two simultaneous requests would both count the exports before either adds its own.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user_id)
        if ModelExport.objects.filter(_unfinished(), requested_by=user_id).count() >= MOST_UNFINISHED:
            raise TooManyExports
        row = ModelExport.objects.create(
            requested_by_id=user_id, file_format=file_format, raters=[str(rater) for rater in known], step_queued_at=timezone.now()
        )
        transaction.on_commit(lambda: jobs.request_export(row.id))
    return row


def may_see(user: AnyUser) -> bool:
    """Whether this user may look at their own exports: a user who may request one must see its progress."""
    return user.has_perm("ratings.add_modelexport") or user.has_perm("ratings.view_modelexport")


def visible_export(user: AnyUser, export_id: UUID) -> ModelExport | None:
    """The export, if this user may see it: their own, or any for a superuser."""
    row = ModelExport.objects.filter(id=export_id).first()
    allowed = row is not None and may_see(user) and (user.is_superuser or row.requested_by_id == user.pk)
    return row if allowed else None


def under_way(export_id: UUID) -> ModelExport | None:
    """The export, unless it is finished or deleted."""
    return ModelExport.objects.filter(_unfinished(), id=export_id).first()


def start(row: ModelExport) -> None:
    """Mark an export as started: the first rater may take a while."""
    ModelExport.objects.filter(id=row.id, state=State.WAITING).update(state=State.RUNNING)


def store_step(row: ModelExport, problem: str = "") -> bool:
    """The next rater's model is made, or cannot be made because of `problem`; False where that step had been done before."""
    problems = [*row.problems, Problem(rater=row.raters[row.done_count], detail=problem)] if problem else row.problems
    same = ModelExport.objects.filter(_unfinished(), id=row.id, done_count=row.done_count)
    return bool(same.update(done_count=row.done_count + 1, problems=problems, state=State.RUNNING, step_queued_at=timezone.now()))


def finish(row: ModelExport, size_bytes: int) -> None:
    """All raters are done: the archive of `size_bytes` is ready, or 0 where no model could be made."""
    state = State.DONE if size_bytes else State.FAILED
    ModelExport.objects.filter(_unfinished(), id=row.id).update(state=state, size_bytes=size_bytes)


def remove_leftovers(export_id: UUID) -> None:
    """Remove unneeded files: all files of a deleted export; of a finished one all but the archive."""
    row = ModelExport.objects.filter(id=export_id).first()
    if row is None:
        archive(export_id).unlink(missing_ok=True)
    if row is None or row.state in (State.DONE, State.FAILED):
        for partial in Path(settings.EXPORTS_ROOT).glob(f"{export_id}.zip.*"):
            partial.unlink(missing_ok=True)
        shutil.rmtree(folder(export_id), ignore_errors=True)


def requeue_lost(*, waiting_seconds: float) -> None:
    """Queue steps again that were queued so long ago that they must be lost; after a day an export has failed."""
    for row in ModelExport.objects.filter(_unfinished(), created_at__lt=timezone.now() - timedelta(hours=GIVE_UP_HOURS)):
        finish(row, 0)
        remove_leftovers(row.id)
    unfinished = ModelExport.objects.filter(_unfinished())
    job_services.queue_lost_again(unfinished, jobs.request_export, column="step_queued_at", waiting_seconds=waiting_seconds)


def delete_old() -> None:
    """Delete exports, with their files, that were requested more than a week ago."""
    ModelExport.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()


def folder(export_id: UUID) -> Path:
    """Where the files of an export are made; other users of the machine have no access."""
    root = Path(settings.EXPORTS_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root / str(export_id)


def archive(export_id: UUID) -> Path:
    """The packed export."""
    return Path(settings.EXPORTS_ROOT) / f"{export_id}.zip"


def link(row: ModelExport, user: AnyUser) -> str:
    """The last part of a download address: valid for this user, for an hour."""
    return signing.dumps([str(row.id), user.pk], salt=SALT)


def open_archive(user: AnyUser, ticket: str) -> tuple[ModelExport, BinaryIO]:
    """The export that a link of this user leads to, and its archive.

    Raises:
        InvalidLink: the link is expired, altered, or another user's.
        FileGone: the export, or its file, has been deleted.
    """
    try:
        export_id, user_id = signing.loads(ticket, salt=SALT, max_age=LINK_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidLink from error
    if user_id != user.pk:
        raise InvalidLink
    row = visible_export(user, uuid.UUID(export_id))
    if row is None:
        raise FileGone
    try:
        return row, archive(row.id).open("rb")
    except FileNotFoundError as error:
        raise FileGone from error


@receiver(post_delete, sender=ModelExport)
def _remove_files(instance: ModelExport, **_signal: Any) -> None:
    """However an export is deleted, its files are removed after commit."""
    export_id = instance.id  # Django takes it from the row once it is deleted
    transaction.on_commit(lambda: remove_leftovers(export_id))


def _unfinished() -> Q:
    return Q(state__in=[State.WAITING, State.RUNNING])
