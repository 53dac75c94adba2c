"""Writes of the deck. Each is one short transaction; refits are queued after commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from ratings import jobs
from ratings.deck import selectors
from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.errors import ClientIdReused, NothingToUndo, NotSignedIn, UnknownCard, UnknownPhoto, UsedCard
from ratings.photos.models import Photo
from ratings.photos.scopes import Scope
from ratings.photos.selectors import photos_shown_to
from ratings.ranking.json_columns import NextPhoto
from ratings.ranking.models import Fit
from ratings.raters.models import Rater
from ratings.sql import rows

PICKED, IMPORTED = "picked", "imported"  # algorithms of presentations that no algorithm chose
REQUEUE_SECONDS = 3  # a refit that has waited so long may have been lost: the next rating queues it again


@dataclass(frozen=True)
class Recorded:
    """A rating of the presentation `token` is stored; `created` is False where the same one had been stored before."""

    ratings_seq: int
    token: UUID
    created: bool


@dataclass(frozen=True)
class Undone:
    """A rating is undone and its presentation open again; None where the same undo had been stored before and the photo rated since."""

    ratings_seq: int
    presentation: Presentation | None


def record_rating(
    *, rater_id: UUID, token: UUID, client_id: UUID, value: int, on_screen_ms: int | None = None, modality: str = ""
) -> Recorded:
    """Store the rating of a presentation, once.

    Raises:
        UnknownCard: this rater has no such presentation.
        UsedCard: it has a rating already.
        ClientIdReused: this client id belongs to another rating.
        NotSignedIn: this rater has been deleted.
    """
    with transaction.atomic():
        seq = _next_event(rater_id)
        before = RatingEvent.objects.filter(rater=rater_id, client_id=client_id).first()
        if before:
            transaction.set_rollback(True)
            if (before.kind, before.presentation_id, before.value) != (RatingEvent.Kind.SET, token, value):
                raise ClientIdReused
            return Recorded(before.seq, before.presentation_id, created=False)
        presentation = Presentation.objects.filter(token=token, rater=rater_id)
        if not presentation.filter(rated_at=None).update(rated_at=timezone.now(), value=value):
            raise UsedCard if presentation.exists() else UnknownCard
        RatingEvent.objects.create(
            rater_id=rater_id,
            seq=seq,
            client_id=client_id,
            kind=RatingEvent.Kind.SET,
            presentation_id=token,
            value=value,
            on_screen_ms=on_screen_ms,
            modality=modality,
        )
    return Recorded(seq, token, created=True)


def rate_picked(*, rater_id: UUID, photo_id: int, client_id: UUID, value: int, modality: str = "") -> Recorded:
    """Store the rating of a photo that the rater picked by hand, as on a grid, once. A photo that is rated already gets the new rating.

    It is a presentation of algorithm `picked`: without a probability, since PAV did not choose it.

    Raises:
        UnknownPhoto: there is no such photo, or it is not the rater's to see, or lies in the bin.
        ClientIdReused: this client id belongs to another rating.
        NotSignedIn: this rater has been deleted.
    """
    with transaction.atomic():
        seq = _next_event(rater_id)
        before = RatingEvent.objects.select_related("presentation").filter(rater=rater_id, client_id=client_id).first()
        if before:
            transaction.set_rollback(True)
            if (before.kind, before.presentation.photo_id, before.value) != (RatingEvent.Kind.SET, photo_id, value):
                raise ClientIdReused
            return Recorded(before.seq, before.presentation_id, created=False)
        # Locked: a photo that is deleted meanwhile is gone before, or takes this rating along.
        if not photos_shown_to(rater_id, [photo_id]).filter(binned_at=None).select_for_update(no_key=True, of=("self",)).first():
            raise UnknownPhoto
        rated = {"algorithm": PICKED, "reason": {}, "value": value, "rated_at": timezone.now()}
        first = {**rated, "position": _last_position(rater_id) + 1}
        presentation, _ = Presentation.objects.update_or_create(rater_id=rater_id, photo_id=photo_id, defaults=rated, create_defaults=first)
        RatingEvent.objects.create(
            rater_id=rater_id,
            seq=seq,
            client_id=client_id,
            kind=RatingEvent.Kind.SET,
            presentation=presentation,
            value=value,
            modality=modality,
        )
    return Recorded(seq, presentation.token, created=True)


def record_imported(*, rater_id: UUID, values: Mapping[int, int]) -> int:
    """Store ratings that came with the rater's own photos, such as stars in their files: photo id -> value. Returns how many.

    Photos that the rater has rated are left out: what was said here counts. So the same import again stores nothing. A skip is no rating.

    Raises:
        NotSignedIn: this rater has been deleted.
    """
    with transaction.atomic():
        first = _next_event(rater_id)
        rated = Presentation.objects.filter(rater=rater_id, rated_at__isnull=False).values("photo")
        own = Photo.objects.filter(owner=rater_id, id__in=values).exclude(id__in=rated).order_by("id").values_list("id", flat=True)
        photos = [photo for photo in own if values[photo] > Value.SKIP]
        if not photos:
            transaction.set_rollback(True)
            return 0
        now, position = timezone.now(), _last_position(rater_id)
        Presentation.objects.filter(rater=rater_id, photo__in=photos).delete()  # dealt, and not rated
        presentations = Presentation.objects.bulk_create(
            Presentation(
                rater_id=rater_id, photo_id=photo, algorithm=IMPORTED, value=values[photo], rated_at=now, position=position + place
            )
            for place, photo in enumerate(photos, start=1)
        )
        RatingEvent.objects.bulk_create(
            RatingEvent(
                rater_id=rater_id,
                seq=first + place,
                client_id=uuid4(),
                kind=RatingEvent.Kind.SET,
                presentation=presentation,
                value=presentation.value or 0,
            )
            for place, presentation in enumerate(presentations)
        )
        Rater.objects.filter(id=rater_id).update(ratings_seq=first + len(presentations) - 1)
    return len(presentations)


def undo_rating(*, rater_id: UUID, client_id: UUID, token: UUID | None = None) -> Undone:
    """Undo the rating of a presentation, or without `token` the last one: an event of its own; the presentation is open again, first.

    Raises:
        NothingToUndo: there is no rating left to undo, or the presentation has none: another page undid it.
        ClientIdReused: this client id belongs to a rating.
        NotSignedIn: this rater has been deleted.
    """
    with transaction.atomic():
        seq = _next_event(rater_id)
        before = RatingEvent.objects.filter(rater=rater_id, client_id=client_id).first()
        if before:
            if before.kind != RatingEvent.Kind.UNDO:
                raise ClientIdReused
            presentation = Presentation.objects.select_related("photo").filter(token=before.presentation_id, rated_at=None).first()
            transaction.set_rollback(True)
            return Undone(before.seq, presentation)
        current = RatingEvent.objects.filter(
            rater=rater_id, kind=RatingEvent.Kind.SET, presentation__rated_at__isnull=False, superseded=False
        )
        last = (current.filter(presentation=token) if token else current).order_by("-seq").first()
        if last is None:
            raise NothingToUndo
        first = Presentation.objects.filter(rater=rater_id, rated_at=None).aggregate(place=Min("position"))["place"]
        presentation = Presentation.objects.select_related("photo").get(token=last.presentation_id)
        value, presentation.value, presentation.rated_at, presentation.position = last.value, None, None, (first or 0) - 1
        presentation.save(update_fields=["value", "rated_at", "position"])
        RatingEvent.objects.create(
            rater_id=rater_id, seq=seq, client_id=client_id, kind=RatingEvent.Kind.UNDO, presentation=presentation, value=value
        )
    return Undone(seq, presentation)


def deal(*, rater_id: UUID, scope: Scope, count: int) -> list[Presentation]:
    """The rater's open presentations of a scope, topped up to `count`: first what the last fit chose, then photos at random.

    Raises:
        NotSignedIn: this rater has been deleted.
    """
    open_ones = selectors.open_presentations(rater_id, scope, count)
    if len(open_ones) >= count:
        return open_ones
    with transaction.atomic():
        # One deal at a time: two pages that ask at the same time must get the same cards.
        if Rater.objects.select_for_update().filter(id=rater_id).first() is None:
            raise NotSignedIn
        open_ones = selectors.open_presentations(rater_id, scope, count)
        wanted = count - len(open_ones)
        chosen = _next_photos(rater_id, scope)[:wanted]
        if len(chosen) < wanted:
            known = {photo["photo"] for photo in chosen}
            photos, _ = selectors.candidates(rater_id, scope, wanted)
            spare = [photo for photo in photos.tolist() if photo not in known]
            chosen += [NextPhoto(photo=photo, algorithm="random", reason={}) for photo in spare[: wanted - len(chosen)]]
        last = _last_position(rater_id)
        Presentation.objects.bulk_create(
            Presentation(
                rater_id=rater_id, photo_id=photo["photo"], algorithm=photo["algorithm"], reason=photo["reason"], position=last + place
            )
            for place, photo in enumerate(chosen, start=1)
        )
        return selectors.open_presentations(rater_id, scope, count)


def _next_event(rater_id: UUID) -> int:
    """Number the rater's next event, lock the rater until commit, and queue a refit then, unless one is queued already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_rater SET ratings_seq = ratings_seq + 1, refit_queued_at = CASE
            WHEN refit_queued_at >= statement_timestamp() - make_interval(secs => %s) THEN refit_queued_at ELSE statement_timestamp() END
            WHERE id = %s RETURNING ratings_seq, refit_queued_at = statement_timestamp()""",
            [REQUEUE_SECONDS, rater_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotSignedIn
    seq, queue = row
    if queue:
        transaction.on_commit(lambda: jobs.request_refit(rater_id))
    return int(seq)


def _last_position(rater_id: UUID) -> int:
    return Presentation.objects.filter(rater=rater_id).aggregate(place=Max("position"))["place"] or 0


def _next_photos(rater_id: UUID, scope: Scope) -> list[NextPhoto]:
    """The photos of a scope that the last fit chose, without those presented since, and those that have left the scope."""
    stored = Fit.objects.filter(rater=rater_id).values_list("next_photos", flat=True).first() or {}
    chosen = stored.get(scope.key, [])
    left = rows(
        f"""SELECT p.id FROM ratings_photo p WHERE p.id = ANY(%(photos)s) AND {scope.condition}
        AND NOT EXISTS (SELECT FROM ratings_presentation c WHERE c.rater_id = %(rater)s AND c.photo_id = p.id)""",  # noqa: S608 (constants)
        {"rater": rater_id, "photos": [photo["photo"] for photo in chosen], **scope.parameters},
    )
    known = {row[0] for row in left}
    return [photo for photo in chosen if photo["photo"] in known]
