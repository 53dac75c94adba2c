"""Models of people that administrators take home: asked for, made one person at a time, packed, fetched by a link that expires.

Every step names how many people were done before it, so a step that runs twice, or late, changes nothing.
"""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
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

from ratings import jobs
from ratings.errors import RatingError
from ratings.models import ModelExport, Person

MOST_UNFINISHED = 3  # exports of one administrator
KEPT_DAYS = 7
PATIENCE_HOURS = 24
LINK_SECONDS = 3600
SALT = "ratings.model_exports.link"

# Stored as it is, and translated for whoever reads it.
NO_FIT = gettext_noop("There is no fit: this person has not answered anything, or not been fitted with the current bank yet.")


@dataclass(frozen=True)
class Kind:
    """A format, as people choose it."""

    title: str
    about: Promise
    most: int  # people in one export


KINDS = {
    "json": Kind("JSON", _("Coefficients alone, a few kilobytes; needs PAV and the same bank."), 500),
    "safetensors": Kind("safetensors", _("The whole network for PAV, no bank needed; about as large as the model."), 50),
    "onnx": Kind("ONNX", _("The whole network for any program that runs ONNX; takes some 20 seconds for each person."), 50),
}

State = ModelExport.State
Anybody = User | AnonymousUser


class NobodyChosen(RatingError):
    sentence = _("Choose at least one person.")


class UnknownKind(RatingError):
    sentence = _("Choose one of the formats.")


class TooManyPeople(RatingError):
    sentence = _("That is more people than fit into one export of this format. Choose fewer, or the format JSON.")


class TooManyExports(RatingError):
    status = 429
    sentence = _("Some exports of yours are not finished yet. Wait for them, or delete one.")


class StaleLink(RatingError):
    status = 403
    sentence = _("This link is older than an hour, or not yours. Open the page of the export for a new one.")


class NotThere(RatingError):
    status = 404
    sentence = _("The file of this export is gone: files are kept for a week. Export the models again.")


def begin(*, user_id: int, kind: str, people: Sequence[UUID]) -> ModelExport:
    """Ask for the models of some people.

    Raises:
        NobodyChosen, UnknownKind, TooManyPeople, TooManyExports: with a sentence that says what to do.
    """
    known = list(Person.objects.filter(id__in=people).order_by("created_at", "id").values_list("id", flat=True))
    if not known:
        raise NobodyChosen
    if kind not in KINDS:
        raise UnknownKind
    if len(known) > KINDS[kind].most:
        raise TooManyPeople
    with transaction.atomic():
        # One at a time: two requests at the same instant would both count the exports before either adds its own.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user_id)
        if ModelExport.objects.filter(_unfinished(), requested_by=user_id).count() >= MOST_UNFINISHED:
            raise TooManyExports
        row = ModelExport.objects.create(
            requested_by_id=user_id, kind=kind, people=[str(person) for person in known], asked_at=timezone.now()
        )
        transaction.on_commit(lambda: jobs.request_export(row.id))
    return row


def may_see(user: Anybody) -> bool:
    """Whether this user may look at exports of their own: whoever may ask for one must see what becomes of it."""
    return user.has_perm("ratings.add_modelexport") or user.has_perm("ratings.view_modelexport")


def seen_by(user: Anybody, export_id: UUID) -> ModelExport | None:
    """The export, if this user may see it: their own, or any for a superuser."""
    row = ModelExport.objects.filter(id=export_id).first()
    allowed = row is not None and may_see(user) and (user.is_superuser or row.requested_by_id == user.pk)
    return row if allowed else None


def under_way(export_id: UUID) -> ModelExport | None:
    """The export, unless it is finished or gone."""
    return ModelExport.objects.filter(_unfinished(), id=export_id).first()


def start(row: ModelExport) -> None:
    """A worker has taken it up: the first person may take a while."""
    ModelExport.objects.filter(id=row.id, state=State.WAITING).update(state=State.RUNNING)


def store_step(row: ModelExport, problem: str = "") -> bool:
    """The next person is made, or cannot be because of `problem`; False where that step had been done before."""
    problems = [*row.problems, {"person": row.people[row.done], "detail": problem}] if problem else row.problems
    same = ModelExport.objects.filter(_unfinished(), id=row.id, done=row.done)
    return bool(same.update(done=row.done + 1, problems=problems, state=State.RUNNING, asked_at=timezone.now()))


def finish(row: ModelExport, size: int) -> None:
    """Everybody is done: the archive of `size` bytes is there, or 0 where no model could be made."""
    ModelExport.objects.filter(_unfinished(), id=row.id).update(state=State.DONE if size else State.FAILED, size=size)


def tidy(export_id: UUID) -> None:
    """Remove what nobody needs any more: all files of an export that was deleted, of a finished one all but the archive."""
    row = ModelExport.objects.filter(id=export_id).first()
    if row is None:
        archive(export_id).unlink(missing_ok=True)
    if row is None or row.state in (State.DONE, State.FAILED):
        for partial in Path(settings.EXPORTS_ROOT).glob(f"{export_id}.zip.*"):
            partial.unlink(missing_ok=True)
        shutil.rmtree(folder(export_id), ignore_errors=True)


def ask_again(*, waiting_seconds: float) -> None:
    """Ask again for steps that were asked for so long ago that they must be lost; after a day an export has failed."""
    for row in ModelExport.objects.filter(_unfinished(), created_at__lt=timezone.now() - timedelta(hours=PATIENCE_HOURS)):
        finish(row, 0)
        tidy(row.id)
    for row in ModelExport.objects.filter(_unfinished(), asked_at__lt=timezone.now() - timedelta(seconds=waiting_seconds)):
        if ModelExport.objects.filter(id=row.id, asked_at=row.asked_at).update(asked_at=timezone.now()):
            jobs.request_export(row.id)


def forget_old() -> None:
    """Delete exports, with their files, that were asked for more than a week ago."""
    ModelExport.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()


def folder(export_id: UUID) -> Path:
    """Where the files of an export are made; nobody else on the machine may look into it."""
    root = Path(settings.EXPORTS_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root / str(export_id)


def archive(export_id: UUID) -> Path:
    """The packed export."""
    return Path(settings.EXPORTS_ROOT) / f"{export_id}.zip"


def link(row: ModelExport, user: Anybody) -> str:
    """What a download address ends in: good for this user, for an hour."""
    return signing.dumps([str(row.id), user.pk], salt=SALT)


def opened(user: Anybody, ticket: str) -> tuple[ModelExport, BinaryIO]:
    """The export that a link of this user leads to, and its archive.

    Raises:
        StaleLink: the link is old, altered, or somebody else's.
        NotThere: the export, or its file, has been deleted.
    """
    try:
        export_id, user_id = signing.loads(ticket, salt=SALT, max_age=LINK_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise StaleLink from error
    if user_id != user.pk:
        raise StaleLink
    row = seen_by(user, uuid.UUID(export_id))
    if row is None:
        raise NotThere
    try:
        return row, archive(row.id).open("rb")
    except FileNotFoundError as error:
        raise NotThere from error


@receiver(post_delete, sender=ModelExport)
def _deleted(instance: ModelExport, **_signal: Any) -> None:
    """However an export goes, its files go after commit."""
    export_id = instance.id  # Django takes it from the row once it is deleted
    transaction.on_commit(lambda: tidy(export_id))


def _unfinished() -> Q:
    return Q(state__in=[State.WAITING, State.RUNNING])
